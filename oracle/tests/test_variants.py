"""How often a hidden variant is traced."""

import unittest
from unittest import mock

from kerf_oracle import understand
from kerf_oracle.service import Service

PROBLEM = """import torch
rows, columns = 32, 64
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) FACTOR
def get_inputs():
    return [torch.randn(rows, columns)]
def get_init_inputs():
    return []
"""


class Silent:
    def send(self, _):
        pass


class Variants(unittest.TestCase):
    def first_draw(self, factor):
        """(workload of the variant, how often it is traced when it is first needed)."""
        service = Service(Silent())
        problem = {"source": PROBLEM.replace("FACTOR", factor), "path": "p.py", "sizes": {}, "mode": "as_written", "allow_degenerate": False}
        self.assertTrue(service.on_admit({"problem": problem}, [])["admission"]["admitted"])
        proposals = [[{"name": "rows", "values": [3]}, {"name": "columns", "values": [7]}]]
        found = service.on_variants({"problem": problem, "cost": 10**6, "proposals": proposals}, [])["workloads"]
        workload = service.workloads[found[0]["id"]]
        with mock.patch.object(understand, "Traced", wraps=understand.Traced) as traced:
            service.built(workload)
        return workload, traced.call_count

    def test_one_whose_trace_names_nothing_is_not_traced_again(self):
        workload, traces = self.first_draw("")
        self.assertEqual((traces, list(workload.slots)), (0, []))

    def test_one_whose_trace_lifts_a_constant_is_so_that_it_has_its_name(self):
        workload, traces = self.first_draw("* torch.tensor([1.5, 2.5]).sum()")
        self.assertEqual((traces, list(workload.slots)), (1, ["constant0"]))


if __name__ == "__main__":
    unittest.main()
