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
//   A(ki, mv, part, kt, mo)      B(nv, ki, part, kt, no)
//
// hold words of the elements 32 kt + ki and 32 kt + 16 + ki: which two of a step are multiplied side by side is free, and
// these need no shuffle. Vectors of a panel run over k or n; a source that lies along m or k is turned first, T(l, x, o).
//===----------------------------------------------------------------------===//
#include "passes/schedule/Contraction.h"

using namespace mlir;

namespace tintype::schedule {

static constexpr int64_t half = 16; ///< words of a row in a step of K, and lanes of a vector

struct ContractionLowering::Side {
  bool isA;
  std::string panel;
  ArrayRef<Value> factors;
  unsigned dim; ///< m or n
  AffineExpr extent;
  int width; ///< of a tile
  ArrayRef<unsigned> rest;
  const Strings &vars;
  bool isTurned;
  std::string turned() const { return panel + "_t"; }
};

std::array<ContractionLowering::Side, 2> ContractionLowering::sides() const {
  return {Side{true, A, c.a, c.m, M, MR, restA, varsA, c.aAlongM && !c.aAlongK},
          Side{false, B, c.b, c.n, N, NR, restB, varsB, c.bAlongK && !c.bAlongN}};
}

void ContractionLowering::panelsInParts() {
  for (const Side &s : sides())
    panelInParts(s);
}

void ContractionLowering::schedulePanelsInParts() {
  for (const Side &s : sides())
    schedulePanelInParts(s);
}

void ContractionLowering::panelInParts(const Side &s) {
  AffineExpr d0 = getAffineDimExpr(0, ctx);
  auto clamped = [&](Body &b, Value at) {
    auto known = constantOf(s.extent);
    return known && *known % s.width == 0 ? at : b.minimum(at, b.size(s.extent - 1));
  };
  if (s.isTurned)
    l.func(s.turned(), joined({"l", "x", "o"}, s.vars), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      Value lane = b.tile(v[2], half, v[0]), at = s.isA ? v[1] : lane, k = s.isA ? lane : v[1];
      return {product(b, s.factors, s.dim, clamped(b, at), k, s.rest, v.drop_front(3))};
    });
  Strings vars = s.isA ? Strings{"ki", "mv", "part", "kt", "mo"} : Strings{"nv", "ki", "part", "kt", "no"};
  l.func(s.panel, joined(vars, s.vars), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value at = b.tile(v[4], s.width, s.isA ? v[1] : v[0]), ki = s.isA ? v[0] : v[1];
    auto element = [&](int64_t which) {
      Value k = b.tile(v[3], 2 * half, b.apply(d0 + which * half, {ki}));
      if (!s.isTurned)
        return product(b, s.factors, s.dim, clamped(b, at), k, s.rest, v.drop_front(5));
      Value lane = s.isA ? k : at, x = s.isA ? at : k;
      SmallVector<Value> place{b.apply(d0 % half, {lane}), x, b.apply(d0.floorDiv(half), {lane})};
      place.append(v.begin() + 5, v.end());
      return b.load(s.turned(), place, f32);
    };
    return {b.pairOfParts(element(0), element(1), v[2])};
  });
}

void ContractionLowering::schedulePanelInParts(const Side &s) {
  l.bound(s.panel, "ki", 0, half);
  l.bound(s.panel, "part", 0, 3);
  l.bound(s.panel, s.isA ? "mv" : "nv", 0, s.width);
  if (!s.isA && !s.isTurned && c.bAlongN) { // a row of the source is read in one piece
    l.split(B, -1, "no", "po", "pi", machine.value("sbsb", 4), halide::Tail::guard);
    l.reorder(B, -1, joined({"nv", "part", "pi", "ki", "kt", "po"}, varsB));
  } else {
    l.reorder(s.panel, -1, joined(s.isA ? Strings{"ki", "part", "mv", "kt", "mo"} : Strings{"nv", "part", "ki", "kt", "no"}, s.vars));
  }
  l.vectorize(s.panel, -1, s.isA ? "ki" : "nv", half);
  l.unroll(s.panel, -1, "part");
  if (!s.isA && machine.value("unv", 1))
    l.unroll(s.panel, -1, "nv");
  if (!s.isTurned)
    return;
  l.computeAt(s.turned(), s.panel, "kt");
  l.bound(s.turned(), "l", 0, half);
  l.boundExtent(s.turned(), "x", 2 * half);
  l.boundExtent(s.turned(), "o", s.isA ? 2 : s.width / half);
  l.split(s.turned(), -1, "x", "xo", "xi", half, halide::Tail::guard);
  l.reorder(s.turned(), -1, joined({"xi", "l", "xo", "o"}, s.vars));
  l.vectorize(s.turned(), -1, "xi");
  l.unroll(s.turned(), -1, "l");
}

} // namespace tintype::schedule
