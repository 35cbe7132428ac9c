"""What a reference may round where PyTorch permits it, and what becomes of its budget."""

import unittest

import torch

from kerf_oracle import admission
from kerf_oracle.judge import Truth, judge
from kerf_oracle.precision import Tf32Convolutions, to_tf32


class ToTf32(unittest.TestCase):
    def test_ten_bits_of_the_fraction_are_left_ties_to_even(self):
        ulp = 2.0 ** -10
        given = torch.tensor([1 + ulp, 1 + 0.49 * ulp, 1 + 0.5 * ulp, 1 + 1.5 * ulp, 1 + 0.51 * ulp, -1 - 0.51 * ulp])
        self.assertEqual(to_tf32(given).tolist(), [1 + ulp, 1, 1, 1 + 2 * ulp, 1 + ulp, -1 - ulp])

    def test_special_values_stay(self):
        given = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan")])
        got = to_tf32(given)
        self.assertTrue(torch.equal(got.view(torch.int32), given.view(torch.int32)))

    def test_neither_the_argument_nor_its_layout_changes(self):
        given = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
        before = given.clone()
        self.assertEqual(to_tf32(given).stride(), given.stride())
        self.assertTrue(torch.equal(given, before))


class Convolutions(unittest.TestCase):
    def test_factors_of_convolutions_are_rounded_and_nothing_else(self):
        torch.manual_seed(0)
        x, w, b, m = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3), torch.randn(4), torch.randn(6, 6)
        with torch.no_grad(), Tf32Convolutions() as mode:
            got = torch.nn.functional.conv2d(x, w, b, padding=1)
            transposed = torch.nn.functional.conv_transpose2d(got, w)
            product = m @ m
        self.assertEqual(mode.count, 2)
        self.assertTrue(torch.equal(got, torch.nn.functional.conv2d(to_tf32(x), to_tf32(w), b, padding=1)))
        self.assertTrue(torch.equal(transposed, torch.nn.functional.conv_transpose2d(to_tf32(got), to_tf32(w))))
        self.assertTrue(torch.equal(product, m @ m))


class Permitted(unittest.TestCase):
    """A sum of products long enough that its rounding in f32 and in TF32 are far apart."""

    def setUp(self):
        torch.manual_seed(0)
        self.x, self.w = torch.randn(8, 64, 24, 24), torch.randn(64, 64, 3, 3)
        self.reference = torch.nn.functional.conv2d(self.x, self.w)
        self.true = torch.nn.functional.conv2d(self.x.double(), self.w.double())
        self.permitted = self.rounded(to_tf32)

    def rounded(self, how):
        return torch.nn.functional.conv2d(how(self.x), how(self.w))

    def judged(self, output, permitted):
        return judge(Truth("out", self.true, self.reference, permitted=permitted), output, 0)

    def test_what_is_permitted_is_right_and_only_then(self):
        self.assertFalse(self.judged(self.permitted, None)["right"])
        self.assertTrue(self.judged(self.permitted, self.permitted)["right"])

    def test_factors_that_are_cut_off_instead_of_rounded_are_right(self):
        cut = self.rounded(lambda t: (t.view(torch.int32) & -(1 << 13)).view(torch.float32))
        self.assertTrue(self.judged(cut, self.permitted)["right"])

    def test_eight_bits_stay_wrong(self):
        # f16 has the eleven bits of TF32; what it lacks is range.
        self.assertFalse(self.judged(self.rounded(lambda t: t.bfloat16().float()), self.permitted)["right"])

    def test_a_reference_that_rounds_more_itself_keeps_its_budget(self):
        narrow = self.rounded(lambda t: t.bfloat16().float())
        alone = Truth("out", self.true, narrow)
        self.assertEqual(Truth("out", self.true, narrow, permitted=self.permitted).allowed, alone.allowed)

    def test_whether_a_problem_is_sound_is_asked_of_the_reference_alone(self):
        truth = Truth("out", self.true, self.reference, permitted=self.permitted)
        self.assertEqual(truth.error, Truth("out", self.true, self.reference).error)
        self.assertGreater(truth.reference_error, 50 * truth.error)


class Workload:
    """As much of one as permitted_answers asks for."""

    def __init__(self, tf32, forward):
        self.may_round, self.exact, self.forward, self.runs = tf32, False, forward, 0
        self.mutates_inputs = False

    def set_state(self, state):
        pass

    def arguments(self, tensors):
        return tensors

    def outputs(self, args, report):
        self.runs += 1
        with torch.no_grad():
            return [self.forward(*args)]


class Answers(unittest.TestCase):
    def ask(self, workload, inputs):
        return admission.permitted_answers(workload, inputs, {}, lambda phase: None)

    def test_for_other_targets_than_gpus_nothing_is_permitted(self):
        workload = Workload(False, torch.relu)
        self.assertIsNone(self.ask(workload, [torch.zeros(3)]))
        self.assertEqual(workload.runs, 0)

    def test_a_model_without_convolutions_is_run_once_to_find_out(self):
        workload = Workload(True, torch.relu)
        for _ in range(3):
            self.assertIsNone(self.ask(workload, [torch.zeros(3)]))
        self.assertEqual(workload.runs, 1)

    def test_one_with_convolutions_is_run_for_every_answer(self):
        workload = Workload(True, lambda x, w: torch.nn.functional.conv1d(x, w))
        x, w = torch.randn(2, 3, 9), torch.randn(4, 3, 3)
        for _ in range(2):
            [got] = self.ask(workload, [x, w])
            self.assertTrue(torch.equal(got, torch.nn.functional.conv1d(to_tf32(x), to_tf32(w))))
        self.assertEqual(workload.runs, 2)


if __name__ == "__main__":
    unittest.main()
