#!/usr/bin/env python3
"""Measures Tintype beside PyTorch, in turn in one run, and prints one table.

usage: run.py [--only ROWS] [--rounds N] [--python PYTHON [--peers DIR]] [--readme README.md]

PYTHON has torch; without it only our own numbers are taken. DIR may hold a train_gpt_torch.py to compare
the GPTs with instead of peer.py. Numbers are medians of --rounds; every measurement goes into the history,
one JSON object a line. Examples:

  test/bench/run.py --python ~/torch/bin/python
  test/bench/run.py --only gpt-124m,adamw --rounds 3 --python ~/torch/bin/python --readme README.md
  test/bench/run.py --only attention,head --compare
"""
import argparse
import os
import pathlib
import sys
import time

import history
from harness import Bench, Failed, Line, ROOT
from rows import ROWS


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = ROOT / "build/release"
    parser.add_argument("--only", default=",".join(ROWS), help="some of: " + ",".join(ROWS))
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured (default: 2)")
    parser.add_argument("--seconds", type=float, default=6, help="how long a binary is measured each time, at least three steps (default: 6)")
    parser.add_argument("--dtype", default="f32,bf16", help="types of computation (default: f32,bf16)")
    parser.add_argument("--threads", type=int, default=0, help="threads of both (default: one for each core)")
    parser.add_argument("--python", help="a Python with torch")
    parser.add_argument("--peers", help="folder with another train_gpt_torch.py")
    parser.add_argument("--eager-only", action="store_true", help="no torch.compile, which is slow to start")
    parser.add_argument("--tintype", type=pathlib.Path, default=build / "bin/tintype")
    parser.add_argument("--build-flag", action="append", default=[], help="one more for tintype build, e.g. --target=avx2")
    parser.add_argument("--work", type=pathlib.Path, default=build / "bench", help="folder for the binaries")
    parser.add_argument("--history", type=pathlib.Path, help="default: history.jsonl in --work")
    parser.add_argument("--compare", action="store_true", help="show the change since the last entry of each line")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument("--readme", type=pathlib.Path, help="put it between the marks <!-- speed --> of this file, too")
    parser.add_argument("--quick", action="store_true", help="toy sizes: does everything run?")
    args = parser.parse_args()
    args.only, args.dtype = args.only.split(","), args.dtype.split(",")
    args.history = args.history or args.work / "history.jsonl"
    for name in args.only:
        if name not in ROWS:
            parser.error(f"expected rows out of {', '.join(ROWS)}, but got {name}")
    for dtype in args.dtype:
        if dtype not in ("f32", "bf16"):
            parser.error(f"expected types out of f32, bf16, but got {dtype}")
    return args


def table(results, args, changes, markdown):
    """Lines of text: a Markdown table, or columns."""
    head = ["work", "", "Tintype", "PyTorch", "", "bar", "met", "note"] + ["change"] * args.compare
    rows = []
    for title, lines in results:
        for i, line in enumerate(lines):
            note = line.note.replace("|", "/")
            rows.append([title if i == 0 else "", line.metric, line.ours, line.peer, line.shown(), line.bar_shown(),
                         line.met(), note] + [changes.get((title, line.metric), "")] * args.compare)
    if markdown:
        yield "| " + " | ".join(head) + " |"
        yield "|---|---" + "|---:" * 5 + "|---" * (len(head) - 7) + "|"
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        return
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        yield "  ".join(cell.rjust(w) if 2 <= i <= 6 else cell.ljust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))).rstrip()


def put(path, text):
    """Replaces what stands between the two marks of `path`."""
    old = path.read_text()
    begin, end = "<!-- speed -->\n", "<!-- /speed -->"
    if old.count(begin) != 1 or old.count(end) != 1:
        sys.exit(f"{path}: error: expected one {begin.strip()} and one {end}")
    head, rest = old.split(begin)
    path.write_text(head + begin + text + end + rest.split(end)[1])


def main():
    args = arguments()
    bench, results, changes = Bench(args), [], {}
    bench.say(f"{history.machine()['cpu']}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, "
              f"commit {history.commit()}")
    if os.getloadavg()[0] > 0.5:
        bench.say("warning: the machine has other work, so that speeds and peaks are not its own")
    failed = False
    for name in args.only:
        title, function = ROWS[name]
        before = len(bench.runs)
        try:
            lines = function(bench)
        except Failed as e:
            lines = [Line("", note=str(e))]
        except KeyboardInterrupt:
            lines = [Line("", note="interrupted")]
        except Exception as e:  # one row that breaks must not cost the others
            lines = [Line("", note=f"{type(e).__name__}: {e}")]
        failed |= any(line.value is None and line.note and not line.ours for line in lines)
        changes |= history.append(args, name, title, lines, bench.runs[before:])
        results.append((title, lines))
        for line in lines:
            bench.say(f"{name}: {line.metric}: {line.shown() or line.ours or line.note} {line.bar_shown()}")
        if lines[-1].note == "interrupted":
            break
    print("\n".join(table(results, args, changes, args.markdown)))
    date = (f"{time.strftime('%Y-%m-%d')}, {history.machine()['cpu']}, {args.threads or os.cpu_count()} threads, "
            f"commit {history.commit()}")
    print(f"\n{date}: `{history.command()}`")
    if args.readme:
        put(args.readme, "\n".join(table(results, args, changes, True)) + f"\n\n{date}:\n\n    {history.command()}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
