//===- Reduction.cpp - reducers along a contiguous dim or across it -------===//
// Along: y[i] = sum(c) x[i, c] becomes partial results in lanes, in an explicit
// (lane, block) form so that no tail needs a masked split:
//
//   part(l, i) += x(min(rb * L + l, C - 1), i)  (0 past the end);  y(i) += part(l, i)
//
// Across: y[c] = sum(i) x[i, c] keeps vectors of c, with i outside.
//===----------------------------------------------------------------------===//
#include "passes/schedule/Lowering.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

Value reducerIdentity(Body &b, Reducer r, Type t) {
  switch (r) {
  case Reducer::prod:
    return b.constant(t, 1);
  case Reducer::all:
    return b.constant(t, 1);
  case Reducer::max:
  case Reducer::argmax:
    return b.constant(t, isa<FloatType>(t) ? -3.0e38 : -2147483648.0);
  case Reducer::min:
    return b.constant(t, isa<FloatType>(t) ? 3.0e38 : 2147483647.0);
  default:
    return b.constant(t, 0);
  }
}
Value reduceTwo(Body &b, Reducer r, Value x, Value y) {
  bool isFloat = isa<FloatType>(x.getType());
  auto &bb = b.b;
  switch (r) {
  case Reducer::prod:
    return isFloat ? Value(arith::MulFOp::create(bb, b.loc, x, y)) : Value(arith::MulIOp::create(bb, b.loc, x, y));
  case Reducer::max:
  case Reducer::any:
  case Reducer::argmax:
    return isFloat ? Value(arith::MaximumFOp::create(bb, b.loc, x, y)) : Value(arith::MaxSIOp::create(bb, b.loc, x, y));
  case Reducer::min:
  case Reducer::all:
    return isFloat ? Value(arith::MinimumFOp::create(bb, b.loc, x, y)) : Value(arith::MinSIOp::create(bb, b.loc, x, y));
  default:
    return isFloat ? Value(arith::AddFOp::create(bb, b.loc, x, y)) : Value(arith::AddIOp::create(bb, b.loc, x, y));
  }
}

/// The loop along which most reads are contiguous, or -1.
static int contiguousLoop(ComputeOp op) {
  SmallVector<int> votes(op.getNumLoops());
  for (ReadOp r : readsOf(op)) {
    int l = innermostLoop(r);
    if (l >= 0)
      votes[l] += dimsOf(r.getSource().getType()).size();
  }
  auto best = llvm::max_element(votes);
  return best == votes.end() || *best == 0 ? -1 : best - votes.begin();
}

