#!/usr/bin/env python3
"""Verdicts on a real GPU: judges every candidate of tests/cases/gpu, one after the other in one process of kerf, and compares with what
their first lines expect. Needs an NVIDIA GPU and kerf on the PATH (or its path as argument)."""
import json
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
kerf = sys.argv[1] if len(sys.argv) > 1 else "kerf"
cases = sorted((root / "tests/cases/gpu").glob("*.*"))
run = subprocess.run([kerf, "evaluate", root / "bench/gpu/relu.py", *cases, "--target", "nvidia", "--screen", "--json",
                      "--set", "rows=512", "--set", "columns=16384"], capture_output=True, text=True)
found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
if len(found) != len(cases):
    sys.exit(f"{len(found)} evaluations of {len(cases)} candidates: {run.stderr.strip()[-500:]}")
missed = 0
for case, evaluation in zip(cases, found):
    expected = re.match(r"(?://|#) expect ([a-z0-9_ ]+):", case.read_text()).group(1)
    got = " ".join(filter(None, (evaluation["verdict"], evaluation["rule"])))
    evidence = (evaluation.get("receipt") or {}).get("evidence", "-")
    if evidence == "emulated":
        sys.exit("unavailable: no NVIDIA GPU here, candidates were emulated")
    missed += got != expected
    print(f"{'ok  ' if got == expected else 'MISS'} {case.name:28} {got}" + ("" if got == expected else f", expected {expected}"))
print(f"{len(cases) - missed} of {len(cases)} as expected")
sys.exit(1 if missed else 0)
