"""Degenerate: no inputs can tell a right answer from zeros."""

import torch
import torch.nn as nn

length = 1000


class Model(nn.Module):
    def forward(self, x):
        return torch.relu(-torch.exp(x))


def get_inputs():
    return [torch.randn(length)]


def get_init_inputs():
    return []
