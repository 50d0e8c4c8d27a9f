"""Checks that every kernel in a table of `tintype tune` has a row in the exported JSON, and each far from its roof a reason."""
import json
import re
import sys

rows = json.load(open(sys.argv[1]))["schedules"]
names = re.findall(r"^k_[0-9a-f]+", open(sys.argv[2]).read(), re.M)
assert sorted(r["kernel"] for r in rows) == sorted(names), (rows, names)
BOUND = r"(\w[^;]* \d+ % of its time|too short to say)"
TRIED = r"(\d+ candidates?( there are)?, the best other [\d.]+x \+- [\d.]+ %|none of \d+ candidates ran|not tried within the budget|nothing to choose in its template)"
for r in rows:
    print(r["kernel"], r["why"])
    if r["gain"] < 1.15 and not r["why"].startswith("not measured"):
        assert re.search(f"{BOUND}; .*{TRIED}; (gain|time) \\+- [\\d.]+ %$", r["why"]), r
print(len(rows), "kernels, each explained")
