#!/usr/bin/env python3
"""Evaluates graph IR with numpy, in double precision: the oracle of every pass.

usage: graph_eval.py FILE [--function NAME] [--dims B=2,T=3] [--save F.npz] [--compare FILE2]

FILE is what tintype-opt prints (`-` is standard input). Arguments, parameters and gradients are
drawn from their names, so two files with the same functions get the same numbers. Without
--function all public functions are evaluated. With --compare the results of FILE2 must agree.
A guarded read outside gives NaN: a program that lets it through shows. As a module:
`Module(text).run(name, dims, given)` gives {"result.0": .., "grad.PATH": ..}; `given` sets arguments by
name, parameters ("param.PATH") and gradients ("grad.PATH") instead of drawing them.
"""
import argparse
import re
import sys
import zlib

import numpy as np

NAME = r'@(?:"[^"]*"|[\w$.-]+)'
VALUE = r"%[\w.$-]+(?:#\d+)?"
DTYPES = {"f32": np.float64, "f64": np.float64, "bf16": np.float64, "f16": np.float64, "i32": np.int64, "i64": np.int64,
          "index": np.int64, "i1": np.bool_}


def unquote(name):
    return name[1:].strip('"')


def expression(text):
    return compile(text.replace("floordiv", "//").replace(" mod ", " % ").strip(), "<expr>", "eval")


def split_top(text):
    """Splits at commas outside any bracket."""
    parts, depth, start = [], 0, 0
    text = text.replace("->", "\0\0")
    for i, c in enumerate(text):
        depth += (c in "([{<") - (c in ")]}>")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip().replace("\0\0", "->") for p in parts if p.strip()]


class TensorType:
    def __init__(self, text):
        body = re.search(r"tensor<(.*)>", text).group(1)
        dims = re.search(r"#graph\.dims<(.*)>$", body)
        shape = body.split(",")[0].split("x")
        self.element = shape[-1].strip()
        self.extents = [expression(e) for e in (split_top(dims.group(1)) if dims else shape[:-1])]

    def shape(self, env):
        return tuple(int(eval(e, {}, env)) for e in self.extents)


def type_after(text, at=0):
    """The tensor type that starts at or after `at`."""
    start = text.index("tensor<", at)
    depth = 0
    for i in range(start, len(text)):
        if text[i] == "-" and text[i + 1] == ">":
            continue
        depth += (text[i] == "<") - (text[i] == ">" and text[i - 1] != "-")
        if depth == 0 and text[i] == ">":
            return TensorType(text[start:i + 1])
    raise ValueError(text)


class Access:
    """`[(d0, d1)[s0] -> (s0, d1)](%a)`"""
    PATTERN = r"\[\(([^)]*)\)(?:\[([^\]]*)\])? -> \((.*?)\)\](?:\(([^)]*)\))?"

    def __init__(self, text):
        m = re.search(self.PATTERN, text)
        self.dims, self.symbols = [[s.strip() for s in (g or "").split(",") if s.strip()] for g in m.group(1, 2)]
        self.results = [expression(e) for e in split_top(m.group(3))]
        self.operands = re.findall(VALUE, m.group(4) or "")

    def indices(self, loops, values):
        env = dict(zip(self.dims, loops))
        env.update(zip(self.symbols, (values[o] for o in self.operands)))
        return [np.asarray(eval(e, {}, env)) for e in self.results]


def philox(key, counter0, counter1):
    """Philox2x32-10 (Salmon et al., SC 2011)."""
    mask = np.uint64(0xFFFFFFFF)
    c0, c1, k = (np.asarray(x).astype(np.int64).astype(np.uint64) & mask for x in (counter0, counter1, key))
    for _ in range(10):
        product = c0 * np.uint64(0xD256D193)
        c0, c1 = (product >> np.uint64(32)) ^ k ^ c1, product & mask
        k = (k + np.uint64(0x9E3779B9)) & mask
    return c0, c1


