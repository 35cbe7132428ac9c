#!/usr/bin/env python3
"""Checks that no two headers of src/ define a type of one name: they share a namespace, and the linker would pick one."""
import collections
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
where = collections.defaultdict(list)
for file in sorted((root / "src").rglob("*.h")):
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if defined := re.match(r"(?:struct|class|enum class) (?:alignas\(\d+\) )?(\w+)(?: final)?\s*(?::(?!:)|\{)", line):
            where[defined[1]].append(f"{file.relative_to(root)}:{number}")

bad = {name: places for name, places in where.items() if len(places) > 1}
for name, places in sorted(bad.items()):
    print(f"{name} is defined {len(places)} times: {', '.join(places)}")
sys.exit(1 if bad else 0)
