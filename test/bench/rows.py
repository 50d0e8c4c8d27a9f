"""The rows of the suite, in the order of the table. Each has a function: Bench -> lines.

FLOPs. "Ours" are those that the compiler counts for its kernels. "The peers' formula" counts 6 for each weight of a
matrix product and token (2 forward, 4 backward), and attention's products over the causal half.
"""
import tempfile

from harness import Failed, Line, ROOT, median

GPT_SMALL = dict(layers=6, heads=6, width=384, vocab=4096, context=256, batch=8)
GPT_DROPOUT = GPT_SMALL | dict(context=1024, batch=2, drop=0.1)
GPT_124M = dict(layers=12, heads=12, width=768, vocab=50257, context=256, batch=4)
LLAMA = dict(layers=30, heads=9, kv_heads=3, width=576, ffn=1536, vocab=49152, context=256, batch=4)
VIT = dict(layers=12, heads=12, width=768, image=224, patch=16, classes=1000, batch=8)


def quick(sizes):
    """Sizes for a look at whether everything runs."""
    small = dict(layers=1, heads=2, kv_heads=1, width=64, ffn=96, vocab=128, context=32, batch=2, image=32, classes=10)
    return {k: small.get(k, v) for k, v in sizes.items()}


def sized(b, sizes):
    return quick(sizes) if b.args.quick else sizes


def gpt_flops(s):
    """Of one step, by the peers' formula."""
    matrices = 12 * s["layers"] * s["width"] ** 2 + s["vocab"] * s["width"]
    return s["batch"] * s["context"] * (6 * matrices + 6 * s["layers"] * s["context"] * s["width"])


def llama_flops(s):
    w, d = s["width"], s["width"] // s["heads"]
    layer = 2 * w * w + 2 * w * s["kv_heads"] * d + 3 * w * s["ffn"]
    return s["batch"] * s["context"] * (6 * (s["layers"] * layer + s["vocab"] * w) + 6 * s["layers"] * s["context"] * w)


