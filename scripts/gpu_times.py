#!/usr/bin/env python3
"""What times on a real GPU come with: its state in receipts, what a profile costs, one captured graph against launches one by one, and
two kerfs that share a GPU. Needs an NVIDIA GPU and kerf on the PATH (or its path as argument); under two minutes."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

kerf = sys.argv[1] if len(sys.argv) > 1 else "kerf"
folder = pathlib.Path(tempfile.mkdtemp())
LAUNCHES = 24

CHAIN = f"""import torch
class Model(torch.nn.Module):
    def forward(self, x):
        for _ in range({LAUNCHES}):
            x = torch.relu(x + 0.5)
        return x
def get_inputs():
    return [torch.randn(4096)]
def get_init_inputs():
    return []
"""
RELU = """import torch
rows, columns = 4096, 16384
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)
def get_inputs():
    return [torch.randn(rows, columns)]
def get_init_inputs():
    return []
"""


def loop(blocks):
    return f"""/* /// kerf
version = 1
supports = "x.stride[-1] == 1"
[[step]]
launch = "relu"
grid = [{blocks}]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
extern "C" __global__ void relu(const float* x, float* out, int64_t n) {{
  for (int64_t i = (int64_t)blockIdx.x * 256 + threadIdx.x; i < n; i += (int64_t)gridDim.x * 256) out[i] = fmaxf(x[i], 0.f);
}}
"""


def chain():
    steps = ""
    for i in range(LAUNCHES):
        to = "out" if i == LAUNCHES - 1 else f"s{i}"
        of = "x" if i == 0 else f"s{i - 1}"
        steps += f'[[step]]\nlaunch = "step"\ngrid = ["cdiv(numel(x), 256)"]\nblock = [256]\nargs = ["{of}", "{to}", "numel(x)"]\n'
    scratch = "".join(f'[[scratch]]\nname = "s{i}"\ndtype = "f32"\nshape = ["numel(x)"]\n' for i in range(LAUNCHES - 1))
    return f"""/* /// kerf
version = 1
supports = "x.stride[-1] == 1"
{scratch}{steps}/// */
extern "C" __global__ void step(const float* x, float* out, int64_t n) {{
  const int64_t i = (int64_t)blockIdx.x * 256 + threadIdx.x;
  if (i < n) out[i] = fmaxf(x[i] + 0.5f, 0.f);
}}
"""


CALLS = "/* /// kerf\nversion = 1\n" + '[[step]]\ncall = "aten.relu.default"\nargs = ["x"]\nout = "out"\n' + "/// */\n"
WAITS = ("/* /// kerf\nversion = 1\n" + '[[step]]\ncall = "aten.nonzero.default"\nargs = ["x"]\nout = "_"\n'
         + '[[step]]\ncall = "aten.relu.default"\nargs = ["x"]\nout = "out"\n' + "/// */\n")


def file(name, text):
    (folder / name).write_text(text)
    return folder / name


def command(problem, candidates, *options):
    return [kerf, "evaluate", problem, *candidates, "--target", "nvidia", "--json", *options]


def read(out, err):
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if not found:
        print("  nothing:", err.strip()[-400:])
    return found


def judge(*args):
    start = time.monotonic()
    run = subprocess.run(command(*args), capture_output=True, text=True, timeout=110)
    found = read(run.stdout, run.stderr)
    print(f"  {time.monotonic() - start:.1f} s in all")
    for line in run.stderr.splitlines():
        if "waiting" in line:
            print("  ", line)
    return found


def check(evaluation, name):
    return next((c for c in evaluation["checks"] if c["name"] == name), None)


def say(evaluation):
    receipt = evaluation.get("receipt") or {}
    times = receipt.get("time_us")
    text = f"{evaluation['verdict']} {evaluation['rule'] or ''} {evaluation['message'] or ''}"
    if times:
        text += f" {times['median']:.1f} us [{times['low']:.1f}, {times['high']:.1f}] of {times['samples']}"
    for name, e in receipt.get("baselines", {}).items():
        text += f"; {name} {e['median']:.1f}"
    print(f"  {pathlib.Path(evaluation['file']).name}: {text}; graph {receipt.get('graph')}; discarded {receipt.get('discarded')}")
    if receipt.get("unavailable"):
        print("    unavailable:", {k: v[:160] for k, v in receipt["unavailable"].items()})
    if quiet := check(evaluation, "quiet_device"):
        print("    quiet_device", quiet["passed"], quiet["detail"])
    diagnosis = evaluation["diagnosis"]
    seconds = {j["kind"]: round(j["seconds"], 3) for j in evaluation["jobs"] if j["kind"] in ("time", "profile")}
    metrics = {k: round(diagnosis["metrics"][k]["value"], 3) for k in ("profile.passes", "profile.seconds") if k in diagnosis["metrics"]}
    print("    bound", diagnosis["bound"], [c["name"] for c in diagnosis.get("causes", [])], seconds, metrics)


relu, chained = file("relu.py", RELU), file("chain.py", CHAIN)
loops = [file(f"blocks_{n}.cu", loop(n)) for n in (16, 64, 264, 2112)]
steps = [file("chain.cu", chain())]
calls = [file("calls.cu", CALLS), file("waits.cu", WAITS)]

print("doctor")
for line in subprocess.run([kerf, "doctor"], capture_output=True, text=True).stdout.splitlines():
    if "gpu state" in line or "nvidia" in line:
        print(" ", line)
print("screens of four candidates, each faster than the one before: every one is profiled by the cheap set")
found = judge(relu, loops, "--screen")
for e in found:
    say(e)
if found and found[-1].get("receipt"):
    print("  machine.gpu", found[-1]["receipt"]["machine"].get("gpu"))
print("one with the full set")
for e in judge(relu, loops[-1:], "--screen", "--profile"):
    say(e)
print(f"a chain of {LAUNCHES} launches, one by one and as a graph")
for options in (("--screen",), ("--screen", "--graph"), ("--graph",)):
    for e in judge(chained, steps, *options):
        say(e)
print("a graph with an operator, and a plan that waits for the device")
for e in judge(relu, calls, "--screen", "--graph"):
    say(e)
print("two kerfs on one GPU")
both = [subprocess.Popen(command(relu, loops[2:], "--screen", "--store", folder / f"store{i}.db"), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True) for i in range(2)]
for process in both:
    out, err = process.communicate(timeout=110)
    for e in read(out, err):
        say(e)
    print(*(f"  {line}" for line in err.splitlines() if "waiting" in line), sep="\n")
