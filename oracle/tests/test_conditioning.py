"""Answers that are wrong by the reference's own error alone, and narrowly: what its answers to inputs with other last bits make of them."""

import math
import types
import unittest

import torch

from kerf_oracle import admission, conditioning, judge
from kerf_oracle.workload import Workload

ATTENTION = """import torch
class Model(torch.nn.Module):
    def forward(self, x, y):
        mask = torch.ones(39, 45).triu(1) > 0
        return torch.softmax((x @ y.transpose(1, 2) / 5).masked_fill(mask, float('-inf')), -1) @ y
def get_inputs():
    return [torch.randn(3, 39, 24), torch.randn(3, 45, 24)]
def get_init_inputs():
    return []
"""


def silent(_):
    pass


def attention(x, y, scale=1.0, seen=0):
    """As a kernel does it: the factor is in the queries, with that of the powers of two, and scores are added up in parts."""
    x = x * (math.log2(math.e) / 5 * scale)
    scores = x[..., :16] @ y[..., :16].transpose(1, 2) + x[..., 16:] @ y[..., 16:].transpose(1, 2)
    scores = scores.masked_fill(torch.ones(39, 45).triu(1 - seen) > 0, -math.inf)
    weights = torch.exp2(scores - scores.amax(-1, keepdim=True).clamp(min=-1e30))
    return weights @ y / weights.sum(-1, keepdim=True)


class Attention(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.workload = Workload("attention", ATTENTION, {}, "as_written", "attention.py").build()

    def judged(self, distribution, seed, answer):
        """(right by the reference's own error, right by what samples permit)"""
        inputs = [torch.empty(t.shape) for t in self.workload.tensors_of_template()]
        self.workload.draw_inputs(distribution, seed, inputs)
        truths, _ = admission.answers(self.workload, inputs, {}, silent)
        trial = types.SimpleNamespace(workload=self.workload, inputs=inputs, state={}, truths=truths, distribution=distribution, seed=seed)
        output = answer(*inputs)
        found = judge.judge(truths[0], output, 0)
        before = found["right"]
        if conditioning.narrowly_wrong(truths, [found]):
            conditioning.sample(trial, silent)
            found = judge.judge(truths[0], output, 0)
        return before, found["right"]

    def count(self, distribution, answer, seeds):
        verdicts = [self.judged(distribution, 1000 + seed, answer) for seed in range(seeds)]
        return sum(before for before, _ in verdicts), sum(after for _, after in verdicts)

    def test_a_right_answer_is_not_wrong_by_chance(self):
        before, after = self.count("large", attention, 300)
        self.assertLess(before, 298, "the reference's own error is no measure here")
        self.assertGreaterEqual(after, 299)

    def test_subtly_wrong_ones_stay_wrong(self):
        for seed in range(50):
            for distribution in ("own", "signed", "sparse"):
                for change in (1e-3, 1e-4):
                    scaled = self.judged(distribution, seed, lambda x, y: attention(x, y, scale=1 + change))
                    self.assertEqual(scaled, (False, False), (distribution, seed, change))
            last_dropped = self.judged("large", seed, lambda x, y: attention(x, y, seen=-1))
            self.assertEqual(last_dropped, (False, False), seed)


class Budget(unittest.TestCase):
    """Sums of products, whose reference was lucky or was not."""

    def setUp(self):
        torch.manual_seed(0)
        self.true = torch.randn(64, 64, dtype=torch.float64)
        self.reference = (self.true + 1e-5 * torch.rand_like(self.true)).float()
        self.truth = judge.Truth("out", self.true, self.reference)

    def answer(self, error):
        output = self.true.float()
        output[3, 3] += error
        return output

    def right(self, error):
        return judge.judge(self.truth, self.answer(error), 0)["right"]

    def test_a_sample_counts_for_four_times_the_references_own_error_at_most(self):
        self.assertTrue(self.right(7e-5))
        self.assertFalse(self.right(2e-4))
        self.truth.permit(self.answer(2.9e-5))
        self.assertTrue(self.right(2e-4))
        self.assertFalse(self.right(2.5e-4))
        self.truth.permit(self.answer(1.0))
        self.assertTrue(self.right(3e-4))
        self.assertFalse(self.right(3.4e-4))
        self.truth.permit_no_more()
        self.assertFalse(self.right(2e-4))

    def test_only_what_could_become_right_is_asked_about(self):
        for error, asked in ((7e-5, False), (2e-4, True), (3.4e-4, False)):
            found = judge.judge(self.truth, self.answer(error), 0)
            self.assertEqual(conditioning.narrowly_wrong([self.truth], [found]), asked, error)

    def test_an_eighth_of_the_largest_magnitude_is_never_permitted(self):
        coarse = judge.Truth("out", self.true, self.true.float() + 1e-2 * float(self.true.abs().max()))
        coarse.permit(self.answer(1.0))
        self.assertLessEqual(coarse.allowed, coarse.scale / 8 * 1.0001)

    def test_types_of_few_bits_have_no_samples(self):
        narrow = judge.Truth("out", self.true, self.true.bfloat16())
        allowed = narrow.allowed
        narrow.permit(self.answer(0.05).bfloat16())
        self.assertEqual(narrow.allowed, allowed)


class Trivial(unittest.TestCase):
    def test_no_budget_is_widened_until_a_trivial_answer_passes(self):
        """Answers that hardly move: the other one is off by less than four times the budget."""
        inputs = [torch.zeros(8, 8)]
        true = 1 + 1e-4 * torch.rand(8, 8, dtype=torch.float64)
        truth = judge.Truth("out", true, true.float() + 1e-5 * torch.rand(8, 8))

        class Rough:
            device, continuous, slots, initial, input_names = torch.device("cpu"), [True], {}, {}, ["x"]
            may_round = exact = mutates_inputs = False

            def set_state(self, _):
                pass

            def arguments(self, tensors):
                return tensors

            def tensors_of_template(self):
                return inputs

            def draw_inputs(self, *_):
                pass

            def outputs(self, *_):
                return [true.float() + 1e-4 * torch.rand(8, 8)]

        trial = types.SimpleNamespace(workload=Rough(), inputs=inputs, state={}, truths=[truth], distribution="own", seed=1)
        allowed = truth.allowed
        conditioning.sample(trial, silent)
        self.assertEqual(truth.allowed, allowed)


class Nudged(unittest.TestCase):
    def test_each_number_is_a_neighbour_and_both_are_met(self):
        given = torch.tensor([1.0, -1.0, 2.5, 3e-39] * 40).view(4, 40).t()
        for dtype in (torch.float32, torch.float64):
            tensor = given.to(dtype)
            made = conditioning.nudged(tensor, torch.Generator().manual_seed(3))
            up, down = (made == torch.nextafter(tensor, torch.tensor(end, dtype=dtype)) for end in (math.inf, -math.inf))
            self.assertTrue(bool((up ^ down).all() and up.any() and down.any()))

    def test_zeros_what_is_not_finite_and_types_of_few_bits_stay(self):
        largest = torch.finfo(torch.float32).max
        special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan] * 40)
        made = conditioning.nudged(special, torch.Generator().manual_seed(3))
        self.assertTrue(torch.equal(made.view(torch.int32), special.view(torch.int32)))
        self.assertTrue(bool(torch.isfinite(conditioning.nudged(torch.full([40], largest), torch.Generator().manual_seed(3))).all()))
        narrow = torch.ones(40, dtype=torch.bfloat16)
        self.assertTrue(torch.equal(conditioning.nudged(narrow, torch.Generator().manual_seed(3)), narrow))


if __name__ == "__main__":
    unittest.main()
