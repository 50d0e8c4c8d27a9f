//===- BlockSums.cpp - what a block adds up over its columns or rows ------===//
//   O(n, r) += P(r, c) * V(n, c)         MR rows by NR features
//   G(n, c) += P(r, c) * Y(n, r)         MR columns by NR features
//
// P as the block's funcs hold it, V and Y copied into panels or as they lie in memory. Where factors are
// rounded and the machine multiplies pairs of bf16, panels hold pairs along what is summed.
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

class BlockLowering::Sum {
public:
  Sum(BlockLowering &block, ComputeOp op, StringRef name);
  void lower() {
    makePanels();
    makeTile();
    if (!block.plan.accumulates)
      return sumChunks();
    makePart(C + "_part");
    block.addToResult(op, C, kept, NR, 8 * MR, [&](Body &b, Value n, Value m) {
      return b.load(C + "_part", tilePlace(b, n, promise(b, m, b.size(block.count(kept) - 1))), f32);
    });
  }

private:
  SmallVector<Value> at(Body &b, Value keptAt, Value summedAt, Value feature) {
    return byRow ? block.loopsAt(b, op, summedAt, keptAt, {feature}) : block.loopsAt(b, op, keptAt, summedAt, {feature});
  }
  /// Of the last tile, what lies behind the block is its last row again: its sums are of no use.
  Value inBlock(Body &b, Value m) { return block.blockOf(kept) % MR ? b.minimum(m, b.constant(int(block.blockOf(kept) - 1))) : m; }
  Value panelAt(Body &b, Value n, Value no, Value kk, Value k);
  /// What a tile sums of K: from where, and how many.
  std::pair<Value, Value> rangeOf(Body &b, ArrayRef<Value> v);
  /// One step more of the tile: acc + a * panel.
  Value step(Body &b, ArrayRef<Value> v, Value a, Value panel) {
    Value product = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(panel));
    return arith::AddFOp::create(b.b, loc, b.load(acc, v, f32), product);
  }
  Value promise(Body &b, Value v, Value last) { return halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), v, b.constant(0), last); }
  /// The tile at feature `n` and place `m` of what is kept.
  SmallVector<Value> tilePlace(Body &b, Value n, Value m) {
    return {isOne ? n : b.apply(d0 % NR, {n}), m, isOne ? b.constant(0) : b.apply(d0.floorDiv(NR), {n})};
  }
  void makePanels();
  void makeTile();
  void makePart(const std::string &part);
  void addSteps(const Strings &rvars, ArrayRef<AffineExpr> extents, bool isRest);
  void addPairs();
  void sumChunks();

  BlockLowering &block;
  Lowering &l;
  ComputeOp op;
  Location loc;
  const std::string B, A, acc, C; ///< panels of features, pairs of columns, the register tile, the sum
  bool byRow;
  unsigned parallel, summed, kept;
  int V, NR, MR;
  Value wide;
  SmallVector<Value> others;
  bool isOne = false;   ///< there is one panel of features
  bool isWhole = false; ///< and it is no wider than they are
  bool paired, isChunked, isPacked;
  bool isTrimmed; ///< a tile sums only what the band leaves of its rows or columns
  Type f32, panelType;
  AffineExpr N, d0;
  AffineExpr K;         ///< what is summed, in pairs where they are multiplied
  int64_t chunk, steps; ///< of K
  Strings pair, accVars;
};

BlockLowering::Sum::Sum(BlockLowering &block, ComputeOp op, StringRef name)
    : block(block), l(block.l), op(op), loc(op.getLoc()), B((name + "_b").str()), A((name + "_a").str()), acc((name + "_acc").str()),
      C(name.str()), V(block.V) {
  const BlockPlan &plan = block.plan;
  byRow = plan.members.find(op)->second.kind == Kind::rowSum;
  parallel = op.getNumParallel();
  summed = byRow ? plan.row : plan.column;
  kept = byRow ? plan.column : plan.row;
  N = op.getOver()[parallel - 1];
  d0 = getAffineDimExpr(0, l.ctx);
  MR = block.sumRows(byRow);
  auto n = constantOf(N);
  int vectors = V >= 16 ? 4 : 2;
  if (n && V >= 16)
    vectors = llvm::divideCeil(*n, V) <= 5 ? llvm::divideCeil(*n, V) : *n % (4 * V) == 0 ? 4 : *n % (3 * V) == 0 ? 3 : 4;
  NR = V * vectors;
  isOne = n && *n <= NR;
  isWhole = n && *n == NR;
  SmallVector<Value> factors;
  factorsOf(op.getYield().getValue(), factors);
  for (Value f : factors) {
    if (plan.wideRead(f))
      wide = f;
    else
      others.push_back(f);
  }
  paired = l.machine.hasDot && areRounded(wide, others);
  // Whole vectors of features as they lie in memory need no copy for a chunk; the long
  // sums of an accumulating block pass over them too often.
  isPacked = paired || l.machine.value("packv", plan.accumulates) || !isPlainRead(others) || !isWhole;
  f32 = Float32Type::get(l.ctx);
  panelType = paired ? Type(BFloat16Type::get(l.ctx)) : f32;
  pair = paired ? Strings{"kk"} : Strings{};
  // Chunks of what is summed, unless a block of it is short anyway.
  isChunked = !plan.accumulates;
  accVars = isChunked ? Strings{"n", "m", "no", "ko"} : Strings{"n", "m", "no"};
  isTrimmed = plan.band.high && !plan.band.isEmpty;
  K = paired ? (block.count(summed) + 1).floorDiv(2) : block.count(summed);
  chunk = l.machine.value("chunk", 64) / (paired ? 2 : 1);
  // Several steps of k in one turn of the loop.
  steps = l.machine.value("ur", 4);
  if (chunk % steps)
    steps = 1;
}

