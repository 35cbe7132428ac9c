"""That what is compiled ahead is found later: two processes with one cache."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

PROBLEM = """import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.randn(64))
    def forward(self, x):
        return torch.relu(x) * self.scale
def get_inputs():
    return [torch.randn(32, 64)]
def get_init_inputs():
    return []
"""
AHEAD = """
import json, sys, torch
from kerf_oracle import ahead
problem = json.load(sys.stdin)
print(ahead.compile_baseline(problem, "compile", torch.device("cpu"), lambda phase: None))
"""
LATER = """
import json, sys, torch
from torch._dynamo.utils import counters
from kerf_oracle import baselines
from kerf_oracle.workload import Workload, tensors_in
problem = json.load(sys.stdin)
workload = Workload("later", problem["source"], {}, problem["mode"], problem["path"], device=torch.device("cpu")).build()
baselines.pin()
inputs = [t.clone() for t in tensors_in(workload.template)]
baselines.prepare(workload, "compile", lambda: workload.arguments(inputs))
print(counters["inductor"]["fxgraph_cache_hit"], counters["inductor"]["fxgraph_cache_miss"])
"""


MEASURED = """
import json, sys, torch
from torch._inductor import compile_fx, output_code
from torch._inductor.runtime import benchmarking
from kerf_oracle import ahead, sharing
problem, held = json.load(sys.stdin), sharing.Sharing()
ran, measured, compiled, settled = [], [], [], []
whole = compile_fx.compile_fx
def compiles(*args, **kwargs):
    compiled.append(held.how)
    return whole(*args, **kwargs)
compile_fx.compile_fx = compiles
inner = output_code.CompiledFxGraph.__call__
def run(self, *args):
    ran.append(held.how)
    benchmarking.benchmarker.benchmark_gpu()
    import triton
    triton.compile()
    ran.append(held.how)
    return inner(self, *args)
output_code.CompiledFxGraph.__call__ = run
benchmarking.benchmarker.benchmark_gpu = lambda: measured.append(held.how)
import triton
triton.compile = lambda: compiled.append(held.how)
ahead.measure_baseline(problem, "compile", torch.device("cpu"), held, lambda phase: None)
assert output_code.CompiledFxGraph.__call__ is run and compile_fx.compile_fx is compiles
print(ran, measured, compiled, held.how)
ran.clear(), measured.clear(), compiled.clear()
torch._dynamo.reset()
with held.beside(), ahead.Measured(held, lambda: settled.append(held.how)):
    torch.compile(lambda x: torch.relu(x) + 1)(torch.ones(8))
print(ran, measured, compiled, settled[0], settled[-1], len(settled))
"""


class Ahead(unittest.TestCase):
    def test_what_is_measured_ahead_holds_the_gpu_alone_what_runs_beside_others_and_what_compiles_not_at_all(self):
        problem = json.dumps({"source": PROBLEM, "path": "p.py", "sizes": {}, "mode": "as_written"})
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
            done = subprocess.run([sys.executable, "-c", MEASURED], input=problem, env=environment, capture_output=True, text=True)
            self.assertEqual(done.stdout.splitlines(), ["['beside', 'beside'] ['alone'] ['apart', 'apart'] apart",
                                                        "['beside', 'beside'] ['alone'] ['apart', 'apart'] beside beside 8"], done.stderr)

    def test_a_large_problem_is_not_measured_ahead(self):
        import torch
        from kerf_oracle import ahead
        self.assertFalse(ahead.has_room(1, torch.device("cpu")))

    def test_several_that_share_a_gpu_have_equal_parts_of_it(self):
        import torch
        from unittest import mock
        from kerf_oracle import ahead
        with mock.patch("torch.cuda.is_available", lambda: True), mock.patch("torch.cuda.mem_get_info", lambda _: (0, 80e9)):
            self.assertTrue(ahead.has_room(1.4e9, torch.device("cuda")))
            self.assertFalse(ahead.has_room(1.6e9, torch.device("cuda")))
            self.assertTrue(ahead.has_room(0.4e9, torch.device("cuda"), beside=3))
            self.assertFalse(ahead.has_room(0.6e9, torch.device("cuda"), beside=3))

    def test_a_baseline_that_was_compiled_ahead_is_found_by_the_process_that_times_it(self):
        problem = json.dumps({"source": PROBLEM, "path": "p.py", "sizes": {}, "mode": "as_written"})
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "TORCHINDUCTOR_COMPILE_THREADS": "1"}

            def run(text):
                return subprocess.run([sys.executable, "-c", text], input=problem, env=environment, capture_output=True, text=True,
                                      check=True).stdout.split()

            self.assertEqual(run(AHEAD), ["True"])
            self.assertEqual(run(LATER), ["1", "0"])


if __name__ == "__main__":
    unittest.main()
