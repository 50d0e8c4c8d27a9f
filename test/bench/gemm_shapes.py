"""Prints kernels to time: gemm_shapes.py [N,K ...] (default: those of a small model).

For each N, K: y = x w + b with w [K, N] (nn) and [N, K] (nt), and dw += x^T dy (tn), all with M rows;
with --batched products of heads that lie strided in [B, T, 3, H, E]; with --bf16 factors are rounded, the first
one (x, or the left one of heads) lies in memory as bf16.
"""
import re
import sys


def mat(name, rows, cols):
    sym = any(not str(d).isdigit() for d in (rows, cols))
    shape = "x".join("?" if not str(d).isdigit() else str(d) for d in (rows, cols))
    return f"tensor<{shape}xf32" + (f", #graph.dims<{rows}, {cols}>>" if sym else ">")


def gemm(kind, n, k, m="M"):
    if kind == "tn":
        a, b, c = mat("x", m, k), mat("y", m, n), mat("w", k, n)
        return f"""func.func private @k_tn_{n}_{k}(%g: {c}, %x: {a}, %y: {b}) -> {c} attributes {{graph.kernel, graph.kind = "contraction", graph.inplace = array<i32: 0>}} {{
  %z = graph.compute sum over <{k}, {n}> by <{m}> : {c} {{
    %0 = graph.read %x[(d0, d1, d2) -> (d2, d0)] : {a}
    %1 = graph.read %y[(d0, d1, d2) -> (d2, d1)] : {b}
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }}
  %r = graph.compute none over <{k}, {n}> by <> : {c} {{
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : {c}
    %1 = graph.read %g[(d0, d1) -> (d0, d1)] : {c}
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }}
  return %r : {c}
}}
"""
    w = mat("w", k, n) if kind == "nn" else mat("w", n, k)
    at = "(d2, d1)" if kind == "nn" else "(d1, d2)"
    a, c, v = mat("x", m, k), mat("y", m, n), f"tensor<{n}xf32>"
    return f"""func.func private @k_{kind}_{n}_{k}(%x: {a}, %w: {w}, %b: {v}) -> {c} attributes {{graph.kernel, graph.kind = "contraction"}} {{
  %z = graph.compute sum over <{m}, {n}> by <{k}> : {c} {{
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : {a}
    %1 = graph.read %w[(d0, d1, d2) -> {at}] : {w}
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }}
  %r = graph.compute none over <{m}, {n}> by <> : {c} {{
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : {c}
    %1 = graph.read %b[(d0, d1) -> (d1)] : {v}
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }}
  return %r : {c}
}}
"""


def batched(h=6, e=64):
    q = f"tensor<?x?x{3 * h * e}xf32, #graph.dims<B, T, {3 * h * e}>>"
    s = f"tensor<?x{h}x?x?xf32, #graph.dims<B, {h}, T, T>>"
    o = f"tensor<?x?x{h}x{e}xf32, #graph.dims<B, T, {h}, {e}>>"
    def kernel(name, args, result, over, by, x, y):
        return f"""func.func private @k_{name}({args}) -> {result} attributes {{graph.kernel, graph.kind = "contraction"}} {{
  %z = graph.compute sum over <{over}> by <{by}> : {result} {{
    %0 = graph.read {x}
    %1 = graph.read {y}
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }}
  return %z : {result}
}}
"""
    d = "(d0, d1, d2, d3, d4)"
    return (kernel("scores", f"%q: {q}", s, f"B, {h}, T, T", e, f"%q[{d} -> (d0, d2, d1 * {e} + d4)] : {q}",
                   f"%q[{d} -> (d0, d3, d1 * {e} + d4 + {h * e})] : {q}")
            + kernel("mix", f"%p: {s}, %q: {q}", o, f"B, T, {h}, {e}", "T", f"%p[{d} -> (d0, d2, d1, d4)] : {s}",
                     f"%q[{d} -> (d0, d4, d2 * {e} + d3 + {2 * h * e})] : {q}")
            + kernel("mixt", f"%p: {s}, %o: {o}", o, f"B, T, {h}, {e}", "T", f"%p[{d} -> (d0, d2, d4, d1)] : {s}",
                     f"%o[{d} -> (d0, d4, d2, d3)] : {o}"))


def rounded(text):
    """The kernels of `text` with factors in bf16."""
    out = []
    for kernel in re.split(r"(?<=^}\n)", text, flags=re.M):
        first = re.search(r"%0 = graph.read (%\w+)", kernel)
        if not first:
            continue
        name = first.group(1)
        kernel = re.sub(rf"({name}: tensor<[^,>]*)f32", r"\1bf16", kernel)
        kernel = re.sub(rf"(graph.read {name}\[.*tensor<[^,>]*)f32", r"\1bf16", kernel)
        casts = []
        for i in (0, 1):
            narrow = f"%{i}"
            if f"graph.read {name}[" not in re.search(rf"%{i} = .*", kernel).group():
                casts.append(f"    %t{i} = arith.truncf %{i} : f32 to bf16\n")
                narrow = f"%t{i}"
            casts.append(f"    %w{i} = arith.extf {narrow} : bf16 to f32\n")
        out.append(kernel.replace("    %2 = arith.mulf %0, %1", "".join(casts) + "    %2 = arith.mulf %w0, %w1", 1))
    return "".join(out)


args = sys.argv[1:]
form = rounded if "--bf16" in args else str
args = [a for a in args if a != "--bf16"]
kinds = ["nn", "nt", "tn"]
shapes = []
for a in args:
    if a == "--batched":
        print(form(batched()))
    elif a.startswith("--kinds="):
        kinds = a[8:].split(",")
    else:
        shapes.append(tuple(map(int, a.split(","))))
if not args or (len(args) == 1 and args[0].startswith("--kinds=")):
    shapes = [(1152, 384), (384, 384), (1536, 384), (384, 1536), (4096, 384)]
for n, k in shapes:
    for kind in kinds:
        print(form(gemm(kind, n, k)))
