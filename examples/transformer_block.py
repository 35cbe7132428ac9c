"""A decoder block as language models have it: RMS norms, rotary positions, causal attention, a gated feed-forward network."""
import torch
import torch.nn as nn
import torch.nn.functional as F

batch, length, width, heads = 2, 192, 256, 8


class Model(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_network = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, 3 * width, bias=False)
        self.down = nn.Linear(3 * width, width, bias=False)

    def turned(self, x):
        length, half = x.size(-2), x.size(-1) // 2
        angles = torch.outer(torch.arange(length, device=x.device).float(), 10000 ** -(torch.arange(half, device=x.device) / half))
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (each.view(batch, length, self.heads, -1).transpose(1, 2) for each in self.qkv(self.before_attention(x)).chunk(3, -1))
        q, k = self.turned(q), self.turned(k)
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        later = torch.triu(torch.ones(length, length, device=x.device, dtype=torch.bool), 1)
        mixed = torch.softmax(scores.masked_fill(later, float("-inf")), -1) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        h = self.before_network(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


def get_inputs():
    return [torch.randn(batch, length, width)]


def get_init_inputs():
    return [width, heads]
