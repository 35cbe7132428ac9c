#!/usr/bin/env python3
"""Why the kernels of tests/cases/planted/cpu are slow, asked of kerf on this machine: for how many the planted cause is
named, and whether a healthy one is accused.

    python3 scripts/cpu_planted.py [KERF]

Needs a quiet machine with several cores. Exit code 1 if one that was judged is wrong."""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tomllib

root = pathlib.Path(__file__).resolve().parent.parent
planted = root / "tests/cases/planted"
asked = {"false_sharing", "imbalance", "page_faults"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kerf", nargs="?", default="kerf")
    options = parser.parse_args()
    groups = collections.defaultdict(list)
    for case in tomllib.loads((planted / "cpu/cases.toml").read_text())["case"]:
        groups[case["problem"], tuple(case["sizes"].items())].append(case)
    right = judged = 0
    print(f"{'':<24} {'planted':<14} {'named':<14} {'bound':<8} {'shared':>6} {'costs':>6} {'busiest':>7} {'chunks':>6} "
          f"{'faults':>6} {'seconds':>7}")
    for (problem, sizes), cases in groups.items():
        command = [options.kerf, "evaluate", planted / "problems" / f"{problem}.py",
                   *[planted / "cpu" / f"{case['name']}.cpp" for case in cases], "--profile", "--screen", "--json"]
        command += [word for name, value in sizes for word in ("--set", f"{name}={value}")]
        run = subprocess.run(command, capture_output=True, text=True)
        found = {pathlib.Path(e["file"]).stem: e for e in map(json.loads, run.stdout.splitlines())}
        for case in cases:
            e = found.get(case["name"])
            if e is None or e["verdict"] != "measured":
                print(f"{case['name']:<24} not judged: {e['message'] if e else run.stderr.strip()[-300:]}")
                continue
            d = e["diagnosis"]
            value = lambda name: d["metrics"].get(name, {}).get("value", float("nan"))
            causes = [cause["name"] for cause in d.get("causes", []) if cause["name"] in asked]
            named = causes[0] if causes else ""
            ok = named == case["cause"]
            judged += 1
            right += ok
            seconds = sum(job["seconds"] for job in e["jobs"] if job["kind"] == "watch")
            print(f"{case['name']:<24} {case['cause'] or '-':<14} {named or '-':<14} {d.get('bound') or '?':<8} "
                  f"{value('share.shared_lines'):6.2f} {value('slowdown.shared_lines'):6.2f} {value('imbalance'):7.2f} "
                  f"{value('imbalance.tasks'):6.2f} {value('page_faults'):6.0f} {seconds:7.2f}{'' if ok else '   WRONG'}")
    print(f"{right} of {judged} as planted")
    sys.exit(right != judged)


if __name__ == "__main__":
    main()