/// The features `n` of panel `no`. Panels of pairs go on with zeros to whole turns of the loop.
Value BlockLowering::Sum::panelAt(Body &b, Value n, Value no, Value kk, Value k) {
  Value feature = isOne ? n : b.tile(no, NR, n);
  if (!isWhole)
    feature = b.minimum(feature, b.size(N - 1));
  if (!paired)
    return productAt(b, others, at(b, b.constant(0), k, feature));
  k = b.tile(k, 2, kk);
  AffineExpr end = block.count(summed);
  Value x = sideAt(b, others, paired, at(b, b.constant(0), b.minimum(k, b.size(end - 1)), feature));
  return arith::SelectOp::create(b.b, loc, b.less(k, b.size(end)), x, b.constant(panelType, 0));
}

void BlockLowering::Sum::makePanels() {
  if (!isPacked)
    return;
  l.func(B, joined(pair, {"n", "k", "no"}), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    Value kk = paired ? v[0] : Value();
    v = v.drop_front(pair.size());
    return {panelAt(b, v[0], v[2], kk, v[1])};
  });
  l.computeRoot(B);
  l.bound(B, "n", 0, NR);
  if (paired) {
    l.bound(B, "kk", 0, 2);
    l.unroll(B, -1, "kk");
  }
  l.reorder(B, -1, joined(pair, {"n", "k", "no"}));
  l.vectorize(B, -1, "n", V);
  l.unroll(B, -1, "n");
  // Pairs of rows lie side by side in a wide tensor, pairs of columns do not.
  if (!paired || byRow)
    return;
  l.func(A, {"kk", "m", "k"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    return {b.scalar(roundedOf(wide), block.loopsAt(b, op, v[1], b.tile(v[2], 2, v[0]), {b.constant(0)}, /*clampColumn=*/true))};
  });
  l.computeRoot(A);
  l.bound(A, "kk", 0, 2);
  l.bound(A, "m", 0, block.TR);
  l.unroll(A, -1, "kk");
  l.vectorize(A, -1, "m", V);
  l.unroll(A, -1, "m");
}

std::pair<Value, Value> BlockLowering::Sum::rangeOf(Body &b, ArrayRef<Value> v) {
  Value start = isChunked ? b.apply(d0 * chunk, {v[3]}) : b.constant(0);
  Value end = isChunked ? b.minimum(b.apply(d0 * chunk + chunk, {v[3]}), b.size(K)) : b.size(K);
  if (!isTrimmed)
    return {start, arith::SubIOp::create(b.b, loc, end, start)};
  // Columns of rows [first, first + MR): first + low to first + MR - 1 + high; rows of columns the other way round.
  const Band &band = block.plan.band;
  auto low = byRow ? band.high : band.low, high = byRow ? band.low : band.high;
  int64_t width = paired ? 2 : 1;
  AffineExpr d1 = getAffineDimExpr(1, l.ctx), d2 = getAffineDimExpr(2, l.ctx), first = d0.floorDiv(MR) * MR + d1 - d2;
  SmallVector<Value> places{v[1], b.size(block.from(kept)), b.size(block.from(summed))};
  if (low) // in whole turns of the loop
    start = b.maximum(start, b.apply((first + (byRow ? -*low : *low)).floorDiv(width * steps) * steps, places));
  if (high)
    end = b.minimum(end, b.apply((first + (MR + width - 1 + (byRow ? -*high : *high))).floorDiv(width), places));
  // Behind the band nothing: what is left over of a negative number would be something.
  return {start, b.maximum(arith::SubIOp::create(b.b, loc, end, start), b.constant(0))};
}

