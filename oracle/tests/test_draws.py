"""What inputs are filled with."""

import unittest

import torch

from kerf_oracle.workload import Workload

EXPANDED = """import torch
class Model(torch.nn.Module):
    def forward(self, x):
        return x.sum(-1)
def get_inputs():
    return [torch.randn(4, 1, 3).expand(4, 5, 3)]
def get_init_inputs():
    return []
"""


class Draws(unittest.TestCase):
    def test_what_an_expansion_repeats_is_drawn_once(self):
        workload = Workload("p", EXPANDED, {}, "as_written", "p.py").build()
        for distribution in ("own", "signed", "heavy_tailed", "sparse", "large"):
            with self.subTest(distribution):
                into = torch.zeros(12).as_strided((4, 5, 3), (3, 0, 1))
                workload.draw_inputs(distribution, 1, [into])
                self.assertTrue(torch.equal(into, into[:, :1].expand(4, 5, 3)))
                self.assertGreater(into.unique().numel(), 1)

    def test_what_rises_is_not_drawn_otherwise(self):
        ordered = EXPANDED.replace("torch.randn(4, 1, 3).expand(4, 5, 3)", "torch.rand(2, 40).sort(-1).values, torch.rand(2, 40) + 1, "
                                   "torch.randint(0, 3, (40,)).cumsum(0)").replace("self, x", "self, x, y, z")
        workload = Workload("p", ordered, {}, "as_written", "p.py").build()
        self.assertEqual(workload.recorder_drawn, ["ordered", "derived", "ordered"])
        self.assertEqual(workload.continuous, [None, "scaled", None])


if __name__ == "__main__":
    unittest.main()
