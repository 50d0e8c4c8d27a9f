#!/usr/bin/env python3
"""Checks that broken models are refused where they are broken.

usage: bad_models.py FOLDER [FILE...]

FOLDER holds `bad/*.tin`, each ending in `# expect: FILE:LINE..: message` by another
implementation; FOLDER is where imports start. Compared is the line: messages differ. With
FILEs only those.
"""
import pathlib
import re
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
files = [folder / f for f in sys.argv[2:]] or sorted(folder.glob("bad/*.tin"))
failed = 0
for path in files:
    want = re.search(r"^# expect: \S+?:(\d+)", path.read_text(), re.M).group(1)
    run = subprocess.run(["tintype", "check", str(path.relative_to(folder))], cwd=folder, capture_output=True, text=True)
    first = next((line for line in run.stderr.splitlines() if ": error: " in line), "")
    at = re.match(r"(\S+?):(\d+):\d+: error: ", first)
    if run.returncode != 1 or not at or at.group(2) != want or at.group(1) != str(path.relative_to(folder)):
        failed += 1
        print(f"{path.name}: expected an error at line {want}, but got exit status {run.returncode}: {first}")
print(f"{len(files)} broken models, {failed} not refused in the right place")
sys.exit(1 if failed or not files else 0)
