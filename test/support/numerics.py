#!/usr/bin/env python3
"""Checks every scalar function, reducer and way of access against numpy, forward and backward.

usage: numerics.py FOLDER_OF_MODELS --work DIR [--only NAME] [--threads N] [--target T]

Each model of FOLDER_OF_MODELS has its counterpart below, written plainly in f64. Every parameter feeds
one rule, so a gradient that differs names the rule. Gradients of the counterpart are central
differences (step 1e-6, error about 1e-9), so no second opinion on calculus enters. A value agrees when
it lies within 3e-5 of the tensor's largest value plus 2e-7: a few roundings of f32 and of the vector
versions of exp and its kin.
"""
import argparse
import math
import pathlib
import subprocess
import sys

import numpy as np

import tensorfile

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def scalars(p, x, stopped):
    batch, n = x.shape
    i = np.arange(n)
    y = np.exp(x * p["exp_w"]) + np.log(x * p["log_w"])
    y = y + np.sqrt(x * p["sqrt_w"]) + 1 / np.sqrt(x + p["rsqrt_w"])
    y = y + np.sin(3 * x * p["sin_w"]) + np.cos(3 * x * p["cos_w"])
    y = y + np.tanh(2 * x * p["tanh_w"]) + erf(x * p["erf_w"])
    y = y + np.abs(x - p["abs_w"]) + np.floor(5 * x) * p["floor_w"]
    y = y + np.maximum(x, p["maximum_w"]) + np.minimum(x, p["minimum_w"])
    y = y + (x * p["cube_w"])**3 + x**p["power_w"] + p["base_w"]**1.5 + 1 / (x + p["inverse_w"])
    y = y + x / p["divide_w"] - x * p["negate_w"] - p["negate_w"]**2
    y = y + np.where(x < 0.5, x * p["choose_w"], p["other_w"]**2)
    y = y + stopped["stop_w"] * p["stop_w"] + (i % 3) * p["index_w"] + (i + 1) / (i // 2 + 2) * p["index_w"]
    y = y + np.where(((i < 2) | (x >= 0.6)) & ~(i == 0), p["logic_w"] * x, 0)
    y = y + np.trunc(x * 7) * p["cast_w"] + p["scalar_w"] * x
    y = y + x * p["gelu_w"] * 0.5 * (1 + erf(x * p["gelu_w"] / math.sqrt(2)))
    y = y + x * p["silu_w"] * sigmoid(x * p["silu_w"]) + np.log(1 + np.exp(x * p["softplus_w"]))
    y = y + gelu_tanh(x * p["quick_w"]) + x * p["quick_w"] * sigmoid(1.702 * x * p["quick_w"])
    return 0.1 * y


def softmax(x, keep, axis):
    e = np.where(keep, np.exp(x), 0)
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def reducers(p, x, stopped):
    batch, length, n = x.shape
    t, s, c = np.arange(length)[:, None], np.arange(length)[None, :], np.arange(n)
    keep = (x[:, :, 0] > 0.4)[:, :, None]
    count = np.maximum(keep.sum(axis=1), 1)
    causal = (s <= t)[None, :, :, None]
    window = causal & (t - s < 3)[None, :, :, None]
    past = x[:, None]  # [B, t, s, c]: read at s

    f = x.sum(axis=1) * p["sum_w"] + np.where(keep, x * p["sum_data"], 0).sum(axis=1)
    f = f + np.prod(0.5 + x * p["prod_w"], axis=1) + np.prod(np.where(keep, x + p["prod_data"], 1), axis=1)
    f = f + np.mean(x**2 * p["mean_w"], axis=1) + np.where(keep, x * p["mean_data"], 0).sum(axis=1) / count
    f = f + np.max(x * p["max_w"], axis=1) + np.max(np.where(keep, x * p["max_data"], -3e38), axis=1)
    f = f + np.min(x * p["min_w"], axis=1) + np.min(np.where(keep, x * p["min_data"], 3e38), axis=1)
    f = f + np.log(np.exp(3 * x * p["lse_w"]).sum(axis=1))
    f = f + np.log(np.where(keep, np.exp(x * p["lse_data"]), 0).sum(axis=1))
    f = f + np.where((x > 0.8).any(axis=1), p["any_w"], 0) + np.where((~keep | (x > 0.2)).all(axis=1), p["all_w"], 0)
    f = f + p["argmax_w"][x[:, 0].argmax(axis=1)][:, None] * (c + 1)
    q = (x * p["both_w"]).sum(axis=(1, 2))
    r = x[:, :, 1].sum(axis=1) * (p["product_a"] * p["product_b"]).sum()

    u = np.where(causal, past * p["sum_causal"], 0).sum(axis=2)
    u = u + np.where(window, past * p["mean_window"], 0).sum(axis=2) / window.sum(axis=2)
    u = u + np.where(causal, past * p["max_causal"], -3e38).max(axis=2)
    u = u + np.log(np.where(causal, np.exp(past + p["lse_causal"]), 0).sum(axis=2))
    a = softmax(2 * x * p["softmax_w"], True, 1)
    d = softmax(2 * x * p["softmax_data"], keep, 1)
    strict = (s < t)[None, :, :, None]
    e = softmax(past * x[:, :, None] * p["softmax_strict"], strict, 2)
    g = np.cumsum(x * p["cumsum_w"], axis=1)
    y = u + a * x + d * x + (e * past).sum(axis=2) + g + f[:, None] + (q + r)[:, None, None] * (c % 2)
    return 0.02 * np.mean(y * (1 - 0.125 * (np.arange(length) % 3)[:, None]), axis=1)


def access(p, x, stopped, ids):
    batch, length, n = x.shape
    t, c = np.arange(length), np.arange(n)
    zeros = np.zeros((batch, 2, n))
    before = np.concatenate([np.broadcast_to(p["fill"], (batch, 1, n)), x[:, :-1]], axis=1)
    after = np.concatenate([x[:, 2:], zeros + 0.5], axis=1)[:, :length]
    y = before * after + x[:, ::-1] * 0.3
    longer = np.concatenate([x, np.broadcast_to(p["tail"], (batch, 2, n))], axis=1)
    y = y + longer[:, 2:]
    padded = np.concatenate([zeros[:, :1], x, zeros], axis=1)
    strided = sum(padded[:, k:k + length:2] @ p["conv"][k] for k in range(3))
    y = y + 0.2 * strided[:, t // 2]
    y = y + x * np.diag(p["square"]) + 0.1 * x @ p["turned"].T
    y = y + p["half"][c // 2] * p["wheel"][c % 4] + x[:, t // 2][:, :, (c + 2) % n]
    y = y + x.reshape(batch, length, 2, n // 2)[:, :, 1 - c // (n // 2), c % (n // 2)]
    pair = p["flat"].reshape(n, 2)
    y = y + pair[:, 0] * pair[:, 1]
    y = y + p["table"][ids] * x
    y = y + p["grid"][ids[:, :, None], np.clip(np.trunc(x * 4).astype(int), 0, 3)]
    y = y + 0.5 * p["table"][np.concatenate([ids[:, :1], ids[:, :-1]], axis=1)][:, :, ::-1]
    mix = [lambda v, i=i: v @ p[f"layers.{i}.w"] / (i + 1) + p[f"layers.{i}.extra"] for i in range(3)]
    parts = [y]
    for m in mix:
        parts.append(m(parts[-1]))
    for m in mix:
        y = y + m(x)
    y = y + parts[3] + parts[1] * 0.5
    return 0.01 * np.mean(y * (1 - 0.125 * (t % 3)[:, None]), axis=1)


SHAPES = {
    "access": {"fill": (6,), "tail": (2, 6), "conv": (3, 6, 6), "square": (6, 6), "turned": (6, 6), "half": (3,),
               "wheel": (4,), "table": (7, 6), "grid": (7, 4), "flat": (12,),
               **{f"layers.{i}.{k}": v for i in range(3) for k, v in (("w", (6, 6)), ("extra", (6,)))}},
}
PLAIN = {
    "scalars": (scalars, 5, "exp_w log_w sqrt_w rsqrt_w sin_w cos_w tanh_w erf_w abs_w floor_w maximum_w minimum_w cube_w "
                "power_w base_w inverse_w divide_w negate_w choose_w other_w stop_w index_w logic_w cast_w scalar_w "
                "gelu_w silu_w softplus_w quick_w"),
    "reducers": (reducers, 4, "sum_w sum_data sum_causal prod_w prod_data mean_w mean_data mean_window max_w max_data "
                 "max_causal min_w min_data lse_w lse_data lse_causal softmax_w softmax_data softmax_strict cumsum_w any_w "
                 "all_w argmax_w both_w product_a product_b"),
}
for model, (_, size, names) in PLAIN.items():
    SHAPES[model] = {name: () if name == "scalar_w" else (size,) for name in names.split()}


def case(model, batch, length, seed):
    """Parameters, inputs and the reference of one model; f32 values, so that both sides read the same."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, batch).astype(np.int64)
    p = {name: rng.uniform(0.3, 1.2, shape).astype(np.float32) for name, shape in SHAPES[model].items()}
    if model == "scalars":
        return p, {"x": rng.uniform(0.2, 0.9, (batch, 5)).astype(np.float32), "labels": labels}, scalars
    if model == "reducers":
        return p, {"x": rng.uniform(0.1, 0.9, (batch, length, 4)).astype(np.float32), "labels": labels}, reducers
    return p, {"x": rng.uniform(0.1, 0.9, (batch, length, 6)).astype(np.float32),
               "ids": rng.integers(0, 7, (batch, length)).astype(np.int64), "labels": labels}, access


def reference(p, inputs, function):
    """Logits, loss and the gradient of every parameter by central differences, in f64."""
    p = {k: v.astype(np.float64) for k, v in p.items()}
    labels = inputs["labels"]
    inputs = [v.astype(np.float64) if v.dtype == np.float32 else v for k, v in inputs.items() if k != "labels"]

    def evaluate(values):
        """Logits and the mean cross-entropy at the labels."""
        logits = function(values, inputs[0], p, *inputs[1:])
        chosen = logits[np.arange(len(labels)), labels]
        return logits, np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen)
    values, loss = evaluate(p)
    gradients = {}
    for name, value in p.items():
        gradient = np.zeros(value.shape)
        for at in np.ndindex(*value.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = value.copy()
                moved[at] += step
                sides.append(evaluate(p | {name: moved})[1])
            gradient[at] = (sides[0] - sides[1]) / 2e-6
        gradients[name] = gradient
    return values, loss, gradients


def compare(name, got, want, complaints):
    want = np.asarray(want)
    if got is None or got.shape != want.shape:
        complaints.append(f"{name}: expected shape {want.shape}, but got {None if got is None else got.shape}")
        return
    bound = 3e-5 * np.abs(want).max(initial=0) + 2e-7
    difference = np.abs(got.astype(np.float64) - want)
    if not np.all(difference <= bound):
        at = np.unravel_index(np.argmax(np.where(np.isfinite(difference), difference, np.inf)), want.shape)
        complaints.append(f"{name}{list(map(int, at))}: expected {want[at]:.7g} to {bound:.1e}, but got {got[at]:.7g}")


def check(model, folder, work, threads, target):
    binary = work / model
    subprocess.run(["tintype", "build", folder / f"{model}.tin", "--target", target, "-o", binary], check=True)
    complaints = []
    for batch, length in ((3, 7), (1, 2), (2, 17)):
        p, inputs, function = case(model, batch, length, seed=batch + length)
        source, out = work / f"{model}-in.safetensors", work / f"{model}-out.safetensors"
        tensorfile.write(source, p | {f"batch.{k}": v for k, v in inputs.items()})
        subprocess.run([binary, "trace", "--in", source, "--out", out, "--threads", str(threads)], check=True)
        got = tensorfile.read(out)
        values, loss, gradients = reference(p, inputs, function)
        where = f"{model} B={batch} T={length}: "
        compare(where + "logits", got.get("out.logits"), values, complaints)
        compare(where + "loss", got["out.loss"].reshape(()), loss, complaints)
        for name, gradient in gradients.items():
            compare(where + "grad." + name, got.get("grad." + name), gradient, complaints)
    for complaint in complaints:
        print(complaint)
    print(f"{model}: {3 * (2 + len(SHAPES[model])) - len(complaints)} of {3 * (2 + len(SHAPES[model]))} agree")
    return not complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--only", choices=sorted(SHAPES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--target", default="host")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    models = [args.only] if args.only else sorted(SHAPES)
    results = [check(m, args.models, args.work, args.threads, args.target) for m in models]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
