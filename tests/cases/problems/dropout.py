# refused: judge it with --mode eval
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x) * 2 + x.sum()


n = 64


def get_inputs():
    return [torch.rand(n, n)]


def get_init_inputs():
    return []
