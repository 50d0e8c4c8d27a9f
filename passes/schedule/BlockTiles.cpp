//===- BlockTiles.cpp - products of a block on matrix tiles ---------------===//
//   S(r, c) = sum(k) A(e, c, kt) * words(l, k, v)           32 columns by 32 rows
//   O(n, r) = sum(c) A(ki, r, kt) * B(kk, n, k)             rows of P turned, pairs of V
//   G(n, c) = sum(r) P(r, c) * B(kk, n, k)                  columns of P as they lie, pairs of Y
//
// Where the machine has tiles (AMX) all products of rounded factors are computed on them, with what a block sums in one
// piece. The wide tensors and their scalar code are those of BlockKernel.cpp. A tile of a sum is 32 x 32, and its place is
// a loop of its own, so that a tile sums only what the band leaves of its rows or columns.
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"
#include "passes/schedule/TileParts.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

static constexpr int64_t depth = 2 * wordsInStep, lanes = 16; ///< elements of K in a step, columns of a tile

bool BlockPlan::isRounded() const {
  return llvm::any_of(members, [](auto &m) {
    SmallVector<Value> factors;
    if (m.second.kind == Kind::score || m.second.kind == Kind::columnSum || m.second.kind == Kind::rowSum)
      factorsOf(cast<ComputeOp>(m.first).getYield().getValue(), factors);
    return factors.size() == 2 && areRounded(factors[0], factors[1]);
  });
}

void BlockLowering::lowerTileScore(ComputeOp op, ArrayRef<Value> rows, ArrayRef<Value> columns, StringRef name) {
  Location loc = op.getLoc();
  AffineExpr all = op.getBy()[0], d0 = getAffineDimExpr(0, l.ctx);
  const bool isPadded = !constantOf(all) || *constantOf(all) % depth != 0;
  const int64_t steps = depth / 2, tile = 2 * lanes;
  std::string words = (name + "_b").str(), A = (name + "_a").str(), S = name.str();
  Type f32 = Float32Type::get(l.ctx), bf16 = BFloat16Type::get(l.ctx);
  auto inside = [&](Body &b, Value k) { return isPadded ? b.minimum(k, b.size(all - 1)) : k; };
  auto rowSide = [&](Body &b, Value row, Value k) {
    Value x = sideAt(b, rows, true, loopsAt(b, op, row, b.constant(0), {inside(b, k)}));
    return isPadded ? Value(arith::SelectOp::create(b.b, loc, b.less(k, b.size(all)), x, b.constant(bf16, 0))) : x;
  };
  l.func(words, {"l", "k", "v"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value row = b.tile(v[2], lanes, v[0]);
    return {b.joinPair(rowSide(b, row, b.tile(v[1], 2, b.constant(0))), rowSide(b, row, b.tile(v[1], 2, b.constant(1))))};
  });
  l.func(A, {"e", "c", "kt"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value k = inside(b, b.tile(v[2], depth, v[0]));
    return {sideAt(b, columns, true, loopsAt(b, op, b.constant(0), v[1], {k}, /*clampColumn=*/true))};
  });
  l.func(S, {"r", "c"}, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  SmallVector<AffineExpr> extents{getAffineConstantExpr(2, l.ctx), getAffineConstantExpr(steps, l.ctx),
                                  canonicalDim((all + (depth - 1)).floorDiv(depth))};
  l.update(S, {"r", "c"}, {"kk", "ki", "kt"}, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Value a = b.load(A, {b.tile(r[1], 2, r[0]), v[1], r[2]}, bf16);
    Value word =
        b.load(words, {b.apply(d0 % lanes, {v[0]}), b.tile(r[2], steps, r[1]), b.apply(d0.floorDiv(lanes), {v[0]})}, b.b.getI32Type());
    Value product = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(b.ofPair(word, r[0])));
    Lowering::Update u;
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(S, v, f32), product));
    return u;
  });

  scheduleTurned(words);
  scores.push_back(S);
  l.vectorize(S, -1, "r", V);
  l.bound(S, "r", 0, TR);
  l.split(S, 0, "c", "co", "ci", tile, halide::Tail::round_up);
  l.split(S, 0, "r", "ro", "ri", tile, halide::Tail::round_up);
  l.split(S, 0, "ri", "rv", "rl", lanes, halide::Tail::automatic);
  l.reorder(S, 0, {"kk", "ki", "rl", "rv", "ci", "kt", "ro", "co"});
  l.storeInTiles(S);
  l.computeAt(A, S, "co");
  l.bound(A, "e", 0, depth);
  l.vectorize(A, -1, "e");
  readWide(op.getResult(), S);
}

