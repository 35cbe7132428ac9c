#!/usr/bin/env python3
"""Where the time of judging on a GPU goes: what the oracle is asked and how long each takes, what lies between two requests (kerf, the
runner, kernels), and how busy the GPU is meanwhile. Screens of a rectifier over 6.4 GB, each candidate timed `--runs` times (default: as
often as it takes); with `--suite`, runs of a suite instead, one for each number of kerfs side by side that `--shards` names (1,2,3), each
with caches of its own: candidates an hour, how busy the GPU was, its memory, and the idle seconds by cause. Needs an NVIDIA GPU with
nvidia-smi; a line of output goes to a file for each request, so that the oracle is a little slower than otherwise."""
import argparse
import collections
import json
import os
import pathlib
import sqlite3
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
parser.add_argument("--language", choices=("cuda", "triton"), default="cuda")
parser.add_argument("--shards", default="1", help="kerfs side by side: 2, or 1,2,3 for three runs")
parser.add_argument("--sessions", default="", help="sessions side by side in one kerf: 3, or 1,2,3 for three runs; instead of --shards")
parser.add_argument("--limit", type=int, default=400, help="seconds after which a run is ended")
parser.add_argument("--brief", action="store_true", help="of a suite, no requests one by one")
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
# The worker that compiles Triton runs in a jail, which has no such script.
env = {**os.environ, **({} if args.language == "triton" else {"KERF_PYTHON": str(work / "python3")})}