def erf(x):
    import math
    return np.vectorize(math.erf, otypes=[np.float64])(x)


ROUNDS = True  # off for differences of nearby values, which rounding would swallow


def round_bf16(x):
    """To the nearest bf16, ties to even; by way of f32, so that values that are f32 round as the machine rounds them."""
    if not ROUNDS:
        return x
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> np.uint64(16) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


UNARY = {"math.exp": np.exp, "math.exp2": np.exp2, "math.log": np.log, "math.log2": np.log2, "math.log1p": np.log1p,
         "math.expm1": np.expm1, "math.sqrt": np.sqrt, "math.rsqrt": lambda x: 1 / np.sqrt(x), "math.tanh": np.tanh,
         "math.sin": np.sin, "math.cos": np.cos, "math.erf": erf, "math.absf": np.abs, "math.absi": np.abs,
         "math.floor": np.floor, "math.ceil": np.ceil, "arith.negf": np.negative, "graph.stop": lambda x: x,
         "arith.sitofp": lambda x: x * 1.0, "arith.uitofp": lambda x: x * 1.0,
         "arith.fptosi": lambda x: np.trunc(x).astype(np.int64), "arith.extui": lambda x: np.asarray(x).astype(np.int64),
         "arith.extf": lambda x: x, "arith.extsi": lambda x: np.asarray(x).astype(np.int64),
         "arith.trunci": lambda x: x, "arith.index_cast": lambda x: x}
BINARY = {"arith.addf": np.add, "arith.subf": np.subtract, "arith.mulf": np.multiply, "arith.divf": np.divide,
          "arith.addi": np.add, "arith.subi": np.subtract, "arith.muli": np.multiply,
          "arith.floordivsi": np.floor_divide, "arith.divsi": lambda a, b: np.trunc(a / b).astype(np.int64),
          "arith.remsi": np.fmod, "arith.remf": np.fmod, "arith.maximumf": np.maximum, "arith.minimumf": np.minimum,
          "arith.maxnumf": np.fmax, "arith.minnumf": np.fmin, "arith.maxsi": np.maximum, "arith.minsi": np.minimum,
          "arith.andi": np.bitwise_and, "arith.ori": np.bitwise_or, "arith.xori": np.bitwise_xor,
          "math.powf": np.power, "math.fpowi": np.power, "math.atan2": np.arctan2, "math.copysign": np.copysign}
COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}


def scalar(line, values, loops, env):
    """The value of one scalar op over all points of the loops at once."""
    op = line.split()[0]
    args = [values[v] for v in re.findall(VALUE, line)]
    if op == "arith.constant":
        word = line.split()[1]
        return {"true": True, "false": False}.get(word) if word in ("true", "false") else float(word) if "." in word else int(word)
    if op == "graph.read":
        index = Access(line).indices(loops, values)
        source = args[0]
        outside = np.zeros((), bool)
        for i, n in zip(index, source.shape):
            outside = outside | (i < 0) | (i >= n)
        guarded = re.search(r"\] ?(\([^)]*\))? ?guarded", line)
        if not guarded and outside.any():
            raise IndexError("a read outside that is not guarded: " + line)
        if any(n == 0 for n in source.shape):
            return np.broadcast_to(np.nan, np.broadcast_shapes(*(i.shape for i in index)))
        value = source[tuple(np.clip(i, 0, n - 1) for i, n in zip(index, source.shape))]
        return np.where(outside, np.nan, value) if guarded and value.dtype == np.float64 else value
    if op == "graph.inside":
        dims = split_top(re.search(r" in <(.*)>", line).group(1))
        ok = np.ones((), bool)
        for i, n in zip(Access(line).indices(loops, values), dims):
            ok = ok & (i >= 0) & (i < eval(expression(n), {}, env))
        return ok
    if op == "graph.index":
        return Access(line).indices(loops, values)[0]
    if op == "graph.size":
        return int(eval(expression(re.search(r"<(.*)>", line).group(1)), {}, env))
    if op == "graph.random":
        _, draw, site = line.split()[:3]
        dims = split_top(re.search(r" in <(.*?)> :", line).group(1))
        point = np.zeros((), np.int64)
        for i, n in zip(Access(line).indices(loops, values), dims):
            point = point * int(eval(expression(n), {}, env)) + i
        a, b = (w.astype(np.float64) for w in philox(args[0][0] ^ int(site), point, args[0][1]))
        uniform = np.floor(a / 256) / 2**24
        return uniform if draw == "uniform" else np.sqrt(-2 * np.log((a + 1) / 2**32)) * np.cos(2 * np.pi * b / 2**32)
    if op in ("arith.cmpf", "arith.cmpi"):
        predicate = line.split()[1].rstrip(",")
        return COMPARE[predicate if predicate in COMPARE else predicate[1:]](*args)
    if op == "arith.select":
        return np.where(*args)
    if op == "arith.truncf":
        return round_bf16(args[0]) if line.endswith("bf16") else args[0]
    if op == "math.fma":
        return args[0] * args[1] + args[2]
    if op in ("arith.bitcast", "graph.yield"):
        raise ValueError("expected a scalar op, but got " + line)
    return UNARY[op](*args) if op in UNARY else BINARY[op](*args)


