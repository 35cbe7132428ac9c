#!/usr/bin/env python3
"""Bundles of candidates judged on one GPU and on two side by side: verdicts, wall times, and which device judged which. Needs a machine
with two NVIDIA GPUs and kerf on the PATH (or its path as argument); some two minutes. With a second argument, `dry`, whatever this machine
judges with takes the place of both: that tells whether the script itself works."""
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent
kerf = sys.argv[1] if len(sys.argv) > 1 else "kerf"
first, both = ("", "") if sys.argv[2:] == ["dry"] else ("0", "0,1")
folder = pathlib.Path(tempfile.mkdtemp())
LIMIT = 60  # seconds, of one worker: with PyTorch's start and admission one takes some twenty

ROW_SUM = """import torch
rows, columns = 2048, 8192
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.sum(x, dim=1, keepdim=True)
def get_inputs():
    return [torch.randn(rows, columns)]
def get_init_inputs():
    return []
"""


def row_sum(threads, wrong=False):
    """A block a row; `wrong` leaves the last column out."""
    return f"""/* /// kerf
version = 1
supports = "x.stride[-1] == 1"
[[step]]
launch = "row_sum"
grid = ["x.shape[0]"]
block = [{threads}]
args = ["x", "out", "x.shape[1]"]
/// */
extern "C" __global__ void row_sum(const float* x, float* out, int64_t n) {{
  __shared__ float parts[{threads}];
  const float* row = x + (int64_t)blockIdx.x * n;
  float sum = 0;
  for (int64_t i = threadIdx.x; i < n{" - 1" if wrong else ""}; i += {threads}) sum += row[i];
  parts[threadIdx.x] = sum;
  __syncthreads();
  for (int half = {threads} / 2; half > 0; half /= 2) {{
    if ((int)threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    __syncthreads();
  }}
  if (threadIdx.x == 0) out[blockIdx.x] = parts[0];
}}
"""


def pack(name, problem, candidates, *options):
    bundle = folder / f"{name}.bundle"
    run = subprocess.run([kerf, "evaluate", problem, *candidates, "--target", "nvidia", "--screen", "--bundle", bundle, *options],
                         capture_output=True, text=True, timeout=LIMIT)
    if run.returncode != 0:
        sys.exit(f"{name} cannot be packed (exit code {run.returncode}): {run.stderr.strip()[-600:]}")
    return bundle


def work(bundle, devices):
    """(file, verdict, device index and place) of each candidate."""
    results = folder / f"{bundle.stem}-{devices.replace(',', '')}-{time.monotonic_ns()}.results"
    start = time.monotonic()
    # A store of its own: verdicts that are known already would take no time.
    try:
        run = subprocess.run([kerf, "worker", "run", bundle, "--out", results, *(["--devices", devices] if devices else []), "--jobs", "8",
                              "--store", folder / f"{results.stem}.db"], capture_output=True, text=True, timeout=LIMIT)
        ended, said = f"exit code {run.returncode}", "" if run.returncode == 0 else run.stderr
    except subprocess.TimeoutExpired as late:
        ended, said = f"ended after {LIMIT} s", (late.stderr or b"").decode()
    wall = time.monotonic() - start
    print(f"{bundle.stem} on {devices or 'what is here'}: {wall:.1f} s, {ended}", flush=True)
    if said:
        print(" ", said.strip()[-600:])
    judged = {}
    if results.exists():
        for line in map(json.loads, results.read_text().splitlines()):
            if line["kind"] != "evaluation":
                continue
            evaluation = line["evaluation"]
            receipt = evaluation.get("receipt") or {}
            device = receipt.get("machine", {}).get("device") or {}
            judged[line["item"]] = (evaluation, device.get("index"), device.get("pci"), (receipt.get("time_us") or {}).get("median"))
    return wall, judged


cases = [p for p in sorted((root / "tests/cases/gpu").glob("*.*"))
         if not p.name.startswith("2_")  # the one that hangs takes its time
         and (both or "gluon" not in p.name)]  # Gluon has no interpreter
sums = []
for name, text in [(f"sum_{n}.cu", row_sum(n)) for n in (64, 256, 1024)] + [("sum_wrong.cu", row_sum(256, True))]:
    (folder / name).write_text(text)
    sums.append(folder / name)
(folder / "row_sum.py").write_text(ROW_SUM)
bundles = {"relu": (pack("relu", root / "bench/gpu/relu.py", cases[:4] + cases[-4:], "--set", "rows=512", "--set", "columns=16384"),
                    cases[:4] + cases[-4:]),
           "row_sum": (pack("row_sum", folder / "row_sum.py", sums), sums)}
different = 0
for name, (bundle, candidates) in bundles.items():
    one, alone = work(bundle, first)
    two, spread = work(bundle, both)
    used = collections.Counter()
    for i, candidate in enumerate(candidates):
        if i not in alone or i not in spread:
            print(f"  {candidate.name}: not judged on {first if i not in alone else both}")
            different += 1
            continue
        a, b = alone[i], spread[i]
        same = (a[0]["verdict"], a[0]["rule"]) == (b[0]["verdict"], b[0]["rule"])
        different += not same
        if b[1] is not None:
            used[f"{b[1]} ({b[2]})"] += 1
        print(f"  {'ok  ' if same else 'DIFF'} {candidate.name:24} {a[0]['verdict']} {a[0]['rule'] or ''}"
              + ("" if same else f", on two {b[0]['verdict']} {b[0]['rule'] or ''}: {b[0]['message'] or ''}")
              + (f"  {a[3]:.1f} us on {a[1]}, {b[3]:.1f} us on {b[1]}" if a[3] and b[3] else ""))
    jobs = [sum(job["seconds"] for e in judged.values() for job in e[0]["jobs"]) for judged in (alone, spread)]
    print(f"  one GPU {one:.1f} s ({jobs[0]:.1f} s of jobs), two {two:.1f} s ({jobs[1]:.1f} s of jobs); timed by {dict(used)}", flush=True)
shutil.rmtree(folder)
print("all verdicts alike" if different == 0 else f"{different} differ")
sys.exit(1 if different else 0)
