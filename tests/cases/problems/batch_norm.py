import torch


class Model(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(channels)
        self.act = torch.nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.norm(x)) + x


batch, channels, size = 4, 6, 10


def get_inputs():
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs():
    return [channels]