def einsum(head, body, values, extents, parallel):
    """A sum of products of two reads (which may be rounded) at bare loops, the fast way; else None."""
    casts = {line.split()[0]: line for line in body if re.search(r" = arith\.(extf|truncf) ", line)}
    plain = [line for line in body if line.split()[0] not in casts]
    if not head.startswith("graph.compute sum") or len(plain) != 4 or " = arith.mulf " not in plain[2] or " if " in plain[3]:
        return None
    terms = []
    for factor in re.findall(VALUE, plain[2])[1:]:
        rounded = False
        while factor in casts:
            rounded |= casts[factor].endswith("to bf16")
            factor = re.findall(VALUE, casts[factor])[1]
        line = next((l for l in plain[:2] if l.split()[0] == factor), "")
        m = re.match(f"{VALUE} = graph\\.read ({VALUE})\\[\\([^)]*\\) -> \\(((?:d\\d+(?:, )?)*)\\)\\] :", line)
        loops = [int(d[1:]) for d in m.group(2).split(", ") if d] if m else []
        if not m or len(set(loops)) < len(loops) or [extents[d] for d in loops] != list(values[m.group(1)].shape):
            return None
        terms += [round_bf16(values[m.group(1)]) if rounded else values[m.group(1)], loops]
    if set(terms[1] + terms[3]) != set(range(len(extents))):
        return None
    return np.einsum(*terms, list(range(parallel)), optimize=True)


