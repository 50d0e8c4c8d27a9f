//===- BlockKernel.cpp - one block of rows and columns at a time ----------===//
// Vectors run over rows in wide tensors and over features in sums. For one block:
//
//   B(l, k, v)            the rows' side of a score, turned: vectors of k in, vectors of rows out
//   S(r, c) += A(c) * B   MR columns by TV rows, from rows of the columns' side as they lie in memory
//   P(r, c), ..           one pass of scalar code: all wide definitions that memory needs
//   M(r)                  reductions over columns, lane by lane
//   O(n, r) += P(r, c) * V(n, c)         MR rows by NR features
//   G(n, c) += P(r, c) * Y(n, r)         MR columns by NR features
//
// The caller says where the block lies: for each dim of the wide tensors the kernel
// takes `dimI_from` and `dimI_count` (passes/README.md, graph.ranges).
// Test: test/codegen/block-kernels.mlir
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

/// 128 rows, or 64 in a window, where a block computes what lies beside it in vain; another number where that leaves less of
/// the last block empty. Where every row has all columns, nothing is computed in vain by larger blocks: a few equal ones of up to 256.
int BlockLowering::rowsFor(const Machine &machine, const BlockPlan &plan) {
  auto rows = constantOf(plan.dims[plan.row]);
  const bool isWindow = plan.band.low && plan.band.high;
  if (machine.vectorWidth < 16)
    return 64;
  if (rows && !plan.isBanded())
    return llvm::alignTo(llvm::divideCeil(*rows, llvm::divideCeil(*rows, 256)), 16);
  int best = plan.isBanded() && !isWindow ? 128 : 64;
  for (int other : {80, 64})
    if (rows && llvm::alignTo(*rows, other) < 0.96 * llvm::alignTo(*rows, best))
      best = other;
  return best;
}

/// Accumulators beside one vector for each of the rows, in 32 registers or in 16. Of a setting for
/// other blocks what divides this one.
std::pair<int, int> BlockLowering::scoreTile() const {
  auto most = [&] { return TR / V % 4 == 0 ? 4 : TR / V % 5 == 0 ? 5 : TR / V % 3 == 0 ? 3 : TR / V % 2 == 0 ? 2 : 1; };
  int vectors = l.machine.value("srv", V < 16 ? 2 : most());
  static const int columnsFor[] = {12, 12, 8, 6, 4};
  int columns = l.machine.value("smr", V < 16 || vectors > 5 ? 6 : columnsFor[vectors - 1]);
  while (TR / V % vectors)
    --vectors;
  while (strip % columns)
    --columns;
  return {columns, vectors};
}

/// Where the loops of `op` stand when its row and column are at these places in the block.
SmallVector<Value> BlockLowering::loopsAt(Body &b, Operation *op, Value row, Value column, ArrayRef<Value> features, bool clampColumn) {
  SmallVector<Value> loops;
  unsigned feature = 0;
  AffineExpr d0 = getAffineDimExpr(0, l.ctx), d1 = getAffineDimExpr(1, l.ctx);
  for (int role : plan.members[op].roles) {
    if (role < 0) {
      loops.push_back(features[feature++]);
      continue;
    }
    Value start = b.size(from(role));
    bool isRow = role == (int)plan.row, isColumn = role == (int)plan.column;
    if ((!isRow && !isColumn) || (isRow ? !row : !column)) {
      loops.push_back(start);
      continue;
    }
    Value inside = isRow ? row : column;
    Value at = b.apply(d0 + d1, {start, inside});
    if (isRow || clampColumn)
      at = b.minimum(at, b.size(plan.dims[role] - 1));
    local[at] = inside;
    loops.push_back(at);
  }
  return loops;
}

/// The place in the block of the global index `at` of rows or columns.
Value BlockLowering::place(Body &b, Value at, unsigned dim) {
  if (auto it = local.find(at); it != local.end())
    return it->second;
  Value inside = arith::SubIOp::create(b.b, b.loc, at, b.size(from(dim)));
  return halide::PromiseOp::create(b.b, b.loc, b.b.getI32Type(), inside, b.constant(0), b.constant(blockOf(dim) - 1));
}