/// Steps of f32: whole turns of the loop, or what is left over after them.
void BlockLowering::Sum::addSteps(const Strings &rvars, ArrayRef<AffineExpr> extents, bool isRest) {
  l.update(acc, accVars, rvars, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Lowering::Update u;
    Value k = r.size() > 1 ? b.tile(r[1], steps, r[0]) : r[0];
    if (isChunked || isTrimmed) {
      auto [start, here] = rangeOf(b, v);
      if (isRest)
        k = arith::AddIOp::create(b.b, loc, b.apply(d0.floorDiv(steps) * steps, {here}), k);
      u.filter = b.less(r.size() > 1 ? b.apply(d0 * steps + (steps - 1), {r[1]}) : k, here);
      k = promise(b, arith::AddIOp::create(b.b, loc, start, promise(b, k, b.apply(d0 - 1, {here}))), b.size(K - 1));
    } else if (isRest) {
      k = arith::AddIOp::create(b.b, loc, b.size(K.floorDiv(steps) * steps), k);
    }
    Value a = b.scalar(wide, at(b, inBlock(b, v[1]), k, b.constant(0)));
    u.values.push_back(step(b, v, a, isPacked ? b.load(B, {v[0], k, v[2]}, f32) : panelAt(b, v[0], v[2], Value(), k)));
    return u;
  });
}

/// Steps of pairs, in whole turns of the loop.
void BlockLowering::Sum::addPairs() {
  AffineExpr turns = isChunked ? getAffineConstantExpr(chunk / steps, l.ctx) : (K + (steps - 1)).floorDiv(steps);
  SmallVector<AffineExpr> extents{getAffineConstantExpr(2, l.ctx), getAffineConstantExpr(steps, l.ctx), turns};
  l.update(acc, accVars, {"kk", "ri", "r"}, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Lowering::Update u;
    Value kk = r[0], k = b.tile(r[2], steps, r[1]);
    if (isChunked || isTrimmed) {
      AffineExpr whole = (d0 + (steps - 1)).floorDiv(steps) * steps;
      auto [start, here] = rangeOf(b, v);
      u.filter = b.less(b.apply(d0 * steps, {r[2]}), here);
      Value inside = promise(b, k, b.apply(whole - 1, {here}));
      k = promise(b, arith::AddIOp::create(b.b, loc, start, inside), b.size(whole.replaceDims({K}) - 1));
    }
    Value a = byRow ? b.scalar(roundedOf(wide), at(b, v[1], b.tile(k, 2, kk), b.constant(0))) : b.load(A, {kk, v[1], k}, panelType);
    u.values.push_back(step(b, v, a, b.load(B, {kk, v[0], k, v[2]}, panelType)));
    return u;
  });
}

void BlockLowering::Sum::makeTile() {
  l.func(acc, accVars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  AffineExpr whole = isChunked ? getAffineConstantExpr(chunk, l.ctx) : K;
  bool hasRest = !paired && steps > 1, isTurned = paired || steps > 1;
  if (paired) {
    addPairs();
  } else if (hasRest) {
    addSteps({"ri", "r"}, {getAffineConstantExpr(steps, l.ctx), whole.floorDiv(steps)}, false);
    addSteps({"r"}, {isChunked || isTrimmed ? getAffineConstantExpr(steps - 1, l.ctx) : whole % steps}, true);
  } else {
    addSteps({"r"}, {whole}, false);
  }
  l.bound(acc, "n", 0, NR);
  l.boundExtent(acc, "m", MR);
  l.boundExtent(acc, "no", 1);
  for (int stage = -1; stage < (hasRest ? 2 : 1); ++stage) {
    bool isTurn = stage == 0 && isTurned;
    Strings order = isTurn ? joined(pair, {"n", "m", "ri", "r", "no"}) : Strings{"n", "m", "r", "no"};
    if (isChunked)
      order.push_back("ko");
    if (stage >= 0)
      l.reorder(acc, stage, order);
    if (stage == 0 && paired) {
      l.atomic(acc, 0);
      l.vectorize(acc, 0, "kk");
    }
    l.vectorize(acc, stage, "n", V);
    l.unroll(acc, stage, "n");
    l.unroll(acc, stage, "m");
    if (isTurn)
      l.unroll(acc, 0, "ri");
  }
}

/// The sum of a block's chunks.
void BlockLowering::Sum::sumChunks() {
  l.func(C, {"n", "m", "no"}, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  l.update(C, {"n", "m", "no"}, {"ko"}, {(K + (chunk - 1)).floorDiv(chunk)}, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Value part = b.load(acc, {v[0], v[1], v[2], r[0]}, f32);
    Lowering::Update u;
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(C, v, f32), part));
    return u;
  });
  l.computeRoot(C);
  l.bound(C, "n", 0, NR);
  if (isTrimmed)
    l.alignBounds(C, "m", MR);
  l.vectorize(C, -1, "n", V);
  l.split(C, 0, "m", "mo", "mi", MR, halide::Tail::round_up);
  l.reorder(C, 0, {"n", "mi", "mo", "no", "ko"});
  l.vectorize(C, 0, "n", V);
  l.unroll(C, 0, "n");
  l.unroll(C, 0, "mi");
  l.computeAt(acc, C, "mo");
  unsigned keptLoop = block.plan.loopOf(op, kept);
  l.readers[op.getResult()] = [sum = *this, keptLoop](Body &b, ArrayRef<Value> at) mutable {
    return b.load(sum.C, sum.tilePlace(b, at[sum.parallel - 1], sum.block.place(b, at[keptLoop], sum.kept)), sum.f32);
  };
}

