#!/usr/bin/env python3
"""Trains with all rows of a step in chunks, and with so few at a time that there is one chunk: the same numbers.

usage: wide_rows.py BINARY --work DIR --data TEXT
"""
import argparse
import json
import pathlib
import shutil
import subprocess


def train(binary, data, out, *more):
    """(losses, gradient norms) of three steps of 6 x 512 tokens."""
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([binary, "train", "--data", data, "--out", out, "--steps", "3", "--context", "512", "--lr", "1e-3",
                    "--seed", "7", *more], check=True, capture_output=True)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [e["loss"] for e in log], [e["grad_norm"] for e in log], (out / "model.safetensors").read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    o = parser.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    chunks = train(o.binary, o.data, o.work / "chunks", "--batch", "6", "--threads", "1")
    again = train(o.binary, o.data, o.work / "again", "--batch", "6", "--threads", "2")
    print("ok   one and two threads" if chunks == again else "WRONG one and two threads give different bytes")
    whole = train(o.binary, o.data, o.work / "whole", "--batch", "1", "--accumulate", "6")
    for name, a, b in zip(("losses", "gradient norms"), chunks, whole):
        error = max(abs(x - y) / abs(y) for x, y in zip(a, b))
        right = len(a) == len(b) == 3 and error < 1e-5
        print(f"{'ok   ' if right else 'WRONG'} {name} {a} differ by {error:.1e}")


if __name__ == "__main__":
    main()
