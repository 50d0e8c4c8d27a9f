#!/usr/bin/env python3
"""Builds a model and compares `BIN trace` with a recorded reference.

usage: parity.py MODEL.tin REFERENCE.safetensors --work DIR [--threads 1,2] [--bin BIN] [--trace-flag FLAG ...]
                 [--least-memory]   (trace in as little memory as the binary says it needs)
                 [--bf16]           (trace with --dtype bf16: by the norm of each tensor instead)

The reference holds weights, a batch, logits, loss, every gradient and ten steps of AdamW; the .json
beside it the sizes, the settings and each tensor's own rounding noise in f32. A tensor agrees when
it lies within 10 times that noise plus 1e-5 of its largest value. The key bias of an attention has
gradient zero in theory and AdamW turns rounding into steps there: its final value may be off by
steps * lr. With --bf16 the difference of a tensor has at most 2 % of its norm, a loss or a gradient norm lies within
0.5 %, and the traces with different numbers of threads are equal to the byte; AdamW's first steps go by the sign of
a gradient, so that final values say little and are left out.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

import tensorfile

# The reference's names of sizes -> the model's names, where they differ.
SIZES = {"context": "ctx", "image": "size", "rope_theta": "theta"}
UNUSED = {"vit": {"channels", "ffn"}}


def settings(meta):
    """`--set` arguments for the sizes of a reference."""
    result = []
    for key, value in meta["config"].items():
        if key not in UNUSED.get(meta["arch"], ()):
            result += ["--set", f"{SIZES.get(key, key)}={value}"]
    return result


def run(command):
    print("+ " + " ".join(map(str, command)), flush=True)
    result = subprocess.run(list(map(str, command)))
    if result.returncode:
        sys.exit(f"parity: error: exit status {result.returncode}")


def key_bias(name):
    """The part of a tensor that is an attention key bias, or None."""
    if name.endswith("attn.c_attn.bias"):
        return lambda a: slice(len(a) // 3, 2 * len(a) // 3)
    if name.endswith((".self.key.bias", ".attention.key.bias")):
        return lambda a: slice(None)
    return None


def compare(got, want, meta):
    """Prints the worst tensors; the names of those that do not agree."""
    rows, bad = [], []
    for name, expected in want.items():
        if not name.startswith(("out.", "grad.", "final.")):
            continue
        if name not in got:
            bad.append(name)
            print(f"{name}: missing in the trace")
            continue
        actual = got[name].astype(np.float64)
        expected = expected.astype(np.float64)
        if actual.shape != expected.shape:
            bad.append(name)
            print(f"{name}: expected shape {expected.shape}, but got {actual.shape}")
            continue
        bound = np.full(expected.shape, 10 * meta["noise"][name] + 1e-5 * np.abs(expected).max(initial=0))
        if name.startswith("final.") and key_bias(name):
            bound[key_bias(name)(bound)] = meta["steps"] * meta["adamw"]["lr"]
        difference = np.abs(actual - expected)
        ratio = float(np.max(np.where(np.isfinite(difference), difference, np.inf) / bound, initial=0))
        rows.append((ratio, name, float(difference.max(initial=0)), float(bound.min())))
        if not ratio <= 1:
            bad.append(name)
    rows.sort(reverse=True)
    for ratio, name, difference, bound in rows[:8 if not bad else 25]:
        print(f"{'ok ' if ratio <= 1 else 'BAD'} {ratio:9.3f} of the bound  {difference:.3e} <= {bound:.3e}  {name}")
    print(f"{len(rows) - sum(r[0] > 1 for r in rows)} of {len(rows)} tensors agree")
    return bad


def compare_norms(got, want):
    """As `compare`, for values that were computed with factors of 8 bits."""
    rows, bad = [], []
    for name, expected in want.items():
        if not name.startswith(("out.", "grad.")) or (key_bias(name) and "c_attn" not in name):
            continue
        actual, expected = got[name].astype(np.float64), expected.astype(np.float64)
        scale = np.abs(expected).max() if expected.ndim < 2 and name.startswith("out.") else np.linalg.norm(expected)
        limit = 5e-3 if expected.ndim < 2 and name.startswith("out.") else 2e-2
        rows.append((float(np.linalg.norm(np.ravel(actual - expected), None if limit == 2e-2 else np.inf)) / scale / limit, name))
        if not rows[-1][0] <= 1:
            bad.append(name)
    rows.sort(reverse=True)
    for ratio, name in rows[:8 if not bad else 25]:
        print(f"{'ok ' if ratio <= 1 else 'BAD'} {ratio:9.3f} of the bound  {name}")
    print(f"{len(rows) - len(bad)} of {len(rows)} tensors agree")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("reference")
    parser.add_argument("--work", required=True, help="folder for the binary and the traces")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--bin", help="use this binary instead of building one")
    parser.add_argument("--build-flag", action="append", default=[])
    parser.add_argument("--trace-flag", action="append", default=[])
    parser.add_argument("--least-memory", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()
    work = pathlib.Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    meta = json.loads(pathlib.Path(args.reference).with_suffix(".json").read_text())
    want = tensorfile.read(args.reference)
    binary = args.bin or work / meta["arch"]
    if not args.bin:
        run(["tintype", "build", args.model, *settings(meta), *args.build_flag, "-o", binary])
    adamw = meta["adamw"]
    recipe = ["--lr", adamw["lr"], "--beta1", adamw["betas"][0], "--beta2", adamw["betas"][1], "--eps", adamw["eps"],
              "--weight-decay", adamw["weight_decay"], "--clip", meta["clip_global_norm"]]
    if args.bf16:
        args.trace_flag += ["--dtype", "bf16"]
    if args.least_memory:
        refused = subprocess.run([binary, "trace", "--in", args.reference, "--out", work / "refused", "--steps", "1",
                                  "--memory-limit", "1", *args.trace_flag], capture_output=True, text=True)
        args.trace_flag.append("--memory-limit=" + re.search(r"expected at least (\d+) bytes", refused.stderr).group(1))
    bad = []
    for threads in args.threads.split(","):
        out = work / f"trace-{threads}.safetensors"
        run([binary, "trace", "--in", args.reference, "--out", out, "--steps", meta["steps"], *recipe,
             "--threads", threads, *args.trace_flag])
        got = tensorfile.read(out)
        bad += [f"{name} with {threads} threads" for name in (compare_norms(got, want) if args.bf16 else compare(got, want, meta))]
        first = work / f"trace-{args.threads.split(',')[0]}.safetensors"
        if args.bf16 and out.read_bytes() != first.read_bytes():
            bad.append(f"bytes with {threads} threads")
    if bad:
        sys.exit(f"parity: error: {len(bad)} tensors do not agree: {', '.join(bad[:10])}")
    print("parity: agrees")


if __name__ == "__main__":
    main()
