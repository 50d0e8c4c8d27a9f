"""Reference traces of the models in test/e2e/Inputs/unseen, recorded with PyTorch (needed to record, not to test).

usage: record.py OUT_DIR    writes parallel, alibi and convstem as .safetensors and .json in the layout of the other traces
"""
import json, math, os, sys
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

ADAMW = dict(lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)


def linear(p, n, x):
    return F.linear(x, p[n + ".weight"], p.get(n + ".bias"))


def rms(x, w):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w


def rotate(x):  # [B, T, H, E], half-split
    t, e = x.shape[1], x.shape[3]
    f = 10000.0 ** (-2 * (torch.arange(e) % (e // 2)).double() / e)
    a = (torch.arange(t).double()[:, None] * f).to(x.dtype)[None, :, None]
    r = torch.cat([-x[..., e // 2:], x[..., : e // 2]], -1)
    return x * a.cos() + r * a.sin()


def attend(q, k, v, mask=None, bias=0.0, scale=None):
    h, g = q.shape[2], k.shape[2]
    q, k, v = (z.transpose(1, 2) for z in (q, k, v))
    k, v = k.repeat_interleave(h // g, 1), v.repeat_interleave(h // g, 1)
    s = q @ k.transpose(-1, -2) * (scale or q.shape[-1] ** -0.5) + bias
    if mask is not None:
        s = s.masked_fill(~mask, -math.inf)
    o = (s.softmax(-1) @ v).transpose(1, 2)
    return o.reshape(o.shape[0], o.shape[1], -1)


def causal(t, window=0):
    d = torch.arange(t)[:, None] - torch.arange(t)[None]
    return (d >= 0) & ((d < window) if window else True)


def token_loss(logits, b):
    return F.cross_entropy(logits.flatten(0, 1), b["targets"].flatten())


def parallel(p, b):
    x = p["embed.weight"][b["tokens"]]
    B, T, C = x.shape
    for i in range(2):
        l = f"layers.{i}."
        n = rms(x, p[l + "norm.weight"])
        q, k, v = linear(p, l + "attn.qkv", n).view(B, T, 3, 4, C // 4).unbind(2)
        a = attend(rotate(q), rotate(k), v, causal(T))
        x = x + linear(p, l + "attn.out", a) + linear(p, l + "mlp.down", linear(p, l + "mlp.up", n).relu() ** 2)
    z = linear(p, "head", rms(x, p["norm.weight"]))
    return z, token_loss(z, b)


def alibi(p, b):
    x = p["embed.weight"][b["tokens"]] * math.sqrt(48)
    B, T, C = x.shape
    d = torch.arange(T)[None] - torch.arange(T)[:, None]
    slope = d[None] * (2.0 ** (-2 * (torch.arange(4) + 1)))[:, None, None]
    for i in range(2):
        l = f"layers.{i}."
        q = linear(p, l + "q_proj", x).view(B, T, 4, C // 4)
        k, v = linear(p, l + "kv_proj", x).view(B, T, 2, 2, C // 4).unbind(2)
        a = attend(q, k, v, causal(T, 20), slope.to(x.dtype))
        norm = lambda n, y: F.layer_norm(y, (C,), p[l + n + ".weight"], p[l + n + ".bias"])
        x = x + norm("norm1", linear(p, l + "o_proj", a))
        x = x + norm("norm2", linear(p, l + "down", F.gelu(linear(p, l + "gate", x)) * linear(p, l + "up", x)))
    z = 15 * torch.tanh(x @ p["embed.weight"].T / 15)
    return z, token_loss(z, b)


def convstem(p, b):
    x = b["images"]
    for i, g in ((1, 4), (2, 8)):
        x = F.conv2d(x, p[f"stem.conv{i}.weight"], p[f"stem.conv{i}.bias"], stride=2, padding=1)
        x = F.silu(F.group_norm(x, g, p[f"stem.norm{i}.weight"], p[f"stem.norm{i}.bias"]))
    x = x.flatten(2).transpose(1, 2)
    B, T, C = x.shape
    f = 100.0 ** (-(torch.arange(C) % (C // 2)).double() / (C // 2))
    a = torch.arange(T).double()[:, None] * f
    x = x + torch.where(torch.arange(C) < C // 2, a.sin(), a.cos()).to(x.dtype)
    for i in range(2):
        l = f"layer.{i}."
        norm = lambda n, y: F.layer_norm(y, (C,), p[l + n + ".weight"], p[l + n + ".bias"])
        n = norm("norm1", x)
        q, k, v = (linear(p, l + w, n).view(B, T, 4, C // 4) for w in ("query", "key", "value"))
        unit = lambda y: y * torch.rsqrt((y * y).sum(-1, keepdim=True) + 1e-12)
        x = x + linear(p, l + "proj", attend(unit(q), unit(k), v, scale=4.0))
        u = linear(p, l + "up", norm("norm2", x))
        x = x + linear(p, l + "down", u * torch.sigmoid(1.702 * u))
    z = linear(p, "head", F.layer_norm(x, (C,), p["norm.weight"], p["norm.bias"]).mean(1))
    return z, F.cross_entropy(z, b["labels"])


def shapes(arch):
    W = 48
    if arch == "parallel":
        s = {"embed.weight": (96, W)}
        for i in range(2):
            l = f"layers.{i}."
            s |= {l + "norm.weight": (W,), l + "attn.qkv.weight": (3 * W, W), l + "attn.out.weight": (W, W),
                  l + "mlp.up.weight": (4 * W, W), l + "mlp.down.weight": (W, 4 * W)}
        return s | {"norm.weight": (W,), "head.weight": (96, W), "head.bias": (96,)}
    if arch == "alibi":
        s = {"embed.weight": (96, W)}
        for i in range(2):
            l = f"layers.{i}."
            for n, o, k in (("q_proj", W, W), ("kv_proj", W, W), ("o_proj", W, W), ("gate", 2 * W, W),
                            ("up", 2 * W, W), ("down", W, 2 * W)):
                s |= {l + n + ".weight": (o, k), l + n + ".bias": (o,)}
            for n in ("norm1", "norm2"):
                s |= {l + n + ".weight": (W,), l + n + ".bias": (W,)}
        return s
    W, s = 32, {}
    for i, (o, c) in ((1, (16, 3)), (2, (32, 16))):
        s |= {f"stem.conv{i}.weight": (o, c, 3, 3), f"stem.conv{i}.bias": (o,), f"stem.norm{i}.weight": (o,), f"stem.norm{i}.bias": (o,)}
    for i in range(2):
        l = f"layer.{i}."
        for n, o, k in (("query", W, W), ("key", W, W), ("value", W, W), ("proj", W, W), ("up", 2 * W, W), ("down", W, 2 * W)):
            s[l + n + ".weight"] = (o, k)
            if n != "key":
                s[l + n + ".bias"] = (o,)
        for n in ("norm1", "norm2"):
            s |= {l + n + ".weight": (W,), l + n + ".bias": (W,)}
    return s | {"norm.weight": (W,), "norm.bias": (W,), "head.weight": (10, W), "head.bias": (10,)}


def run(fn, weights, batch, dtype):
    p = {k: v.to(dtype).clone().requires_grad_() for k, v in weights.items()}
    b = {k: v.to(dtype) if v.is_floating_point() else v for k, v in batch.items()}
    opt = torch.optim.AdamW([{"params": [v for v in p.values() if v.ndim >= 2]},
                             {"params": [v for v in p.values() if v.ndim < 2], "weight_decay": 0.0}], **ADAMW)
    out, losses, norms = {}, [], []
    for step in range(10):
        opt.zero_grad()
        logits, loss = fn(p, b)
        loss.backward()
        if step == 0:
            out |= {"out.logits": logits.detach().clone(), "out.loss": loss.detach().clone()}
            out |= {"grad." + k: v.grad.clone() for k, v in p.items()}
        losses.append(loss.detach())
        norms.append(torch.nn.utils.clip_grad_norm_(p.values(), 1.0).detach())
        opt.step()
    out |= {"out.losses": torch.stack(losses), "out.grad_norms": torch.stack(norms)}
    return out | {"final." + k: v.detach() for k, v in p.items()}


for arch, fn in (("parallel", parallel), ("alibi", alibi), ("convstem", convstem)):
    g = torch.Generator().manual_seed(7)
    weights = {k: float(len(s) == 1 and k.endswith("weight")) + (0.05 if len(s) < 4 else 0.2) * torch.randn(s, generator=g)
               for k, s in shapes(arch).items()}
    if arch == "convstem":
        batch = {"images": torch.randn(2, 3, 16, 16, generator=g), "labels": torch.randint(0, 10, (2,), generator=g)}
    else:
        t = torch.randint(0, 96, (2, 33), generator=g)
        batch = {"tokens": t[:, :-1].contiguous(), "targets": t[:, 1:].contiguous()}
    out, exact = run(fn, weights, batch, torch.float32), run(fn, weights, batch, torch.float64)
    noise = {k: (v.double() - exact[k]).abs().max().item() for k, v in out.items()}
    tensors = weights | {"batch." + k: v for k, v in batch.items()} | out
    save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(sys.argv[1], arch + ".safetensors"))
    json.dump({"arch": arch, "config": {}, "adamw": ADAMW, "clip_global_norm": 1.0, "steps": 10, "noise": noise},
              open(os.path.join(sys.argv[1], arch + ".json"), "w"), indent=1)
    print(arch, out["out.losses"][0].item(), out["out.losses"][-1].item())