/// The tiles of a block side by side, in rows or columns of the block: a result begins anywhere, and its rows lie far apart.
void BlockLowering::Sum::makePart(const std::string &part) {
  l.func(part, {"n", "m", "no"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> { return {b.load(acc, v, f32)}; });
  l.computeRoot(part);
  l.bound(part, "n", 0, NR);
  l.alignBounds(part, "m", MR);
  l.split(part, -1, "m", "mo", "mi", MR, halide::Tail::round_up);
  l.reorder(part, -1, {"n", "mi", "mo", "no"});
  l.vectorize(part, -1, "n", V);
  l.unroll(part, -1, "n");
  l.unroll(part, -1, "mi");
  l.computeAt(acc, part, "mo");
}

/// The result itself, which holds the sum of earlier blocks: `sum` gives what this block adds at a feature and a
/// place in the block of what is kept, `features` by `rows` at a time. Counted from the beginning of the block, which is anywhere
/// in the result: so the place in a tile of what is added is known.
void BlockLowering::addToResult(ComputeOp op, StringRef name, unsigned kept, int64_t features, int64_t rows,
                                const std::function<Value(Body &, Value n, Value m)> &sum) {
  Location loc = op.getLoc();
  Type f32 = Float32Type::get(l.ctx);
  const unsigned parallel = op.getNumParallel(), keptLoop = plan.loopOf(op, kept);
  Strings vars;
  for (int i = (int)parallel - 1; i >= 0; --i)
    vars.push_back("i" + std::to_string(i));
  std::string n = vars[0], m = "i" + std::to_string(keptLoop);
  l.func(name, vars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {halide::UndefOp::create(b.b, loc, f32)}; });
  const AffineExpr here = count(kept), d0 = getAffineDimExpr(0, l.ctx);
  SmallVector<AffineExpr> extents{getAffineConstantExpr(rows, l.ctx), (here + (rows - 1)).floorDiv(rows)};
  l.update(name, vars, {"mi", "mo"}, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Value inside = b.tile(r[1], rows, r[0]), more = sum(b, v[0], inside);
    Value sure = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), inside, b.constant(0), b.size(here - 1));
    Lowering::Update u;
    u.places.assign(v.begin(), v.end());
    Value &at = u.places[parallel - 1 - keptLoop];
    at = b.apply(d0 + getAffineDimExpr(1, l.ctx), {b.size(from(kept)), sure});
    Value before = b.load(name, u.places, f32);
    if (firstWrites())
      before = arith::SelectOp::create(b.b, loc, isFirst(b, op, at), b.constant(f32, 0), before);
    u.values.push_back(arith::AddFOp::create(b.b, loc, before, more));
    u.filter = b.less(inside, b.size(here));
    return u;
  });
  l.computeRoot(name);
  l.split(name, 0, n, "no", "ni", features, halide::Tail::guard);
  Strings order{"ni", "mi", "no", "mo"};
  for (const std::string &v : vars)
    if (v != n && v != m)
      order.push_back(v);
  l.reorder(name, 0, order);
  l.vectorize(name, 0, "ni", V, halide::Tail::guard);
  l.unroll(name, 0, "ni");
  l.places[op] = {name.str(), 0};
}

void BlockLowering::lowerSum(ComputeOp op, StringRef name) {
  ++l.numContractions;
  SmallVector<Value> factors;
  factorsOf(op.getYield().getValue(), factors);
  if (l.machine.hasTiles && factors.size() == 2 && areRounded(factors[0], factors[1]))
    return lowerTileSum(op, name);
  Sum(*this, op, name).lower();
}

} // namespace tintype::schedule
