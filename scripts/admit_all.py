#!/usr/bin/env python3
"""Admits every problem of a suite in one oracle and prints a table: seconds, nodes as exported and in core ATen, bytes,
operations, verdict, distributions, notes; then the seconds by phase. Run it with the Python that has PyTorch.

usage: admit_all.py [SUITE.jsonl SIZES.json] [LEVEL/ID ...]   (default: the development problems below $KERF_SHARED)
Exit status 1 if a problem fails to load or more than four are refused.
"""
import json
import os
import pathlib
import sys
import time
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "oracle"))
warnings.simplefilter("ignore")


class Phases:
    """Takes the place of the channel to kerf: adds up the seconds of each phase that the oracle announces."""

    def __init__(self):
        self.seconds, self.phase, self.since = {}, "other", time.perf_counter()

    def send(self, value):
        now = time.perf_counter()
        self.seconds[self.phase] = self.seconds.get(self.phase, 0) + now - self.since
        self.phase, self.since = value["phase"], now


def main():
    args = sys.argv[1:]
    data = pathlib.Path(os.environ.get("KERF_SHARED", ROOT.parent / "shared")) / "data"
    files = [a for a in args if a.endswith((".jsonl", ".json"))] or [data / "kernelbench_dev.jsonl", data / "cpu_sizes.json"]
    wanted = [a for a in args if not a.endswith((".jsonl", ".json"))]
    if not all(pathlib.Path(f).exists() for f in files):
        print(f"unavailable: {files[0]}: give SUITE.jsonl SIZES.json or set KERF_SHARED")
        return 0
    from kerf_oracle import errors
    from kerf_oracle.service import Service
    phases = Phases()
    service, failed, refused, begin = Service(phases), [], [], time.perf_counter()
    sizes = json.loads(pathlib.Path(files[1]).read_text()) if len(files) > 1 else {}
    for problem in map(json.loads, pathlib.Path(files[0]).read_text().splitlines()):
        key = f"{problem['level']}/{problem['problem_id']}"
        if wanted and key not in wanted:
            continue
        start = time.perf_counter()
        asked = {"source": problem["code"], "sizes": sizes.get(key, {}), "mode": "as_written", "path": key}
        try:
            reply = service.on_admit({"problem": asked}, [])
        except errors.Refusal as error:
            failed.append(key)
            print(f"{key:6}{time.perf_counter() - start:6.1f} s  FAILS: {error.message}", flush=True)
            continue
        work, verdict = reply["workload"], reply["admission"]
        if not verdict["admitted"]:
            refused.append(key)
        print(f"{key:6}{time.perf_counter() - start:6.1f} s {len(work['exported']['nodes']):5}{len(work['core']['nodes']):5} nodes"
              f"{work['bytes'] / 1e6:7.1f} MB{work['operations'] / 1e9:8.3f} GFLOP  {verdict['refused'] or 'admitted'}; "
              f"on {', '.join(verdict['distributions'])}"
              + "".join(f"; own inputs pass {w}" for w in verdict["fooled_by_own_inputs"])
              + "".join(f"; {n}" for n in verdict["notes"]), flush=True)
    phases.send({"phase": "other"})
    print("; ".join(f"{phase} {seconds:.1f} s" for phase, seconds in sorted(phases.seconds.items(), key=lambda p: -p[1])))
    print(f"{time.perf_counter() - begin:.0f} s; refused: {', '.join(refused) or 'none'}; failed: {', '.join(failed) or 'none'}")
    return 1 if failed or len(refused) > 4 else 0


if __name__ == "__main__":
    sys.exit(main())
