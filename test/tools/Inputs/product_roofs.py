"""Compares the roofs of kernels that are one product of bf16 and nothing else with 2 M N K.

usage: product_roofs.py KERNELS.mlir SCHEDULES.json FLOPS_A_SECOND NAME=DIM ..
"""
import json
import re
import sys

dims = dict(word.split("=") for word in sys.argv[4:])
rows = {r["kernel"]: r for r in json.load(open(sys.argv[2]))["schedules"]}
count = 0
for name, body in re.findall(r"^  func\.func private @(k_\w+)(.*?)^  }\n", open(sys.argv[1]).read(), re.M | re.S):
    arithmetic = re.findall(r"(arith|math)\.(\w+)", body)
    if name not in rows or sorted(op for _, op in arithmetic if op != "truncf") != ["extf", "extf", "mulf"] or body.count("graph.compute sum") != 1:
        continue
    over, by = re.search(r"graph\.compute sum over <(.*?)> by <(.*?)>", body).groups()
    flops = 2
    for extent in (over + ", " + by).split(", "):
        flops *= eval(extent, {}, {k: int(v) for k, v in dims.items()})
    want = flops / float(sys.argv[3])
    assert abs(rows[name]["roof"] / want - 1) < 1e-6, (name, rows[name]["roof"], want)
    count += 1
print(count, "products of bf16, each with its roof")
