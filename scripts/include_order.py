#!/usr/bin/env python3
"""Checks that every room of src/ includes only rooms above it in CMakeLists.txt (kerf_room's USES, transitively)."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
uses = {}
for name, rest in re.findall(r"^kerf_room\((\w+)([^)]*)\)", (root / "CMakeLists.txt").read_text(), re.M | re.S):
    direct = re.search(r"USES ([\w ]+?)(?: LINKS| MAIN|$)", " ".join(rest.split()))
    seen = {name}
    for other in direct[1].split() if direct else []:
        seen |= uses[other]
    uses[name] = seen

bad = 0
for file in sorted((root / "src").rglob("*.[ch]*")):
    room = file.relative_to(root / "src").parts[0]
    if room not in uses:
        print(f"{file.relative_to(root)}: src/{room} is no room of CMakeLists.txt")
        bad += 1
        continue
    for number, line in enumerate(file.read_text().splitlines(), 1):
        included = re.match(r'#include "(\w+)/', line)
        if included and included[1] not in uses[room]:
            print(f"{file.relative_to(root)}:{number}: {room} may not include {included[1]}")
            bad += 1
sys.exit(1 if bad else 0)