class Module:
    """Functions and parameters of a module, by name."""

    def __init__(self, text):
        self.functions, self.parameters, self.given = {}, {}, {}
        lines = [l.strip() for l in text.splitlines()]
        i = 0
        while i < len(lines):
            if lines[i].startswith("graph.parameter "):
                self.parameters[unquote(re.search(NAME, lines[i]).group())] = type_after(lines[i])
            if lines[i].startswith("func.func "):
                end, depth = i, 0
                while True:
                    depth += lines[end].count("{") - lines[end].count("}")
                    if depth == 0:
                        break
                    end += 1
                self.functions[unquote(re.search(NAME, lines[i]).group())] = lines[i:end + 1]
                i = end
            i += 1

    def arguments(self, name):
        """[(value, type, graph.name or "", graph.role or "", bound)]"""
        header = self.functions[name][0]
        start = header.index("(") + 1
        depth, end = 1, start
        while depth:
            depth += (header[end] == "(") - (header[end] == ")")
            end += 1
        result = []
        for arg in split_top(header[start:end - 1]):
            attr = {k: v for k, v in re.findall(r"graph\.(\w+) = \"?([\w.]+)", arg)}
            result.append((arg.split(":")[0].strip(), type_after(arg), attr))
        return result

    def by_role(self, role):
        """(name, names of its results) of the function of this role."""
        for name, lines in self.functions.items():
            if f'graph.role = "{role}"' in lines[0].rpartition("attributes")[2]:
                return name, re.findall(r'"([^"]*)"', re.search(r"graph\.results = \[(.*?)\]", lines[0]).group(1))
        raise KeyError(f"no function of role {role}; there are {sorted(self.functions)}")

    def draw(self, key, type_, env, attr=None):
        if key in self.given:
            return self.given[key]
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        shape = type_.shape(env)
        attr = attr or {}
        if attr.get("role") == "rng":
            return np.array([7, 3])
        if type_.element == "i1":
            return rng.random(shape) < 0.7
        if DTYPES[type_.element] == np.int64:
            return rng.integers(0, int(attr.get("bound", 3)) if attr.get("bound", "3").isdigit() else 3, shape)
        return rng.standard_normal(shape)

    def public(self):
        return [n for n, lines in self.functions.items() if " private " not in lines[0].split("(")[0]]

    def run(self, name, dims, given=None):
        env, self.given = dict(dims), given or {}
        self.grads = {p: self.draw("grad." + p, t, env) for p, t in self.parameters.items()}
        drawn = dict(self.grads)
        args = [self.draw(attr.get("name", f"arg{i}"), t, env, attr) for i, (_, t, attr) in enumerate(self.arguments(name))]
        results = {f"result.{i}": r for i, r in enumerate(self.call(name, args, env))}
        results.update({"grad." + p: g for p, g in self.grads.items() if g is not drawn[p]})
        return results

    def call(self, name, args, env):
        lines = self.functions[name]
        values = {v: a for (v, _, _), a in zip(self.arguments(name), args)}
        i = 1
        while i < len(lines):
            line = lines[i]
            target, _, rest = line.partition(" = ") if line.startswith("%") else ("", "", line)
            op = rest.split()[0] if rest else ""
            if op in ("graph.compute", "graph.scatter"):
                end = next(j for j in range(i, len(lines)) if lines[j].startswith("graph.yield"))
                values[target] = self.define(rest, lines[i + 1:end + 1], values, env)
                i = end + 1
            elif op == "graph.reshape":
                values[target] = values[re.search(VALUE, rest).group()].reshape(type_after(rest, rest.index(" to ")).shape(env))
            elif op == "graph.param":
                path = unquote(re.search(NAME, rest).group())
                values[target] = self.draw("param." + path, self.parameters[path], env)
            elif op == "graph.grad":
                values[target] = self.grads[unquote(re.search(NAME, rest).group())]
            elif op == "graph.set_grad":
                self.grads[unquote(re.search(NAME, rest).group())] = values[re.findall(VALUE, rest.split(",")[1])[0]]
            elif op in ("call", "func.call"):
                operands = re.findall(VALUE, rest[rest.index("("):rest.index(")")])
                results = self.call(unquote(re.search(NAME, rest).group()), [values[v] for v in operands], env)
                base = target.split(":")[0]
                for k, r in enumerate(results):
                    values[f"{base}#{k}" if ":" in target else base] = r
            elif op == "arith.constant":
                values[target] = scalar(rest, values, [], env)
            elif op in ("return", "func.return"):
                return [values[v] for v in re.findall(VALUE, rest.split(" : ")[0])]
            elif op not in ("", "}"):
                raise ValueError("expected an op of a host function, but got " + line)
            i += 1
        return []

    def define(self, head, body, outer, env):
        over, by = ([int(eval(expression(e), {}, env)) for e in split_top(m.group(1))] if m else []
                    for m in (re.search(r" over <(.*?)>(?= by|:| :| \{)", head), re.search(r" by <(.*?)> ?[:{]", head)))
        extents = over + by
        loops = [np.arange(n).reshape([n if k == j else 1 for k in range(len(extents))]) for j, n in enumerate(extents)]
        product = einsum(head, body, outer, extents, len(over))
        if product is not None:
            return product
        values = dict(outer)
        for line in body[:-1]:
            target, _, rest = line.partition(" = ")
            values[target] = scalar(rest, values, loops, env)
        last = body[-1]
        value = values[re.search(VALUE, last).group()]
        condition = re.search(r" if (" + VALUE + ")", last)
        keep = values[condition.group(1)] if condition else True
        result = type_after(head, head.rindex(" : "))
        dtype = DTYPES[result.element]
        if head.startswith("graph.scatter"):
            init = re.search(r"init\((" + VALUE + ")", head)
            out = np.array(outer[init.group(1)]) if init else np.zeros(result.shape(env), dtype)
            index = [np.broadcast_to(i, extents).ravel() for i in Access(last).indices(loops, values)]
            ok = np.broadcast_to(keep, extents).ravel().copy()
            for i, n in zip(index, out.shape):
                ok &= (i >= 0) & (i < n)
            np.add.at(out, tuple(i[ok] for i in index), np.broadcast_to(value, extents).ravel()[ok])
            return out
        value, keep = np.broadcast_to(value, extents), np.broadcast_to(keep, extents)
        reducer = head.split()[1]
        axes = tuple(range(len(over), len(extents)))
        if reducer == "none":
            return np.array(value, dtype)
        neutral = {"sum": 0, "prod": 1, "max": -3.0e38, "min": 3.0e38, "argmax": -3.0e38, "any": False, "all": True}[reducer]
        value = np.where(keep, value, neutral)
        if reducer == "argmax":
            flat = value.reshape(over + [-1])
            return flat.argmax(-1) if flat.shape[-1] else np.zeros(over, np.int64)
        function = {"sum": np.sum, "prod": np.prod, "any": np.any, "all": np.all}.get(reducer)
        if function:
            return np.array(function(value, axis=axes), dtype)
        return np.array((np.max if reducer == "max" else np.min)(value, axis=axes, initial=neutral), dtype)


