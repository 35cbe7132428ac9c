"""A pointwise chain and a row reduction: small enough for a test, with something to fuse."""

import torch
import torch.nn as nn

rows = 96
columns = 2048


class Model(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x, y):
        z = torch.tanh(x * self.slope) + torch.sigmoid(y)
        return torch.mean(z * z, dim=1)


def get_inputs():
    return [torch.randn(rows, columns), torch.randn(rows, columns)]


def get_init_inputs():
    return [0.75]
