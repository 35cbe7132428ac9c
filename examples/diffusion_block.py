"""A residual block of a diffusion model: group norms, SiLU, convolutions, and the time step as a scale and a shift."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

batch, channels, size, embedding = 4, 64, 32, 128


class Model(nn.Module):
    def __init__(self, channels, embedding):
        super().__init__()
        self.embedding = embedding
        self.first, self.second = nn.GroupNorm(8, channels), nn.GroupNorm(8, channels)
        self.conv, self.out = nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Sequential(nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, 2 * channels))

    def forward(self, x, step):
        half = self.embedding // 2
        waves = torch.exp(-math.log(10000.0) / half * torch.arange(half, device=x.device))
        angles = step[:, None] * waves[None]
        scale, shift = self.time(torch.cat([angles.sin(), angles.cos()], -1))[:, :, None, None].chunk(2, 1)
        h = self.conv(F.silu(self.first(x)))
        h = self.out(F.silu(self.second(h) * (1 + scale) + shift))
        return (x + h) / math.sqrt(2.0)


def get_inputs():
    return [torch.randn(batch, channels, size, size), torch.rand(batch) * 1000]


def get_init_inputs():
    return [channels, embedding]