LogicalResult Lowering::lowerReduction(ComputeOp op, StringRef name) {
  Location loc = op.getLoc();
  unsigned parallel = op.getNumParallel(), loops = op.getNumLoops();
  Reducer reducer = op.getReducer();
  ArrayRef<AffineExpr> extents = op.getBy().getExprs();
  Strings vars, rvars; // innermost first
  for (int i = parallel - 1; i >= 0; --i)
    vars.push_back("i" + std::to_string(i));
  for (int i = loops - 1; i >= (int)parallel; --i)
    rvars.push_back("r" + std::to_string(i - parallel));
  SmallVector<AffineExpr> rextents(llvm::reverse(extents));
  bool isBool = reducer == Reducer::any || reducer == Reducer::all;
  Type valueType = op.getYield().getValue().getType();
  Type type = isBool ? Type(IntegerType::get(ctx, 32)) : valueType;

  /// The term at these loops: the identity where a filter is false.
  auto term = [&](Body &b, ArrayRef<Value> lv) {
    auto [value, filter] = b.point(op, lv);
    if (isBool)
      value = arith::ExtUIOp::create(b.b, loc, type, value);
    if (filter)
      value = arith::SelectOp::create(b.b, loc, filter, value, reducerIdentity(b, reducer, type));
    return value;
  };
  auto outermostFirst = [](ArrayRef<Value> v) { return SmallVector<Value>(llvm::reverse(v)); };
  std::string f = name.str();
  int contiguous = contiguousLoop(op);
  bool isAcross = parallel > 0 && contiguous < (int)parallel && (contiguous == (int)parallel - 1 || contiguous < 0) &&
                  estimate(op.getOver()[parallel - 1]) > 1;

  if (reducer == Reducer::argmax) {
    Type i32 = IntegerType::get(ctx, 32);
    func(f, vars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {reducerIdentity(b, reducer, type), b.constant(0)}; });
    update(f, vars, rvars, rextents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      SmallVector<Value> lv = outermostFirst(v);
      lv.append(outermostFirst(r));
      Value x = term(b, lv), best = b.load(f, v, type), index = b.load(f, v, i32, 1), at = lv[parallel];
      for (unsigned i = 1; i < extents.size(); ++i) {
        Value scaled = arith::MulIOp::create(b.b, loc, at, b.size(extents[i]));
        at = arith::AddIOp::create(b.b, loc, scaled, lv[parallel + i]);
      }
      Value better = isa<FloatType>(type) ? Value(arith::CmpFOp::create(b.b, loc, arith::CmpFPredicate::OGT, x, best))
                                          : Value(arith::CmpIOp::create(b.b, loc, arith::CmpIPredicate::sgt, x, best));
      Update u;
      u.values.push_back(arith::SelectOp::create(b.b, loc, better, x, best));
      u.values.push_back(arith::SelectOp::create(b.b, loc, better, at, index));
      return u;
    });
    computeRoot(f);
    readers[op.getResult()] = [=](Body &b, ArrayRef<Value> at) { return b.load(f, SmallVector<Value>(llvm::reverse(at)), i32, 1); };
    return success();
  }

  func(f, vars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {reducerIdentity(b, reducer, type)}; });
  if (isAcross) {
    update(f, vars, rvars, rextents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      SmallVector<Value> lv = outermostFirst(v);
      lv.append(outermostFirst(r));
      Update u;
      u.values.push_back(reduceTwo(b, reducer, b.load(f, v, type), term(b, lv)));
      return u;
    });
    computeRoot(f);
    int V = machine.vectorWidth * machine.value("keep", 1);
    vectorize(f, -1, vars[0], machine.vectorWidth, halide::Tail::guard);
    Strings order{vars[0]};
    order.insert(order.end(), rvars.begin(), rvars.end());
    order.insert(order.end(), vars.begin() + 1, vars.end());
    reorder(f, 0, order);
    vectorize(f, 0, vars[0], V, halide::Tail::guard);
  } else {
    unsigned along = contiguous >= (int)parallel ? contiguous : loops - 1; // the loop in lanes
    AffineExpr K = extents[along - parallel];
    // Up to four vectors of lanes hide the latency of the addition.
    int64_t size = estimate(K), V = machine.vectorWidth, L = V * machine.value("lanes", size >= 16 * V ? 4 : size >= 8 * V ? 2 : 1);
    bool isExact = constantOf(K) && *constantOf(K) % L == 0;
    std::string part = f + "_part";
    Strings partVars{"l"}, partRvars, inner;
    partVars.insert(partVars.end(), vars.begin(), vars.end());
    SmallVector<AffineExpr> partExtents;
    unsigned position = loops - 1 - along; // of `along` in the innermost-first lists
    for (unsigned i = 0; i < rvars.size(); ++i) {
      partRvars.push_back(i == position ? "rb" : rvars[i]);
      partExtents.push_back(i == position ? (K + (L - 1)).floorDiv(L) : rextents[i]);
    }
    func(part, partVars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {reducerIdentity(b, reducer, type)}; });
    update(part, partVars, partRvars, partExtents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      Value k = b.tile(r[position], L, v[0]), at = isExact ? k : b.minimum(b.likely(k), b.size(K - 1));
      SmallVector<Value> reduction(r);
      reduction[position] = at;
      SmallVector<Value> lv = outermostFirst(v.drop_front());
      lv.append(outermostFirst(reduction));
      Value x = term(b, lv);
      if (!isExact)
        x = arith::SelectOp::create(b.b, loc, b.likely(b.less(k, b.size(K))), x, reducerIdentity(b, reducer, type));
      Update u;
      u.values.push_back(reduceTwo(b, reducer, b.load(part, v, type), x));
      return u;
    });
    update(f, vars, {"l"}, {getAffineConstantExpr(L, ctx)}, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      SmallVector<Value> at{r[0]};
      at.append(v.begin(), v.end());
      Update u;
      u.values.push_back(reduceTwo(b, reducer, b.load(f, v, type), b.load(part, at, type)));
      return u;
    });
    computeRoot(f);
    atomic(f, 0);
    vectorize(f, 0, "l", L);
    if (parallel)
      computeAt(part, f, vars[0]);
    else
      computeRoot(part);
    bound(part, "l", 0, L);
    vectorize(part, -1, "l", V);
    unroll(part, -1, "l");
    Strings order{"l"};
    // The contiguous loop right outside the lanes.
    order.push_back("rb");
    for (auto &r : partRvars)
      if (r != "rb")
        order.push_back(r);
    order.insert(order.end(), vars.begin(), vars.end());
    reorder(part, 0, order);
    vectorize(part, 0, "l", V);
    unroll(part, 0, "l");
  }
  if (!isBool) {
    readFunc(op.getResult(), f);
    places[op] = {f, 0};
    return success();
  }
  readers[op.getResult()] = [=](Body &b, ArrayRef<Value> at) -> Value {
    Value x = b.load(f, SmallVector<Value>(llvm::reverse(at)), b.b.getI32Type());
    return arith::CmpIOp::create(b.b, b.loc, arith::CmpIPredicate::ne, x, b.constant(0));
  };
  return success();
}

