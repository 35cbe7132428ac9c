#!/usr/bin/env python3
"""Which move paid under which diagnosis, from what a store holds: a Markdown table.

    scripts/moves_paid.py [--store ~/.local/share/kerf/kerf.db ...] [--target cpu] [--least 3]

A row is a diagnosis of the node that was built upon (its bound, and each cause that was found), and a move that was
tried on it. `paid`: both are measured, and the interval of the quotient of their speedups over eager lies above 1;
`cost`: below 1; `failed`: nothing right came of it. The gain is the median of the quotients. Only the search's own
measurements count, the first of each node, so that what was confirmed because it was fast has no advantage.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import sqlite3
import statistics
import sys


def ratio(evaluation):
    receipt = evaluation.get("receipt") or {}
    found = (receipt.get("speedup") or {}).get("eager")
    return found if found and found["low"] > 0 and not receipt.get("quarantined") else None


def quotient(child, parent):
    """Value and interval, the distances to the limits added in squares (Zou and Donner 2008)."""
    log = math.log
    centre = log(child["value"] / parent["value"])
    below = math.hypot(log(child["value"] / child["low"]), log(parent["high"] / parent["value"]))
    above = math.hypot(log(child["high"] / child["value"]), log(parent["value"] / parent["low"]))
    return math.exp(centre), math.exp(centre - below), math.exp(centre + above)


def add_store(store, target, gains, counts):
    first = {}  # by session and node
    for session, node, document in store.execute(
            "SELECT e.session, e.node, e.document FROM evaluations e JOIN sessions s ON s.number = e.session "
            "JOIN tasks t ON t.id = s.task WHERE t.target = ? AND e.purpose = 'search' "
            "ORDER BY e.session, e.node, e.serial", (target,)):
        first.setdefault((session, node), json.loads(document))
    for session, node, expansion, move in store.execute(
            "SELECT session, node, expansion, move FROM nodes WHERE move <> ''"):
        parents = json.loads(expansion).get("parents") or []
        child = first.get((session, node))
        parent = first.get((session, parents[0])) if parents else None
        if child is None or parent is None or ratio(parent) is None:
            continue
        diagnosis = parent.get("diagnosis") or {}
        names = [f"bound: {diagnosis['bound']}"] if diagnosis.get("bound") else []
        names += [cause["name"] for cause in diagnosis.get("causes") or []]
        here = ratio(child)
        for name in names:
            key = (name, move)
            counts[key]["tried"] += 1
            if here is None:
                counts[key]["failed"] += 1
                continue
            value, low, high = quotient(here, ratio(parent))
            gains[key].append(value)
            counts[key]["paid"] += low > 1
            counts[key]["cost"] += high < 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = pathlib.Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "kerf"
    parser.add_argument("--store", nargs="+", default=[str(pathlib.Path(os.environ.get("KERF_HOME", data)) / "kerf.db")])
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--least", type=int, default=3, help="leave out what was tried less often")
    options = parser.parse_args()
    gains, counts = collections.defaultdict(list), collections.defaultdict(collections.Counter)
    for path in options.store:
        if not pathlib.Path(path).is_file():
            sys.exit(f"there is no store {path}")
        add_store(sqlite3.connect(f"file:{path}?mode=ro", uri=True), options.target, gains, counts)
    rows = [key for key in counts if counts[key]["tried"] >= options.least]
    print("| diagnosis | move | tried | paid | cost | failed | median gain |\n|---|---|---|---|---|---|---|")
    for key in sorted(rows, key=lambda k: (k[0], -counts[k]["paid"] / counts[k]["tried"], k[1])):
        c = counts[key]
        gain = f"{statistics.median(gains[key]):.2f}x" if gains[key] else "-"
        print(f"| {key[0]} | {key[1]} | {c['tried']} | {c['paid']} | {c['cost']} | {c['failed']} | {gain} |")
    if not rows:
        print(f"nothing was tried {options.least} times on target {options.target}", file=sys.stderr)


if __name__ == "__main__":
    main()
