#!/usr/bin/env python3
"""Where the time of judging on a GPU goes: what the oracle is asked and how long each takes, what lies between two requests (kerf, the
runner, kernels), and how busy the GPU is meanwhile. Screens of a rectifier over 6.4 GB, each candidate timed `--runs` times (default: as
often as it takes); with `--suite`, a run of a suite instead. Needs an NVIDIA GPU with nvidia-smi; a line of output goes to a file for each
request, so that the oracle is a little slower than otherwise."""
import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("kerf", help="kerf's path")
parser.add_argument("--runs", type=int, default=0)
parser.add_argument("--suite", help="a suite's file")
parser.add_argument("--select", default="1/36,1/40,1/95")
parser.add_argument("--candidates", type=int, default=16)
args = parser.parse_args()
kerf = pathlib.Path(args.kerf).resolve()
root = pathlib.Path(__file__).resolve().parent.parent
work = pathlib.Path(tempfile.mkdtemp())
(work / "site").mkdir()
(work / "site/sitecustomize.py").write_text('''
import importlib.abc, importlib.machinery, os, sys, time
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "kerf_oracle.service": return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def execute(module):
            run(module); patch(module)
        spec.loader.exec_module = execute
        return spec
def patch(module):
    import torch
    out = open(os.path.join(os.environ["WHERE_OUT"], f"oracle-{os.getpid()}.txt"), "w", buffering=1)
    out.write(f"{STARTED} {time.time()} start\\n")
    def wrap(owner, name, tag, sync=False):
        inner = getattr(owner, name)
        def timed(*args, **kwargs):
            begin = time.time()
            try: return inner(*args, **kwargs)
            finally:
                if sync and torch.cuda.is_initialized(): torch.cuda.synchronize()
                out.write(f"{begin} {time.time()} {tag}\\n")
        setattr(owner, name, timed)
    for name in dir(module.Service):
        if name.startswith("on_") and name not in ("on_device",): wrap(module.Service, name, name[3:])
    wrap(module.admission, "answers", ".answers", True)
    wrap(module.judge, "judge", ".judge", True)
    wrap(module.Workload, "draw", ".draw", True)
    wrap(module.device.Memory, "seal", ".seal", True)
    wrap(module.understand, "eager_us", ".eager_us", True)
    wrap(module.Service, "make_room", ".make_room")
    wrap(module.Workload, "build", ".build", True)
    wrap(module.Service, "built", ".built")
    wrap(module.understand, "Traced", ".traced", True)
    wrap(module.admission, "admit", ".admit", True)
STARTED = time.time()
if "WHERE_OUT" in os.environ: sys.meta_path.insert(0, Finder())
''')
python = os.environ.get("KERF_PYTHON") or subprocess.run(["which", "python3"], capture_output=True, text=True).stdout.strip()
(work / "python3").write_text(f'#!/bin/sh\nPYTHONPATH={work}/site:$PYTHONPATH WHERE_OUT={work} exec {python} "$@"\n')
(work / "python3").chmod(0o755)
env = {**os.environ, "KERF_PYTHON": str(work / "python3")}


def watched(command):
    """Wall time, share of samples in which the GPU was busy."""
    busy, end = [], threading.Event()

    def watch():
        while not end.wait(0.25):
            said = subprocess.run(["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"], capture_output=True, text=True)
            busy.append(int(said.stdout.split()[0]))
    thread = threading.Thread(target=watch)
    thread.start()
    start = time.time()
    run = subprocess.run(command, capture_output=True, text=True, env=env, timeout=400)
    end.set()
    thread.join()
    return run, time.time() - start, statistics.mean(busy or [0])


def read():
    """All requests of all oracle processes, and gaps between them."""
    sums, gaps = collections.defaultdict(list), collections.defaultdict(list)
    for file in work.glob("oracle-*.txt"):
        last = None
        for line in file.read_text().splitlines():
            begin, end, name = line.split()
            begin, end = float(begin), float(end)
            sums[name].append(1e3 * (end - begin))
            if name.startswith("."):
                continue
            if last and last[1] <= begin:
                gaps[f"{last[0]} > {name}"].append(1e3 * (begin - last[1]))
            last = (name, end)
        file.unlink()
    return sums, gaps


def show(title, table, most):
    print(title)
    for name, values in sorted(table.items(), key=lambda kv: -sum(kv[1]))[:most]:
        print(f"  {name:34} {sum(values):9.0f} ms = {len(values):4} x {statistics.median(values):8.2f} (most {max(values):8.1f})")


if args.suite:
    run, wall, busy = watched([kerf, "suite", "run", args.suite, "--select", args.select, "--target", "nvidia",
                               "--budget", f"{args.candidates}candidates", "--confirm", "1", "--jobs", "4", "--progress", "plain",
                               "--store", work / "kerf.db", "--out", work / "out"])
    print(f"suite: {wall:.1f} s, GPU busy {busy:.0f} %")
    for line in (run.stdout + run.stderr).splitlines()[-12:]:
        print("  |", line[:160])
else:
    text = (root / "tests/cases/gpu/1_right.cu").read_text()
    cases = []
    for i in range(7):
        (work / f"r{i}.cu").write_text(text + f"// {i}\n")
        cases.append(work / f"r{i}.cu")
    run, wall, busy = watched([kerf, "evaluate", root / "bench/gpu/relu.py", *cases, "--target", "nvidia", "--json", "--screen",
                               "--store", work / "kerf.db", *(["--runs", str(args.runs)] if args.runs else [])])
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    print(f"screens: {wall:.1f} s, GPU busy {busy:.0f} %", run.stderr.strip()[-200:] if not found else "")
    for e in found[-2:]:
        r = e.get("receipt") or {}
        print(" ", e["verdict"], r.get("time_us"), {k: v["samples"] for k, v in r.get("baselines", {}).items()}, r.get("speedup"))
        print("   ", [(j["kind"], round(j["seconds"], 3)) for j in e["jobs"]])
    if found:
        print("  median job seconds", round(statistics.median(sum(j["seconds"] for j in e["jobs"]) for e in found), 3))
sums, gaps = read()
show("  requests", sums, 24)
show("  between", gaps, 14)
