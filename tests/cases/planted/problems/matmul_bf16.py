"""A product that tensor cores are made for."""

import torch
import torch.nn as nn

M, N, K = 1024, 1024, 1024


class Model(nn.Module):
    def forward(self, A, B):
        return A @ B


def get_inputs():
    return [torch.randn(M, K, dtype=torch.bfloat16), torch.randn(K, N, dtype=torch.bfloat16)]


def get_init_inputs():
    return []
