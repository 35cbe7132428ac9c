"""Two ways to go, by the sign of each element."""

import torch
import torch.nn as nn

M, N = 4096, 4096


class Model(nn.Module):
    def forward(self, x):
        a, b = x, x
        for _ in range(16):
            a = torch.sin(a) + 0.5
            b = torch.cos(b) * 0.5
        return torch.where(x > 0, a, b)


def get_inputs():
    return [torch.randn(M, N)]


def get_init_inputs():
    return []
