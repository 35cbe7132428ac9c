import torch


class Model(torch.nn.Module):
    def __init__(self, features, hidden):
        super().__init__()
        self.gru = torch.nn.GRU(features, hidden, num_layers=2)

    def forward(self, x, h0):
        return self.gru(x, h0)[0]


steps, batch, features, hidden = 320, 3, 12, 20


def get_inputs():
    return [torch.randn(steps, batch, features), torch.randn(2, batch, hidden)]


def get_init_inputs():
    return [features, hidden]
