#!/usr/bin/env python3
"""clang-tidy on the sources of src/, several in one run: most of a run goes into the headers, which they share.

A batch is a file that holds its sources one after the other, as they are. That its verdict is theirs has two reasons.
Sources meet in a batch only if they know nothing of each other: no name that one defines for itself (in an unnamed
namespace, as static, by using) is a word of another. And nothing is believed of a batch but that it is clean: one with a
complaint, or that does not parse, is halved until each source that is complained about has been looked at alone, and that
is what is printed.

Sources that were clean have a stamp in build/tidy and are not looked at again until they, a header, their compiler's
flags or the checks change.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TIDY = "clang-tidy-19"
root = pathlib.Path(__file__).resolve().parent.parent
stamps = root / "build" / "tidy"

# A macro makes readability-duplicate-include forget what was included so far: the next source includes on its own account.
BETWEEN = "\n#define KERF_NEXT_SOURCE\n#undef KERF_NEXT_SOURCE\n"

LITERALS_AND_COMMENTS = re.compile(
    r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)

# What has internal linkage outside of unnamed namespaces, and aliases.
INTERNAL = re.compile(r"static\b|using \w+ =|(constexpr|const)\b[^(]*(=|$)")


def code_of(text):
    return LITERALS_AND_COMMENTS.sub(lambda found: " " if found[0][0] == "/" else '""', text)


def names_defined(code, everywhere=False):
    """The names that a source defines for itself; everywhere: those that a header gives to who includes it, too. Some that
    are not there do no harm, missing ones let batches fail to parse."""
    names = set(re.findall(r"^\s*#\s*define (\w+)", code, re.M)) | set(re.findall(r"^int (main)\(", code, re.M))
    names |= set(re.findall(r"\busing (?:\w+::)+(\w+);", code)) | set(re.findall(r"\bnamespace (\w+) =", code))
    code = re.sub(r"^\s*#.*$", "", code, flags=re.M)
    scopes = []  # of where we are: "named" and "unnamed" namespaces, "body" of anything else
    for head, end in re.findall(r"([^{};]*)([{};])", code):
        head = re.sub(r"\[\[.*?\]\]|\btemplate <[^;{}]*?>(?= *\n)", "", head).strip()
        space = re.search(r"\bnamespace( [\w:]+)?$", head)
        if end != "}" and not space and "body" not in scopes and (everywhere or "unnamed" in scopes or INTERNAL.match(head)):
            kind = re.match(r"(?:(?:struct|class|union|enum class|enum) |using (?=\w+ =))(\w+)", head)
            if name := kind or re.search(r"(\w+)\s*$", re.split(r"[(=\[]", head, maxsplit=1)[0]):
                names.add(name[1])
        if end == "{":
            scopes.append("body" if not space else "named" if space[1] else "unnamed")
        elif end == "}":
            del scopes[-1:]
    return names


@functools.cache
def names_of_header(path):
    """Those of a header of src/ and of all that it includes."""
    text = (root / "src" / path).read_text()
    return frozenset(names_defined(code_of(text), everywhere=True)).union(*map(names_of_header, included(text)))


def included(text):
    return [path for path in re.findall(r'^#include "(.*)"', text, re.M) if (root / "src" / path).exists()]


class Source:
    def __init__(self, path, command):
        self.path = path  # relative to the root
        self.text = (root / path).read_text()
        self.command = command  # of its compilation; None where the build does not know it yet
        self.flags = tuple(a for a in shlex.split(command) if not a.endswith((".o", ".cc"))) if command else (path,)
        code = code_of(self.text)
        self.own = names_defined(code)
        self.words = set(re.findall(r"[A-Za-z_]\w*", code)).union(*map(names_of_header, included(self.text)))

    def stamp(self, common):
        return stamps / hashlib.sha256(repr((common, self.flags, self.path, self.text)).encode()).hexdigest()


def strangers(a, b):
    return a.flags == b.flags and not a.own & b.words and not b.own & a.words


def batches_of(sources, most):
    """Each source joins the first batch of which it is a stranger to all; those that know the most others come first."""
    known = {source.path: sum(not strangers(source, other) for other in sources) for source in sources}
    batches = []
    for source in sorted(sources, key=lambda source: (-known[source.path], source.path)):
        for batch in batches:
            if len(batch) < most and all(strangers(source, other) for other in batch):
                batch.append(source)
                break
        else:
            batches.append([source])
    return batches


def run(arguments):
    done = subprocess.run([TIDY, "--quiet", *arguments], cwd=root, capture_output=True, text=True)
    return done.returncode == 0, done.stdout or done.stderr


def complaints(batch):
    """What clang-tidy says of each source that is not clean, as [(source, words)]."""
    if len(batch) == 1:
        clean, words = run(["-p", "build", batch[0].path])
        return [] if clean else [(batch[0], words)]
    with tempfile.TemporaryDirectory(dir=stamps, prefix="batch_") as folder:
        together = pathlib.Path(folder) / "batch.cc"
        together.write_text(BETWEEN.join(source.text for source in batch))
        command = shlex.join(str(together) if a.endswith(".cc") else a for a in shlex.split(batch[0].command))
        entry = {"directory": str(root / "build"), "command": command, "file": str(together)}
        (together.parent / "compile_commands.json").write_text(json.dumps([entry]))
        clean, words = run(["-p", folder, str(together)])
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
    arguments.add_argument("--most", type=int, default=8, help="sources in a batch; 1: each alone")
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
    todo = [source for source in (Source(path, commands.get(path)) for path in paths) if not source.stamp(common).exists()]

    batches = batches_of(todo, options.most)
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
