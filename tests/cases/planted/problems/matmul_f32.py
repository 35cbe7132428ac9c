"""A product in single precision."""

import torch
import torch.nn as nn

M, N, K = 2048, 2048, 2048


class Model(nn.Module):
    def forward(self, A, B):
        return A @ B


def get_inputs():
    return [torch.randn(M, K), torch.randn(K, N)]


def get_init_inputs():
    return []
