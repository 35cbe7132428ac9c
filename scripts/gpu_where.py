#!/usr/bin/env python3
"""Where the time of judging on a GPU goes: what the oracle is asked and how long each takes, what lies between two requests (kerf, the
runner, kernels), and how busy the GPU is meanwhile. Screens of a rectifier over 6.4 GB, each candidate timed `--runs` times (default: as
often as it takes); with `--suite`, a run of a suite instead, by as many kerfs side by side as `--shards` says, and what was going on while
the GPU was idle. Needs an NVIDIA GPU with nvidia-smi; a line of output goes to a file for each request, so that the oracle is a little
slower than otherwise."""
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
parser.add_argument("--shards", type=int, default=1)
parser.add_argument("--limit", type=int, default=400, help="seconds after which the command is ended")
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
    wrap(module.ahead, "compile_baseline", ".ahead")
    report = module.Service.report
    def reported(self, phase):
        out.write(f"{time.time()} - {phase}\\n")
        return report(self, phase)
    module.Service.report = reported
STARTED = time.time()
if "WHERE_OUT" in os.environ: sys.meta_path.insert(0, Finder())
''')
python = os.environ.get("KERF_PYTHON") or subprocess.run(["which", "python3"], capture_output=True, text=True).stdout.strip()
(work / "python3").write_text(f'#!/bin/sh\nPYTHONPATH={work}/site:$PYTHONPATH WHERE_OUT={work} exec {python} "$@"\n')
(work / "python3").chmod(0o755)
env = {**os.environ, "KERF_PYTHON": str(work / "python3")}


def watched(commands):
    """What they printed, wall time, and (when, how busy in percent) of the GPU."""
    busy, end = [], threading.Event()

    def watch():
        while not end.wait(0.2):
            said = subprocess.run(["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"], capture_output=True, text=True)
            busy.append((time.time(), int(said.stdout.split()[0])))
    thread = threading.Thread(target=watch)
    thread.start()
    start = time.time()
    files = [(tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")) for _ in commands]
    running = [subprocess.Popen(command, stdout=out, stderr=err, env=env) for command, (out, err) in zip(commands, files)]
    late = False
    for process in running:
        try:
            process.wait(max(0.1, start + args.limit - time.time()))
        except subprocess.TimeoutExpired:
            late = True
            process.kill()
            process.wait()
    wall = time.time() - start
    end.set()
    thread.join()
    printed = []
    for out, err in files:
        out.seek(0)
        err.seek(0)
        printed.append((out.read(), err.read() + ("\nended by the limit" if late else "")))
    return printed, wall, busy


def read():
    """Of each process of the oracle's package [(begin, end, name)], what began first before; and its phases [(when, name)]."""
    processes = []
    for file in sorted(work.glob("oracle-*.txt")):
        requests, phases = [], []
        for line in file.read_text().splitlines():
            begin, end, name = line.split(" ", 2)
            if end == "-":
                phases.append((float(begin), name))
            else:
                requests.append((float(begin), float(end), name))
        processes.append((sorted(requests), phases))
    return processes


def is_ahead(requests):
    return any(name == ".ahead" for _, _, name in requests)


def totals(processes):
    """How long each request took, and what lay between two."""
    sums, gaps = collections.defaultdict(list), collections.defaultdict(list)
    for requests, _ in processes:
        last = None
        for begin, end, name in requests:
            sums[name].append(1e3 * (end - begin))
            if name.startswith("."):
                continue
            if last and last[1] <= begin and not is_ahead(requests):
                gaps[f"{last[0]} > {name}"].append(1e3 * (begin - last[1]))
            last = (name, end)
    return sums, gaps


def at(moment, process):
    """What the process was at: a request with its phase, or between which two."""
    requests, phases = process
    before = after = None
    for begin, end, name in requests:
        if name.startswith("."):
            continue
        if begin <= moment <= end:
            phase = [text for when, text in phases if begin <= when <= moment]
            return f"{name}: {phase[-1]}" if phase else name
        if end < moment:
            before = name
        elif after is None:
            after = name
    return f"{before} > {after}"


def timeline(processes, busy):
    """Seconds in which the GPU was idle, by what the oracle was at; and what took long, in order."""
    judging = sorted((p for p in processes if not is_ahead(p[0])), key=lambda p: -len(p[0]))[:args.shards]
    if not judging or not busy:
        return
    idle, last = collections.Counter(), busy[0][0]
    for moment, percent in busy:
        idle[" | ".join(at(moment, each) for each in judging)] += (moment - last) * (1 - percent / 100)
        last = moment
    print(f"  idle {sum(idle.values()):.1f} s, while the oracle was at (from > to: nothing was asked between these two)")
    for name, seconds in idle.most_common(30):
        print(f"    {seconds:6.1f} s  {name}")
    print("  requests and gaps of half a second and more, when they began, how long they took, and how busy the GPU was in them")
    start, end = busy[0][0], None
    previous = ""
    for requests, what in (*((p[0], "") for p in judging), *((p[0], "beside: ") for p in processes if is_ahead(p[0]))):
        end = None
        for begin, stop, name in requests:
            if name.startswith(".") and not what:
                continue
            for since, until, words in ((end, begin, f"{previous} > {name}"), (begin, stop, name)):
                if since is None or until - since < 0.5 or (what and since == end):
                    continue
                within = [percent for moment, percent in busy if since <= moment <= until]
                print(f"    {since - start:7.1f} + {until - since:5.1f} s  {statistics.mean(within or [0]):3.0f} %  {what}{words}")
            end, previous = stop, name


def show(title, table, most):
    print(title)
    for name, values in sorted(table.items(), key=lambda kv: -sum(kv[1]))[:most]:
        print(f"  {name:34} {sum(values):9.0f} ms = {len(values):4} x {statistics.median(values):8.2f} (most {max(values):8.1f})")


def share(busy):
    return statistics.mean([percent for _, percent in busy] or [0])


if args.suite:
    commands = [[kerf, "suite", "run", args.suite, "--select", args.select, "--target", "nvidia", "--budget", f"{args.candidates}candidates",
                 "--confirm", "1", "--jobs", "4", "--progress", "plain", "--store", work / f"kerf{k}.db", "--out", work / f"out{k}",
                 *(["--shard", f"{k}/{args.shards}"] if args.shards > 1 else [])] for k in range(1, args.shards + 1)]
    printed, wall, busy = watched(commands)
    print(f"suite: {wall:.1f} s, GPU busy {share(busy):.0f} %")
    for out, err in printed:
        for line in (out + err).splitlines()[-12:]:
            print("  |", line[:160])
else:
    text = (root / "tests/cases/gpu/1_right.cu").read_text()
    cases = []
    for i in range(7):
        (work / f"r{i}.cu").write_text(text + f"// {i}\n")
        cases.append(work / f"r{i}.cu")
    printed, wall, busy = watched([[kerf, "evaluate", root / "bench/gpu/relu.py", *cases, "--target", "nvidia", "--json", "--screen",
                                    "--store", work / "kerf.db", *(["--runs", str(args.runs)] if args.runs else [])]])
    out, err = printed[0]
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    print(f"screens: {wall:.1f} s, GPU busy {share(busy):.0f} %", err.strip()[-200:] if not found else "")
    for e in found[-2:]:
        r = e.get("receipt") or {}
        print(" ", e["verdict"], r.get("time_us"), {k: v["samples"] for k, v in r.get("baselines", {}).items()}, r.get("speedup"))
    for e in found:
        print("   ", [(j["kind"], round(j["seconds"], 3)) for j in e["jobs"]], (e.get("receipt") or {}).get("discarded"))
    if found:
        print("  median job seconds", round(statistics.median(sum(j["seconds"] for j in e["jobs"]) for e in found), 3))
processes = read()
sums, gaps = totals(processes)
timeline(processes, busy)
show("  requests", sums, 24)
show("  between", gaps, 14)
