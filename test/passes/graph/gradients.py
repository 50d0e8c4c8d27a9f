"""Finite differences of every scalar rule, reducer and access pattern: `gradients.py [NAME..] [--show] [--PASS..]`.

Each case is one definition y of parameters; the loss is the sum of y times fixed random weights. `form` states
what the derivative by the first parameter must be: `gather` (no scatter in the program) or `scatter`.
"""
import sys

import numpy as np

import finite_difference

PASSES = [a for a in sys.argv[1:] if a.startswith("--") and a != "--show"]
DIMS = {"B": 2, "T": 5, "S": 4}


class Case:
    def __init__(self, name, y, body, form="gather", by="", reducer=None, inputs=(), values=None, low=None, scatter=None,
                 **parameters):
        self.scatter = scatter  # y is a scatter over these loops, into parameter init if there is one
        self.name, self.y, self.by, self.body, self.form = name, y, by, body, form
        self.reducer = reducer or ("sum" if by else "none")
        self.parameters, self.inputs, self.values, self.low = parameters, dict(inputs), values or {}, low


def tensor(dims, element="f32"):
    parts = [p.strip() for p in dims.split(",") if p.strip()]
    if all(p.isdigit() for p in parts):
        return "tensor<" + "x".join(parts + [element]) + ">"
    return "tensor<" + "x".join([p if p.isdigit() else "?" for p in parts] + [element]) + f", #graph.dims<{dims}>>"


def sizes(dims):
    return tuple(eval(p.replace("floordiv", "//"), {}, DIMS) for p in dims.split(",") if p.strip())


def program(case):
    """Parameters must be static, so each is passed through a definition that gives it its named dims."""
    lines, arguments = [], []
    for name, dims in case.parameters.items():
        shape = tensor(",".join(map(str, sizes(dims))))
        lines.append(f"graph.parameter @{name} : {shape} normal(0.0, 1.0)")
    everything = dict({"weights": (case.y, "f32")}, **case.inputs)
    for name, (dims, element) in everything.items():
        arguments.append(f'%{name}: {tensor(dims, element)} {{graph.name = "{name}"}}')
    lines.append(f"func.func @loss({', '.join(arguments)}) -> tensor<f32> attributes "
                 '{graph.role = "loss", graph.results = ["loss"]} {')
    for name, dims in case.parameters.items():
        shape = tensor(",".join(map(str, sizes(dims))))
        loops = ", ".join(f"d{i}" for i in range(len(sizes(dims))))
        lines.append(f"  %{name}_p = graph.param @{name} : {shape}")
        if shape == tensor(dims):
            lines[-1] = f"  %{name} = graph.param @{name} : {shape}"
        else:
            lines += [f"  %{name} = graph.compute none over <{dims}> by <> : {tensor(dims)} {{",
                      f"    %v = graph.read %{name}_p[({loops}) -> ({loops})] guarded : {shape}",
                      "    graph.yield %v : f32", "  }"]
    head = f"graph.compute {case.reducer} over <{case.y}> by <{case.by}>"
    if case.scatter:
        start = f"init(%init : {tensor(case.y)}) " if "init" in case.parameters else ""
        head = f"graph.scatter {start}over <{case.scatter}>"
    lines += [f"  %y = {head} : {tensor(case.y)} {{",
              *("    " + line.strip() for line in case.body.strip().splitlines()), "  }"]
    loops = ", ".join(f"d{i}" for i in range(len(sizes(case.y))))
    lines += [f"  %l = graph.compute sum over <> by <{case.y or 1}> : tensor<f32> {{" if case.y else
              "  %l = graph.compute none over <> by <> : tensor<f32> {",
              f"    %u1 = graph.read %y[({loops}) -> ({loops})] : {tensor(case.y)}",
              f"    %u2 = graph.read %weights[({loops}) -> ({loops})] : {tensor(case.y)}",
              "    %u3 = arith.mulf %u1, %u2 : f32", "    graph.yield %u3 : f32", "  }", "  return %l : tensor<f32>", "}"]
    return "\n".join(lines) + "\n"


