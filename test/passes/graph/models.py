"""Gradients of whole models against recorded traces, on graph IR: `models.py MODEL.tin REFERENCE [--role R] [--fusion]`.

REFERENCE is a folder and a name (`peers/parity/gpt2`): NAME.safetensors and NAME.json. The program is evaluated in
double precision, so that only the reference's own rounding is left: a tensor agrees within 10 times its noise
plus 1e-5 of its largest value.
"""
import argparse
import json
import re
import subprocess
import sys
import time

import numpy as np

import finite_difference
import graph_eval
import parity
import tensorfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("reference")
    parser.add_argument("--role", default="trace_step")
    parser.add_argument("--passes", default="--graph")
    parser.add_argument("--print", action="store_true")
    args = parser.parse_args()
    meta = json.load(open(args.reference + ".json"))
    tensors = tensorfile.read(args.reference + ".safetensors")
    command = ["tintype", "check", args.model, "--graph", *parity.settings(meta)]
    text = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    program = finite_difference.opt(text, *args.passes.split())
    if args.print:
        print(program)
    module = graph_eval.Module(program)
    name, results = module.by_role(args.role)

    # Paths may lack or have the leading component of the file's names.
    def find(path):
        hits = [t for t in tensors if t == path or t.endswith("." + path) and not t.startswith(("grad.", "final.", "out."))]
        if len(hits) != 1:
            raise KeyError(f"expected one tensor for parameter {path}, but got {hits}")
        return hits[0]

    given, names = {}, {}
    for path, kind in module.parameters.items():
        names[path] = find(path)
        given["param." + path] = tensors[names[path]].astype(float)
        given["grad." + path] = np.zeros(kind.shape({}))
    dims = {}
    for _, kind, attr in module.arguments(name):
        role = attr.get("role", attr["name"])
        if role == "rng":
            continue
        if role.endswith("_keep"):
            value = tensors.get("batch.mask", tensors["batch." + role[:-5]]) * 0 + 1
            value = (tensors["batch." + role[:-5]] >= 0)
        else:
            value = tensors["batch." + role]
        value = value.astype(graph_eval.DTYPES[kind.element])
        if role == "targets":
            value = np.maximum(value, 0)
        header = re.search(rf'tensor<[^>]*>+ {{[^}}]*graph.name = "{attr["name"]}"', module.functions[name][0]).group()
        extents = graph_eval.split_top(re.search(r"dims<(.*?)>", header).group(1)) if "dims<" in header else []
        dims.update({e: n for e, n in zip(extents, value.shape) if re.fullmatch(r"[A-Za-z_]\w*", e)})
        given[attr["name"]] = value
    start = time.time()
    run = module.run(name, dims, given)
    got = {"out." + r: run[f"result.{i}"] for i, r in enumerate(results)}
    got.update({"grad." + names[p]: run.get("grad." + p, given["grad." + p]) for p in names})
    bad, worst = 0, 0.0
    for key, value in got.items():
        want = tensors[key].astype(float)
        error = np.abs(value - want).max()
        limit = 10 * meta["noise"].get(key, 0) + 1e-5 * np.abs(want).max()
        worst = max(worst, error / limit)
        if not error <= limit:
            bad += 1
            print(f"error: {key} differs by {error:.3g}, allowed is {limit:.3g}")
    print(f"{args.reference.split('/')[-1]}: {len(got)} tensors, worst at {worst:.2f} of what is allowed; {time.time() - start:.1f} s")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