int featureOf(ScatterOp op) {
  AffineMap map = *op.getYield().getMap();
  auto d = dyn_cast_or_null<AffineDimExpr>(map.getNumResults() ? map.getResults().back() : AffineExpr());
  if (!d || op.getOver()[d.getPosition()] != dimsOf(op.getType()).back())
    return -1;
  const unsigned feature = d.getPosition();
  if (llvm::any_of(map.getResults().drop_back(), [&](AffineExpr e) { return e.isFunctionOfDim(feature); }) ||
      llvm::any_of(op.getYield().getSymbols(), [&](Value s) { return loopsOf(s, op.getNumLoops()).test(feature); }))
    return -1;
  return feature;
}

LogicalResult Lowering::lowerScatter(ScatterOp op, StringRef name) {
  Location loc = op.getLoc();
  unsigned loops = op.getNumLoops();
  auto dims = dimsOf(op.getType());
  unsigned rank = dims.size();
  AffineMap map = *op.getYield().getMap();
  Type type = cast<RankedTensorType>(op.getType()).getElementType();
  std::string f = name.str();
  Strings vars;
  for (int i = rank - 1; i >= 0; --i)
    vars.push_back("i" + std::to_string(i));
  const int feature = featureOf(op); // stays a var of the func
  bool inPlace = false;
  if (auto marks = kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace"))
    for (auto [i, v] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands()))
      inPlace |= v == op.getResult() && marks[i] >= 0 && op.getInit() == kernel.getArgument(marks[i]);
  func(f, vars, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    if (inPlace)
      return {halide::UndefOp::create(b.b, loc, type)};
    return {op.getInit() ? b.read(op.getInit(), SmallVector<Value>(llvm::reverse(v))) : b.constant(type, 0)};
  });
  Strings rvars;
  SmallVector<AffineExpr> extents;
  SmallVector<unsigned> loopOf;
  for (int i = loops - 1; i >= 0; --i)
    if (i != feature) {
      rvars.push_back("r" + std::to_string(i));
      extents.push_back(op.getOver()[i]);
      loopOf.push_back(i);
    }
  update(f, vars, rvars, extents, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    SmallVector<Value> lv(loops);
    for (auto [i, x] : llvm::zip(loopOf, r))
      lv[i] = x;
    if (feature >= 0)
      lv[feature] = v[0];
    auto [value, filter] = b.point(op, lv);
    SmallVector<Value> symbols, at;
    for (Value s : op.getYield().getSymbols())
      symbols.push_back(b.scalar(s, lv));
    Update u;
    u.filter = filter;
    for (auto [i, e] : llvm::enumerate(map.getResults())) {
      if (feature >= 0 && i + 1 == rank) {
        at.push_back(v[0]);
        continue;
      }
      Value place = b.apply(e, lv, symbols);
      bool isPlain = false;
      if (auto d = dyn_cast<AffineDimExpr>(e))
        isPlain = op.getOver()[d.getPosition()] == dims[i];
      if (!isPlain) { // outside is left out
        Value low = arith::CmpIOp::create(b.b, loc, arith::CmpIPredicate::sge, place, b.constant(0));
        Value inside = arith::AndIOp::create(b.b, loc, low, b.less(place, b.size(dims[i])));
        u.filter = u.filter ? Value(arith::AndIOp::create(b.b, loc, u.filter, inside)) : inside;
        place = b.clampTo(place, dims[i]);
      }
      at.push_back(place);
    }
    u.places = SmallVector<Value>(llvm::reverse(at));
    Value old = b.load(f, u.places, type);
    u.values.push_back(isa<FloatType>(type) ? Value(arith::AddFOp::create(b.b, loc, old, value))
                                            : Value(arith::AddIOp::create(b.b, loc, old, value)));
    return u;
  });
  computeRoot(f);
  if (!inPlace && rank)
    vectorize(f, -1, vars[0], machine.vectorWidth, halide::Tail::guard);
  if (feature >= 0) {
    Strings order{vars[0]};
    order.insert(order.end(), rvars.begin(), rvars.end());
    reorder(f, 0, order);
    vectorize(f, 0, vars[0], machine.vectorWidth, halide::Tail::guard);
  }
  readFunc(op.getResult(), f);
  places[op] = {f, 0};
  return success();
}

} // namespace tintype::schedule
