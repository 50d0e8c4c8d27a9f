//===- TileContraction.cpp - sums of products on matrix tiles -------------===//
// Where the machine multiplies tiles (AMX: 16 rows by 32 of K with 32 of K by 16 columns) the accumulator is 32 x 32, two
// by two of them. A holds tiles one after the other, A(e, mv, kt, mo) of k = 32 kt + e, rows of bf16 as they lie; where
// the source lies along m, words of two that are turned, A(ki, mv, kt, mo) of k = 32 kt + 2 ki. B is as for pairs. The
// loops of the accumulator stay as they are: codegen/halide/Tiles.cpp makes one call of them. Factors of f32: TileParts.cpp.
//===----------------------------------------------------------------------===//
#include "passes/schedule/Contraction.h"
#include "passes/schedule/TileParts.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

static constexpr int64_t depth = 2 * wordsInStep; ///< elements of K in a tile

std::array<PartsPanel, 2> ContractionLowering::panelsInParts() const {
  auto panel = [&](bool isA) {
    PartsPanel p{isA ? A : B, isA, isA ? MR : NR, isA ? c.aAlongM && !c.aAlongK : c.bAlongK && !c.bAlongN, isA ? varsA : varsB, {}};
    p.value = [this, isA, width = p.width](Body &b, Value at, Value k, ArrayRef<Value> rest) {
      AffineExpr extent = isA ? M : N;
      if (auto known = constantOf(extent); !known || *known % width != 0)
        at = b.minimum(at, b.size(extent - 1));
      return isA ? product(b, c.a, c.m, at, k, restA, rest) : product(b, c.b, c.n, at, k, restB, rest);
    };
    return p;
  };
  return {panel(true), panel(false)};
}

void ContractionLowering::tilesOfRows() {
  l.func(A, joined({hasWords() ? "ki" : "e", "mv", "kt", "mo"}, varsA), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value m = lastOf(b, v[3], MR, v[1], M), k = b.tile(v[2], hasWords() ? depth / 2 : depth, v[0]);
    auto at = [&](Value k) { return product(b, c.a, c.m, m, k, restA, v.drop_front(4)); };
    return {hasWords() ? b.joinPair(at(b.tile(k, 2, b.constant(0))), at(b.tile(k, 2, b.constant(1)))) : at(k)};
  });
}

void ContractionLowering::accumulateInTiles() {
  const int64_t inChunk = chunk / steps;
  AffineExpr numSteps = canonicalDim((K + (steps - 1)).floorDiv(steps));
  SmallVector<AffineExpr> extents{getAffineConstantExpr(2, ctx), getAffineConstantExpr(steps, ctx),
                                  isChunked ? getAffineConstantExpr(inChunk, ctx) : numSteps};
  Strings rvars{"kk", "ki", "kt"};
  if (isChunked) {
    rvars.push_back("ko");
    extents.push_back(numChunks);
  }
  l.update(acc, accVars, rvars, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Lowering::Update u;
    Value kt = stepOf(b, isChunked ? r[3] : Value(), r[2], r[2], inChunk, numSteps, 1, u.filter);
    ArrayRef<Value> rest = v.drop_front(accVars.size() - varsC.size());
    Value old = b.load(acc, v, f32);
    if (inParts) {
      std::array<PartsPanel, 2> panels = panelsInParts();
      u.values.push_back(addProducts(
          b, old, [&](int part) { return panels[0].load(b, part, r[0], r[1], kt, v[1], v[3], pick(rest, restA)); },
          [&](int part) { return panels[1].load(b, part, r[0], r[1], kt, v[0], v[2], pick(rest, restB)); }));
      return u;
    }
    SmallVector<Value> place{hasWords() ? r[1] : b.tile(r[1], 2, r[0]), v[1], kt, v[3]};
    place.append(pick(rest, restA));
    Value a = b.load(A, place, hasWords() ? Type(b.b.getI32Type()) : panelType);
    if (hasWords())
      a = b.ofPair(a, r[0]);
    place = {r[0], v[0], b.tile(kt, steps, r[1]), v[2]};
    place.append(pick(rest, restB));
    Value ab = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(b.load(B, place, panelType)));
    u.values.push_back(arith::AddFOp::create(b.b, loc, old, ab));
    return u;
  });
}

void ContractionLowering::scheduleTileAccumulator() {
  l.vectorize(acc, -1, "nv", V);
  Strings outer = isStripOuter ? Strings{"no", "mo"} : Strings{"mo", "no"};
  if (isChunked)
    outer.push_back("ko");
  const bool areTilesApart = inParts && NR > V;
  if (areTilesApart)
    l.split(acc, 0, "nv", "nt", "ni", V, halide::Tail::automatic);
  Strings inner = areTilesApart ? Strings{"kk", "ki", "ni", "nt", "mv", "kt"} : Strings{"kk", "ki", "nv", "mv", "kt"};
  l.reorder(acc, 0, joined(joined(inner, outer), varsC));
  l.storeInTiles(acc);
}

void ContractionLowering::scheduleTilesOfRows() {
  l.bound(A, "mv", 0, MR);
  l.bound(A, hasWords() ? "ki" : "e", 0, hasWords() ? depth / 2 : depth);
  if (!hasWords())
    return l.vectorize(A, -1, "e", depth);
  l.split(A, -1, "mv", "mt", "ml", V, halide::Tail::guard);
  l.split(A, -1, "mo", "po", "pi", stripsBeside(), halide::Tail::guard);
  l.reorder(A, -1, joined({"ml", "ki", "mt", "pi", "kt", "po"}, varsA));
  l.vectorize(A, -1, "ml", V);
  l.unroll(A, -1, "ki");
}

} // namespace tintype::schedule
