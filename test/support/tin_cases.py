#!/usr/bin/env python3
"""Runs a command on many small texts and compares everything it prints.

usage: tin_cases.py [--update] [--status N] CASES -- COMMAND...

CASES holds, after the first line that starts with `=== `:

  === title of a case
  text of the case
  ---
  what `COMMAND case.tin` prints (standard output, then standard error)

The text of a case titled `(common)` is no case of its own but goes after the text of every other.
The command runs in a scratch folder. `--status` (default 1) is the exit status that
every case must have; `--update` rewrites CASES with what was printed.
"""
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    args = sys.argv[1:]
    update = "--update" in args
    if update:
        args.remove("--update")
    status = 1
    if args[0] == "--status":
        status, args = int(args[1]), args[2:]
    path, command = pathlib.Path(args[0]), args[2:]
    head, *cases = re.split(r"^=== ", path.read_text(), flags=re.M)
    out, failed, common = [head], 0, ""
    for case in cases:
        title, _, body = case.partition("\n")
        if title == "(common)":
            common = body
            out.append("=== " + case)
            continue
        text, _, want = body.partition("\n---\n")
        with tempfile.TemporaryDirectory() as scratch:
            (pathlib.Path(scratch) / "case.tin").write_bytes((text + "\n" + common).encode("utf-8", "surrogateescape"))
            run = subprocess.run([*command, "case.tin"], cwd=scratch, capture_output=True)
        got = (run.stdout + run.stderr).decode("utf-8", "surrogateescape")
        out.append(f"=== {title}\n{text}\n---\n{got}")
        if run.returncode != status:
            print(f"{title}: expected exit status {status}, but got {run.returncode}")
            failed += 1
        if got != want and not update:
            failed += 1
            print(f"{title}:")
            print("".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), "expected", "got")))
    if update:
        path.write_text("".join(out))
    print(f"{len(cases)} cases, {failed} failed")
    return 1 if failed or not cases else 0


sys.exit(main())