def scalar(op, body, low=None, **parameters):
    """A rule of one scalar op of %a (and %b)."""
    parameters = parameters or {"a": "7"}
    reads = "".join(f"%{n}_ = graph.read %{n}[(d0) -> (d0)] : tensor<7xf32>\n" for n in parameters)
    for n in parameters:
        body = body.replace(f"%{n},", f"%{n}_,").replace(f"%{n} ", f"%{n}_ ")
    return Case(op, "7", reads + body + "\ngraph.yield %r : f32", low=low, **parameters)


TWO = {"a": "7", "b": "7"}
SCALARS = [
    scalar("arith.addf", "%r = arith.addf %a, %b : f32", **TWO),
    scalar("arith.subf", "%r = arith.subf %a, %b : f32", **TWO),
    scalar("arith.mulf", "%r = arith.mulf %a, %b : f32", **TWO),
    scalar("arith.mulf", "%r = arith.mulf %a, %a : f32"),
    scalar("arith.divf", "%r = arith.divf %a, %b : f32", low=0.5, **TWO),
    scalar("arith.negf", "%r = arith.negf %a : f32"),
    scalar("arith.maximumf", "%r = arith.maximumf %a, %b : f32", **TWO),
    scalar("arith.minimumf", "%r = arith.minimumf %a, %b : f32", **TWO),
    scalar("arith.select", "%p = arith.cmpf olt, %a, %b : f32\n%s = arith.mulf %a, %a : f32\n"
           "%r = arith.select %p, %s, %b : f32", **TWO),
    scalar("arith.extf", "%t = arith.extf %a : f32 to f64\n%u = arith.mulf %t, %t : f64\n%r = arith.truncf %u : f64 to f32"),
    scalar("arith.truncf", "%t = arith.truncf %a : f32 to bf16\n%r = arith.extf %t : bf16 to f32"),
    scalar("math.exp", "%r = math.exp %a : f32"),
    scalar("math.log", "%r = math.log %a : f32", low=0.5),
    scalar("math.sqrt", "%r = math.sqrt %a : f32", low=0.5),
    scalar("math.rsqrt", "%r = math.rsqrt %a : f32", low=0.5),
    scalar("math.sin", "%r = math.sin %a : f32"),
    scalar("math.cos", "%r = math.cos %a : f32"),
    scalar("math.tanh", "%r = math.tanh %a : f32"),
    scalar("math.erf", "%r = math.erf %a : f32"),
    scalar("math.absf", "%r = math.absf %a : f32"),
    scalar("math.powf", "%r = math.powf %a, %b : f32", low=0.5, **TWO),
    scalar("math.powf", "%k = arith.constant 2.0 : f32\n%r = math.powf %a, %k : f32"),
    scalar("math.powf", "%k = arith.constant 3.0 : f32\n%r = math.powf %a, %k : f32"),
    scalar("math.powf", "%k = arith.constant -0.5 : f32\n%r = math.powf %a, %k : f32", low=0.5),
    scalar("math.floor", "%f = math.floor %a : f32\n%r = arith.subf %a, %f : f32"),
    scalar("arith.fptosi", "%i = arith.fptosi %a : f32 to i32\n%f = arith.sitofp %i : i32 to f32\n%r = arith.mulf %a, %f : f32"),
]

