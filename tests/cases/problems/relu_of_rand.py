import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)


batch_size = 64
features = 512


def get_inputs():
    return [torch.rand(batch_size, features)]


def get_init_inputs():
    return []
