"""Runs a command and stops it, with its children, for SECONDS as soon as it has one; then lets it go on.

usage: pause.py SECONDS COMMAND ..
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

run = subprocess.Popen(sys.argv[2:])
children = lambda: [int(p) for p in pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
while run.poll() is None and not children():
    time.sleep(0.01)
stopped = [run.pid, *children()]
for pid in stopped:
    os.kill(pid, signal.SIGSTOP)
time.sleep(float(sys.argv[1]))
for pid in reversed(stopped):
    os.kill(pid, signal.SIGCONT)
sys.exit(run.wait())