MUL = "%m = arith.mulf %x_, %w_ : f32\ngraph.yield %m : f32"
REDUCERS = [
    Case("sum", "B, 3", "%x_ = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>\n"
         "%w_ = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<3x4xf32>\n" + MUL, by="4", x="B, 4", w="3, 4"),
    Case("sum-filter", "T", "%x_ = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>\n"
         "%t = graph.index [(d0, d1) -> (d0)]\n%s = graph.index [(d0, d1) -> (d1)]\n%f = arith.cmpi sle, %s, %t : i32\n"
         "%e = math.exp %x_ : f32\ngraph.yield %e if %f : f32", by="T", x="T, T"),
    Case("sum-factors", "B", "%x_ = graph.read %x[(d0, d1) -> (d1)] : tensor<4xf32>\n%c = arith.constant 0.25 : f32\n"
         "%w_ = graph.read %w[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>\n%e = math.exp %w_ : f32\n"
         "%m = arith.mulf %c, %x_ : f32\n%q = arith.divf %m, %e : f32\ngraph.yield %q : f32", by="4", x="4", w="B"),
    # Outside of the condition the root is no number: it stays under it, whether the condition varies along the sum or not.
    *[Case(name, "B, 3", "%x_ = graph.read %x[(d0, d1, d2) -> (d2)] : tensor<4xf32>\n"
           "%u_ = graph.read %u[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>\n"
           "%w_ = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<4x3xf32>\n%s = math.sqrt %x_ : f32\n"
           f"%z = arith.constant 0.0 : f32\n{condition}\n%c = arith.cmpf olt, %k, %x_ : f32\n%t = arith.mulf %s, %u_ : f32\n"
           "%m = arith.mulf %t, %w_ : f32\n%r = arith.select %c, %m, %z : f32\ngraph.yield %r : f32",
           by="4", values={"x": np.array([-1., 1.7, 0.5, -3])}, x="4", w="4, 3", u="B, 4")
      for name, condition in [("sum-root-where-positive", "%k = arith.constant 0.0 : f32"),
                              ("sum-root-where-larger", "%i = graph.index [(d0, d1, d2) -> (d1)]\n%k = arith.sitofp %i : i32 to f32")]],
    Case("prod", "3", "%x_ = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<3x4xf32>\ngraph.yield %x_ : f32",
         by="4", reducer="prod", values={"x": np.array([[1., 2, 0, 4], [0, 3, 0, 1], [1, -2, 3, 2]])}, x="3, 4"),
    Case("prod-2d", "2", "%x_ = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<2x3x2xf32>\ngraph.yield %x_ : f32",
         by="3, 2", reducer="prod", x="2, 3, 2"),
    Case("max", "3", "%x_ = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<3x4xf32>\n%e = math.exp %x_ : f32\n"
         "graph.yield %e : f32", by="4", reducer="max", x="3, 4"),
    Case("max-filter", "T", "%x_ = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>\n"
         "%t = graph.index [(d0, d1) -> (d0)]\n%s = graph.index [(d0, d1) -> (d1)]\n%f = arith.cmpi sle, %s, %t : i32\n"
         "graph.yield %x_ if %f : f32", by="T", reducer="max", x="T, T"),
    Case("min-2d", "2", "%x_ = graph.read %x[(d0, d1, d2) -> (d1, d2, d0)] : tensor<3x?x2xf32, #graph.dims<3, T, 2>>\n"
         "graph.yield %x_ : f32", by="3, T", reducer="min", x="3, T, 2"),
]


def one(name, y, source, access, form="gather", by="", more="", inputs=(), guarded=False, **parameters):
    """y = one read of %x, squared so that the derivative needs the place again; guarded reads give 0 outside."""
    dims = parameters["x"]
    symbols = "(%i)" if "[s0]" in access else ""  # %i comes from `more`
    body = more + f"%r = graph.read %x[{access}]{symbols}{' guarded' if guarded else ''} : {tensor(dims)}\n"
    if guarded:
        body += f"%in = graph.inside [{access}] in <{dims}>\n%z = arith.constant 0.0 : f32\n%x_ = arith.select %in, %r, %z : f32\n"
    else:
        body = body.replace("%r =", "%x_ =")
    return Case(name, y, body + "%m = arith.mulf %x_, %x_ : f32\ngraph.yield %m : f32", form=form, by=by, inputs=inputs, **parameters)


