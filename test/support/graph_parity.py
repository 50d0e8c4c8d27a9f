#!/usr/bin/env python3
"""Evaluates a model's graph IR and compares logits and loss with a recorded reference.

usage: graph_parity.py MODEL.tin REFERENCE.safetensors

The reference is of the kind parity.py reads; the arguments of @loss are filled from `batch.ROLE` as the runtime does.
The graph is evaluated in double precision, so the reference's own rounding is what remains.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np

import graph_eval
import parity
import tensorfile

TOLERANCE = 1e-5  # of the largest value


def main():
    model, reference = sys.argv[1:3]
    meta = json.loads(pathlib.Path(reference).with_suffix(".json").read_text())
    command = ["tintype", "check", model, "--graph", *parity.settings(meta)]
    module = graph_eval.Module(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    tensors = tensorfile.read(reference)
    given = {}
    for path in module.parameters:
        stored = next((p for p in (path, "transformer." + path) if p in tensors), None)
        if stored is None:
            sys.exit(f"error: {reference} has no tensor {path}")
        given["param." + path] = tensors[stored].astype(np.float64)
    dims = {}
    for _, kind, attr in module.arguments("loss"):
        role = attr["role"]
        if role == "targets_keep":
            value = tensors["batch.targets"] != -100
        elif role == "targets":
            value = np.maximum(tensors["batch.targets"], 0)
        else:
            value = tensors["batch." + role]
        value = value.astype(graph_eval.DTYPES[kind.element])
        given[attr["name"]] = value
        dims.update(zip("BT", value.shape))
    name, results = module.by_role("loss")
    found = module.run(name, dims, given)
    failed = False
    for i, result in enumerate(results):
        got, want = found[f"result.{i}"], tensors["out." + result]
        error = np.max(np.abs(got - want)) / np.max(np.abs(want))
        failed |= not error <= TOLERANCE
        print(f"{result}: error {error:.1e} of the largest value{'' if error <= TOLERANCE else ', too large'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
