#!/usr/bin/env python3
"""The least memory that a binary trains in: the process keeps to it, and the bytes of a trace are the same.

usage: limit.py BIN TRACE --work DIR

TRACE: safetensors with weights and a batch, of which four are made, so that activations weigh more than what
another form of the program takes.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

import tensorfile


def run(*command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"limit: error: {result.stderr}")
    return result


def least(*command):
    refused = subprocess.run([str(c) for c in command] + ["--memory-limit", "1"], capture_output=True, text=True)
    return int(re.search(r"expected at least (\d+) bytes", refused.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("trace")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.concatenate([t] * 4) if name.startswith("batch.") else t
               for name, t in tensorfile.read(args.trace).items()}
    tensorfile.write(args.work / "in", tensors)
    for dtype in ("f32", "bf16"):
        bench = [args.bin, "bench", "train", "--json", "--seconds", 0.1, "--dtype", dtype]
        limit = least(*bench)
        used = json.loads(run(*bench, "--memory-limit", limit).stdout)["peak_rss_bytes"]
        if used > limit:
            sys.exit(f"limit: error: {dtype}: expected at most {limit} bytes, but the process took {used}")
        trace = [args.bin, "trace", "--in", args.work / "in", "--steps", 3, "--dtype", dtype]
        run(*trace, "--out", args.work / "much")
        notes = run(*trace, "--out", args.work / "little", "--memory-limit", least(*trace, "--out", args.work / "no")).stderr
        if "computing values again" not in notes:
            sys.exit(f"limit: error: {dtype}: expected values to be computed again, but got {notes!r}")
        if (args.work / "much").read_bytes() != (args.work / "little").read_bytes():
            sys.exit(f"limit: error: {dtype}: expected the same bytes within {limit} bytes")
    print("limit: kept")


main()