void BlockLowering::readWide(Value tensor, StringRef func, int64_t element) {
  Type type = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (type.isBF16() && !l.machine.hasPairs())
    type = Float32Type::get(l.ctx); // rounded, and wide for the loops that read it
  l.readers[tensor] = [this, f = func.str(), type, element](Body &b, ArrayRef<Value> at) {
    return b.load(f, {place(b, at[plan.row], plan.row), place(b, at[plan.column], plan.column)}, type, element);
  };
}
void BlockLowering::readRow(ComputeOp op, StringRef func) {
  Type type = cast<RankedTensorType>(op.getType()).getElementType();
  unsigned dim = plan.loopOf(op, plan.row);
  l.readers[op.getResult()] = [this, f = func.str(), type, dim](Body &b, ArrayRef<Value> at) {
    return b.load(f, {place(b, at[dim], plan.row)}, type);
  };
}

//===-- scores and what follows them --------------------------------------===//

bool isPlainRead(ArrayRef<Value> factors) {
  auto read = factors.size() == 1 ? factors[0].getDefiningOp<ReadOp>() : ReadOp();
  return read && read.getSymbols().empty() && !read.getGuarded();
}
Value productAt(Body &b, ArrayRef<Value> factors, ArrayRef<Value> loops) {
  Value p;
  for (Value f : factors) {
    Value x = b.scalar(f, loops);
    p = p ? Value(arith::MulFOp::create(b.b, b.loc, p, x)) : x;
  }
  return p;
}

Value sideAt(Body &b, ArrayRef<Value> factors, bool isRounded, ArrayRef<Value> loops) {
  return isRounded ? b.scalar(roundedOf(factors[0]), loops) : productAt(b, factors, loops);
}

/// The rows' side of a score: vectors of k in, vectors of rows out.
void BlockLowering::scheduleTurned(StringRef turned) {
  l.computeRoot(turned);
  l.bound(turned, "l", 0, V);
  l.bound(turned, "v", 0, TR / V);
  l.split(turned, -1, "k", "kt", "kv", V, halide::Tail::guard);
  l.reorder(turned, -1, {"kv", "l", "kt", "v"});
  l.vectorize(turned, -1, "kv");
  l.unroll(turned, -1, "l");
}

