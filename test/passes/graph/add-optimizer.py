"""@update over three steps against AdamW written plainly; @grad_norm at sizes around its block."""
import numpy as np

import finite_difference
import graph_eval

EMPTY = """func.func @train_step() attributes {graph.role = "train_step", graph.results = []} { return }"""
module = graph_eval.Module(finite_difference.opt(EMPTY, "--graph-add-optimizer"))

rng = np.random.default_rng(0)
n, lr, beta1, beta2, eps, decay, scale = 37, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5
p, m, v = rng.standard_normal(n), np.zeros(n), np.zeros(n)
theirs = [p, m, v]
for t in range(1, 4):
    g = rng.standard_normal(n)
    hyper = np.array([lr, beta1, beta2, eps, decay, 1 / (1 - beta1**t), 1 / (1 - beta2**t), scale])
    run = module.run("update", {"N": n}, {"p": theirs[0], "g": g, "m": theirs[1], "v": theirs[2], "hyper": hyper})
    theirs = [run[f"result.{i}"] for i in range(3)]
    assert not run["result.3"].any(), "expected a cleared gradient"
    g = g * scale
    p = p * (1 - lr * decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    p = p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    for name, a, b in zip("pmv", (p, m, v), theirs):
        assert np.allclose(a, b, rtol=1e-12, atol=1e-14), (name, t, a, b)

for n in (1, 16383, 16384, 16385, 40000):
    g = rng.standard_normal(n)
    total = module.run("grad_norm", {"N": n}, {"g": g})["result.0"]
    assert np.isclose(total, (g * g).sum(), rtol=1e-12), (n, total)
