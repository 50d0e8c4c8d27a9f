"""Where differences do not exist the rule decides: maximum and minimum give a tie to their second operand, the
reducers max and min to the first winner, abs has derivative 0 at 0, and so has the power of a base that is not positive
by its exponent."""
import numpy as np

import finite_difference
import graph_eval
from gradients import Case, program, scalar

ZERO = "%k = arith.constant 0.0 : f32\n"
CASES = [
    # (case, x, derivative of the sum of y by x)
    (scalar("relu", ZERO + "%r = arith.maximumf %a, %k : f32"), [-1, 0, 2, 0, 1, 0, -3], [0, 0, 1, 0, 1, 0, 0]),
    (scalar("relu-swapped", ZERO + "%r = arith.maximumf %k, %a : f32"), [-1, 0, 2, 0, 1, 0, -3], [0, 1, 1, 1, 1, 1, 0]),
    (scalar("minimum", ZERO + "%r = arith.minimumf %a, %k : f32"), [-1, 0, 2, 0, 1, 0, -3], [1, 0, 0, 0, 0, 0, 1]),
    (scalar("abs", "%r = math.absf %a : f32"), [-1, 0, 2, 0, 1, 0, -3], [-1, 0, 1, 0, 1, 0, -1]),
    (scalar("exponent-of-zero", ZERO + "%r = math.powf %k, %a : f32"), [1, 2, 3, 1, 2, 3, 1], [0] * 7),
    (scalar("stop", "%s = graph.stop %a : f32\n%r = arith.mulf %a, %s : f32"), [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]),
    (Case("max", "2", "%x_ = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<2x4xf32>\ngraph.yield %x_ : f32", by="4",
          reducer="max", a="2, 4"), [[3, 5, 5, 1], [7, 7, 7, 7]], [[0, 1, 0, 0], [1, 0, 0, 0]]),
    (Case("min-over-two", "1", "%x_ = graph.read %a[(d0, d1, d2) -> (d1, d2)] : tensor<2x4xf32>\ngraph.yield %x_ : f32",
          by="2, 4", reducer="min", a="2, 4"), [[3, 5, 1, 2], [1, 7, 1, 7]], [[0, 0, 1, 0], [0, 0, 0, 0]]),
    # Nothing passes the filter of the second row: no point, no gradient.
    (Case("max-of-nothing", "2", "%x_ = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<2x4xf32>\n"
          "%i = graph.index [(d0, d1) -> (d0)]\n%z = arith.constant 0 : i32\n%f = arith.cmpi eq, %i, %z : i32\n"
          "graph.yield %x_ if %f : f32", by="4", reducer="max", a="2, 4"), [[3, 5, 5, 1], [7, 7, 7, 7]],
     [[0, 1, 0, 0], [0, 0, 0, 0]]),
]

for case, x, wanted in CASES:
    module = graph_eval.Module(finite_difference.opt(program(case), "--graph"))
    weights = np.ones([int(n) for n in case.y.split(",")])
    run = module.run("trace_step", {}, {"param.a": np.array(x, float), "grad.a": np.zeros(np.shape(x)), "weights": weights})
    got = run.get("grad.a", np.zeros(np.shape(x)))
    assert np.array_equal(got, wanted), f"{case.name}: expected {wanted}, but got {got.tolist()}"
