"""The sum of each row."""

import torch
import torch.nn as nn

M, N = 8192, 8192


class Model(nn.Module):
    def forward(self, x):
        return x.sum(1)


def get_inputs():
    return [torch.randn(M, N)]


def get_init_inputs():
    return []
