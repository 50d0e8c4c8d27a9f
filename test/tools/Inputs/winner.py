"""What the trials of the one kernel in a database of schedules came to, and what won."""
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1])
(winner, gain), = db.execute("select setting, gain from winner")
trials = db.execute("select setting, ratio from trial where status = 'ok'").fetchall()
print(f"tried at {max(ratio for _, ratio in trials):.2f}x or less, won at {gain:.2f}x")
parts = lambda setting: len(setting.split(",")) if setting else 0
simplest = min(parts(setting) for setting, _ in trials)
print(f"{len(trials)} tried, {'no finalist is' if parts(winner) <= simplest else 'another finalist is'} simpler than the winner")
