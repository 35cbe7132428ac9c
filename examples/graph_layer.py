"""A layer of a graph network: messages along edges, weighted by a softmax over each node's neighbours (dense adjacency), a gated update."""
import torch
import torch.nn as nn
import torch.nn.functional as F

graphs, nodes, width = 8, 96, 64


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.source, self.target = nn.Linear(width, 1), nn.Linear(width, 1)
        self.message, self.update, self.gate = nn.Linear(width, width), nn.Linear(2 * width, width), nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, adjacency):
        scores = F.leaky_relu(self.source(x) + self.target(x).transpose(1, 2), 0.2)
        connected = (adjacency > 0.7) | torch.eye(x.size(1), device=x.device, dtype=torch.bool)
        weights = torch.softmax(scores.masked_fill(~connected, -1e9), -1)
        both = torch.cat([x, weights @ self.message(x)], -1)
        return self.norm(x + torch.sigmoid(self.gate(both)) * torch.tanh(self.update(both)))


def get_inputs():
    return [torch.randn(graphs, nodes, width), torch.rand(graphs, nodes, nodes)]


def get_init_inputs():
    return [width]
