"""Sums of each column that forget at sixty-four rates."""

import torch
import torch.nn as nn

M, N = 64, 1048576


class Model(nn.Module):
    def forward(self, x):
        rates = torch.arange(64, device=x.device) / 64
        weights = torch.stack([rates ** (x.shape[0] - 1 - i) for i in range(x.shape[0])]).sum(1)
        return weights @ x


def get_inputs():
    return [torch.randn(M, N)]


def get_init_inputs():
    return []
