#!/usr/bin/env python3
"""Counts dot products of bf16 pairs in the assembly of a model's kernels.

usage: dot_products.py MODEL.tin [--set NAME=VALUE ..] [--target avx512-bf16]

Takes the kernels that hold bf16 contractions and compiles them for the target, which need not be this machine.
Each contraction must have a loop that is nothing but its register tile: as many vdpbf16ps as the tile has
accumulators, no fused multiply-add (that would be the emulation in f32) and no scalar 16-bit load or shift.
Rounding is an instruction, too; the constant 0x7fff belongs to its emulation in integers.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROUNDED = r"arith\.extf .*: bf16 to f32\n(?:.*\n)*? *%\w+ = arith\.mulf"


def kernels(text):
    """{name: (text, number of contractions with rounded factors)}"""
    found = {}
    for body in re.findall(r"^  func\.func private @k_.*?^  }\n", text, re.M | re.S):
        name = re.search(r"@(k_\w+)", body).group(1)
        sums = re.findall(r"graph\.compute sum .*?\n    }\n", body, re.S)
        count = sum(len(re.findall(r"arith\.extf", s)) == 2 for s in sums)
        if count:
            found[name] = (body, count)
    return found


def innermost(lines):
    """The bodies of loops without a loop inside."""
    place = {m.group(1): i for i, line in enumerate(lines) if (m := re.match(r"(\.LBB\w+):", line))}
    loops = [(place[m.group(1)], i) for i, line in enumerate(lines)
             if (m := re.match(r"\s+j\w+\s+(\.LBB\w+)", line)) and place.get(m.group(1), i) < i]
    return [lines[a:b + 1] for a, b in loops if not any((c, d) != (a, b) and a <= c and d <= b for c, d in loops)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--target", default="avx512-bf16")
    args = parser.parse_args()
    sets = [word for s in args.set for word in ("--set", s)]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        run = lambda *a: subprocess.run(["tintype", "build", *map(str, a)], check=True, text=True, capture_output=True).stdout
        found = kernels(run(args.model, *sets, "--emit", "kernels"))
        (work / "k.mlir").write_text("module {\n" + "".join(body for body, _ in found.values()) + "}\n")
        assembly = run(work / "k.mlir", "--from", "kernels", "--target", args.target, "--emit", "asm")
    parts = re.split(r"^(k_\w+):.*\n", assembly, flags=re.M)
    code = dict(zip(parts[1::2], parts[2::2]))
    bad = 0
    for name, (_, count) in found.items():
        tiles = [loop for loop in innermost(code[name].splitlines()) if any("vdpbf16ps" in line for line in loop)]
        dots = [sum("vdpbf16ps" in line for line in loop) for loop in tiles]
        wrong = sum(bool(re.search(r"\s(vfn?m(add|sub)|movzwl|pinsrw|shll)", line)) for loop in tiles for line in loop)
        ok = len(tiles) >= count and min(dots, default=0) >= 12 and not wrong
        bad += not ok
        print(f"{'ok   ' if ok else 'WRONG'} {name}: {count} contractions, loops with {dots} dot products"
              + f", {wrong} other multiplications or conversions" * bool(wrong))
    if re.search(r"\.long\s+32767\b", assembly):
        bad += 1
        print("WRONG rounding in integers")
    print(f"{len(found) - bad} of {len(found)} kernels")
    sys.exit(bad > 0 or not found)


if __name__ == "__main__":
    main()
