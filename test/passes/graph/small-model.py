"""Gradients of small-model.mlir against central differences, at two sizes: `small-model.py FILE ROLE PASS..`."""
import sys

import numpy as np

import finite_difference
import graph_eval

text = finite_difference.opt(open(sys.argv[1]).read())
after = finite_difference.opt(text, *sys.argv[3:])
rng = np.random.default_rng(2)
parameters = {path: rng.standard_normal(t.shape({})) for path, t in graph_eval.Module(text).parameters.items()}
for b, t in ((2, 5), (1, 3)):
    inputs = {"tokens": rng.integers(0, 7, (b, t))}
    print(f"B={b} T={t}: {finite_difference.check(text, after, {'B': b, 'T': t}, inputs, parameters, step=sys.argv[2]):.1e}")
