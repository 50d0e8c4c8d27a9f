#!/usr/bin/env python3
"""What the benchmarks compare with: the same work in plain PyTorch. Prints one JSON object.

usage: peer.py gpt|llama|vit|attention|head|adamw [--dtype f32|bf16] [--compile] [--steps N] [--warmup N] [sizes]

Training steps clip the global norm to 1 and use the fused AdamW; bf16 is autocast over f32 weights.
"""
import argparse
import json
import resource
import statistics
import time

BEGIN = time.time()
import torch  # noqa: E402  (its start belongs to the first step)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

SIZES = dict(layers=12, heads=12, kv_heads=3, width=768, ffn=1536, vocab=50257, context=256, batch=4, image=224,
             patch=16, classes=1000, elements=124_000_000)


def attend(q, k, v, causal, drop=0.0):
    """[B, T, heads, D] each; grouped heads of k and v serve several of q. `drop` of the weights are zero."""
    q, k, v = (z.transpose(1, 2) for z in (q, k, v))
    if k.shape[1] != q.shape[1]:
        k, v = (z.repeat_interleave(q.shape[1] // z.shape[1], 1) for z in (k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, dropout_p=drop).transpose(1, 2).flatten(2)


class GeluLayer(nn.Module):
    """Pre-norm layer of GPT-2 (tanh, causal) and of ViT (erf)."""

    def __init__(self, width, heads, causal, drop=0.0):
        super().__init__()
        self.heads, self.causal, self.drop = heads, causal, drop
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        x = x + F.dropout(self.proj(attend(q, k, v, self.causal, self.drop)), self.drop)
        return x + F.dropout(self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh" if self.causal else "none")), self.drop)


class Gpt(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.tokens, self.places = nn.Embedding(a.vocab, a.width), nn.Embedding(a.context, a.width)
        self.drop = a.drop
        self.layers = nn.ModuleList(GeluLayer(a.width, a.heads, True, a.drop) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.width)

    def forward(self, x, targets):
        x = F.dropout(self.tokens(x) + self.places.weight, self.drop)
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy(F.linear(self.norm(x), self.tokens.weight).flatten(0, 1), targets.flatten())


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class SwigluLayer(nn.Module):
    def __init__(self, a):
        super().__init__()
        d = a.width // a.heads
        self.d, self.norm1, self.norm2 = d, nn.RMSNorm(a.width), nn.RMSNorm(a.width)
        make = lambda i, o: nn.Linear(i, o, bias=False)
        self.q, self.k, self.v = make(a.width, a.width), make(a.width, a.kv_heads * d), make(a.width, a.kv_heads * d)
        self.o, self.gate, self.up = make(a.width, a.width), make(a.width, a.ffn), make(a.width, a.ffn)
        self.down = make(a.ffn, a.width)

    def forward(self, x, cos, sin):
        n = self.norm1(x)
        q, k, v = (m(n).unflatten(-1, (-1, self.d)) for m in (self.q, self.k, self.v))
        x = x + self.o(attend(rotate(q, cos, sin), rotate(k, cos, sin), v, True))
        n = self.norm2(x)
        return x + self.down(F.silu(self.gate(n)) * self.up(n))


class Llama(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.tokens, self.norm = nn.Embedding(a.vocab, a.width), nn.RMSNorm(a.width)
        self.layers = nn.ModuleList(SwigluLayer(a) for _ in range(a.layers))
        d = a.width // a.heads
        angle = torch.arange(a.context)[:, None] * 10000.0 ** (-2 * (torch.arange(d) % (d // 2)) / d)
        self.register_buffer("cos", angle.cos()[:, None])
        self.register_buffer("sin", angle.sin()[:, None])

    def forward(self, x, targets):
        x = self.tokens(x)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return F.cross_entropy(F.linear(self.norm(x), self.tokens.weight).flatten(0, 1), targets.flatten())


class Vit(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.patches = nn.Conv2d(3, a.width, a.patch, a.patch)
        self.first = nn.Parameter(torch.zeros(1, 1, a.width))
        self.places = nn.Parameter(0.02 * torch.randn(1, (a.image // a.patch) ** 2 + 1, a.width))
        self.layers = nn.ModuleList(GeluLayer(a.width, a.heads, False) for _ in range(a.layers))
        self.norm, self.classifier = nn.LayerNorm(a.width), nn.Linear(a.width, a.classes)

    def forward(self, x, targets):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.first.expand(len(x), -1, -1), x), 1) + self.places
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy(self.classifier(self.norm(x)[:, 0]), targets)


def training(model, batch, units, a):
    for name, p in model.named_parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=0.02)
    groups = [{"params": [p for p in model.parameters() if (p.ndim >= 2) == decay], "weight_decay": 0.1 * decay}
              for decay in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)
    forward = torch.compile(model) if a.compile else model

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=a.dtype == "bf16"):
            loss = forward(*batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()
    return step, units


def language(kind, a):
    tokens = torch.randint(0, a.vocab, (a.batch, a.context + 1))
    return training(kind(a), (tokens[:, :-1], tokens[:, 1:]), a.batch * a.context, a)


def vit(a):
    images = torch.randn(a.batch, 3, a.image, a.image)
    return training(Vit(a), (images, torch.randint(0, a.classes, (a.batch,))), a.batch, a)


def attention(a):
    kind = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    q, k, v = (torch.randn(a.batch, a.heads, a.context, 64, dtype=kind, requires_grad=True) for _ in range(3))
    weights = torch.randn(a.batch, a.heads, a.context, 64, dtype=kind)

    def step():
        for z in (q, k, v):
            z.grad = None
        F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(weights)
    return step, a.batch * a.context


def head(a):
    kind = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    x = torch.randn(a.batch, a.width, dtype=kind, requires_grad=True)
    w = (0.02 * torch.randn(a.vocab, a.width)).to(kind).requires_grad_()
    targets = torch.randint(0, a.vocab, (a.batch,))

    def step():
        x.grad = w.grad = None
        F.cross_entropy(F.linear(x, w).float(), targets).backward()
    return step, a.batch


def adamw(a):
    p = nn.Parameter(torch.randn(a.elements))
    p.grad = torch.randn(a.elements)
    optimizer = torch.optim.AdamW([p], lr=1e-5, fused=True)

    def step():
        nn.utils.clip_grad_norm_([p], 1.0)
        optimizer.step()
    return step, a.elements


WORK = {"gpt": lambda a: language(Gpt, a), "llama": lambda a: language(Llama, a), "vit": vit, "attention": attention,
        "head": head, "adamw": adamw}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--drop", type=float, default=0.0, help="rate of dropout, of the GPT")
    for name, value in SIZES.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    step, units = WORK[a.work](a)
    times, first, cpu, wall = [], 0, 0, 0
    for i in range(a.warmup + a.steps):
        if i == a.warmup:
            cpu, wall = time.process_time(), time.perf_counter()
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
        if i == 0:
            first = time.time() - BEGIN
    wall = time.perf_counter() - wall
    seconds = statistics.median(times[a.warmup:])
    print(json.dumps({
        "tokens_per_s": units / seconds, "step_s": seconds, "first_step_s": first, "torch": torch.__version__,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "cpu_share": (time.process_time() - cpu) / wall / torch.get_num_threads()}))


if __name__ == "__main__":
    main()
