"""What counts as right."""

import unittest

import torch

from kerf_oracle.judge import Truth, judge, unwritten


def truth_of(reference, true=None):
    return Truth("out", reference.double() if true is None else true, reference)


class Judge(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.true = torch.randn(300, 1000, dtype=torch.float64)
        self.reference = self.true.float()

    def judged(self, output, sentinel=0):
        return judge(truth_of(self.reference, self.true), output, sentinel)

    def test_rounding_is_right(self):
        self.assertTrue(self.judged(self.reference)["right"])
        self.assertTrue(self.judged(self.reference * (1 + 1e-7))["right"])

    def test_half_precision_is_wrong(self):
        self.assertFalse(self.judged(self.reference.bfloat16().float())["right"])

    def test_one_wrong_element_is_found(self):
        output = self.reference.clone()
        output[17, 3] += 1e-3
        found = self.judged(output)
        self.assertEqual((found["wrong"], found["first_wrong"], found["box"]), (1, [17, 3], [[17, 17], [3, 3]]))
        self.assertAlmostEqual(found["got"] - found["expected"], 1e-3, places=5)

    def test_work_skipped_where_values_are_small_is_wrong(self):
        self.true[100:150] *= 1e-6  # below what the largest magnitude allows everywhere
        self.reference = self.true.float()
        output = self.reference.clone()
        output[100:150] = 0
        found = self.judged(output)
        self.assertFalse(found["right"])
        self.assertGreaterEqual(found["first_wrong"][0], 99)

    def test_a_sum_that_cancelled_may_carry_its_rounding(self):
        self.true[100:150] *= 1e-2
        self.reference = self.true.float()
        output = self.reference.clone()
        output[100:150] += 2e-7 * float(self.true.abs().max())
        self.assertTrue(self.judged(output)["right"])
        output[100:150] += 2e-6 * float(self.true.abs().max())
        self.assertFalse(self.judged(output)["right"])

    def test_nan_and_infinity_never_pass(self):
        for bad in (float("nan"), float("inf"), float("-inf")):
            output = self.reference.clone()
            output[0, 1] = bad
            found = self.judged(output)
            self.assertEqual((found["right"], found["nonfinite"], found["wrong"]), (False, 1, 1))

    def test_the_truths_own_infinity_must_be_met(self):
        self.true[0, 0] = float("inf")
        self.reference = self.true.float()
        self.assertTrue(self.judged(self.reference)["right"])
        output = self.reference.clone()
        output[0, 0] = 0
        output[1, 0] = 7
        self.assertFalse(self.judged(output)["right"])

    def test_unwritten_elements_are_counted(self):
        sentinel = 0x3F8000013F900001
        output = self.reference.clone()
        output.view(-1)[-3:] = torch.tensor([0x3F900001, 0x3F800001, 0x3F900001], dtype=torch.int32).view(torch.float32)
        found = self.judged(output, sentinel)
        self.assertEqual((found["wrong"], found["unwritten"]), (3, 3))

    def test_unwritten_knows_every_width(self):
        sentinel = 0x8182838485868788
        for dtype, width in ((torch.uint8, 1), (torch.int16, 2), (torch.int64, 8)):
            raw = torch.tensor(list(sentinel.to_bytes(8, "little")) * 2, dtype=torch.uint8).view(dtype)
            self.assertTrue(bool(unwritten(raw, sentinel).all()), width)

    def test_integers_are_exact(self):
        reference = torch.arange(10)
        output = reference.clone()
        self.assertTrue(judge(truth_of(reference), output, 0)["right"])
        output[4] += 1
        self.assertEqual(judge(truth_of(reference), output, 0)["first_wrong"], [4])

    def test_an_index_may_be_that_of_either_precision(self):
        # Of two values that differ in fp64 and are equal in the working type, the reference's argmax takes the first.
        values = torch.tensor([[1.0, 1.0 + 1e-12, 0.0], [0.0, 2.0, 3.0]], dtype=torch.float64)
        true, reference = values.argmax(1), values.float().argmax(1)
        self.assertEqual((true.tolist(), reference.tolist()), ([1, 2], [0, 2]))
        truth = Truth("out", true, reference)
        for right in ([1, 2], [0, 2]):
            self.assertTrue(judge(truth, torch.tensor(right), 0)["right"], right)
        for wrong, at in (([2, 2], [0]), ([1, 1], [1]), ([0, 0], [1])):
            found = judge(truth, torch.tensor(wrong), 0)
            self.assertEqual((found["right"], found["first_wrong"]), (False, at), wrong)

    def test_dense_layouts_other_than_row_major(self):
        reference = torch.randn(4, 5, 6).permute(2, 0, 1)
        output = reference.clone(memory_format=torch.preserve_format)
        output[3, 2, 1] += 1
        self.assertEqual(judge(truth_of(reference), output, 0)["first_wrong"], [3, 2, 1])

    def test_a_single_number(self):
        reference = torch.tensor(3.0)
        self.assertTrue(judge(truth_of(reference), torch.tensor(3.0), 0)["right"])
        found = judge(truth_of(reference), torch.tensor(3.1), 0)
        self.assertEqual((found["right"], found["wrong"]), (False, 1))


if __name__ == "__main__":
    unittest.main()
