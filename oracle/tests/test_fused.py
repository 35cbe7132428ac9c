"""The kernels that judge on a GPU against what they stand for, in Triton's interpreter."""

import os
import subprocess
import sys
import unittest

import torch

from kerf_oracle import device, fused, judge

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@unittest.skipIf(fused.triton is None, "unavailable: Triton")
class Interpreted(unittest.TestCase):
    def test_in_a_process_of_its_own(self):
        if INTERPRETED:
            return
        done = subprocess.run([sys.executable, "-m", "unittest", "-q", __name__], env={**os.environ, "TRITON_INTERPRET": "1"},
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Ran 7 tests", done.stderr)
        self.assertNotIn("skipped", done.stderr)


@unittest.skipUnless(INTERPRETED, "in the process that test_in_a_process_of_its_own starts")
class Kernels(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)

    def test_scan_is_the_scan_of_the_judge(self):
        for count in (1, 4096, 3 * 4096 + 17):
            for dtype in (torch.float32, torch.bfloat16, torch.float64):
                true = torch.randn(count, dtype=torch.float64)
                got = true.to(dtype)
                expected = judge.Scan(true, got)
                size, mean_size = expected.magnitudes()
                regions = fused.scan(true, got)
                lengths = torch.full((regions.shape[0],), 4096.0, dtype=torch.float64)
                lengths[-1] = count - 4096 * (regions.shape[0] - 1)
                self.assertEqual(float(regions[:, 0].max()), expected.max_error)
                self.assertEqual(float(regions[:, 2].max()), size)
                torch.testing.assert_close(regions[:, 1] / lengths, expected.block_error)
                torch.testing.assert_close(regions[:, 3] / lengths, mean_size)
                self.assertEqual(float(regions[:, 4].sum()), 0)

    def test_scan_of_two_is_that_of_each(self):
        for count in (1, 2 * 4096 + 5):
            true = torch.randn(count, dtype=torch.float64)
            first, second = true.float(), true.bfloat16()
            second[0] = float("nan")
            for found, expected in zip(fused.scan_two(true, first, second), (fused.scan(true, first), fused.scan(true, second))):
                torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)

    def test_an_output_that_was_looked_at_beside_the_reference_is_judged_as_another_is(self):
        judge.fused.available, kept = lambda device: True, judge.fused.available
        try:
            reference = torch.randn(3, 5000)
            wrong = reference.clone()
            wrong[2, 17] += 1
            for output in (reference, wrong, reference.t().contiguous().t()):
                true = reference.double() * (1 + 1e-8)
                alone = judge.judge(judge.Truth("out", true, reference), output, 0)
                truth = judge.Truth("out", true, reference, output)
                self.assertEqual(judge.judge(truth, output, 0), alone)
                self.assertEqual(judge.judge(truth, wrong, 0)["right"], False)  # the next one is looked at itself
        finally:
            judge.fused.available = kept

    def test_scan_counts_what_is_not_finite(self):
        true, got = torch.zeros(5000, dtype=torch.float64), torch.zeros(5000)
        got[7], got[4500], got[4501] = float("nan"), float("inf"), -float("inf")
        self.assertEqual(fused.scan(true, got)[:, 4].tolist(), [1, 2])

    def test_scan_takes_one_value_for_all(self):
        true = torch.tensor(2.0, dtype=torch.float64).expand(100)
        self.assertEqual(fused.scan(true, torch.tensor(1.5).expand(100))[0, :2].tolist(), [0.5, 50.0])

    def test_digest_is_that_of_the_memory(self):
        words = torch.randint(-2**62, 2**62, (9001,))
        memory = device.Memory.__new__(device.Memory)
        memory.device, memory.words, memory.pointer = torch.device("cpu"), words, device.ctypes.c_ulonglong()
        memory.keys = [device.signed(k) for k in (0x123456789ABCDEF1, 0xF23456789ABCDEF1, 0x923456789ABCDE01)]
        self.assertEqual(int(fused.digest(words, memory.keys, device.MIX)), int(memory.digest()))
