"""Every construct of the language, lowered to graph IR and evaluated, against a line of plain numpy.

Each case is a function `f` of a model and the same in numpy; arguments are drawn from their names. Sizes differ from
each other, so that a mixed-up dim shows.
"""
import math
import subprocess
import sys
import tempfile

import numpy as np

import graph_eval

SIZES = {"B": 2, "T": 5, "H": 6, "W": 4, "N": 3}
CONFIGS = "config width = 8\nconfig heads = 2\nconfig odd = 3\nconfig list = [2, 3]\n"
erf = np.vectorize(math.erf)
b, t, w = (np.arange(n) for n in (2, 5, 8))


def softmax(x, keep=True):
    e = np.where(keep, np.exp(x - np.max(np.where(keep, x, -1e30), -1, keepdims=True)), 0)
    return e / np.maximum(e.sum(-1, keepdims=True), 1e-30)


def shifted(x, k):
    """x[b, t - k] along axis 1, 0 outside."""
    y = np.zeros_like(x)
    y[:, k:] = x[:, :x.shape[1] - k]
    return y


causal = np.tril(np.ones((5, 5), bool))

# (name, signature, body, numpy)
CASES = [
    ("broadcast by name", "x: [B, T, width], y: [B, width]", "[B, T, width]", "return x + y", lambda x, y: x + y[:, None]),
    ("subsequence from the left", "x: [B, T, width], y: [B, T]", "[B, T, width]", "return y * x", lambda x, y: x * y[..., None]),
    ("precedence and unary minus", "x: [B, T]", "[B, T]", "return -x^2 * 3 - 2 / (x * x + 1)", lambda x: -x**2 * 3 - 2 / (x * x + 1)),
    ("powers", "x: [B, T]", "[B, T]", "y = abs(x) + 1\n return y^3 + y^0.5 + y^-0.5 + y^-1 + y^1.5 + 2^x + 1.5^x",
     lambda x: (lambda y: y**3 + y**.5 + y**-.5 + 1 / y + y**1.5 + 2**x + 1.5**x)(abs(x) + 1)),
    ("scalar functions", "x: [B, T]", "[B, T]",
     "y = abs(x) + 1\n return exp(x) + log(y) + sqrt(y) + rsqrt(y) + sin(x) + cos(x) + tanh(x) + erf(x) + floor(x) + maximum(x, 0.5) + minimum(x, y)",
     lambda x: (lambda y: np.exp(x) + np.log(y) + np.sqrt(y) + y**-.5 + np.sin(x) + np.cos(x) + np.tanh(x) + erf(x) +
                np.floor(x) + np.maximum(x, .5) + np.minimum(x, y))(abs(x) + 1)),
    ("a power of a whole num is a float", "x: [B, T]", "[B, T]", "return places(x)", lambda x: x * np.cos(t)),
    ("contraction", "x: [B, T, width], y: [T, width, N]", "[B, N]", "z[b, n] = sum(t, c) x[b, t, c] * y[t, c, n]\n return z",
     lambda x, y: np.einsum("btc,tcn->bn", x, y)),
    ("a reducer ends before +", "x: [B, T], y: [B]", "[B]", "z[b] = sum(t) x[b, t] * 2 + y[b]\n return z", lambda x, y: 2 * x.sum(1) + y),
    ("nested reducers", "x: [B, T], y: [T, N]", "[B]", "z[b] = sum(t) x[b, t] * max(n) y[t, n]\n return z",
     lambda x, y: (x * y.max(1)).sum(1)),
    ("reducer of a reducer of the same index", "x: [B, T]", "[B]", "z[b] = sum(t) (x[b, t] - mean(t) x[b, t])^2\n return z",
     lambda x: ((x - x.mean(1, keepdims=True))**2).sum(1)),
    ("prod, max, min", "x: [B, T]", "[B]", "z[b] = prod(t) x[b, t] + (max(t) x[b, t]) * min(t) x[b, t]\n return z",
     lambda x: x.prod(1) + x.max(1) * x.min(1)),
    ("mean over two indices", "x: [B, T, width]", "[T]", "z[t] = mean(b, c) x[b, t, c]\n return z", lambda x: x.mean((0, 2))),
    ("logsumexp", "x: [B, T]", "[B]", "z[b] = logsumexp(t) (x[b, t] * 90)\n return z",
     lambda x: (lambda v: np.log(np.exp(v - v.max(1, keepdims=True)).sum(1)) + v.max(1))(x * 90)),
    ("filtered sum and mean, one row empty", "x: [B, T], m: bool[B, T]", "[B]",
     "k[b, t] = m[b, t] and b > 0\n z[b] = sum(t if k[b, t]) x[b, t] + 10 * mean(t if k[b, t]) x[b, t]\n return z",
     lambda x, m: (lambda k: (x * k).sum(1) + 10 * (x * k).sum(1) / np.maximum(k.sum(1), 1))(m & (b > 0)[:, None])),
    ("filtered max", "x: [B, T]", "[T]", "z[t] = max(b if b <= t) x[b, t]\n return z",
     lambda x: np.where(b[:, None] <= t, x, -3e38).max(0)),
    ("any and all", "x: [B, T]", "[B]", "z[b] = f32(any(t) (x[b, t] > 1)) + 2 * f32(all(t if t > 0) (x[b, t] > -1))\n return z",
     lambda x: (x > 1).any(1) + 2. * (x > -1)[:, 1:].all(1)),
    ("argmax and gather", "x: [B, T]", "[B]", "k[b] = argmax(t) x[b, t]\n z[b] = x[b, k[b]] * 2\n return z", lambda x: 2 * x.max(1)),
    ("softmax", "x: [B, T]", "[B, T]", "z[b, t] = softmax(t) x[b, t]\n return z", softmax),
    ("causal softmax", "x: [T, width]", "[T, width]",
     "p[t, s: T] = softmax(s if s <= t) (100 * sum(c) x[t, c] * x[s, c])\n z[t, c] = sum(s) p[t, s] * x[s, c]\n return z",
     lambda x: softmax(100 * x @ x.T, causal) @ x),
    ("softmax with empty rows", "x: [B, T], m: bool[B, T]", "[B, T]",
     "z[b, t] = softmax(t if m[b, t] and b > 0) x[b, t]\n return z", lambda x, m: softmax(x, m & (b > 0)[:, None])),
    ("softmax over a middle index", "x: [B, T, width]", "[B, T, width]", "z[b, t, c] = softmax(t) x[b, t, c]\n return z",
     lambda x: np.moveaxis(softmax(np.moveaxis(x, 1, 2)), 1, 2)),
    ("cumsum", "x: [B, T]", "[B, T]", "z[b, t] = cumsum(t) x[b, t]\n return z", lambda x: np.cumsum(x, 1)),
    ("cumsum with filter", "x: [B, T], m: bool[B, T]", "[B, T]", "z[b, t] = cumsum(t if m[b, t]) x[b, t]\n return z",
     lambda x, m: np.cumsum(x * m, 1)),
    ("shift", "x: [B, T]", "[B, T]", "z[b, t: T] = x[b, t - 2] ?? 0\n return z", lambda x: shifted(x, 2)),
    ("shift, otherwise a tensor", "x: [B, T], y: [B]", "[B, T]", "z[b, t: T] = x[b, t - 1] ?? y[b]\n return z",
     lambda x, y: np.concatenate([y[:, None], x[:, :-1]], 1)),
    ("concatenation", "x: [B, T], y: [B, N]", "[B, T + N]", "z[b, i: T + N] = x[b, i] ?? y[b, i - T]\n return z",
     lambda x, y: np.concatenate([x, y], 1)),
    ("three in a chain", "x: [B, T], y: [B, N], s: [B]", "[B, T + N + 1]",
     "z[b, i: T + N + 1] = x[b, i] ?? y[b, i - T] ?? s[b]\n return z", lambda x, y, s: np.concatenate([x, y, s[:, None]], 1)),
    ("reversal", "x: [B, T]", "[B, T]", "z[b, t: T] = x[b, T - 1 - t]\n return z", lambda x: x[:, ::-1]),
    ("stride and window", "x: [B, 8]", "[B, 4]", "z[b, u: 4] = max(k: 2) x[b, 2 * u + k]\n return z",
     lambda x: x.reshape(2, 4, 2).max(2)),
    ("padded convolution", "x: [B, H, W], k: [3, 3]", "[B, H, W]",
     "z[b, h: H, w: W] = sum(i, j) (x[b, h + i - 1, w + j - 1] ?? 0) * k[i, j]\n return z",
     lambda x, k: (lambda p: sum(p[:, i:i + 6, j:j + 4] * k[i, j] for i in range(3) for j in range(3)))(
         np.pad(x, ((0, 0), (1, 1), (1, 1))))),
    ("quotient and remainder", "x: [B, 12]", "[B, 3, 4]", "z[b, i: 3, j: 4] = x[b, i * 4 + j]\n return z", lambda x: x.reshape(2, 3, 4)),
    ("flattening by // and %", "x: [B, H, W]", "[B, H * W]", "z[b, p: H * W] = x[b, p // W, p % W]\n return z",
     lambda x: x.reshape(2, 24)),
    ("rotation", "x: [B, width]", "[B, width]",
     "z[b, e: width] = (e < width / 2 ? -1 : 1) * x[b, (e + width / 2) % width]\n return z",
     lambda x: np.concatenate([-x[:, 4:], x[:, :4]], 1)),
    ("a condition bounds its branch", "x: [B, T]", "[B, T]", "z[b, t] = t > 0 ? x[b, t - 1] : x[b, t]\n return z",
     lambda x: np.concatenate([x[:, :1], x[:, :-1]], 1)),
    ("a filter bounds its body", "x: [B, T]", "[B, T]", "z[b, t: T] = sum(k: T if k <= t) x[b, t - k]\n return z", lambda x: np.cumsum(x, 1)),
    ("index arithmetic as a value", "x: [T, width]", "[T, width]", "z[t, c] = x[t, c] * (t * 2 + c) / (c + 1) + t\n return z",
     lambda x: x * (2 * t[:, None] + w) / (w + 1) + t[:, None]),
    ("angles", "x: [T, width]", "[T, width]", "a[t: T, c: width] = t * 100.0 ^ (-2 * (c % (width / 2)) / width)\n return x * cos(a)",
     lambda x: x * np.cos(t[:, None] * 100.0 ** (-2 * (w % 4) / 8))),
    ("a runtime size as a value", "x: [B, T]", "[B, T]", "return x * T + 1.0 / T", lambda x: x * 5 + 1 / 5),
    ("gather", "i: index(width)[B, T], x: [width, N]", "[B, T, N]", "z[b, t, n] = x[i[b, t], n]\n return z", lambda i, x: x[i]),
    ("gather beside an index", "i: index(T)[B], x: [B, T]", "[B]", "z[b] = x[b, i[b]]\n return z", lambda i, x: x[b, i]),
    ("clamp", "x: [B, T]", "[B, T]", "i[b, t] = clamp(i32(x[b, t] * 3), T)\n z[b, t] = x[b, i[b, t]]\n return z",
     lambda x: np.take_along_axis(x, np.clip(np.trunc(x * 3).astype(int), 0, 4), 1)),
    ("comparison of ids", "i: index(width)[B, T]", "[B, width]", "z[b, w: width] = sum(t if i[b, t] == w) 1.0\n return z",
     lambda i: np.stack([(i == k).sum(1) for k in range(8)], 1)),
    ("arithmetic on ids", "i: index(width)[B, T]", "[B, T]", "return f32(i // 3 + i % 3 * 10 - 4)", lambda i: i // 3 + i % 3 * 10. - 4),
    ("bool algebra", "x: [B, T], m: bool[B, T]", "[B, T]", "z[b, t] = (m[b, t] or x[b, t] > 0) and not (t == 2) ? 1 : 0\n return z",
     lambda x, m: ((m | (x > 0)) & (t != 2)) * 1.),
    ("equality of bools", "m: bool[B, T]", "[B, T]", "z[b, t] = (t < 2) == m[b, t] ? 1 : -1\n return z",
     lambda m: np.where((t < 2) == m, 1., -1)),
    ("whole-tensor choice", "x: [B, T], y: [B, T]", "[B, T]", "return x > y ? x : 2 * y", lambda x, y: np.where(x > y, x, 2 * y)),
    ("reshape", "x: [B, T, width]", "[B, T, heads, width / heads]", "return reshape(x, [B, T, heads, width / heads])",
     lambda x: x.reshape(2, 5, 2, 4)),
    ("pack of leading dims", "x: [B, T, width]", "[B, T, width]", "return norm(x)", lambda x: x / x.sum(-1, keepdims=True)),
    ("reducer over a pack", "x: [B, T]", "[]", "return total(x)", lambda x: x.mean()),
    ("elementwise call inside a definition", "x: [B, T], y: [T]", "[B]", "z[b] = sum(t) gate(x[b, t] * y[t])\n return z",
     lambda x, y: (lambda v: v / (1 + np.exp(-v)))(x * y).sum(1)),
    ("a call with statements, elementwise", "x: [B, T]", "[B, T]", "z[b, t] = twice(x[b, t] + t)\n return z", lambda x: 3 * (x + t)**2),
    ("an elementwise call with a reducer", "x: [B, T]", "[B, T]", "z[b, t] = wave(x[b, t])\n return z",
     lambda x: sum(np.sin(x * k) for k in range(3))),
    ("a long elementwise call", "x: [B, T]", "[B, T]", "z[b, t] = settle(x[b, t])\n return z",
     lambda x: x * 0.99**200 + 0.1 * sum(0.99**k for k in range(200))),
    ("static lists and loops", "x: [B, T]", "[B, T]",
     "a = [x]\n for k in list { a = a + [a[len(a) - 1] * k] }\n for i in 0..2 { x = x + a[i + 1] }\n return x", lambda x: x + 2 * x + 6 * x),
    ("static condition", "x: [B, T]", "[B, T]", "y = x\n if odd % 2 == 1 { y = y * 2 }\n if width < 4 { y = y * 5 }\n return y", lambda x: 2 * x),
    ("the right side sees the old value", "x: [B, T]", "[B, T]", "x[b, t: T] = x[b, t - 1] ?? 7\n return x",
     lambda x: np.concatenate([np.full((2, 1), 7.), x[:, :-1]], 1)),
    ("defaults that fill", "x: [B, T]", "[B, T]", "return scaled(x) + scaled(x, y = 3) + scaled(x, x)", lambda x: x + 3 * x + x * x),
    ("a scalar of the loop in a filter of two", "x: [B, T]", "[B, T]", "z[b: B, t: T] = sum(c: B, s: T if c == b and s < t) x[c, s]\n return z",
     lambda x: np.cumsum(x, 1) - x),
    ("product of two indices", "x: [B, 6]", "[B]", "z[b] = sum(i: 2, j: 3) x[b, i * (j + 1)]\n return z",
     lambda x: sum(x[:, i * (j + 1)] for i in range(2) for j in range(3))),
    ("division by a runtime size", "x: [B, T], y: [N]", "[B, N * T]", "z[b, i: N * T] = x[b, i % T] + y[i // T]\n return z",
     lambda x, y: (x[:, None, :] + y[:, None]).reshape(2, 15)),
]

HELPERS = """
fn norm(x: [..., C]) -> [..., C] {
  y[..., c] = x[..., c] / sum(c) x[..., c]
  return y
}
fn total(x: [...]) -> [] { return mean(...) x[...] }
fn gate(x: [...]) -> [...] { return x * sigmoid(x) }
fn sigmoid(x: [...]) -> [...] { return 1 / (1 + exp(-x)) }
fn twice(x: [...]) -> [...] {
  y = x * x
  z[...] = 2 * y[...]
  return z + y
}
fn wave(x: [...]) -> [...] {
  y[...] = sum(k: 3) sin(x[...] * k)
  return y
}
fn settle(x: [...]) -> [...] {
  for i in 0..200 { x = x * 0.99 + 0.1 }
  return x
}
fn scaled(x: [...], y: [...] = 1) -> [...] { return x * y }
fn places(x: [B, T], base: num = 10000) -> [B, T] {
  angle[t: T] = t * base ^ (t % 1)
  y[b, t] = x[b, t] * cos(angle[t])
  return y
}
"""


def evaluate(signature, result, body):
    facts = ""
    text = f"{CONFIGS}{HELPERS}\nmodel M {{\n fn f({signature}) -> {result}{facts} {{\n {body}\n }}\n}}\ntask embed {{ encode = f }}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".tin") as f:
        f.write(text)
        f.flush()
        done = subprocess.run(["tintype", "check", f.name, "--graph"], capture_output=True, text=True)
    if done.returncode:
        return done.stderr, None
    module = graph_eval.Module(done.stdout)
    arguments = []
    for value, kind, attr in module.arguments("forward"):
        arguments.append(module.draw(attr["name"], kind, SIZES, attr))
    return module.run("forward", SIZES)["result.0"], arguments


def main():
    bad = 0
    for name, signature, result, body, reference in CASES:
        got, arguments = evaluate(signature, result, body)
        if arguments is None:
            print(f"{name}: refused\n{got}")
            bad += 1
            continue
        want = np.asarray(reference(*arguments), float)
        got = np.asarray(got, float)
        good = got.shape == want.shape and np.allclose(got, want, rtol=1e-6, atol=1e-6)
        bad += not good
        if not good:
            print(f"{name}: expected {want.shape}\n{want}\nbut got {got.shape}\n{got}")
    print(f"{len(CASES) - bad} of {len(CASES)} constructs agree")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
