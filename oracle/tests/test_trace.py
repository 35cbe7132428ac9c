"""What a trace says of shapes, and what becomes of a problem where it is wrong."""

import unittest
from unittest import mock

import torch
from torch._decomp import decompositions

from kerf_oracle import admission, trace

class LastStates(unittest.TestCase):
    """Of two layers of an LSTM: batch 3, hidden 5. `as_in_2_12` traces as PyTorch before 2.13 did."""

    def setUp(self):
        self.model = torch.nn.LSTM(4, 5, 2, batch_first=True)
        layer = decompositions.one_layer_lstm

        def as_in_2_12(*args, **kwargs):
            outputs, states = layer(*args, **kwargs)
            return outputs, tuple(s.reshape(1, *s.shape[-2:]) for s in states)

        self.patches = [mock.patch.object(decompositions, "one_layer_lstm", as_in_2_12),
                        mock.patch.object(decompositions, "select_one_layer_lstm_function",
                                          lambda *_: decompositions.one_layer_lstm)]
        for patch in self.patches:
            patch.start()

    def tearDown(self):
        for patch in self.patches:
            patch.stop()

    def test_they_are_traced_as_a_run_gives_them(self):
        program = trace.export(self.model, [torch.rand(3, 7, 4)])
        outputs = next(n for n in program.graph.nodes if n.op == "output").args[0]
        self.assertEqual([list(n.meta["val"].shape) for n in outputs], [[3, 7, 5], [2, 3, 5], [2, 3, 5]])
        outputs = next(n for n in trace.decompose(program).graph.nodes if n.op == "output").args[0]
        self.assertEqual([list(n.meta["val"].shape) for n in outputs], [[3, 7, 5], [2, 3, 5], [2, 3, 5]])

    def test_pytorch_alone_would_have_an_axis_too_many(self):
        program = torch.export.export(self.model, (torch.rand(3, 7, 4),))
        outputs = next(n for n in program.graph.nodes if n.op == "output").args[0]
        self.assertEqual(list(outputs[1].meta["val"].shape), [2, 1, 3, 5])


class Named:
    def output_names(self, count):
        return ["out"] if count == 1 else [f"out{i}" for i in range(count)]


class Mistraced(unittest.TestCase):
    def test_a_run_that_gives_what_was_traced_is_fine(self):
        self.assertIsNone(admission.mistraced(Named(), [torch.zeros(2, 3), torch.zeros(())], [{"shape": [2, 3]}, {"shape": []}]))

    def test_another_shape_is_named(self):
        refused = admission.mistraced(Named(), [torch.zeros(2), torch.zeros(6, 3, 51)], [{"shape": [2]}, {"shape": [6, 1, 3, 51]}])
        self.assertIn("traces out1 as [6, 1, 3, 51] instead of [6, 3, 51];", refused)


if __name__ == "__main__":
    unittest.main()
