"""What memory a problem will take, told by shapes alone."""

import unittest

from kerf_oracle import understand

MODEL = """import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1024))
    def forward(self, x):
        {forward}
def get_inputs():
    return [torch.rand({rows}, 1024)]
def get_init_inputs():
    return []
"""
ROW = 4096  # bytes of a row, and of the parameter


def footprint(forward, rows=8):
    found = understand.footprint(MODEL.format(forward=forward, rows=rows), {}, "as_written", "p.py")
    return found["moved"] / ROW, found["most"] / ROW


class Footprint(unittest.TestCase):
    def test_inputs_parameters_and_outputs(self):
        self.assertEqual(footprint("return x * self.scale"), (8 + 1 + 8, 8 + 1 + 8))

    def test_what_lies_between_counts_as_long_as_it_lives(self):
        self.assertEqual(footprint("return ((x + 1) * 2).sum(1)")[1], 8 + 1 + 8 + 8)
        # One after the other, not all at once.
        self.assertEqual(footprint("for _ in range(9): x = x * 2\n        return x.sum(1)")[1], 8 + 1 + 8 + 8)
        self.assertEqual(footprint("return torch.cat([x + i for i in range(4)])"), (8 + 1 + 32, 8 + 1 + 32 + 32))

    def test_views_take_nothing(self):
        self.assertEqual(footprint("return x.reshape(-1, 2).t() + 0.0"), (8 + 1 + 8, 8 + 1 + 8))

    def test_nothing_is_computed(self):
        self.assertEqual(footprint("return x + 1", rows=1 << 28)[0], 2 * (1 << 28) + 1)  # two terabytes


if __name__ == "__main__":
    unittest.main()
