# refused: degenerate: zeros passes
import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return (x - x) * 3.0


n = 64


def get_inputs():
    return [torch.rand(n, n)]


def get_init_inputs():
    return []
