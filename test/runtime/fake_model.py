"""Checks a trace of fake-model against numpy.

usage: fake_model.py make FILE [--prefix P] [--batch B] [--context T]     weights and a batch
       fake_model.py check IN OUT [--steps N]
"""
import argparse

import numpy as np
import tensorfile

V, W, STEPS = 19, 8, dict(lr=1e-2, beta1=0.9, beta2=0.95, eps=1e-8, decay=0.1, clip=0.5)


def make(path, prefix, batch, context):
    r = np.random.default_rng(7)
    tokens = r.integers(0, V, (batch, context))
    targets = r.integers(0, V, (batch, context))
    targets[0, ::3] = -100
    tensorfile.write(path, {
        prefix + "table": r.normal(size=(V, W)).astype(np.float32), prefix + "bias": r.normal(size=V).astype(np.float32),
        "batch.tokens": tokens, "batch.targets": targets, "out.logits": np.zeros(3, np.float32)})


def forward(table, bias, tokens, targets):
    x = table[tokens]
    z = x @ table.T + bias
    e = np.exp(z - z.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    keep = targets != -100
    safe = np.where(keep, targets, 0)
    one = np.eye(V)[safe]
    loss = -(np.log((p * one).sum(-1)) * keep).sum() / keep.sum()
    dz = (p - one) * keep[..., None] / keep.sum()
    dtable = np.einsum("btv,btc->vc", dz, x)
    np.add.at(dtable, tokens, dz @ table)
    return z, loss, dtable, dz.sum((0, 1))


def check(source, result, steps):
    data, got = tensorfile.read(source), tensorfile.read(result)
    prefix = next(k for k in data if k.endswith("table"))[:-5]
    p = [data[prefix + "table"].astype(float), data[prefix + "bias"].astype(float)]
    m, v = [np.zeros_like(x) for x in p], [np.zeros_like(x) for x in p]
    want, losses, norms, s = {}, [], [], STEPS
    for t in range(1, max(steps, 1) + 1):
        z, loss, *grads = forward(*p, data["batch.tokens"], data["batch.targets"])
        if t == 1:
            want = {"out.logits": z, "out.loss": loss, "grad." + prefix + "table": grads[0], "grad." + prefix + "bias": grads[1]}
        norm = np.sqrt(sum((g ** 2).sum() for g in grads))
        losses.append(loss), norms.append(norm)
        for i, g in enumerate(grads):
            g = g * min(1, s["clip"] / (norm + 1e-6))
            m[i], v[i] = s["beta1"] * m[i] + (1 - s["beta1"]) * g, s["beta2"] * v[i] + (1 - s["beta2"]) * g * g
            p[i] = p[i] * (1 - s["lr"] * (s["decay"] if i == 0 else 0))
            p[i] -= s["lr"] * m[i] / (1 - s["beta1"] ** t) / (np.sqrt(v[i] / (1 - s["beta2"] ** t)) + s["eps"])
    if steps:
        want |= {"out.losses": losses, "out.grad_norms": norms, "final." + prefix + "table": p[0], "final." + prefix + "bias": p[1]}
    assert set(got) == set(want), (sorted(got), sorted(want))
    for name, value in want.items():
        value = np.asarray(value)
        assert got[name].shape == value.shape, (name, got[name].shape, value.shape)
        error = np.abs(got[name] - value).max()
        assert error <= 2e-5 * max(1, np.abs(value).max()), (name, error)
    print("agrees:", len(want), "tensors")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("what")
    ap.add_argument("files", nargs="+")
    ap.add_argument("--prefix", default="")
    ap.add_argument("--batch", type=int, default=3)
    ap.add_argument("--context", type=int, default=7)
    ap.add_argument("--steps", type=int, default=0)
    a = ap.parse_args()
    if a.what == "make":
        make(a.files[0], a.prefix, a.batch, a.context)
    else:
        check(a.files[0], a.files[1], a.steps)
