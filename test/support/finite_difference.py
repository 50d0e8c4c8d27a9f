"""Compares gradients of a differentiated program with central differences of its loss, in double precision."""
import subprocess

import numpy as np

import graph_eval


def opt(text, *passes):
    """The module after the passes, as tintype-opt prints it."""
    run = subprocess.run(["tintype-opt", *passes], input=text, text=True, capture_output=True)
    if run.returncode:
        raise ValueError(run.stderr)
    return run.stdout


def check(before, after, dims, inputs, parameters, samples=64, tolerance=1e-6, seed=0, step="trace_step"):
    """The largest error of the gradients of `step` in `after` against the loss of `before`, relative to each
    parameter's largest gradient; raises beyond the tolerance. `inputs` by argument name."""
    graph_eval.ROUNDS = False
    rng = np.random.default_rng(seed)
    source, program = graph_eval.Module(before), graph_eval.Module(after)

    def loss_at(module, role, values):
        name, results = module.by_role(role)
        given = dict(inputs)
        for path, p in values.items():
            given.update({"param." + path: p, "grad." + path: np.zeros(p.shape)})
        run = module.run(name, dims, given)
        return float(run[f"result.{results.index('loss')}"]), run

    value, _ = loss_at(source, "loss", parameters)
    same, gradients = loss_at(program, step, parameters)
    if not np.isfinite(value) or abs(same - value) > 1e-12 * max(1, abs(value)):
        raise ValueError(f"expected loss {value}, but got {same}")
    worst = 0.0
    for name, p in parameters.items():
        gradient = gradients.get("grad." + name, np.zeros(p.shape))
        if gradient.shape != p.shape:
            raise ValueError(f"{name}: expected a gradient of shape {p.shape}, but got {gradient.shape}")
        places = range(p.size) if p.size <= samples else rng.choice(p.size, samples, replace=False)
        wanted, got = [], []
        for i in places:
            at = np.unravel_index(i, p.shape)
            eps = 1e-5 * max(1.0, abs(p[at]))
            values = []
            for sign in (1, -1):
                moved = dict(parameters, **{name: p.copy()})
                moved[name][at] += sign * eps
                values.append(loss_at(source, "loss", moved)[0])
            wanted.append((values[0] - values[1]) / (2 * eps))
            got.append(gradient[at])
        wanted, got = np.array(wanted), np.array(got)
        error = np.abs(wanted - got).max() / max(np.abs(wanted).max(), 1e-3)
        worst = max(worst, error if np.isfinite(error) else np.inf)
        if not error <= tolerance:
            raise ValueError(f"{name}: expected gradients {wanted}, but got {got}")
    return worst
