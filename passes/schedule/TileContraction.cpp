//===- TileContraction.cpp - sums of products on matrix tiles -------------===//
// Where the machine multiplies tiles (AMX: 16 rows by 32 of K with 32 of K by 16 columns) the accumulator is 32 x 32, two
// by two of them. A holds tiles one after the other, A(e, mv, kt, mo) of k = 32 kt + e, rows of bf16 as they lie; where
// the source lies along m, words of two that are turned, A(ki, mv, kt, mo) of k = 32 kt + 2 ki. B is as for pairs. The
// loops of the accumulator stay as they are: codegen/halide/Tiles.cpp makes one call of them. Factors of f32: TileParts.cpp.
//===----------------------------------------------------------------------===//
#include "passes/schedule/Contraction.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

static constexpr int64_t depth = 32; ///< elements of K in a tile

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
    auto load = [&](StringRef panel, SmallVector<Value> place, ArrayRef<unsigned> dims, bool isWord) {
      place.append(pick(rest, dims));
      Value x = b.load(panel, place, isWord ? Type(b.b.getI32Type()) : panelType);
      return b.widen(isWord ? b.ofPair(x, r[0]) : x);
    };
    auto add = [&](Value a, Value x) {
      Value sum = u.values.empty() ? b.load(acc, v, f32) : u.values.pop_back_val();
      u.values.push_back(arith::AddFOp::create(b.b, loc, sum, arith::MulFOp::create(b.b, loc, a, x)));
    };
    if (!inParts) {
      add(load(A, {hasWords() ? r[1] : b.tile(r[1], 2, r[0]), v[1], kt, v[3]}, restA, hasWords()),
          load(B, {r[0], v[0], b.tile(kt, steps, r[1]), v[2]}, restB, false));
      return u;
    }
    for (auto [pa, pb] : {std::pair{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}})
      add(load(A, {r[1], v[1], b.constant(pa), kt, v[3]}, restA, true), load(B, {v[0], r[1], b.constant(pb), kt, v[2]}, restB, true));
    return u;
  });
}

void ContractionLowering::scheduleTileAccumulator() {
  l.vectorize(acc, -1, "nv", V);
  Strings outer = isStripOuter ? Strings{"no", "mo"} : Strings{"mo", "no"};
  if (isChunked)
    outer.push_back("ko");
  l.reorder(acc, 0, joined(joined({"kk", "ki", "nv", "mv", "kt"}, outer), varsC));
  l.storeInTiles(acc);
}

void ContractionLowering::scheduleTilesOfRows() {
  l.bound(A, "mv", 0, MR);
  l.bound(A, hasWords() ? "ki" : "e", 0, hasWords() ? depth / 2 : depth);
  if (!hasWords())
    return l.vectorize(A, -1, "e", depth);
  l.split(A, -1, "mv", "mt", "ml", V, halide::Tail::guard);
  l.reorder(A, -1, joined({"ml", "ki", "mt", "kt", "mo"}, varsA));
  l.vectorize(A, -1, "ml", V);
  l.unroll(A, -1, "ki");
}

} // namespace tintype::schedule
