#!/usr/bin/env python3
"""Profiles on a real GPU, through kerf itself: how long one takes, what it counts, what a diagnosis reads like, and for how many of the
kernels of tests/cases/planted bound and main cause are right.

    python3 scripts/gpu_profile.py [KERF] [--out FOLDER] [--part I/N] [--beside N] [--seconds N]

Needs an NVIDIA GPU, PyTorch, CUPTI (part of CUDA and of PyTorch's packages) and kerf on the PATH, or its path as argument. One kerf
process judges all candidates of a problem at one size (40 of them, mostly starting PyTorch); --beside of them start and compile side by
side, and take turns on the GPU where they time and count, by its lock. --out keeps every evaluation as JSON; --part 1/2 judges every second
problem only; --seconds starts no further problem after that time, and the summary says what was left out. Exit code 1 unless at least
95 % of those judged are right."""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import statistics
import subprocess
import sys
import time
import tomllib

root = pathlib.Path(__file__).resolve().parent.parent
planted = root / "tests/cases/planted"


def evaluate(kerf, problem, files, sizes, *words):
    """What kerf prints of candidates, and what it says on standard error."""
    command = [kerf, "evaluate", problem, *files, "--target", "nvidia", "--screen", "--profile", *words]
    for name, value in sizes.items():
        command += ["--set", f"{name}={value}"]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.stdout, run.stderr.strip()


def unprofiled(evaluation):
    """Why there is no profile of it, or None."""
    if evaluation["verdict"] != "measured":
        return " ".join(filter(None, (evaluation["verdict"], evaluation["rule"], evaluation["message"])))
    if evaluation["receipt"]["evidence"] != "silicon":
        return "no GPU here: " + evaluation["receipt"]["evidence"]
    return evaluation["receipt"]["unavailable"].get("profile")


def text_of_one(kerf):
    out, error = evaluate(kerf, planted / "problems/transpose.py", [planted / "uncoalesced_transpose_stores.cu"], {}, "--diagnosis")
    print(out or error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kerf", nargs="?", default="kerf")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--beside", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=480)
    options = parser.parse_args()
    begin = time.monotonic()
    text_of_one(options.kerf)
    groups = collections.defaultdict(list)
    for case in tomllib.loads((planted / "cases.toml").read_text())["case"]:
        groups[case["problem"], tuple(case.get("sizes", {}).items())].append(case)
    part, parts = map(int, options.part.split("/"))
    evaluations, seconds, passes, right, judged, late = [], [], set(), 0, 0, []

    def judge(group):
        (problem, sizes), cases = group
        if time.monotonic() - begin > options.seconds:
            return group, None
        files = [planted / f"{case['name']}.cu" for case in cases]
        return group, evaluate(options.kerf, planted / "problems" / f"{problem}.py", files, dict(sizes), "--json")

    pool = concurrent.futures.ThreadPoolExecutor(options.beside)
    for ((problem, sizes), cases), said_by_kerf in pool.map(judge, list(groups.items())[part - 1::parts]):
        if said_by_kerf is None:
            late += [case["name"] for case in cases]
            continue
        out, error = said_by_kerf
        found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        if len(found) != len(cases):
            print(f"---- {problem} {dict(sizes)}: {len(found)} of {len(cases)} judged: {error[-400:]}")
        evaluations += found
        by_file = {pathlib.Path(evaluation["file"]).stem: evaluation for evaluation in found}
        for case in cases:
            evaluation = by_file.get(case["name"])
            if evaluation is None:
                late.append(case["name"])
                continue
            why = unprofiled(evaluation)
            diagnosis = evaluation["diagnosis"]
            causes = [cause["name"] for cause in diagnosis.get("causes", [])]
            said = (diagnosis["bound"], causes[0] if causes else "none")
            fits = why is None and said == (case["bound"], case["cause"])
            judged += 1
            right += fits
            if why is None and "profile.seconds" in diagnosis["metrics"]:
                seconds.append(diagnosis["metrics"]["profile.seconds"]["value"])
                passes.add(diagnosis["metrics"]["profile.passes"]["value"])
            wanted = f"{case['bound']} by {case['cause']}"
            print(f"{'ok  ' if fits else 'MISS'} {case['name']:32} " + (why or f"{said[0]} by {', '.join(causes) or 'none'}")
                  + ("" if fits else f"; planted: {wanted}"), flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "evaluations.json").write_text(json.dumps(evaluations, indent=1) + "\n")
    if seconds:
        first = next(e for e in evaluations if "profile.seconds" in e["diagnosis"]["metrics"])
        for name, metric in first["diagnosis"]["metrics"].items():
            print(f"     {name:28} {metric['value']:14.6g} {metric['unit']:8} {metric['evidence']}")
        print(f"a profile takes {statistics.median(seconds):.3f} s in the median, {max(seconds):.3f} s at most, {min(seconds):.3f} s at "
              f"least ({sorted(passes)} passes, {len(seconds)} profiles; the process that counts was started before)")
    if late:
        print(f"not judged: {', '.join(late)}")
    print(f"bound and main cause right for {right} of {judged} planted kernels in {time.monotonic() - begin:.0f} s")
    sys.exit(0 if judged and right >= 0.95 * judged else 1)


main()
