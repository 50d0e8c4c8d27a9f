#!/usr/bin/env python3
"""Says which functions of some static libraries use vector registers beyond those of plain x86-64.

usage: isa.py RESPONSE_FILE [--allow NAME ...]

RESPONSE_FILE lists the libraries. A function whose name holds one of NAME may use any register.
"""
import argparse
import re
import subprocess
import sys

WIDE = re.compile(r"%[yz]mm|%k[0-7]\b|%xmm(1[6-9]|2\d|3[01])\b|\tv[a-z0-9]+\s.*%xmm")
START = re.compile(r"^[0-9a-f]+ <(.*)>:$")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("--allow", action="append", default=[])
    args = parser.parse_args()
    count, name, found, used = 0, "", {}, set()
    for library in open(args.list).read().split():
        text = subprocess.run(["llvm-objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True,
                              check=True).stdout
        for line in text.splitlines():
            start = START.match(line)
            if start:
                name, count = start[1], count + 1
            elif WIDE.search(line):
                allowed = [a for a in args.allow if a in name]
                used.update(allowed)
                if not allowed:
                    found.setdefault(name, f"{library}: {name}: {line.strip()}")
    unused = set(args.allow) - used
    if found or unused:
        print("\n".join(found.values()))
        sys.exit(f"isa: error: {len(found)} functions go beyond x86-64; allowed but not there: {sorted(unused)}")
    print(f"{count} functions, none beyond x86-64")


if __name__ == "__main__":
    main()
