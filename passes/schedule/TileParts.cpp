//===- TileParts.cpp - factors of f32 in parts, for matrix tiles ----------===//
// A number of f32 has 24 bits of mantissa, which are three times the 8 of bf16: x = x0 + x1 + x2 exactly. Of the nine
// products of two such sums the six greatest are added up in f32,
//
//   a * b = a2 b0 + a1 b0 + a1 b1 + a0 b1 + a0 b2 + a0 b0
//
// and what is left out is below 2^-21 of each product, about 2^-23 on average: as exact as sums in f32 are (Henry, Tang, Heinecke,
// Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations, 2019, section 3). Infinite factors give NaN,
// and parts below 2^-126 count as zero.
//
//   A(ki, mv, part, kt, mo)      B(nv, ki, nt, part, kt, no)
//
// hold words of the elements 32 kt + ki and 32 kt + 16 + ki: which two of a step are multiplied side by side is free, and
// these need no shuffle. Rows of a tile follow each other. Vectors of a panel run over k or n; a source that lies along m or k is turned
// first, T(l, x, o).
//===----------------------------------------------------------------------===//
#include "passes/schedule/TileParts.h"

using namespace mlir;

namespace tintype::schedule {

static constexpr int64_t lanes = 16; ///< of a vector

void PartsPanel::define(Lowering &l, Location loc) const {
  AffineExpr d0 = getAffineDimExpr(0, l.ctx);
  if (isTurned)
    l.func(turned(), joined({"l", "x", "o"}, rest), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      Value lane = b.tile(v[2], lanes, v[0]);
      return {value(b, isA ? v[1] : lane, isA ? lane : v[1], v.drop_front(3))};
    });
  Strings vars = isA ? Strings{"ki", "mv", "part", "kt", "mo"} : Strings{"nv", "ki", "nt", "part", "kt", "no"};
  l.func(name, joined(vars, rest), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    const size_t last = isA ? 4 : 5;
    Value at = b.tile(v[last], width, isA ? v[1] : b.tile(v[2], lanes, v[0])), ki = isA ? v[0] : v[1];
    ArrayRef<Value> others = v.drop_front(last + 1);
    auto element = [&](int64_t which) {
      Value k = b.tile(v[last - 1], 2 * wordsInStep, b.apply(d0 + which * wordsInStep, {ki}));
      if (!isTurned)
        return value(b, at, k, others);
      Value lane = isA ? k : at;
      SmallVector<Value> place{b.apply(d0 % lanes, {lane}), isA ? at : k, b.apply(d0.floorDiv(lanes), {lane})};
      place.append(others.begin(), others.end());
      return b.load(turned(), place, b.b.getF32Type());
    };
    return {b.pairOfParts(element(0), element(1), v[last - 2])};
  });
}

void PartsPanel::schedule(Lowering &l, int tilesBeside) const {
  l.bound(name, "ki", 0, wordsInStep);
  l.bound(name, "part", 0, 3);
  l.bound(name, isA ? "mv" : "nv", 0, isA ? width : lanes);
  if (!isA)
    l.bound(name, "nt", 0, width / lanes);
  Strings order = isA ? Strings{"ki", "part", "mv", "kt", "mo"} : Strings{"nv", "nt", "part", "ki", "kt", "no"};
  if (tilesBeside > 1) {
    l.split(name, -1, isA ? "mo" : "no", "po", "pi", tilesBeside, halide::Tail::guard);
    order = isA ? Strings{"ki", "part", "mv", "pi", "kt", "po"} : Strings{"nv", "nt", "part", "pi", "ki", "kt", "po"};
  }
  l.reorder(name, -1, joined(order, rest));
  l.vectorize(name, -1, isA ? "ki" : "nv", lanes);
  l.unroll(name, -1, "part");
  if (!isA)
    l.unroll(name, -1, "nt");
  if (!isTurned)
    return;
  l.computeAt(turned(), name, "kt");
  l.bound(turned(), "l", 0, lanes);
  if (!isA || tilesBeside == 1)
    l.boundExtent(turned(), "x", isA ? width : 2 * wordsInStep);
  l.boundExtent(turned(), "o", isA ? 2 * wordsInStep / lanes : width / lanes);
  l.split(turned(), -1, "x", "xo", "xi", lanes, halide::Tail::guard);
  l.reorder(turned(), -1, joined({"xi", "l", "xo", "o"}, rest));
  l.vectorize(turned(), -1, "xi");
  l.unroll(turned(), -1, "l");
}

Value PartsPanel::load(Body &b, int part, Value kk, Value ki, Value kt, Value inTile, Value tile, ArrayRef<Value> rest) const {
  Value p = b.constant(part);
  AffineExpr d0 = b.b.getAffineDimExpr(0);
  SmallVector<Value> place =
      isA ? SmallVector<Value>{ki, inTile, p, kt, tile}
          : SmallVector<Value>{b.apply(d0 % lanes, {inTile}), ki, b.apply(d0.floorDiv(lanes), {inTile}), p, kt, tile};
  place.append(rest.begin(), rest.end());
  return b.widen(b.ofPair(b.load(name, place, b.b.getI32Type()), kk));
}

Value addProducts(Body &b, Value sum, const std::function<Value(int part)> &a, const std::function<Value(int part)> &x) {
  for (auto [pa, pb] : {std::pair{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}})
    sum = arith::AddFOp::create(b.b, b.loc, sum, arith::MulFOp::create(b.b, b.loc, a(pa), x(pb)));
  return sum;
}

} // namespace tintype::schedule