void BlockLowering::lowerScore(ComputeOp op, StringRef name) {
  ++l.numContractions;
  Location loc = op.getLoc();
  const auto [MR, vectors] = scoreTile();
  const int TV = V * vectors;
  const int64_t steps = l.machine.value("ur", 4);
  SmallVector<Value> factors, rows, columns;
  factorsOf(op.getYield().getValue(), factors);
  for (Value f : factors)
    (loopsOf(f, op.getNumLoops())[plan.column] ? columns : rows).push_back(f);
  if (l.machine.hasTiles && areRounded(rows, columns))
    return lowerTileScore(op, rows, columns, name);
  const bool paired = l.machine.hasDot && areRounded(rows, columns);
  // From here on K counts pairs where they are multiplied.
  AffineExpr all = op.getBy()[0], K = paired ? canonicalDim((all + 1).floorDiv(2)) : all;
  bool isUnrolled = steps > 1 && constantOf(K) && *constantOf(K) % steps == 0;
  bool isPadded = paired && (!constantOf(all) || *constantOf(all) % 2 != 0);
  std::string B = (name + "_b").str(), A = (name + "_a").str(), acc = (name + "_acc").str(), S = name.str();
  Type f32 = Float32Type::get(l.ctx), panelType = paired ? Type(BFloat16Type::get(l.ctx)) : f32;
  AffineExpr d0 = getAffineDimExpr(0, l.ctx);
  const Strings pair = paired ? Strings{"kk"} : Strings{};
  auto stepAt = [&](Body &b, Value kk, Value k) {
    k = kk ? b.tile(k, 2, kk) : k;
    return isPadded ? b.minimum(k, b.size(all - 1)) : k;
  };

  auto rowSide = [&](Body &b, Value l, Value kk, Value k, Value v) {
    Value x = sideAt(b, rows, paired, loopsAt(b, op, b.tile(v, V, l), b.constant(0), {stepAt(b, kk, k)}));
    if (isPadded) // one side is enough
      x = arith::SelectOp::create(b.b, loc, b.less(b.tile(k, 2, kk), b.size(all)), x, b.constant(panelType, 0));
    return x;
  };
  // Pairs are turned as what they are in memory, words of 32 bits.
  std::string words = (name + "_w").str();
  if (paired)
    l.func(words, {"l", "k", "v"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      return {b.joinPair(rowSide(b, v[0], b.constant(0), v[1], v[2]), rowSide(b, v[0], b.constant(1), v[1], v[2]))};
    });
  l.func(B, joined(pair, {"l", "k", "v"}), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    if (paired)
      return {b.ofPair(b.load(words, v.drop_front(), b.b.getI32Type()), v[0])};
    return {rowSide(b, v[0], Value(), v[1], v[2])};
  });
  // A pair is read in one piece.
  bool isPacked = l.machine.value("packk", 0);
  isPacked |= paired
                  ? !isPlainRead({roundedOf(columns[0])}) || innermostLoop(readBehind(columns[0])) != (int)op.getNumParallel() || isPadded
                  : !isPlainRead(columns);
  auto columnSide = [&](Body &b, Value c, Value kk, Value k) {
    return sideAt(b, columns, paired, loopsAt(b, op, b.constant(0), c, {stepAt(b, kk, k)}, /*clampColumn=*/true));
  };
  if (isPacked)
    l.func(A, joined(pair, {"k", "c"}), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      Value kk = paired ? v[0] : Value();
      v = v.drop_front(pair.size());
      return {columnSide(b, v[1], kk, v[0])};
    });
  l.func(acc, {"r", "c"}, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  SmallVector<AffineExpr> extents(pair.size(), getAffineConstantExpr(2, l.ctx));
  Strings rvars = pair;
  if (isUnrolled) {
    extents.push_back(getAffineConstantExpr(steps, l.ctx));
    rvars.push_back("ki");
  }
  const AffineExpr turns = isUnrolled ? K.floorDiv(steps) : K;
  extents.push_back(turns);
  rvars.push_back("k");
  l.update(acc, {"r", "c"}, rvars, extents, loc, [&, MR = MR](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Value kk = paired ? r[0] : Value(), k = isUnrolled ? b.tile(r.back(), steps, r[pair.size()]) : r.back();
    SmallVector<Value> placeA = paired ? SmallVector<Value>{kk, k} : SmallVector<Value>{k}, placeB = placeA;
    placeA.push_back(v[1]);
    placeB.insert(placeB.begin() + pair.size(), b.apply(d0 % V, {v[0]}));
    placeB.push_back(b.apply(d0.floorDiv(V), {v[0]}));
    Value a = isPacked ? b.load(A, placeA, panelType) : columnSide(b, v[1], kk, k);
    Value product = arith::MulFOp::create(b.b, loc, b.widen(a), b.widen(b.load(B, placeB, panelType)));
    Lowering::Update u;
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(acc, v, f32), product));
    if (plan.isBanded())
      u.filter = b.less(r.back(), turnsInBand(b, turns, v[0], TV, v[1], MR));
    return u;
  });
  l.func(S, {"r", "c"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> { return {b.load(acc, v, f32)}; });

  scheduleTurned(paired ? words : B);
  if (paired) {
    l.computeRoot(B);
    l.bound(B, "kk", 0, 2);
    l.bound(B, "l", 0, V);
    l.unroll(B, -1, "kk");
    l.vectorize(B, -1, "l");
  }
  if (isPacked) {
    l.computeRoot(A);
    if (paired) {
      l.bound(A, "kk", 0, 2);
      l.vectorize(A, -1, "kk");
    }
    l.vectorize(A, -1, "k", V, halide::Tail::guard);
  }
  scores.push_back(S);
  l.bound(S, "r", 0, TR);
  l.split(S, -1, "c", "co", "ci", MR, halide::Tail::round_up);
  l.split(S, -1, "r", "ro", "ri", TV, halide::Tail::automatic);
  l.reorder(S, -1, {"ri", "ci", "ro", "co"});
  l.vectorize(S, -1, "ri", V);
  l.unroll(S, -1, "ri");
  l.unroll(S, -1, "ci");
  l.computeAt(acc, S, "ro");
  l.boundExtent(acc, "r", TV);
  l.boundExtent(acc, "c", MR);
  l.alignBounds(acc, "r", TV);
  l.alignBounds(acc, "c", MR);
  for (int stage : {-1, 0}) {
    if (stage == 0 && isUnrolled) {
      l.reorder(acc, 0, joined(pair, {"r", "c", "ki", "k"}));
      l.unroll(acc, 0, "ki");
    } else if (stage == 0) {
      l.reorder(acc, 0, joined(pair, {"r", "c", "k"}));
    }
    if (stage == 0 && paired) {
      l.atomic(acc, 0);
      l.vectorize(acc, 0, "kk");
    }
    l.vectorize(acc, stage, "r", V);
    l.unroll(acc, stage, "r");
    l.unroll(acc, stage, "c");
  }
  readWide(op.getResult(), S);
}