class BlockLowering::TileSum {
public:
  TileSum(BlockLowering &block, ComputeOp op, StringRef name);
  void lower() {
    makePanels();
    makeTile();
    if (!block.plan.accumulates)
      return publish();
    block.addToResult(op, C, kept, NR, MR, [&](Body &b, Value n, Value m) { return b.load(part, tilePlace(b, n, m), f32); });
  }

private:
  SmallVector<Value> at(Body &b, Value keptAt, Value summedAt, Value feature) {
    return byRow ? block.loopsAt(b, op, summedAt, keptAt, {feature})
                 : block.loopsAt(b, op, keptAt, summedAt, {feature}, /*clampColumn=*/true);
  }
  SmallVector<Value> tilePlace(Body &b, Value n, Value m) {
    return {b.apply(d0 % NR, {n}), b.apply(d0 % MR, {m}), b.apply(d0.floorDiv(NR), {n}), b.apply(d0.floorDiv(MR), {m})};
  }
  std::pair<Value, Value> rangeOf(Body &b, Value mo);
  void makePanels();
  void makeTile();
  void publish();

  BlockLowering &block;
  Lowering &l;
  ComputeOp op;
  Location loc;
  const std::string B, A, part; ///< panels of features, turned rows, the tiles of a block
  const std::string C;
  const bool byRow;
  const unsigned parallel, summed, kept;
  const AffineExpr N, d0, steps; ///< steps: of K in a block
  const int MR = 2 * lanes, NR;
  Value wide;
  SmallVector<Value> others;
  Type f32, bf16;
};

BlockLowering::TileSum::TileSum(BlockLowering &block, ComputeOp op, StringRef name)
    : block(block), l(block.l), op(op), loc(op.getLoc()), B((name + "_b").str()), A((name + "_a").str()), part((name + "_part").str()),
      C(name.str()), byRow(block.plan.members.find(op)->second.kind == Kind::rowSum), parallel(op.getNumParallel()),
      summed(byRow ? block.plan.row : block.plan.column), kept(byRow ? block.plan.column : block.plan.row), N(op.getOver()[parallel - 1]),
      d0(getAffineDimExpr(0, l.ctx)), steps((block.count(summed) + (depth - 1)).floorDiv(depth)),
      NR(constantOf(N).value_or(2 * lanes) <= lanes ? lanes : 2 * lanes), f32(Float32Type::get(l.ctx)), bf16(BFloat16Type::get(l.ctx)) {
  SmallVector<Value> factors;
  factorsOf(op.getYield().getValue(), factors);
  for (Value f : factors) {
    if (block.plan.wideRead(f))
      wide = f;
    else
      others.push_back(f);
  }
}

void BlockLowering::TileSum::makePanels() {
  // Pairs of what is summed, zeros behind its end.
  l.func(B, {"kk", "n", "k", "no"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value feature = b.minimum(b.tile(v[3], NR, v[1]), b.size(N - 1)), k = b.tile(v[2], 2, v[0]);
    AffineExpr end = block.count(summed);
    Value x = sideAt(b, others, true, at(b, b.constant(0), b.minimum(k, b.size(end - 1)), feature));
    return {arith::SelectOp::create(b.b, loc, b.less(k, b.size(end)), x, b.constant(bf16, 0))};
  });
  l.computeRoot(B);
  l.bound(B, "n", 0, NR);
  l.bound(B, "kk", 0, 2);
  l.unroll(B, -1, "kk");
  l.reorder(B, -1, {"kk", "n", "k", "no"});
  l.vectorize(B, -1, "n", block.V);
  l.unroll(B, -1, "n");
  if (byRow) // rows of a column lie side by side
    return;
  l.func(A, {"ki", "m", "kt", "mo"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value k = b.tile(v[2], depth / 2, v[0]), row = b.tile(v[3], MR, v[1]);
    auto one = [&](int64_t kk) { return b.scalar(roundedOf(wide), at(b, row, b.tile(k, 2, b.constant(kk)), b.constant(0))); };
    return {b.joinPair(one(0), one(1))};
  });
  l.computeRoot(A);
  l.bound(A, "ki", 0, depth / 2);
  l.bound(A, "m", 0, MR);
  l.split(A, -1, "m", "mt", "ml", block.V, halide::Tail::guard);
  l.reorder(A, -1, {"ml", "ki", "mt", "kt", "mo"});
  l.vectorize(A, -1, "ml", block.V);
  l.unroll(A, -1, "ki");
}

