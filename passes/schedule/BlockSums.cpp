//===- BlockSums.cpp - what a block adds up over its columns or rows ------===//
//   O(n, r) += P(r, c) * V(n, c)         MR rows by NR features
//   G(n, c) += P(r, c) * Y(n, r)         MR columns by NR features
//
// P as the block's funcs hold it, V and Y copied into panels or as they lie in memory.
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

void BlockLowering::lowerSum(ComputeOp op, StringRef name) {
  ++l.numContractions;
  Location loc = op.getLoc();
  bool byRow = plan.members[op].kind == Kind::rowSum;
  unsigned parallel = op.getNumParallel(), summed = byRow ? plan.row : plan.column, kept = byRow ? plan.column : plan.row;
  AffineExpr N = op.getOver()[parallel - 1];
  const int MR = byRow ? l.machine.value("cmr", 6) : l.machine.value("omr", 4);
  int vectors = V >= 16 ? 4 : 2;
  if (auto n = constantOf(N); n && V >= 16)
    vectors = llvm::divideCeil(*n, V) <= 5 ? llvm::divideCeil(*n, V) : *n % (4 * V) == 0 ? 4 : *n % (3 * V) == 0 ? 3 : 4;
  const int NR = V * vectors;
  bool isOne = constantOf(N) && *constantOf(N) <= NR; // one panel of features
  SmallVector<Value> factors, others;
  factorsOf(op.getYield().getValue(), factors);
  Value wide;
  for (Value f : factors) {
    if (plan.wideRead(f))
      wide = f;
    else
      others.push_back(f);
  }
  std::string B = (name + "_b").str(), acc = (name + "_acc").str(), C = name.str();
  const bool paired = l.machine.hasDot && areRounded(wide, others);
  Type f32 = Float32Type::get(l.ctx), panelType = paired ? Type(BFloat16Type::get(l.ctx)) : f32;
  AffineExpr d0 = getAffineDimExpr(0, l.ctx);
  const Strings pair = paired ? Strings{"kk"} : Strings{};
  auto with = [](Strings head, const Strings &tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
  };
  auto at = [&](Body &b, Value keptAt, Value summedAt, Value feature) {
    return byRow ? loopsAt(b, op, summedAt, keptAt, {feature}) : loopsAt(b, op, keptAt, summedAt, {feature});
  };
  // Panels of pairs go on with zeros to whole turns of the loop.
  auto panelOf = [&](Body &b, Value n, Value no, Value kk, Value k) {
    Value feature = isOne ? n : b.tile(no, NR, n);
    if (!isOne || *constantOf(N) != NR)
      feature = b.minimum(feature, b.size(N - 1));
    if (!paired)
      return productAt(b, others, at(b, b.constant(0), k, feature));
    k = b.tile(k, 2, kk);
    Value last = b.size(count(summed) - 1);
    Value x = sideAt(b, others, paired, at(b, b.constant(0), b.minimum(k, last), feature));
    return Value(arith::SelectOp::create(b.b, loc, b.less(k, b.size(count(summed))), x, b.constant(panelType, 0)));
  };
  // Whole vectors of features as they lie in memory need no copy for a chunk; the long
  // sums of an accumulating block pass over them too often.
  bool isPacked = paired || l.machine.value("packv", plan.accumulates) || !isPlainRead(others) || !isOne || *constantOf(N) != NR;
  if (isPacked)
    l.func(B, with(pair, {"n", "k", "no"}), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      Value kk = paired ? v[0] : Value();
      v = v.drop_front(pair.size());
      return {panelOf(b, v[0], v[2], kk, v[1])};
    });
  // Pairs of rows lie side by side in a wide tensor, pairs of columns do not.
  const bool isTurned = paired && !byRow;
  std::string A = (name + "_a").str();
  if (isTurned)
    l.func(A, {"kk", "m", "k"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      return {b.scalar(roundedOf(wide), loopsAt(b, op, v[1], b.tile(v[2], 2, v[0]), {b.constant(0)}, /*clampColumn=*/true))};
    });

  // Chunks of what is summed, unless a block of it is short anyway.
  const int64_t chunk = l.machine.value("chunk", 64) / (paired ? 2 : 1);
  bool isChunked = !plan.accumulates;
  Strings accVars{"n", "m", "no"};
  if (isChunked)
    accVars.push_back("ko");
  l.func(acc, accVars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  // Several steps of k in one turn of the loop, and what is left over after it.
  const int64_t steps = l.machine.value("ur", 4);
  bool isUnrolled = paired || (steps > 1 && chunk % steps == 0);
  AffineExpr whole = isChunked ? getAffineConstantExpr(chunk, l.ctx) : count(summed);
  auto addUpdate = [&](const Strings &rvars, ArrayRef<AffineExpr> extents, bool isRest) {
    l.update(acc, accVars, rvars, extents, loc, [&, isRest](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      Lowering::Update u;
      Value k = r.size() > 1 ? b.tile(r[1], steps, r[0]) : r[0];
      if (isChunked) {
        Value start = b.apply(d0 * chunk, {v[3]});
        Value here = b.minimum(arith::SubIOp::create(b.b, loc, b.size(count(summed)), start), b.constant(chunk));
        if (isRest)
          k = arith::AddIOp::create(b.b, loc, b.apply(d0.floorDiv(steps) * steps, {here}), k);
        u.filter = b.less(r.size() > 1 ? b.apply(d0 * steps + (steps - 1), {r[1]}) : k, here);
        Value inside = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), k, b.constant(0), b.apply(d0 - 1, {here}));
        k = b.tile(v[3], chunk, inside);
        k = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), k, b.constant(0), b.size(count(summed) - 1));
      } else if (isRest) {
        k = arith::AddIOp::create(b.b, loc, b.size(count(summed).floorDiv(steps) * steps), k);
      }
      Value a = b.scalar(wide, at(b, v[1], k, b.constant(0)));
      Value panel = isPacked ? b.load(B, {v[0], k, v[2]}, f32) : panelOf(b, v[0], v[2], Value(), k);
      u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(acc, v, f32), arith::MulFOp::create(b.b, loc, a, panel)));
      return u;
    });
  };
  auto addPairs = [&] {
    AffineExpr pairs = (count(summed) + 1).floorDiv(2), turns = isChunked ? getAffineConstantExpr(chunk / steps, l.ctx) : (pairs + (steps - 1)).floorDiv(steps);
    l.update(acc, accVars, {"kk", "ri", "r"}, {getAffineConstantExpr(2, l.ctx), getAffineConstantExpr(steps, l.ctx), turns}, loc,
             [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
               Lowering::Update u;
               Value k = b.tile(r[2], steps, r[1]);
               if (isChunked) {
                 AffineExpr whole = (d0 + (steps - 1)).floorDiv(steps) * steps;
                 Value here = b.minimum(arith::SubIOp::create(b.b, loc, b.size(pairs), b.apply(d0 * chunk, {v[3]})), b.constant(chunk));
                 u.filter = b.less(b.apply(d0 * steps, {r[2]}), here);
                 Value inside = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), k, b.constant(0), b.apply(whole - 1, {here}));
                 k = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), b.tile(v[3], chunk, inside), b.constant(0),
                                               b.size(whole.replaceDims({pairs}) - 1));
               }
               Value a = isTurned ? b.load(A, {r[0], v[1], k}, panelType)
                                  : b.scalar(roundedOf(wide), at(b, v[1], b.tile(k, 2, r[0]), b.constant(0)));
               Value panel = b.load(B, {r[0], v[0], k, v[2]}, panelType);
               Value product = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(panel));
               u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(acc, v, f32), product));
               return u;
             });
  };
  if (paired) {
    addPairs();
  } else if (isUnrolled) {
    addUpdate({"ri", "r"}, {getAffineConstantExpr(steps, l.ctx), whole.floorDiv(steps)}, false);
    addUpdate({"r"}, {isChunked ? getAffineConstantExpr(steps - 1, l.ctx) : whole % steps}, true);
  } else {
    addUpdate({"r"}, {whole}, false);
  }
  if (isPacked) {
    l.computeRoot(B);
    l.bound(B, "n", 0, NR);
    if (paired) {
      l.bound(B, "kk", 0, 2);
      l.unroll(B, -1, "kk");
    }
    l.reorder(B, -1, with(pair, {"n", "k", "no"}));
    l.vectorize(B, -1, "n", V);
    l.unroll(B, -1, "n");
  }
  if (isTurned) {
    l.computeRoot(A);
    l.bound(A, "kk", 0, 2);
    l.bound(A, "m", 0, TR);
    l.unroll(A, -1, "kk");
    l.vectorize(A, -1, "m", V);
    l.unroll(A, -1, "m");
  }
  l.bound(acc, "n", 0, NR);
  l.boundExtent(acc, "m", MR);
  l.boundExtent(acc, "no", 1);
  for (int stage = -1; stage < (isUnrolled && !paired ? 2 : 1); ++stage) {
    bool isTurn = stage == 0 && isUnrolled;
    Strings order = isTurn ? with(pair, {"n", "m", "ri", "r", "no"}) : Strings{"n", "m", "r", "no"};
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

  if (isChunked) {
    l.func(C, {"n", "m", "no"}, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
    l.update(C, {"n", "m", "no"}, {"ko"}, {(count(summed) + (chunk - 1)).floorDiv(chunk)}, loc,
             [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
               Value part = b.load(acc, {v[0], v[1], v[2], r[0]}, f32);
               Lowering::Update u;
               u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(C, v, f32), part));
               return u;
             });
    l.computeRoot(C);
    l.bound(C, "n", 0, NR);
    l.vectorize(C, -1, "n", V);
    l.split(C, 0, "m", "mo", "mi", MR, halide::Tail::round_up);
    l.reorder(C, 0, {"n", "mi", "mo", "no", "ko"});
    l.vectorize(C, 0, "n", V);
    l.unroll(C, 0, "n");
    l.unroll(C, 0, "mi");
    l.computeAt(acc, C, "mo");
    unsigned keptLoop = plan.loopOf(op, kept);
    l.readers[op.getResult()] = [=](Body &b, ArrayRef<Value> at) {
      Value n = at[parallel - 1];
      return b.load(C, {isOne ? n : b.apply(d0 % NR, {n}), place(b, at[keptLoop], kept), isOne ? b.constant(0) : b.apply(d0.floorDiv(NR), {n})}, f32);
    };
    return;
  }

  // The result itself, which holds the sum of earlier blocks.
  Strings vars;
  for (int i = (int)parallel - 1; i >= 0; --i)
    vars.push_back("i" + std::to_string(i));
  unsigned keptLoop = plan.loopOf(op, kept);
  std::string n = vars[0], m = "i" + std::to_string(keptLoop);
  l.func(C, vars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {halide::UndefOp::create(b.b, loc, f32)}; });
  l.update(C, vars, {}, {}, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value>) {
    Value m = place(b, v[parallel - 1 - keptLoop], kept);
    Value part = b.load(acc, {isOne ? v[0] : b.apply(d0 % NR, {v[0]}), m, isOne ? b.constant(0) : b.apply(d0.floorDiv(NR), {v[0]})}, f32);
    Lowering::Update u;
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(C, v, f32), part));
    return u;
  });
  l.computeRoot(C);
  l.split(C, 0, n, "no", "ni", NR, halide::Tail::guard);
  l.split(C, 0, m, "mo", "mi", MR, halide::Tail::guard);
  Strings order{"ni", "mi", "no", "mo"};
  for (const std::string &v : vars)
    if (v != n && v != m)
      order.push_back(v);
  l.reorder(C, 0, order);
  l.vectorize(C, 0, "ni", V, halide::Tail::guard);
  l.unroll(C, 0, "ni");
  l.computeAt(acc, C, "no");
  l.places[op] = {C, 0};
}

} // namespace tintype::schedule