ID = "%i = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<T>>\n"
ACCESSES = [
    one("transpose", "T, B, 3", "x", "(d0, d1, d2) -> (d2, d1, d0)", x="3, B, T"),
    one("broadcast", "B, T, 3", "x", "(d0, d1, d2) -> (d2)", x="3"),
    one("slice", "B, 4", "x", "(d0, d1) -> (d0, 1, d1)", x="B, 3, 4"),
    one("slice-reduced", "B, T, 4", "x", "(d0, d1, d2) -> (1, d2)", x="3, 4"),
    one("slice-of-one", "B, 4", "x", "(d0, d1) -> (0, d1)", x="1, 4"),
    one("diagonal", "T", "x", "(d0) -> (d0, d0)", x="T, T"),
    one("diagonal-reduced", "T, B", "x", "(d0, d1) -> (d0, d0)", x="T, T"),
    one("shorter", "B, T, 3", "x", "(d0, d1, d2) -> (d1, d2)", x="9, 3"),
    one("shorter-pointwise", "T, 3", "x", "(d0, d1) -> (d0, d1)", x="9, 3"),
    one("shift", "B, T", "x", "(d0, d1) -> (d0, d1 - 1)", guarded=True, x="B, T"),
    one("shift-in", "T", "x", "(d0) -> (d0 + 1)", x="T + 1"),
    one("reverse", "5, B", "x", "(d0, d1) -> (-d0 + 4, d1)", x="5, B"),
    one("concatenate", "B, 7", "x", "(d0, d1) -> (d0, d1 - 3)", guarded=True, x="B, 4"),
    one("rotate", "B, 6", "x", "(d0, d1) -> (d0, (d1 + 3) mod 6)", x="B, 6"),
    one("repeat-mod", "B, 6", "x", "(d0, d1) -> (d0, (d1 + 1) mod 4)", x="B, 4"),
    one("upsample", "B, T * 2", "x", "(d0, d1) -> (d0, d1 floordiv 2)", x="B, T"),
    one("split-head", "B, 2, 3", "x", "(d0, d1, d2) -> (d0, d1 * 3 + d2)", x="B, 6"),
    one("split-short", "B, 2, 2", "x", "(d0, d1, d2) -> (d0, d1 * 3 + d2 + 1)", x="B, 7"),
    one("patch", "B, 12", "x", "(d0, d1) -> (d0, d1 floordiv 4, d1 mod 4)", x="B, 3, 4"),
    one("class-token", "B, 7", "x", "(d0, d1) -> (d0, (d1 - 1) floordiv 3, (d1 - 1) mod 3)", guarded=True, x="B, 2, 3"),
    one("stride", "B, 4", "x", "(d0, d1) -> (d0, d1 * 2 + 1)", x="B, 9"),
    one("swap-pairs", "B, 6", "x", "(d0, d1) -> (d0, (d1 floordiv 2) * 2 - d1 mod 2 + 1)", form="scatter", x="B, 6"),
    one("gather", "T, 3", "x", "(d0, d1)[s0] -> (s0, d1)", form="scatter", more=ID, inputs={"id": ("T", "i32")}, x="6, 3"),
    one("pick", "T, 3", "x", "(d0, d1)[s0] -> (d0, d1, s0)", more=ID, inputs={"id": ("T", "i32")}, x="T, 3, 6"),
    Case("attention-shared-heads", "B, 4, T, S",
         "%q_ = graph.read %x[(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)] : tensor<?x?x4x3xf32, #graph.dims<B, T, 4, 3>>\n"
         "%k_ = graph.read %k[(d0, d1, d2, d3, d4) -> (d0, d3, d1 floordiv 2, d4)] : tensor<?x?x2x3xf32, #graph.dims<B, S, 2, 3>>\n"
         "%m = arith.mulf %q_, %k_ : f32\ngraph.yield %m : f32", by="3", x="B, T, 4, 3", k="B, S, 2, 3"),
    Case("convolution", "B, 2, 4, 3",
         "%r = graph.read %x[(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5 - 1, d3 * 2 + d6 - 1)] guarded : tensor<?x3x7x6xf32, #graph.dims<B, 3, 7, 6>>\n"
         "%in = graph.inside [(d0, d1, d2, d3, d4, d5, d6) -> (d2 * 2 + d5 - 1, d3 * 2 + d6 - 1)] in <7, 6>\n"
         "%z = arith.constant 0.0 : f32\n%x_ = arith.select %in, %r, %z : f32\n"
         "%w_ = graph.read %w[(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)] : tensor<2x3x3x3xf32>\n" + MUL,
         by="3, 3, 3", x="B, 3, 7, 6", w="2, 3, 3, 3"),
    Case("convolution-of-runtime-size", "B, 2, (T + 1) floordiv 2",
         "%r = graph.read %x[(d0, d1, d2, d3, d4) -> (d0, d3, d2 * 2 + d4 - 1)] guarded : tensor<?x3x?xf32, #graph.dims<B, 3, T>>\n"
         "%in = graph.inside [(d0, d1, d2, d3, d4) -> (d2 * 2 + d4 - 1)] in <T>\n"
         "%z = arith.constant 0.0 : f32\n%x_ = arith.select %in, %r, %z : f32\n"
         "%w_ = graph.read %w[(d0, d1, d2, d3, d4) -> (d1, d3, d4)] : tensor<2x3x3xf32>\n" + MUL,
         by="3, 3", x="B, 3, T", w="2, 3, 3"),
    Case("patches", "B, 2, 3",
         "%x_ = graph.read %x[(d0, d1, d2, d3, d4) -> (d0, d3, d2 * 4 + d4)] : tensor<?x3x12xf32, #graph.dims<B, 3, 12>>\n"
         "%w_ = graph.read %w[(d0, d1, d2, d3, d4) -> (d1, d3, d4)] : tensor<2x3x4xf32>\n" + MUL,
         by="3, 4", x="B, 3, 12", w="2, 3, 4"),
    one("unpatchify", "B, 6, 4, 3", "x", "(d0, d1, d2, d3) -> (d0, d1 floordiv 2, d2 floordiv 2, d1 mod 2, d2 mod 2, d3)",
        x="B, 3, 2, 2, 2, 3"),
    one("unfold", "B, 5, 3", "x", "(d0, d1, d2) -> (d0, d1 + d2)", x="B, 7"),
    one("dilated", "B, 5, 3", "x", "(d0, d1, d2) -> (d0, d1 + d2 * 2)", x="B, 9"),
    one("backward-taps", "B, T, 3", "x", "(d0, d1, d2) -> (d0, d1 - d2)", guarded=True, x="B, T"),
    one("digits-of-three", "2, 3, 4", "x", "(d0, d1, d2) -> (d2 * 6 + d0 * 3 + d1)", x="24"),
    one("digits-of-few", "2, 2, 3", "x", "(d0, d1, d2) -> (d0 * 12 + d1 * 4 + d2)", x="24"),
    one("runtime-size-in-place", "T", "x", "(d0)[s0] -> (s0 - d0)", form="scatter", more="%i = graph.size <T + -1>\n", x="T"),
    # Neither the root nor its slope is a number where another branch is chosen.
    Case("root-where-positive", "6",
         "%x_ = graph.read %x[(d0) -> (d0)] : tensor<6xf32>\n%w_ = graph.read %w[(d0) -> (d0)] : tensor<6xf32>\n"
         "%z = arith.constant 0.0 : f32\n%c = arith.cmpf olt, %z, %x_ : f32\n%s = math.sqrt %x_ : f32\n%m = arith.mulf %s, %w_ : f32\n"
         "%r = arith.select %c, %m, %w_ : f32\n%d = arith.cmpf olt, %w_, %x_ : f32\n%q = math.rsqrt %x_ : f32\n"
         "%a = arith.select %c, %q, %z : f32\n%p = arith.mulf %a, %s : f32\n%n = arith.negf %p : f32\n%e = arith.select %d, %n, %r : f32\n"
         "%t = arith.select %c, %e, %r : f32\ngraph.yield %t : f32",
         values={"x": np.array([-1., 1.7, 0.5, -3, 2, -0.2])}, x="6", w="6"),
    Case("two-places", "B, T",
         "%a = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>\n"
         "%b = graph.read %x[(d0, d1) -> (d0, d1 - 1)] guarded : tensor<?x?xf32, #graph.dims<B, T>>\n"
         "%in = graph.inside [(d0, d1) -> (d1 - 1)] in <T>\n%o = arith.constant 1.0 : f32\n"
         "%c = arith.select %in, %b, %o : f32\n%m = arith.mulf %a, %c : f32\ngraph.yield %m : f32", x="B, T"),
    Case("rows-by-id", "T",
         "%i = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<T>>\n"
         "%a = graph.read %x[(d0, d1)[s0] -> (s0, d1)](%i) : tensor<6x3xf32>\n"
         "%b = graph.read %w[(d0, d1) -> (d1)] : tensor<3xf32>\n"
         "%m = arith.mulf %a, %b : f32\ngraph.yield %m : f32", form="scatter", by="3", inputs={"id": ("T", "i32")}, x="6, 3", w="3"),
    Case("of-a-scatter", "6, 3",
         "%i = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<T>>\n"
         "%a = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x3xf32, #graph.dims<T, 3>>\n"
         "%m = arith.mulf %a, %a : f32\ngraph.yield %m at [(d0, d1)[s0] -> (s0 + 1, d1)](%i) : f32",
         form="scatter", scatter="T, 3", inputs={"id": ("T", "i32")}, x="T, 3", init="6, 3"),
    Case("relative-bias", "T, S",
         "%x_ = graph.read %x[(d0, d1) -> (d0 - d1 + 6)] : tensor<12xf32>\ngraph.yield %x_ : f32", x="12"),
]


