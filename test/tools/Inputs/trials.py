"""Prints status and message of every trial in databases of schedules."""
import sqlite3
import sys

for path in sys.argv[1:]:
    for row in sqlite3.connect(path).execute("select status, message from trial order by rowid"):
        print(*row)
