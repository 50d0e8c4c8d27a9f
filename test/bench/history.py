"""What was measured, and when: a file of JSON lines.

Two kinds: {"kind": "run", ..} for each time a program ran, with its command and all its numbers, and {"kind": "line", ..}
for each line of the table. Both carry date, commit and machine.
"""
import datetime
import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@functools.cache
def machine():
    cpu = "unknown"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {"cpu": cpu, "cores": os.cpu_count()}


@functools.cache
def commit():
    """Short hash, with a + where the tree has changes of its own; "unknown" outside a checkout."""
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    head = git("rev-parse", "--short", "HEAD")
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + "+" * bool(git("status", "--porcelain", "-uno").stdout.strip())


def command():
    return shlex.join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])


def load(path):
    if not path.exists():
        return []
    entries = []
    for line in path.read_text().splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            pass  # a line cut off by a full disk must not hide the rest
    return entries


def append(args, row, title, lines, runs):
    """Adds a row's runs and lines; for each line the change since it was last measured with this machine, number of
    threads and sizes."""
    same = {"machine": machine(), "threads": args.threads, "quick": args.quick}
    common = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "commit": commit(), **same,
              "load": os.getloadavg()[0]}
    last = {(e["row"], e["metric"]): e for e in load(args.history)
            if e.get("kind") == "line" and e.get("value") is not None and all(e.get(k) == v for k, v in same.items())}
    changes = {}
    args.history.parent.mkdir(parents=True, exist_ok=True)
    with open(args.history, "a") as f:
        for run in runs:
            f.write(json.dumps({"kind": "run", **common, **run}) + "\n")
        for line in lines:
            f.write(json.dumps({"kind": "line", **common, "row": row, "metric": line.metric, "value": line.value,
                                "unit": line.unit, "bar": line.bar, "ours": line.ours, "peer": line.peer,
                                "note": line.note, "command": command()}) + "\n")
            before = last.get((row, line.metric))
            if before and line.value is not None and before["value"]:
                gain = line.value / before["value"] - 1
                mark = "" if abs(gain) < 0.03 else " better" if (gain > 0) == line.higher else " WORSE"
                changes[title, line.metric] = f"{gain:+.1%} since {before['commit']} {before['date'][:10]}{mark}"
    return changes
