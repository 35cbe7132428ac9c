#!/usr/bin/env python3
"""Problems that kerf was not built on, drawn by a seed, as a suite: single operators of every kind (level 1), chains of operators behind a
convolution or a product (level 2), blocks of networks (level 3).

    scripts/unseen.py write SUITE.jsonl [--seed 1] [--level 2] [--count N] [--scale small|medium]
    scripts/unseen.py check SUITE.jsonl           # whether PyTorch runs them at all
    KERF_UNSEEN=SUITE.jsonl KERF_UNSEEN_OUT=RESULTS.jsonl build/integration_unseen_test --gtest_filter='*Cpp*'    # or Triton
    scripts/unseen.py table RESULTS.jsonl         # what came of them, as Markdown; what was wrong on standard error

The same seed gives the same problems. --count takes so many of a level, by lot."""

import argparse
import collections
import json
import pathlib
import random
import re
import sys

from builtin_coverage import VIEWS
from unseen_problems.blocks import every_block
from unseen_problems.chains import chain
from unseen_problems.operators import everything

CHAINS = 100  # where no count is asked for


def problems_of(level, seed, scale, count):
    draw = random.Random(f"{seed}/{level}/{scale}")
    if level == 2:
        return [chain(draw, scale) for _ in range(count or CHAINS)]
    every = everything(draw, scale) if level == 1 else every_block(draw, scale)
    return draw.sample(every, min(count, len(every))) if count else every


def write(options):
    lines = []
    for level in options.level or [1, 2, 3]:
        for number, problem in enumerate(problems_of(level, options.seed, options.scale, options.count), 1):
            lines.append(json.dumps({"level": level, "problem_id": number, "name": f"{number}_{problem.name}", "code": problem.text()}))
    options.suite.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} problems")


def check(options):
    import torch
    failed = 0
    for row in map(json.loads, options.suite.read_text().splitlines()):
        scope = {}
        try:
            exec(compile(row["code"], row["name"], "exec"), scope)
            with torch.no_grad():
                scope["Model"](*scope["get_init_inputs"]())(*scope["get_inputs"]())
        except Exception as error:  # whatever a model may raise
            failed += 1
            print(f"{row['level']}/{row['problem_id']} {row['name']}: {type(error).__name__}: {str(error).splitlines()[0]}")
    print(f"{failed} do not run")
    return 1 if failed else 0


def judged(options):
    """Lines of integration_unseen_test, the last one of each problem."""
    found = {}
    for line in options.results.read_text().splitlines():
        entry = json.loads(line)
        found[entry["language"], entry["problem"]] = entry
    return found


def table(options):
    rows = collections.defaultdict(collections.Counter)
    left = collections.Counter()
    for (language, problem), entry in sorted(judged(options).items()):
        counts = rows[language, re.search(r"(\d+)/\d+$", problem).group(1)]
        counts["problems"] += 1
        if "refused" in entry:
            counts["refused" if entry["kind"] == "user" else "failed"] += 1
            print(f"{problem} {entry['name']}: {entry['refused'][:200]}", file=sys.stderr)
            continue
        candidates = entry.get("candidates", [])
        wrong = [each for each in candidates if each["verdict"] != "measured"]
        for each in wrong:
            print(f"{problem} {entry['name']}, {each['rationale']}: {each['why'][:300]}", file=sys.stderr)
        counts["candidates"] += len(candidates)
        counts["wrong"] += len(wrong)
        counts["right"] += not wrong
        calls = [[call for call in re.findall(r'call = "aten\.(\w+)', each["text"]) if call not in VIEWS]
                 for each in candidates if "launch = " in each["text"]]
        counts["own"] += bool(calls)
        fewest = min(calls, key=len, default=None)
        counts["alone"] += fewest == []
        if fewest is None:
            left[f"all of {entry['name'].split('_', 1)[1]}"] += 1
        left.update(set(fewest or []))
    print("| language | level | problems | refused, with a reason | failed | all candidates right | kernels of our own | no library call | candidates | wrong |")
    print("|---" * 10 + "|")
    for (language, level), c in sorted(rows.items()):
        print(f"| {language} | {level} | {c['problems']} | {c['refused']} | {c['failed']} | {c['right']} | {c['own']} | {c['alone']} | {c['candidates']} | {c['wrong']} |")
    print("\nLeft to the library, in so many problems: " + ", ".join(f"{name} {n}" for name, n in left.most_common()), file=sys.stderr)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("write")
    one.add_argument("suite", type=pathlib.Path)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--level", type=int, action="append", choices=[1, 2, 3])
    one.add_argument("--count", type=int)
    one.add_argument("--scale", choices=["small", "medium"], default="small")
    one.set_defaults(do=write)
    two = commands.add_parser("check")
    two.add_argument("suite", type=pathlib.Path)
    two.set_defaults(do=check)
    three = commands.add_parser("table")
    three.add_argument("results", type=pathlib.Path)
    three.set_defaults(do=table)
    options = parser.parse_args()
    return options.do(options) or 0


if __name__ == "__main__":
    sys.exit(main())