/// What a tile sums: from which step, and how many.
std::pair<Value, Value> BlockLowering::TileSum::rangeOf(Body &b, Value mo) {
  Value start = b.constant(0), end = b.size(steps);
  // Columns of rows [first, first + MR): first + low to first + MR - 1 + high; rows of columns the other way round.
  const Band &band = block.plan.band;
  auto low = byRow ? band.high : band.low, high = byRow ? band.low : band.high;
  AffineExpr d1 = getAffineDimExpr(1, l.ctx), d2 = getAffineDimExpr(2, l.ctx), first = d0 * MR + d1 - d2;
  SmallVector<Value> places{mo, b.size(block.from(kept)), b.size(block.from(summed))};
  if (low)
    start = b.maximum(start, b.apply((first + (byRow ? -*low : *low)).floorDiv(depth), places));
  if (high)
    end = b.minimum(end, b.apply((first + (MR - 1 + depth + (byRow ? -*high : *high))).floorDiv(depth), places));
  return {start, arith::SubIOp::create(b.b, loc, end, start)};
}

void BlockLowering::TileSum::makeTile() {
  const Strings vars{"n", "m", "no", "mo"};
  const bool isTrimmed = block.plan.isBanded();
  l.func(part, vars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  SmallVector<AffineExpr> extents{getAffineConstantExpr(2, l.ctx), getAffineConstantExpr(depth / 2, l.ctx), steps};
  l.update(part, vars, {"kk", "ki", "kt"}, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Lowering::Update u;
    auto promise = [&](Value x, Value last) { return halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), x, b.constant(0), last); };
    Value kt = r[2];
    if (isTrimmed) {
      auto [start, here] = rangeOf(b, v[3]);
      u.filter = b.less(kt, here);
      kt = promise(arith::AddIOp::create(b.b, loc, start, promise(kt, b.apply(d0 - 1, {here}))), b.size(steps - 1));
    }
    Value k = b.tile(kt, depth / 2, r[1]), m = b.tile(v[3], MR, v[1]);
    Value a = byRow ? b.scalar(roundedOf(wide), at(b, m, b.tile(k, 2, r[0]), b.constant(0)))
                    : b.ofPair(b.load(A, {r[1], v[1], kt, v[3]}, b.b.getI32Type()), r[0]);
    Value product = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(b.load(B, {r[0], v[0], k, v[2]}, bf16)));
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(part, v, f32), product));
    return u;
  });
  l.computeRoot(part);
  l.bound(part, "n", 0, NR);
  l.bound(part, "m", 0, MR);
  l.vectorize(part, -1, "n", block.V);
  l.reorder(part, 0, {"kk", "ki", "n", "m", "kt", "no", "mo"});
  l.storeInTiles(part);
}

void BlockLowering::TileSum::publish() {
  unsigned keptLoop = block.plan.loopOf(op, kept);
  l.readers[op.getResult()] = [sum = *this, keptLoop](Body &b, ArrayRef<Value> at) mutable {
    return b.load(sum.part, sum.tilePlace(b, at[sum.parallel - 1], sum.block.place(b, at[keptLoop], sum.kept)), sum.f32);
  };
}

void BlockLowering::lowerTileSum(ComputeOp op, StringRef name) { TileSum(*this, op, name).lower(); }

} // namespace tintype::schedule