def watched(commands):
    """What they printed, wall time, and (when, how busy in percent, MiB in use) of the GPU."""
    busy = []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")  # on a machine with several GPUs: the one that kerf is given
    device = [f"--id={visible}"] if visible else []
    meter = subprocess.Popen(["nvidia-smi", *device, "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "200"],
                             stdout=subprocess.PIPE, text=True)

    def watch():
        for line in meter.stdout:
            percent, used = line.split(",")
            busy.append((time.time(), int(percent), int(used)))
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
    meter.terminate()
    thread.join()
    printed = []
    for out, err in files:
        out.seek(0)
        err.seek(0)
        printed.append((out.read(), err.read() + ("\nended by the limit" if late else "")))
    return printed, wall, busy


def judged(stores):
    """Of candidates that were evaluated for a search: how many, and by verdict; and how many confirmations."""
    verdicts, confirmed = collections.Counter(), 0
    for store in stores:
        with sqlite3.connect(store) as database:
            for purpose, verdict, count in database.execute(
                    "SELECT purpose, verdict, count(*) FROM evaluations WHERE node > 0 GROUP BY purpose, verdict"):
                if purpose == "search":
                    verdicts[verdict] += count
                else:
                    confirmed += count
    return sum(verdicts.values()), dict(verdicts), confirmed


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


RUNS = ("refresh", "time_baseline", "perturb", "fill", "margin_hit", "intact", "difference", "outputs", "release", "judge", "draw", "forget")
CAUSES = (("prepare_baseline", "baselines are prepared"), ("admit", "a problem is admitted"), ("variants", "a problem is admitted"),
          ("trace", "a problem is admitted"), ("register", "a problem is admitted"), ("start", "PyTorch starts"), ("hello", "PyTorch starts"))


def cause(doing):
    """Of what `at` says, in a few words."""
    name, _, then = doing.partition(" > ")
    if then:
        if then in ("admit", "trace"):
            return "between two problems"
        if name == "None":
            return "PyTorch starts"
        if then == "None":
            return "after the last request"
        if then == "prepare_baseline":
            return "baselines are compiled ahead, or the lock is waited for"
        if name in ("variants", "admit"):
            return "the first candidate is written and compiled"
        return "candidates are compiled, loaded or run, or the lock is waited for"
    name = name.split(":")[0]
    return next((words for start, words in CAUSES if name == start), "inputs are drawn, outputs judged, baselines timed")


def timeline(processes, busy, lanes):
    """Seconds in which the GPU was idle, by what the oracles were at; and what took long, in order."""
    judging = sorted((p for p in processes if not is_ahead(p[0])), key=lambda p: -len(p[0]))[:lanes]
    if not judging or not busy:
        return
    idle, causes, last = collections.Counter(), collections.Counter(), busy[0][0]
    for moment, percent, _ in busy:
        seconds = (moment - last) * (1 - percent / 100)
        doing = [at(moment, each) for each in judging]
        idle[" | ".join(doing)] += seconds
        for each in doing:
            causes[cause(each)] += seconds / len(doing)
        last = moment
    print(f"  idle {sum(idle.values()):.1f} s, by cause" + (f", {len(judging)} oracles with an equal share each" if len(judging) > 1 else ""))
    for name, seconds in causes.most_common():
        print(f"    {seconds:6.1f} s  {name}")
    if lanes == 1:
        admitted = [(begin, end) for begin, end, name in judging[0][0] if name == "admit"]
        peaks = [max([used for moment, _, used in busy if since <= moment < until] or [0]) / 1024
                 for (_, since), until in zip(admitted, [*(begin for begin, _ in admitted[1:]), float("inf")])]
        print("  at most in use, problem by problem:", " ".join(f"{peak:.1f}" for peak in peaks), "GiB")
    if args.brief:
        return
    print("  and while the oracle was at (from > to: nothing was asked between these two)")
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
                within = [percent for moment, percent, _ in busy if since <= moment <= until]
                print(f"    {since - start:7.1f} + {until - since:5.1f} s  {statistics.mean(within or [0]):3.0f} %  {what}{words}")
            end, previous = stop, name


def show(title, table, most):
    print(title)
    for name, values in sorted(table.items(), key=lambda kv: -sum(kv[1]))[:most]:
        print(f"  {name:34} {sum(values):9.0f} ms = {len(values):4} x {statistics.median(values):8.2f} (most {max(values):8.1f})")


def share(busy):
    return statistics.mean([percent for _, percent, _ in busy] or [0])


def profile_parts(evaluation):
    """What a profile's seconds went into."""
    metrics = (evaluation.get("diagnosis") or {}).get("metrics", {})
    return {name.removeprefix("profile.seconds.").removeprefix("profile."): round(metric["value"], 3)
            for name, metric in metrics.items() if name.startswith(("profile.seconds", "profile.passes"))}


def profiles(stores):
    """Of each profile: whose, how long the job took, and what of it the profiler says."""
    for store in stores:
        with sqlite3.connect(store) as database:
            for purpose, document in database.execute("SELECT purpose, document FROM evaluations WHERE node >= 0 ORDER BY step"):
                evaluation = json.loads(document)
                for job in evaluation["jobs"]:
                    if job["kind"] == "profile":
                        yield purpose, evaluation["problem"], round(job["seconds"], 3), profile_parts(evaluation)


def run_suite(shards, sessions):
    """One run of the suite by so many kerfs, with so many sessions each."""
    for file in work.glob("oracle-*.txt"):
        file.unlink()
    folder = work / f"shards{shards}-{sessions}"
    folder.mkdir()
    env["KERF_CACHE"] = str(folder / "cache")
    stores = [folder / f"kerf{k}.db" for k in range(shards)]
    commands = [[kerf, "suite", "run", args.suite, "--select", args.select, "--target", "nvidia", "--budget", f"{args.candidates}candidates",
                 "--confirm", "1", "--jobs", str(max(2, 6 // shards)), "--sessions", str(sessions), "--language", args.language, "--progress", "plain",
                 "--store", store, "--out", folder / f"out{k}", *(["--shard", f"{k + 1}/{shards}"] if shards > 1 else [])]
                for k, store in enumerate(stores)]
    printed, wall, busy = watched(commands)
    count, verdicts, confirmed = judged(stores)
    print(f"suite, {shards * sessions} side by side: {wall:.1f} s, {count} candidates {verdicts}, {confirmed} confirmations: "
          f"{3600 * count / wall:.0f} candidates an hour, GPU busy {share(busy):.0f} %, "
          f"at most {max((used for _, _, used in busy), default=0) / 1024:.1f} GiB in use")
    print("  profiles: purpose, problem, seconds of the job, of these in the process that counts")
    for purpose, problem, seconds, parts in profiles(stores):
        print(f"    {purpose:8} {problem:24} {seconds:6.2f}  {parts}")
    for out, err in printed:
        for line in (out + err).splitlines()[-12:]:
            print("  |", line[:160])
    processes = read()
    timeline(processes, busy, shards * sessions)
    if not args.brief:
        sums, gaps = totals(processes)
        show("  requests", sums, 24)
        show("  between", gaps, 14)


def run_screens():
    name, comment = ("a_right.py", "#") if args.language == "triton" else ("1_right.cu", "//")
    text = (root / "tests/cases/gpu" / name).read_text()
    # The one in CUDA takes neither hidden variant, whose sizes are odd; what both languages are compared by must be the same work.
    text = text.replace("# [[step]]", '# supports = "numel(x) % 4 == 0"\n# [[step]]')
    cases = []
    for i in range(7):
        cases.append(work / f"r{i}{pathlib.Path(name).suffix}")
        cases[-1].write_text(text + f"{comment} {i}\n")
    printed, wall, busy = watched([[kerf, "evaluate", root / "bench/gpu/relu.py", *cases, "--target", "nvidia", "--json", "--screen",
                                    "--store", work / "kerf.db", *(["--runs", str(args.runs)] if args.runs else [])]])
    out, err = printed[0]
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    print(f"screens: {wall:.1f} s, GPU busy {share(busy):.0f} %", err.strip()[-200:] if not found else "")
    for e in found[-2:]:
        r = e.get("receipt") or {}
        print(" ", e["verdict"], r.get("time_us"), {k: v["samples"] for k, v in r.get("baselines", {}).items()}, r.get("speedup"))
    for e in found:
        print("   ", [(j["kind"], round(j["seconds"], 3)) for j in e["jobs"]], (e.get("receipt") or {}).get("discarded"),
              f"{e['variants_supported']} of {e['variants']} hidden variants", profile_parts(e))
    if found:
        print("  median job seconds", round(statistics.median(sum(j["seconds"] for j in e["jobs"]) for e in found), 3))
    sums, gaps = totals(read())
    show("  requests", sums, 24)
    show("  between", gaps, 14)


if args.suite:
    for number in (args.sessions or args.shards).split(","):
        run_suite(*((1, int(number)) if args.sessions else (int(number), 1)))
else:
    run_screens()