/// Wide definitions that memory holds: operands of sums, and what is dear and read twice.
bool BlockLowering::isStored(ComputeOp op) {
  unsigned readers = 0;
  bool isDear = false;
  op.walk([&](Operation *x) { isDear |= isa<math::MathDialect>(x->getDialect()) || isa<arith::DivFOp>(x); });
  for (Operation *user : op->getUsers()) {
    Kind kind = plan.members[user->getParentOp()].kind;
    if (kind == Kind::columnSum || kind == Kind::rowSum)
      return true;
    readers += kind == Kind::wide || kind == Kind::rowReduction;
  }
  return isDear && readers > 1;
}

void BlockLowering::lowerWide(ArrayRef<ComputeOp> group, StringRef name) {
  ComputeOp first = group[0];
  for (ComputeOp op : group) // members read each other through the value at hand
    l.readers[op->getResult(0)] = [op](Body &b, ArrayRef<Value> at) { return b.point(op, at).first; };
  l.func(name, {"r", "c"}, first.getLoc(), [&](Body &b, ArrayRef<Value> v) {
    SmallVector<Value> values, loops = loopsAt(b, first, v[0], v[1], {}, /*clampColumn=*/true);
    for (ComputeOp op : group) {
      Value value = b.point(op, loops).first;
      values.push_back(value.getType().isBF16() && !l.machine.hasPairs() ? b.widen(value) : value);
    }
    return values;
  });
  l.computeRoot(name);
  l.bound(name, "r", 0, TR);
  l.split(name, -1, "c", "co", "ci", strip, halide::Tail::guard);
  l.reorder(name, -1, {"r", "ci", "co"});
  l.vectorize(name, -1, "r", V);
  l.unroll(name, -1, "r");
  wides.push_back(name.str());
  for (auto [i, op] : llvm::enumerate(group))
    readWide(ComputeOp(op).getResult(), name, i);
}

void BlockLowering::lowerRowValue(ComputeOp op, StringRef name) {
  l.func(name, {"r"}, op.getLoc(),
         [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> { return {b.point(op, loopsAt(b, op, v[0], Value(), {})).first}; });
  l.computeRoot(name);
  l.bound(name, "r", 0, TR);
  l.vectorize(name, -1, "r", V);
  readRow(op, name);
}

void BlockLowering::lowerRowReduction(ComputeOp op, StringRef name) {
  Location loc = op.getLoc();
  Type type = op.getYield().getValue().getType();
  std::string part = (name + "_part").str();
  auto start = [&](Body &b) { return reducerIdentity(b, op.getReducer(), type); };
  l.func(part, {"r"}, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {start(b)}; });
  l.update(part, {"r"}, {"c"}, {count(plan.column)}, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    auto [value, filter] = b.point(op, loopsAt(b, op, v[0], r[0], {}));
    if (filter)
      value = arith::SelectOp::create(b.b, loc, filter, value, start(b));
    Lowering::Update u;
    u.values.push_back(reduceTwo(b, op.getReducer(), b.load(part, v, type), value));
    return u;
  });
  l.func(name, {"r"}, loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> { return {b.load(part, v, type)}; });
  l.computeRoot(name);
  l.bound(name, "r", 0, TR);
  l.split(name, -1, "r", "ro", "ri", TR, halide::Tail::automatic);
  l.vectorize(name, -1, "ri", V);
  l.unroll(name, -1, "ri");
  l.computeAt(part, name, "ro");
  l.bound(part, "r", 0, TR);
  l.vectorize(part, -1, "r", V);
  l.unroll(part, -1, "r");
  l.reorder(part, 0, {"r", "c"});
  l.vectorize(part, 0, "r", V);
  l.unroll(part, 0, "r");
  readRow(op, name);
}

