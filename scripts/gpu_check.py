#!/usr/bin/env python3
"""Verdicts on a real GPU: judges every candidate of tests/cases/gpu, one after the other in one process of kerf, and compares with what
their first lines expect; then those that are right are timed as graphs, which changes no verdict and gives each a time, unless its second
line says why not. Needs an NVIDIA GPU and kerf on the PATH (or its path as argument)."""
import json
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
kerf = sys.argv[1] if len(sys.argv) > 1 else "kerf"


def judge(cases, *options):
    run = subprocess.run([kerf, "evaluate", root / "bench/gpu/relu.py", *cases, "--target", "nvidia", "--screen", "--json",
                          "--set", "rows=512", "--set", "columns=16384", *options], capture_output=True, text=True)
    found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if len(found) != len(cases):
        sys.exit(f"{len(found)} evaluations of {len(cases)} candidates: {run.stderr.strip()[-500:]}")
    if any((e.get("receipt") or {}).get("evidence") == "emulated" for e in found):
        sys.exit("unavailable: no NVIDIA GPU here, candidates were emulated")
    return zip(cases, found)


def expected(case):
    """The verdicts that are right for it: more than one where it depends on what lies in memory beside its tensors."""
    return re.match(r"(?://|#) expect ([a-z0-9_ ]+):", case.read_text()).group(1).split(" or ")


def verdict(evaluation):
    return " ".join(filter(None, (evaluation["verdict"], evaluation["rule"])))


def miss_as_graph(case, evaluation):
    """What is not as it should be with an evaluation by graphs, or nothing."""
    receipt = evaluation.get("receipt") or {}
    if verdict(evaluation) != "measured" or not receipt.get("graph"):
        return f"{verdict(evaluation)} {evaluation['message'] or ''}, graph {receipt.get('graph')}"
    why_not = re.search(r"^(?://|#) as a graph, no time: (.+)$", case.read_text(), re.MULTILINE)
    unavailable = (receipt.get("unavailable") or {}).get("time", "")
    if why_not:
        return "" if why_not.group(1) in unavailable else f"a time, or another reason to have none: {unavailable}"
    if not receipt.get("time_us"):
        return f"no time: {unavailable}"
    return "" if "eager" in receipt.get("baselines", {}) else f"no baseline: {receipt.get('unavailable')}"


cases = sorted((root / "tests/cases/gpu").glob("*.*"))
missed = 0
for case, evaluation in judge(cases):
    got, right = verdict(evaluation), expected(case)
    missed += got not in right
    print(f"{'ok  ' if got in right else 'MISS'} {case.name:28} {got}"
          + ("" if got in right else f", expected {' or '.join(right)}: {evaluation['message'] or ''}"), flush=True)
timed = [case for case in cases if "measured" in expected(case)]
for case, evaluation in judge(timed, "--graph"):
    miss = miss_as_graph(case, evaluation)
    missed += bool(miss)
    times = (evaluation.get("receipt") or {}).get("time_us") or {}
    print(f"{'MISS' if miss else 'ok  '} {case.name:28} as a graph {times.get('median')} us {miss}")
print(f"{len(cases) + len(timed) - missed} of {len(cases) + len(timed)} as expected")
sys.exit(1 if missed else 0)
