#!/usr/bin/env python3
"""Writes what the built-in synthesizer begins with, for several problems of a suite, as files to be judged elsewhere.

    scripts/first_candidates.py SUITE.jsonl OUT --target nvidia --select 1/20,1/35 [--count 16] [--kerf build/kerf] [--sizes FILE]

Each problem gets a folder OUT/LEVEL-NUMBER with the identity plan (00-identity), the fused kernels in their default schedules
(01-…), and changes of the first of them. Nothing is drawn or run: sizes may be larger than this machine's memory."""

import argparse
import json
import pathlib
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--target", default="nvidia")
    parser.add_argument("--language", help="the target's first otherwise")
    parser.add_argument("--select", required=True)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--kerf", default="build/kerf")
    parser.add_argument("--sizes", type=pathlib.Path, help='{"1/20": {"batch_size": 16}, …}; those of the files otherwise')
    options = parser.parse_args()
    sizes = json.loads(options.sizes.read_text()) if options.sizes else {}
    failed = 0
    for name in options.select.split(","):
        folder = options.out / name.replace("/", "-")
        command = [options.kerf, "optimize", f"{options.suite}#{name}", "--target", options.target, "--dry-run", "--budget",
                   f"{options.count}candidates", "--out", str(folder)]
        if options.language:
            command += ["--language", options.language]
        for key, value in sizes.get(name, {}).items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True)
        written = len(list(folder.glob("*"))) if done.returncode == 0 else 0
        print(f"{name}: {written} candidates" if written else f"{name}: {done.stderr.strip()}")
        failed += not written
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
