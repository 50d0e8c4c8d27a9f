"""usage: stop.py SIGNAL COMMAND ... --db FILE

Runs the command, sends it the signal when the database holds two trials, and checks that it leaves no child behind.
"""
import os
import signal
import sqlite3
import subprocess
import sys
import time

name, command, path = sys.argv[1], sys.argv[2:], sys.argv[-1]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trials():
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as db:
            return db.execute("select count(*) from trial").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def children():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f"/tune-{process.pid}/".encode() in f.read():
                    found.append(pid)
        except OSError:
            pass
    return found


while trials() < 2 and process.poll() is None:
    time.sleep(0.05)
assert process.poll() is None, process.stdout.read()
process.send_signal(getattr(signal, "SIG" + name))
output = process.communicate()[0]
print(output)
assert process.returncode == (0 if name == "INT" else -signal.SIGKILL), process.returncode
for _ in range(100):
    if not children():
        break
    time.sleep(0.1)
assert not children(), "a child is left"
