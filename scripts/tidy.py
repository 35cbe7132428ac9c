#!/usr/bin/env python3
"""clang-tidy on the sources of src/, several in one run: most of a run goes into the headers, which they share.

A batch is a file that holds its sources one after the other, as they are. That its verdict is theirs has two reasons.
Sources meet in a batch only if they know nothing of each other (together.py). And nothing is believed of a batch but that
it is clean: one with a complaint, or that does not parse, is halved until each source that is complained about has been
looked at alone, and that is what is printed.

Sources that were clean have a stamp in build/tidy and are not looked at again until they, a header, their compiler's
flags or the checks change.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import together

TIDY = "clang-tidy-19"
root = together.root
stamps = root / "build" / "tidy"

# What rooms' flags differ in, and clang-tidy's verdict on a source does not depend on: how code is placed and contracted, and what
# toml++ asks of those that include it.
NO_MATTER = ("-fPIC", "-fPIE", "-ffp-contract=", "-DTOML_")

# A macro makes readability-duplicate-include forget what was included so far: the next source includes on its own account.
BETWEEN = "\n#define KERF_NEXT_SOURCE\n#undef KERF_NEXT_SOURCE\n"

class Compiled(together.Source):
    def __init__(self, path, command):
        super().__init__(path)
        self.command = command  # of its compilation; None where the build does not know it yet
        # A using-declaration or the name of a namespace that is of no use here could be of use to another that says the same.
        self.aliases = {(name, text) for name, text in self.aliases if text.startswith(f"using {name} = ")}
        self.flags = (path,)
        if command:
            self.flags = tuple(a for a in shlex.split(command) if not a.endswith((".o", ".cc")) and not a.startswith(NO_MATTER))

    def stamp(self, common):
        return stamps / hashlib.sha256(repr((common, self.flags, self.path, self.text)).encode()).hexdigest()


def run(arguments):
    done = subprocess.run([TIDY, "--quiet", *arguments], cwd=root, capture_output=True, text=True)
    return done.returncode == 0, done.stdout or done.stderr


def complaints(batch):
    """What clang-tidy says of each source that is not clean, as [(source, words)]."""
    if len(batch) == 1:
        clean, words = run(["-p", "build", batch[0].path])
        return [] if clean else [(batch[0], words)]
    with tempfile.TemporaryDirectory(dir=stamps, prefix="batch_") as folder:
        file = pathlib.Path(folder) / "batch.cc"
        file.write_text(BETWEEN.join(source.text for source in batch))
        most = max((shlex.split(source.command) for source in batch), key=len)  # with toml++'s definitions, if any has them
        command = shlex.join(str(file) if a.endswith(".cc") else a for a in most)
        entry = {"directory": str(root / "build"), "command": command, "file": str(file)}
        (file.parent / "compile_commands.json").write_text(json.dumps([entry]))
        clean, words = run(["-p", folder, str(file)])
    if clean:
        return []
    half = len(batch) // 2
    found = complaints(batch[:half]) + complaints(batch[half:])
    if not found:  # costs time only, but each time
        print(f"lint: clean one by one, not in a batch: {' '.join(source.path for source in batch)}\n{words}", file=sys.stderr)
    return found


def listed(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=root,
                         check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(out.splitlines()) if (root / path).exists())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--most", type=int, default=20, help="sources in a batch; 1: each alone")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("sources", nargs="*", help="instead of all of src/")
    options = arguments.parse_args()

    stamps.mkdir(parents=True, exist_ok=True)
    commands = {os.path.relpath(entry["file"], root): entry["command"]
                for entry in json.loads((root / "build" / "compile_commands.json").read_text())}
    left_out = re.compile(r"/bridge/|/prelude/|_(test|fuzz)\.cc$")
    paths = options.sources or [path for path in listed("src/*.cc") if not left_out.search(path)]
    common = hashlib.sha256(subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout)
    for path in listed("src/*.h", ".clang-tidy"):  # one digest for all headers is coarse and safe
        common.update((root / path).read_bytes())
    common = common.hexdigest()
    todo = [source for source in (Compiled(path, commands.get(path)) for path in paths) if not source.stamp(common).exists()]

    batches = together.batches_of(todo, options.most)
    batches.sort(key=lambda batch: -sum(len(source.text) for source in batch))  # so that no core waits for a long one at the end
    print(f"lint: clang-tidy on {len(todo)} files in {len(batches)} batches", flush=True)

    def verdict(batch):
        found = complaints(batch)
        for source in batch:
            if source not in (bad for bad, _ in found):
                source.stamp(common).touch()
        return found

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        found = [complaint for found in pool.map(verdict, batches) for complaint in found]
    for source, words in sorted(found, key=lambda complaint: complaint[0].path):
        print(f"{words.rstrip()}\nlint: {source.path}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
