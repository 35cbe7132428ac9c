"""Which models are admitted."""

import unittest

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


class Silent:
    def send(self, _):
        pass


class Admission(unittest.TestCase):
    def admission(self, answer):
        problem = {"source": PROBLEM.replace("ANSWER", answer), "path": "p.py", "sizes": {}, "mode": "as_written", "allow_degenerate": False}
        return Service(Silent()).on_admit({"problem": problem}, [])["admission"]

    def test_masks_and_positions_are_answers(self):
        for answer in ("x > 0.5", "(x > 0) & (x < 1), x.abs()", "x.argmax(1)"):
            with self.subTest(answer):
                self.assertTrue(self.admission(answer)["admitted"])

    def test_masks_of_random_numbers_are_refused(self):
        self.assertIn("random", self.admission("torch.rand_like(x) > x")["refused"])


if __name__ == "__main__":
    unittest.main()
