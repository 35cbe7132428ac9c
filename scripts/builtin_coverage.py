#!/usr/bin/env python3
"""Says for every problem of a suite what the built-in synthesizer generates and what it leaves to the library, as Markdown.

    scripts/builtin_coverage.py SUITE.jsonl [--sizes FILE] [--target cpu] [--select 2/21,3/1] [--jobs 1] [--kerf build/kerf]

Nothing is drawn or run: the plan of the first fused candidate is read. Operators that only look at memory differently
(view, transpose, …) are left out. A problem that cannot be looked at is listed with the reason, and makes the script fail."""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

# As is_trivial() in src/synthesize/builtin/lower.cc has them, and views that no region has.
VIEWS = set("""view reshape _unsafe_view flatten unflatten unsqueeze squeeze permute transpose t numpy_T expand expand_as alias
detach clone contiguous lift_fresh_copy lift_fresh dropout broadcast_tensors scalar_tensor full zeros ones full_like zeros_like
ones_like _to_copy to mT swapaxes broadcast_to flip select slice split split_with_sizes chunk unbind""".split())


def plan_of(path):
    return tomllib.loads(re.search(r"/// kerf\n(.*?)^///", path.read_text(), re.S | re.M).group(1))


def counted(names):
    return ", ".join(f"{n} {name}" if n > 1 else name for name, n in collections.Counter(names).items()) or "nothing"


def calls_of(plan):
    names = [step["call"].split(".")[1] for step in plan["step"] if "call" in step]
    return [name for name in names if name not in VIEWS]


def look(options, name, sizes):
    """Returns (kernels, calls, why): texts; why is empty where the problem was understood."""
    with tempfile.TemporaryDirectory() as folder:
        command = [options.kerf, "optimize", f"{options.suite}#{name}", "--target", options.target, "--synthesizer", "builtin",
                   "--dry-run", "--budget", "2candidates", "--out", folder]
        for key, value in sizes.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True)
        files = sorted(pathlib.Path(folder).glob("*"))
        if done.returncode != 0 or not files:
            said = done.stderr.strip().splitlines() or ["no reason was given"]
            return "", "", said[-1]
        fused = [path for path in files if "-identity" not in path.name]
        plan = plan_of(fused[0] if fused else files[0])
        return counted(step["launch"] for step in plan["step"] if "launch" in step), counted(calls_of(plan)), ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("--sizes", type=pathlib.Path, help='{"1/20": {"batch_size": 16}, …}; those of the files otherwise')
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--select", help="all problems otherwise")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kerf", default="build/kerf")
    options = parser.parse_args()
    sizes = json.loads(options.sizes.read_text()) if options.sizes else {}
    rows = [json.loads(line) for line in options.suite.read_text().splitlines() if line.strip()]
    names = [f"{row['level']}/{row['problem_id']}" for row in rows]
    if options.select:
        names = options.select.split(",")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(lambda name: look(options, name, sizes.get(name, {})), names))
    print("| problem | generated kernels | library calls left |\n|---|---|---|")
    left = collections.Counter()
    for name, (kernels, calls, why) in zip(names, found):
        print(f"| {name} | not looked at: {why} | |" if why else f"| {name} | {kernels} | {calls} |")
        left.update({re.sub(r"^\d+ ", "", call) for call in calls.split(", ")} - {"", "nothing"})
    nothing = sum(kernels == "nothing" for kernels, _, _ in found)
    alone = sum(calls == "nothing" for _, calls, _ in found)
    failed = sum(bool(why) for _, _, why in found)
    print(f"\n{len(names)} problems: {alone} without a library call, {nothing} with library calls only, {failed} not looked at.\n")
    print("| library operator | problems that call it |\n|---|---|")
    for call, problems in left.most_common():
        print(f"| {call} | {problems} |")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