def read(path):
    return Module(sys.stdin.read() if path == "-" else open(path).read())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--function")
    parser.add_argument("--dims", default="B=2,T=5")
    parser.add_argument("--save")
    parser.add_argument("--compare")
    args = parser.parse_args()
    dims = {k: int(v) for k, v in (d.split("=") for d in args.dims.split(","))}
    module = read(args.file)
    other = read(args.compare) if args.compare else None
    bad, everything = 0, {}
    for name in [args.function] if args.function else module.public():
        results = module.run(name, dims)
        everything.update({f"{name}.{k}": v for k, v in results.items()})
        if not other:
            for key, value in results.items():
                print(f"{name} {key} {list(np.shape(value))} sum {np.sum(value):.9g} rms {np.sqrt(np.mean(np.square(value * 1.0))):.9g}")
            continue
        theirs = other.run(name, dims)
        if results.keys() != theirs.keys():
            print(f"error: {name}: expected results {sorted(results)}, but got {sorted(theirs)}")
            bad += 1
        for key in results.keys() & theirs.keys():
            a, b = np.asarray(results[key], np.float64), np.asarray(theirs[key], np.float64)
            if a.shape == b.shape:  # a root of a drawn negative number, in both
                a, b = (np.where(np.isnan(a) & np.isnan(b), 0, x) for x in (a, b))
            scale = max(np.max(np.abs(a), initial=0), 1e-30)
            error = np.max(np.abs(a - b), initial=0) / scale if a.shape == b.shape else np.inf
            if not error <= 1e-9:
                print(f"error: {name}: {key} differs by {error:.3g} of its largest value")
                bad += 1
        print(f"{name}: {len(results)} results compared")
    if args.save:
        np.savez(args.save, **everything)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
