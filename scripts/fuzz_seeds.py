#!/usr/bin/env python3
"""What fuzzers of replies start from: tests/cases/replies in the form in which each takes its bytes.

fuzz_seeds.py FOLDER   writes FOLDER/reply_fuzz/… and FOLDER/edit_fuzz/…
"""
import pathlib
import sys

cases = pathlib.Path(__file__).resolve().parent.parent / "tests/cases/replies"
out = pathlib.Path(sys.argv[1])
for fuzzer in ("reply_fuzz", "edit_fuzz"):
    (out / fuzzer).mkdir(parents=True, exist_ok=True)
for case in sorted(cases.glob("*.txt")):
    head, mark, reply = case.read_bytes().partition(b"=== reply\n")
    assert mark, f"{case}: no reply"
    lines = head.decode().splitlines()
    base = next((cases / line.split()[1] for line in lines if line.startswith("base ")), None)
    flags = ("finish length" in lines) * 1 | ("finish refusal" in lines) * 2 | (base is not None) * 8  # as reply_fuzz.cc reads them
    (out / "reply_fuzz" / case.stem).write_bytes(bytes([flags]) + reply)
    if base is not None:
        # Once with all that stands around the edit, once as it is handed on: without fences.
        bare = b"".join(line for line in reply.splitlines(keepends=True) if not line.startswith((b"```", b"Change:")))
        (out / "edit_fuzz" / case.stem).write_bytes(base.read_bytes() + b"\xff" + reply)
        (out / "edit_fuzz" / (case.stem + "_bare")).write_bytes(base.read_bytes() + b"\xff" + bare)
