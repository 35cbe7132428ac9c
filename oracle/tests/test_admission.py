"""Which models are admitted."""

import unittest

import torch

from kerf_oracle import errors
from kerf_oracle.service import Service

PROBLEM = """import torch
rows, columns = 32, 64
class Model(torch.nn.Module):
    def forward(self, x):
        return ANSWER
def get_inputs():
    return [torch.randn(rows, columns)]
def get_init_inputs():
    return []
"""

# A convolution whose result is so far apart from others that the error of TF32 is as large as it, and that of f32 is not.
STEEP = """import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(8, 8, 3)
    def forward(self, x):
        return ANSWER
def get_inputs():
    return [torch.randn(2, 8, 12, 12)]
def get_init_inputs():
    return []
"""


class Silent:
    def send(self, _):
        pass


class Admission(unittest.TestCase):
    def admission(self, answer, problem=PROBLEM):
        problem = {"source": problem.replace("ANSWER", answer), "path": "p.py", "sizes": {}, "mode": "as_written", "allow_degenerate": False}
        return Service(Silent()).on_admit({"problem": problem}, [])["admission"]

    def test_masks_and_positions_are_answers(self):
        for answer in ("x > 0.5", "(x > 0) & (x < 1), x.abs()", "x.argmax(1)"):
            with self.subTest(answer):
                self.assertTrue(self.admission(answer)["admitted"])

    def test_complex_numbers_are_refused_by_the_operator_that_gives_them(self):
        with self.assertRaisesRegex(errors.Refusal, "fft_rfft.default gives complex numbers"):
            self.admission("torch.fft.irfft(torch.fft.rfft(x))")

    def test_a_shape_that_depends_on_values_is_said_to_be_whose(self):
        with self.assertRaisesRegex(errors.Refusal, "what aten.bincount.default gives depends on the values"):
            self.admission("torch.bincount((x[0] * 3).abs().long(), minlength=9)")

    def test_a_buffer_that_forward_counts_on_is_named(self):
        for how in ("self.steps.add_(1)", "setattr(self, 'steps', self.steps + 1)"):
            with self.subTest(how):
                problem = PROBLEM.replace("    def forward(self, x):\n", "    def __init__(self):\n        super().__init__()\n"
                                          "        self.register_buffer('steps', torch.tensor(1.0))\n    def forward(self, x):\n"
                                          f"        {how}\n")
                self.assertIn("forward writes its buffer steps", self.admission("x / self.steps", problem)["refused"])
                self.assertTrue(self.admission("x * 2", problem)["admitted"], "what only counts is nobody's answer")

    def test_masks_of_random_numbers_are_refused(self):
        self.assertIn("random", self.admission("torch.rand_like(x) > x")["refused"])

    def test_elements_may_be_no_numbers(self):
        self.assertTrue(self.admission("x.log()")["admitted"])
        self.assertIn("no element of the answer is finite", self.admission("x * float('nan')")["refused"])

    def test_what_differs_from_run_to_run_is_refused_beside_infinities_too(self):
        self.assertIn("another answer", self.admission("torch.where(x > 1, x / 0, x * __import__('random').random())")["refused"])


class WithoutTf32(unittest.TestCase):
    """Problems for a GPU, where PyTorch lets convolutions round."""

    def service(self):
        service = Service(Silent())
        service.tf32 = True
        return service

    @staticmethod
    def problem(answer, **more):
        return {"source": STEEP.replace("ANSWER", answer), "path": "p.py", "sizes": {}, "mode": "as_written", "allow_degenerate": False,
                **more}

    def test_what_its_error_makes_degenerate_is_computed_without(self):
        service = self.service()
        reply = service.on_admit({"problem": self.problem("torch.sin(4000 * self.layer(x))")}, [])
        self.assertTrue(reply["admission"]["admitted"], reply["admission"]["refused"])
        self.assertTrue(reply["workload"]["exact_convolutions"])
        self.assertIn("computed without TF32", reply["admission"]["notes"][-1])
        # Trials are judged so, too.
        [workload] = service.workloads.values()
        self.assertFalse(workload.may_round)
        self.assertFalse(torch.backends.cudnn.allow_tf32)

    def test_a_budget_that_tells_little_is_none(self):
        # Other answers are told from right ones, but one that is off by a third of everything is not.
        reply = self.service().on_admit({"problem": self.problem("torch.sin(200 * self.layer(x))")}, [])
        self.assertTrue(reply["admission"]["admitted"], reply["admission"]["refused"])
        self.assertTrue(reply["workload"]["exact_convolutions"])
        self.assertIn("of the largest magnitude", reply["admission"]["notes"][-1])

    def test_what_is_degenerate_without_is_refused(self):
        service = self.service()
        reply = service.on_admit({"problem": self.problem("self.layer(x) * 0")}, [])
        self.assertIn("degenerate", reply["admission"]["refused"])
        self.assertFalse(reply["workload"]["exact_convolutions"])
        [workload] = service.workloads.values()
        self.assertTrue(workload.may_round)

    def test_others_keep_what_pytorch_permits(self):
        service = self.service()
        reply = service.on_admit({"problem": self.problem("self.layer(x)")}, [])
        self.assertTrue(reply["admission"]["admitted"])
        self.assertFalse(reply["workload"]["exact_convolutions"])
        self.assertTrue(torch.backends.cudnn.allow_tf32)

    def test_on_a_cpu_nothing_is_rounded_to_begin_with(self):
        reply = Service(Silent()).on_admit({"problem": self.problem("torch.sin(4000 * self.layer(x))")}, [])
        self.assertTrue(reply["admission"]["admitted"])
        self.assertFalse(reply["workload"]["exact_convolutions"])

    def test_a_process_that_is_started_anew_is_told(self):
        service = self.service()
        service.on_register({"problem": self.problem("self.layer(x)", exact_convolutions=True)}, [])
        [workload] = service.workloads.values()
        self.assertTrue(workload.exact)
        self.assertFalse(workload.may_round)


if __name__ == "__main__":
    unittest.main()
