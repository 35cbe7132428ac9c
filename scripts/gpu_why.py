#!/usr/bin/env python3
"""Why candidates are slow, on a real GPU, with all that kerf can ask: lines by samples of program counters, the same metrics by Nsight
Compute, a timeline by probes in kernels in Triton and Gluon, and traces of the baselines.

    python3 scripts/gpu_why.py [KERF]

Needs an NVIDIA GPU, CUPTI, PyTorch, Triton and, for its part, ncu. Prints diagnoses as kerf writes them, and what is missing. Exit
code 1 if a part is missing that nothing forbids."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent
planted = root / "tests/cases/planted"
kerf = sys.argv[1] if len(sys.argv) > 1 else "kerf"

ROW_SUM = '''# /// kerf
# version = 1
# supports = "x.ndim == 2"
# [[step]]
# launch = "row_sum"
# grid = ["x.shape[0]"]
# args = ["x", "out", "x.shape[1]"]
# constexpr = { B = 1024 }
# ///
import triton
import triton.language as tl


@triton.jit
def row_sum(x, out, n, B: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    sums = tl.zeros((B,), tl.float32)
    for at in range(0, n, B):
        columns = at + tl.arange(0, B)
        sums += tl.load(x + row * n + columns, mask=columns < n, other=0.0)
    tl.store(out + row, tl.sum(sums))
'''

# Whole rows by way of shared memory.
ROW_SUM_GLUON = '''# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[1] % 1024 == 0"
# [[step]]
# launch = "row_sum"
# grid = ["x.shape[0]"]
# args = ["x", "out", "x.shape[1]"]
# constexpr = { B = 1024 }
# ///
from triton.experimental import gluon
from triton.experimental.gluon import language as gl


@gluon.jit
def row_sum(x, out, n, B: gl.constexpr):
    layout: gl.constexpr = gl.BlockedLayout([1], [32], [4], [0])
    piece = gl.allocate_shared_memory(gl.float32, [B], gl.SwizzledSharedLayout(1, 1, 1, order=[0]))
    row = gl.program_id(0).to(gl.int64)
    sums = gl.zeros([B], gl.float32, layout)
    for at in range(0, n, B):
        piece.store(gl.load(x + row * n + at + gl.arange(0, B, layout)))
        sums += piece.load(layout)
    gl.store(out + row, gl.sum(sums, 0))
'''


def evaluate(problem, file, *words):
    begin = time.monotonic()
    run = subprocess.run([kerf, "evaluate", problem, file, "--target", "nvidia", "--screen", "--json", *words], capture_output=True, text=True)
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if not found:
        print(f"---- {file}: {run.stderr.strip()[-600:]}")
        return None
    evaluation = found[0]
    print(f"---- {pathlib.Path(file).name} {' '.join(words)}: {evaluation['verdict']} {evaluation['rule'] or ''} {evaluation['message'] or ''} "
          f"in {time.monotonic() - begin:.1f} s; jobs: " + ", ".join(f"{j['kind']} {j['seconds']:.2f}" for j in evaluation["jobs"]))
    return evaluation


def tell(evaluation):
    """The diagnosis in short. What is missing of it."""
    d, missing = evaluation["diagnosis"], dict((evaluation["receipt"] or {}).get("unavailable", {}))
    print(f"  bound {d['bound']} by {', '.join(c['name'] for c in d.get('causes', [])) or 'none'}; counters of {d.get('profiler', 'nobody')}")
    for spot in d["hot_spots"]:
        waits = sorted(spot.get("waits", {}).items(), key=lambda w: -w[1])[:3]
        print(f"  line {spot['line']}: {spot['what'][:110]}" + (f" | {spot['share']:.3f} " + ", ".join(f"{n} {s:.2f}" for n, s in waits)
                                                               if waits else ""))
    if line := d.get("timeline"):
        print(f"  timeline of {line['kernel']}: {line['programs']} programs of {line['program_ns']:.0f} ns, launch {line['plain_us']:.1f} us, "
              f"with probes {line['probed_us']:.1f} us ({line['probed_us'] / line['plain_us']:.3f}), disturbed {line['disturbed']}")
        for part in line["parts"]:
            print(f"    line {part['line']} {part['op']}: {part['share']:.3f} of a program, {part['events']} events, median "
                  f"{part['median_ns']:.0f} ns, longest {part['longest_ns']:.0f} ns")
    for name, trace in d.get("traces", {}).items():
        print(f"  {name}: {trace['launches']} launches, busy {trace['busy_us']:.1f} of {trace['span_us']:.1f} us, gap {trace['longest_gap_us']:.1f}, "
              f"{trace['copies']} copies, waits {[w['call'] for w in trace['waits']]}, first {trace['kernels'][:1]}")
    for name, why in missing.items():
        print(f"  missing {name}: {why[:300]}")
    metrics = d["metrics"]
    print("  " + ", ".join(f"{n} {metrics[n]['value']:.4g}" for n in ("time.kernel", "bytes.dram.read", "fraction.dram", "sectors.load", "sectors.store",
                                                                  "occupancy.achieved", "profile.passes", "profile.seconds", "profile.samples",
                                                                  "profile.samples_lost") if n in metrics))
    return missing


missing = {}
transpose = planted / "uncoalesced_transpose_stores.cu", planted / "problems/transpose.py"
for words in (["--profile"], ["--ncu"]):
    if evaluation := evaluate(transpose[1], transpose[0], *words):
        missing.update(tell(evaluation))
    else:
        missing[words[0]] = "no evaluation"
with tempfile.TemporaryDirectory() as folder:
    for language, text in (("gluon", ROW_SUM_GLUON), ("triton", ROW_SUM)):
        file = pathlib.Path(folder) / f"row_sum_{language}.py"
        file.write_text(text)
        if evaluation := evaluate(planted / "problems/row_sum.py", file, "--profile"):
            missing.update(tell(evaluation))
            if not evaluation["diagnosis"].get("timeline"):
                missing.setdefault(f"timeline of {language}", "nothing said why")
        else:
            missing[language] = "no evaluation"
    run = subprocess.run([kerf, "evaluate", planted / "problems/row_sum.py", file, "--target", "nvidia", "--screen", "--profile", "--diagnosis"],
                         capture_output=True, text=True)
    print(run.stdout or run.stderr)
print(f"missing: {', '.join(sorted(missing)) or 'nothing'}")
sys.exit(1 if missing else 0)