def run(case, before, after):
    rng = np.random.default_rng(sum(map(ord, case.name)))
    parameters = {}
    for name, dims in case.parameters.items():
        p = rng.standard_normal(sizes(dims))
        parameters[name] = case.values.get(name, np.abs(p) + case.low if case.low else p)
    inputs = {"weights": rng.standard_normal(sizes(case.y))}
    for name, (dims, element) in case.inputs.items():
        inputs[name] = rng.integers(0, 6, sizes(dims))
    error = finite_difference.check(before, after, DIMS, inputs, parameters)
    form = "scatter" if "graph.scatter" in after else "gather"
    if form != case.form:
        raise ValueError(f"expected the derivative as a {case.form}, but got a {form}\n" + after)
    return error


def main():
    chosen, failed = [a for a in sys.argv[1:] if not a.startswith("-")], 0
    cases = [c for c in SCALARS + REDUCERS + ACCESSES if not chosen or c.name in chosen]
    programs = [program(c) for c in cases]
    split = "// -----\n"
    after = finite_difference.opt(split.join(programs), "--split-input-file", *(PASSES or ["--graph-differentiate"]))
    for case, before, step in zip(cases, programs, after.split(split), strict=True):
        if "--show" in sys.argv:
            print(step)
        try:
            print(f"{case.name}: largest error {run(case, before, step):.1e}")
        except Exception as e:
            failed += 1
            print(f"{case.name}: FAILED {type(e).__name__}: {e}")
    rows = finite_difference.opt("", "--graph-differentiate=list-rules").split()
    listed = {row for row in rows if "." in row}
    missing = listed - {case.name for case in SCALARS} - {"graph.stop"}
    if not chosen and (missing or not listed):
        failed += 1
        print("expected an example of each rule, but got none of", sorted(missing))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