def vit_flops(s):
    w, patches = s["width"], (s["image"] // s["patch"]) ** 2
    tokens = patches + 1
    layers = s["layers"] * (12 * w * w * tokens * 6 + 12 * tokens * tokens * w)
    return s["batch"] * (layers + 6 * patches * 3 * s["patch"] ** 2 * w + 6 * w * s["classes"])


def gpt(b, s, ctx=None):
    return b.binary("gpt2", layers=s["layers"], heads=s["heads"], width=s["width"], vocab=s["vocab"],
                    ctx=ctx or max(1024, s["context"]), drop=s.get("drop", 0))


def mb(n):
    return f"{n / 1e6:.0f} MB"


def per_s(x):
    return f"{x:.0f}/s" if x >= 100 else f"{x:.2f}/s"


def training(b, row, binary, work, s, flops, bars, steps, compiled, unit):
    """Speed, share of the peak and memory of a training step, for each type of --dtype."""
    lines = []
    for dtype in b.args.dtype:
        name = f"{row} {dtype}"
        speed, share, memory = bars.get(dtype, (None, None, None))
        context = s.get("context")
        peers = {}
        if b.has_peers():
            run = lambda c: b.torch(name, work, s, dtype, steps=steps, warmup=1 if steps < 5 else 2, compiled=c)
            peers["torch eager"] = lambda: run(False)
            if compiled and not b.args.eager_only:
                peers["torch compile"] = lambda: run(True)
        try:
            runs = b.interleave(name, {"tintype": lambda: b.ours(name, binary, s["batch"], context, dtype)}, peers)
        except Failed as e:
            lines.append(Line(f"{dtype}: {unit}", note=str(e)))
            continue
        mine = runs.pop("tintype")
        rate, peak = median(mine, "tokens_per_s"), median(mine, "peak_gflops")
        theirs = {k: median(r, "tokens_per_s") for k, r in runs.items()}
        best = max(theirs, key=theirs.get, default=None)
        units = s["batch"] * (context or 1)
        lines.append(Line(f"{dtype}: {unit}", rate / theirs[best] if best else None, "x", speed, ours=per_s(rate),
                          peer=per_s(theirs[best]) if best else "", note=best or ""))
        of_peak = lambda r: flops / units * r / 1e9 / peak
        bar, more = of_unit(mine, dtype, f"{dtype}: of {{}}, peers' formula", of_peak(rate), share,
                            of_peak(theirs[best]) if best else None)
        lines.append(Line(f"{dtype}: of the peak, peers' formula", of_peak(rate), "%", bar,
                          ours=f"{flops / units * rate / 1e9:.0f} GFLOP/s",
                          peer=f"{of_peak(theirs[best]):.1%}" if best else "", note=f"peak {peak:.0f} GFLOP/s"))
        lines += more
        lines.append(Line(f"{dtype}: of the peak, our count", median(mine, "fraction"), "%",
                          ours=f"{median(mine, 'gflops'):.0f} GFLOP/s"))
        rss = median(mine, "peak_rss_bytes")
        eager = median(runs["torch eager"], "peak_rss_mb") * 1e6 if "torch eager" in runs else None
        lines.append(Line(f"{dtype}: peak memory", rss / eager if eager else None, "x", memory, False, mb(rss),
                          mb(eager) if eager else ""))
    return lines


def gpt_small(b):
    s = sized(b, GPT_SMALL)
    return training(b, "gpt-small", gpt(b, s), "gpt", s, gpt_flops(s),
                    {"f32": (1.25, 0.85, None), "bf16": (1.5, 0.78, None)}, 8, True, "tokens/s")


def gpt_dropout(b):
    """As GPT-2 was trained: a tenth of the embeddings, of attention's weights and of what each part adds is dropped."""
    s = sized(b, GPT_DROPOUT)
    lines = training(b, "gpt-dropout", gpt(b, s), "gpt", s, gpt_flops(s), {}, 3, True, "tokens/s")
    return [line for line in lines if " of " not in line.metric]


def gpt_124m(b):
    s = sized(b, GPT_124M)
    return training(b, "gpt-124m", gpt(b, s), "gpt", s, gpt_flops(s), {"f32": (1.2, None, 0.7), "bf16": (1.4, None, 0.7)},
                    3, True, "tokens/s")


def llama(b):
    s = sized(b, LLAMA)
    binary = b.binary("llama", layers=s["layers"], heads=s["heads"], kv_heads=s["kv_heads"], width=s["width"],
                      ffn=s["ffn"], vocab=s["vocab"], ctx=2048, tied="true", theta="10000.0")
    return training(b, "llama", binary, "llama", s, llama_flops(s), {"f32": (1.2, None, None), "bf16": (1.35, None, None)},
                    3, False, "tokens/s")


def vit(b):
    s = sized(b, VIT)
    binary = b.binary("vit", layers=s["layers"], heads=s["heads"], width=s["width"], size=s["image"], patch=s["patch"],
                      classes=s["classes"])
    return training(b, "vit", binary, "vit", s, vit_flops(s), {"f32": (1.2, None, None), "bf16": (1.35, None, None)}, 3,
                    False, "images/s")


def of_unit(runs, dtype, label, share, bar, theirs=None):
    """The bar speaks of fused multiply-adds, in bf16 of dot products. Where another unit is faster, that is the peak, and this is a line more."""
    key, unit = ("fma_gflops", "fused multiply-adds") if dtype == "f32" else ("dot_gflops", "dot products")
    peak, rate = median(runs, "peak_gflops"), median(runs, key) if key in runs[0] else None
    if rate is None or rate > 0.95 * peak:
        return bar, []
    faster = "matrix tiles" if "tile_gflops" in runs[0] else "fused multiply-adds"
    return None, [Line(label.format(unit), share * peak / rate, "%", bar, peer=f"{theirs * peak / rate:.0%}" if theirs else "",
                       note=f"{unit} do {rate:.0f} GFLOP/s, {faster} {peak:.0f}")]


def kernel_row(b, row, binary, dtype, flops, share, peer, name):
    """A forward and backward pass without its optimiser, as a share of the peak on `flops`."""
    try:
        runs = b.interleave(f"{row} {name}", {"tintype": lambda: b.ours(row, binary, dtype=dtype,
                                                                        seconds=b.args.seconds / 2)},
                            {"torch eager": peer} if b.has_peers() else {})
    except Failed as e:
        return [Line(name, note=str(e))], []
    mine = runs["tintype"]
    seconds = median(mine, "program_seconds")
    peak = median(mine, "peak_gflops")
    theirs = median(runs["torch eager"], "step_s") if "torch eager" in runs else None
    part = flops / seconds / 1e9 / peak
    bar, more = of_unit(mine, dtype, f"{name}: of {{}}", part, share, flops / theirs / 1e9 / peak if theirs else None)
    return [Line(name, part, "%", bar, ours=f"{seconds * 1e3:.1f} ms",
                 peer=f"{theirs * 1e3:.1f} ms ({flops / theirs / 1e9 / peak:.0%})" if theirs else ""), *more], mine


def attention(b):
    """D 64, 12 heads, 4096 tokens a step, causal: 2 + 5 products over the triangle."""
    lines, arena = [], {}
    total, heads = (4096, 12) if not b.args.quick else (64, 2)
    bars = {"f32": (0.65, 0.80, 0.85), "bf16": (0.50, 0.65, 0.70)}
    for dtype in b.args.dtype:
        for t, share in zip((256, 1024, 4096) if not b.args.quick else (16, 32, 64), bars[dtype]):
            s = dict(batch=total // t, heads=heads, context=t)
            binary = b.binary("attention", batch=s["batch"], length=t, heads=heads)
            flops = 7 * 2 * (t * (t + 1) / 2) * 64 * heads * s["batch"]
            peer = lambda: b.torch("attention", "attention", s, dtype, steps=5, warmup=1)
            new, mine = kernel_row(b, "attention", binary, dtype, flops, share, peer, f"{dtype}: T {t}")
            lines += new
            if mine:
                arena[dtype, t] = mine[0]["arena_bytes"]
        sizes = [v for (d, _), v in arena.items() if d == dtype]
        if len(sizes) == 3:
            lines.append(Line(f"{dtype}: memory of the plan, longest to shortest T", sizes[2] / sizes[0], "x", 1.1, False,
                              ", ".join(map(mb, sizes)), note="the same number of tokens: 1 is linear"))
    return lines


def head(b):
    """Scores and their cross-entropy, forward and backward: three products."""
    rows, width, vocab = (1024, 768, 50257) if not b.args.quick else (32, 16, 100)
    binary, lines = b.binary("head", rows=rows, width=width, vocab=vocab), []
    for dtype in b.args.dtype:
        peer = lambda: b.torch("head", "head", dict(batch=rows, width=width, vocab=vocab), dtype, steps=5, warmup=1)
        new, mine = kernel_row(b, "head", binary, dtype, 3 * 2 * rows * width * vocab, {"f32": 0.88, "bf16": 0.78}[dtype],
                               peer, dtype)
        lines += new
        if mine:
            whole = rows * vocab * 4
            lines.append(Line(f"{dtype}: memory of the plan, to f32 scores whole", mine[0]["arena_bytes"] / whole, "x", 1,
                              False, mb(mine[0]["arena_bytes"]), note=f"the scores are {mb(whole)}"))
    return lines


def adamw(b):
    """Norm of the gradients and the update of all parameters, beside a copy loop in the same process. Bytes: the norm
    reads g, the update reads and writes p, g (zeroed), m and v: 36 a parameter. The copy loop counts what it reads and
    what it writes."""
    s = sized(b, GPT_124M)
    binary = gpt(b, s)
    parameters = 124_000_000 if not b.args.quick else 10_000
    peers = {"torch eager": lambda: b.torch("adamw", "adamw", dict(elements=parameters), steps=8)} if b.has_peers() else {}
    # A short step: only what follows it is of interest.
    runs = b.interleave("adamw", {"tintype": lambda: b.ours("adamw", binary, 1, 16, seconds=b.args.seconds / 2)}, peers)
    mine = runs["tintype"]
    rate, copy = median(mine, "optimizer_gbs"), median(mine, "copy_gbs")
    theirs = median(runs["torch eager"], "step_s") if "torch eager" in runs else None
    return [Line("bandwidth, to a copy loop's", rate / copy, "%", 0.95, ours=f"{rate:.1f} of {copy:.1f} GB/s",
                 note="36 bytes a parameter: norm and update"),
            Line("seconds", theirs and theirs / median(mine, "optimizer_seconds"), "x",
                 ours=f"{median(mine, 'optimizer_seconds') * 1e3:.0f} ms", peer=f"{theirs * 1e3:.0f} ms" if theirs else "")]


def first_step(b):
    """From exec to the end of the first step, weights drawn at random; and the same without a step's own time. A run
    before it, not counted, has the memory: a virtual machine may have given free memory back to its host."""
    s = sized(b, GPT_124M)
    binary = gpt(b, s)
    sizes = {k: s[k] for k in ("layers", "heads", "width", "vocab", "context", "batch")}
    peers = {}
    if b.has_peers():
        peers["torch eager"] = lambda: b.torch("first-step", "gpt", sizes, steps=1, warmup=1)
        if not b.args.eager_only:
            peers["torch compile"] = lambda: b.torch("first-step", "gpt", sizes, steps=1, warmup=1, compiled=True)
    run = lambda: b.ours("first-step", binary, s["batch"], s["context"], seconds=0.1)
    before = []
    ours = {"tintype": lambda: (before.append(run()), run())[1]}
    runs = b.interleave("first-step", ours, peers)
    mine = runs.pop("tintype")
    first, step = median(mine, "first_step_seconds"), median(mine, "step_seconds")
    theirs = ", ".join(f"{k.split()[1]} {median(r, 'first_step_s'):.1f} s" for k, r in runs.items())
    ready, cold = median(mine, "ready_seconds"), median(before, "first_step_seconds")
    return [Line("exec to the end of the first step", first, "s", higher=False, peer=theirs),
            Line("of that, beyond a later step", first - step, "s", 0.5, False, ours=f"a step is {step:.2f} s",
                 note=f"ready {ready:.2f} s after exec, weights drawn; {cold:.2f} s in the run before")]


def build(b):
    """The compiler itself: GPT-2 124M from nothing, again, and with twice the layers from nothing; medians of three in turn."""
    s = sized(b, GPT_124M)
    model = ["--set=" + x for x in (f"layers={s['layers']}", f"heads={s['heads']}", f"width={s['width']}",
                                    f"vocab={s['vocab']}", "drop=0")]
    source, runs = ROOT / "frontend/models/gpt2.tin", {}
    with tempfile.TemporaryDirectory(dir=b.work) as folder:
        for i in range(1 if b.args.quick else 3):
            for name, cache, more in (("cold", f"a{i}", []), ("warm", f"a{i}", []),
                                      ("twice the layers, cold", f"b{i}", [f"--set=layers={2 * s['layers']}"])):
                b.say(f"build: {name}")
                command = [b.args.tintype, "build", source, *model, *more, "--cache", f"{folder}/{cache}", "-o", f"{folder}/gpt"]
                _, seconds, rss = b.execute(command)
                runs.setdefault(name, []).append(b.record("build", name, command, {"seconds": seconds, "peak_rss_bytes": rss}))
    cold, deep = median(runs["cold"], "seconds"), median(runs["twice the layers, cold"], "seconds")
    return [Line("cold", cold, "s", 30, False), Line("cold: memory", median(runs["cold"], "peak_rss_bytes") / 1e6, "MB", 2000, False),
            Line("again", median(runs["warm"], "seconds"), "s", None, False),
            Line("twice the layers, cold", deep / cold, "x", 1.1, False, ours=f"{deep:.1f} s")]


def context(b):
    """The 12.3M GPT at equal tokens a step: how tokens/s and memory go with the context."""
    s = sized(b, GPT_SMALL)
    total, lengths = (4096, (256, 1024, 4096)) if not b.args.quick else (64, (16, 32, 64))
    binary, lines = gpt(b, s, ctx=lengths[-1]), []
    work = {t: s | dict(context=t, batch=total // t) for t in lengths}
    peers = {}
    if b.has_peers():
        peers = {f"torch {t}": (lambda t=t: b.torch("context", "gpt", work[t], steps=2, warmup=1)) for t in lengths[::2]}
    runs = b.interleave("context", {f"tintype {t}": (lambda t=t: b.ours("context", binary, total // t, t)) for t in lengths},
                        peers)
    speed = {t: median(runs[f"tintype {t}"], "tokens_per_s") for t in lengths}
    for t in lengths:
        r = runs[f"tintype {t}"]
        rss = mb(median(r, "peak_rss_bytes"))
        theirs = runs.get(f"torch {t}")
        # 1 where tokens/s falls as FLOPs a token rise
        value = speed[t] / speed[lengths[0]] * gpt_flops(work[t]) / gpt_flops(work[lengths[0]])
        lines.append(Line(f"T {t}: speed kept, for its FLOPs", value, "x", 1 if t > lengths[0] else None, True,
                          f"{per_s(speed[t])}, {rss}",
                          f"{per_s(median(theirs, 'tokens_per_s'))}, {median(theirs, 'peak_rss_mb'):.0f} MB" if theirs else ""))
    return lines


def memory_limit(b):
    """GPT-2 124M in at most 0.55 of PyTorch's memory; without peers, in the least that works."""
    s = sized(b, GPT_124M)
    binary, lines = gpt(b, s), []
    for dtype in b.args.dtype:
        name = f"memory-limit {dtype}"
        eager = None
        try:
            if b.has_peers():
                b.say(f"{name}: torch eager")
                eager = b.torch(name, "gpt", s, dtype, steps=1, warmup=1)["peak_rss_mb"] * 1e6
            limit = int(0.55 * eager) if eager else 1
            note = ""
            ours = lambda *flags: b.ours(name, binary, s["batch"], s["context"], dtype, flags=flags)
            try:
                b.say(f"{name}: does the limit hold?")
                b.ours(name, binary, s["batch"], s["context"], dtype, 0.1, ("--memory-limit", limit))
            except Failed as e:
                if "at least" not in str(e):
                    raise
                note, limit = str(e) if eager else "the least that works", int(str(e).split("at least ")[1].split()[0])
            runs = b.interleave(name, {"unlimited": ours, "limited": lambda: ours("--memory-limit", limit)})
        except Failed as e:
            lines.append(Line(f"{dtype}: time", note=str(e)))
            continue
        rss = {k: median(r, "peak_rss_bytes") for k, r in runs.items()}
        lines.append(Line(f"{dtype}: memory", rss["limited"] / eager if eager else None, "x", 0.55, False, mb(rss["limited"]),
                          mb(eager) if eager else "", note or f"--memory-limit {limit}"))
        lines.append(Line(f"{dtype}: time, to without a limit", median(runs["limited"], "step_seconds") /
                          median(runs["unlimited"], "step_seconds"), "x", 1.2, False,
                          f"{median(runs['limited'], 'step_seconds'):.2f} s"))
    return lines


ROWS = {
    "gpt-small": ("GPT 12.3M, batch 8 x 256", gpt_small),
    "gpt-124m": ("GPT-2 124M, batch 4 x 256", gpt_124m),
    "gpt-dropout": ("GPT 12.3M with dropout, batch 2 x 1024", gpt_dropout),
    "memory-limit": ("GPT-2 124M, --memory-limit", memory_limit),
    "llama": ("Llama 134M, batch 4 x 256", llama),
    "vit": ("ViT-B/16, batch 8", vit),
    "attention": ("attention, forward and backward", attention),
    "head": ("head and cross-entropy, 1024 rows", head),
    "adamw": ("AdamW with norm, 124M", adamw),
    "first-step": ("GPT-2 124M, first step", first_step),
    "build": ("tintype build, 124M", build),
    "context": ("GPT 12.3M, context at 4096 tokens", context),
}
