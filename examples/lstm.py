"""A speech-like classifier: an LSTM in both directions over a few sequences, attention-free pooling, log-probabilities."""
import torch
import torch.nn as nn

batch, length, features, hidden, classes = 4, 100, 80, 128, 40


class Model(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.lstm = nn.LSTM(features, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * hidden, classes)

    def forward(self, x):
        states, _ = self.lstm(self.norm(x))
        pooled = torch.cumsum(states, 1)[:, -1] / states.size(1) + states.amax(1)
        return torch.log_softmax(self.head(torch.tanh(pooled)), -1)


def get_inputs():
    return [torch.randn(batch, length, features)]


def get_init_inputs():
    return [features, hidden, classes]
