#!/usr/bin/env python3
"""What became of the first node (the identity plan) of every session of a store: STORE.db [--all-nodes].

kerf suite run SUITE --sizes FILE --budget 1candidates --confirm 0 --store STORE.db
scripts/identity_report.py STORE.db
"""
import collections
import json
import sqlite3
import sys

store = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
limit = 1 << 30 if "--all-nodes" in sys.argv else 1
rows = store.execute(
    "select t.problem, e.node, e.verdict, e.document from evaluations e join sessions s on s.number = e.session"
    " join tasks t on t.id = s.task where e.node < ? and e.serial = (select min(serial) from evaluations f"
    " where f.session = e.session and f.node = e.node) order by s.number, e.node", (limit,)).fetchall()
verdicts = collections.Counter()
for problem, node, verdict, document in rows:
    verdicts[verdict] += 1
    if verdict != "measured":
        evaluation = json.loads(document)
        print(f"{problem} node {node}: {verdict} ({evaluation['rule']}): {evaluation['message']}")
print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