//===-- the kernel --------------------------------------------------------===//

LogicalResult BlockLowering::ensure(ComputeOp op) {
  if (l.readers.count(op.getResult()) || l.places.count(op))
    return success();
  Kind kind = plan.members[op].kind;
  SmallVector<ComputeOp> group;
  if (kind == Kind::finish || (kind == Kind::wide && !isStored(op)))
    l.readers[op.getResult()] = [op](Body &b, ArrayRef<Value> at) mutable { return b.point(op, at).first; };
  else if (kind == Kind::wide)
    group = togetherWith(op);
  auto needs = [&](ComputeOp x) {
    for (ReadOp r : readsOf(x))
      if (auto d = r.getSource().getDefiningOp<ComputeOp>(); d && !llvm::is_contained(group, d) && failed(ensure(d)))
        return failure();
    return success();
  };
  for (ComputeOp x : group.empty() ? SmallVector<ComputeOp>{op} : group)
    if (failed(needs(x)))
      return failure();
  if (l.readers.count(op.getResult()))
    return success();
  std::string name = "f" + std::to_string(l.counter++);
  switch (kind) {
  case Kind::score:
    lowerScore(op, name);
    break;
  case Kind::wide:
    lowerWide(group, name);
    break;
  case Kind::rowReduction:
    lowerRowReduction(op, name);
    break;
  case Kind::rowValue:
    lowerRowValue(op, name);
    break;
  default:
    lowerSum(op, name);
    break;
  }
  return success();
}

/// Whether `op` needs `on` after a reduction: they cannot be one pass.
static bool reducesBetween(const BlockPlan &plan, Operation *op, Operation *on, bool reduced = false) {
  if (op == on)
    return reduced;
  for (ReadOp r : readsOf(op))
    if (Operation *d = r.getSource().getDefiningOp())
      if (reducesBetween(plan, d, on, reduced || plan.members.find(d)->second.kind == Kind::rowReduction))
        return true;
  return false;
}

/// Stored wide definitions that one pass makes with `op`.
SmallVector<ComputeOp> BlockLowering::togetherWith(ComputeOp op) {
  SmallVector<ComputeOp> group;
  for (auto &[other, member] : plan.members)
    if (member.kind == Kind::wide && isStored(cast<ComputeOp>(other)) && !l.readers.count(other->getResult(0)) &&
        !reducesBetween(plan, other, op) && !reducesBetween(plan, op, other))
      group.push_back(cast<ComputeOp>(other));
  return group;
}

LogicalResult BlockLowering::run() {
  if (TR % V)
    return l.kernel.emitError() << "expected a block of whole vectors of " << V << " rows, but got " << TR << " rows";
  chooseGrid();
  // Results that start from zero cannot lie where an argument is.
  if (plan.accumulates)
    l.kernel->setAttr("graph.inplace", DenseI32ArrayAttr::get(l.ctx, SmallVector<int32_t>(l.kernel.getNumResults(), -1)));
  for (Value v : l.kernel.getBody().front().getTerminator()->getOperands())
    if (failed(ensure(v.getDefiningOp<ComputeOp>())))
      return failure();
  // Scores that one pass reads once live in strips of columns, the others for the block.
  for (const std::string &s : scores) {
    auto reader = llvm::find_if(wides, [&](const std::string &w) { return l.isOnlyReader(w, s); });
    if (reader == wides.end()) {
      l.computeRoot(s);
    } else {
      l.computeAt(s, *reader, "co");
      l.boundExtent(s, "c", strip);
    }
  }
  return success();
}

} // namespace tintype::schedule
