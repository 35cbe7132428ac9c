# error: the file ends the process (sys.exit) while running the file
import sys

import torch

sys.exit(3)


class Model(torch.nn.Module):
    def forward(self, x):
        return x * 2


def get_inputs():
    return [torch.rand(4, 4)]


def get_init_inputs():
    return []
