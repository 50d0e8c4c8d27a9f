#!/usr/bin/env python3
"""Runs the examples of the README, and checks that what it lists is there.

usage: readme.py README --work DIR --std FRONTEND [--no-run]

A fenced block after `<!-- file: NAME -->` is written to NAME; one after `<!-- run -->` is run by bash
in the same folder, with kjv.txt beside it. The table after `<!-- std.nn -->` must name every function
and block of the standard library, and nothing else.
"""
import argparse
import pathlib
import re
import subprocess
import sys


def blocks(text):
    """(kind, argument, content) of each marked block."""
    return re.findall(r"<!-- (file|run)(?:: (\S+))? -->\n```\w+\n(.*?)```", text, re.S)


def check_library(text, library):
    table = re.search(r"<!-- std.nn -->\n(.*?)\n\n", text, re.S).group(1)
    listed = {name for span in re.findall(r"`([^`]+)`", table) for name in span.split()}
    there = set(re.findall(r"^(?:fn|block) (\w+)", library, re.M))
    if listed != there:
        sys.exit(f"README: error: expected the library's names, but {sorted(there - listed)} are missing and "
                 f"{sorted(listed - there)} are not there")
    print(f"README: {len(there)} names of the library")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--std", type=pathlib.Path, required=True)
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--message", type=pathlib.Path, help="a file that must hold the text after `<!-- message -->`")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    text = args.readme.read_text()
    check_library(text, (args.std / "std/nn.tin").read_text())
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link and not (args.readme.parent / link).exists():
            sys.exit(f"README: error: expected a file behind the link {link}, but found none")
    if args.message:
        shown = re.search(r"<!-- message -->\n```\n(.*?)```", text, re.S).group(1)
        if args.message.read_text() != shown:
            sys.exit(f"README: error: expected the message\n{args.message.read_text()}but it shows\n{shown}")
    for kind, name, content in blocks(text):
        if kind == "file":
            (args.work / name).write_text(content)
        elif not args.no_run:
            print(content, flush=True)
            subprocess.run(["bash", "-euo", "pipefail", "-c", content], cwd=args.work, check=True)


if __name__ == "__main__":
    main()
