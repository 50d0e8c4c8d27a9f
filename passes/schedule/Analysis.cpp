//===- Analysis.cpp - which loops a value reads, and contractions ---------===//
// y[m, n] = sum(k) a[m, k] * b[k, n] in any layout and with any scalar code on
// either side: the factors of the product fall into those that read the
// innermost loop of the result (b) and the others (a).
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

std::optional<int64_t> constantOf(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(canonicalDim(e)))
    return c.getValue();
  return {};
}

int64_t estimate(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return c.getValue();
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return 64;
  int64_t l = estimate(b.getLHS()), r = estimate(b.getRHS());
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return std::max<int64_t>(l + r, 1);
  case AffineExprKind::Mul:
    return l * r;
  case AffineExprKind::FloorDiv:
    return std::max<int64_t>(r ? l / r : l, 1);
  default:
    return r;
  }
}

static void markDims(AffineMap map, llvm::SmallBitVector &loops) {
  for (AffineExpr e : map.getResults())
    e.walk([&](AffineExpr x) {
      if (auto d = dyn_cast<AffineDimExpr>(x))
        loops.set(d.getPosition());
    });
}

llvm::SmallBitVector loopsOf(Value v, unsigned numLoops) {
  llvm::SmallBitVector loops(numLoops);
  DenseSet<Operation *> seen;
  SmallVector<Operation *> todo{v.getDefiningOp()};
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!op || !seen.insert(op).second)
      continue;
    if (auto map = op->getAttrOfType<AffineMapAttr>("map"))
      markDims(map.getValue(), loops);
    for (Value operand : op->getOperands())
      if (!isa<RankedTensorType>(operand.getType()))
        todo.push_back(operand.getDefiningOp());
  }
  return loops;
}

int innermostLoop(ReadOp read) {
  if (read.getMap().getNumResults() == 0)
    return -1;
  auto d = dyn_cast<AffineDimExpr>(read.getMap().getResults().back());
  return d ? (int)d.getPosition() : -1;
}

ReadOp readBehind(Value v) {
  if (auto wider = v.getDefiningOp<arith::ExtFOp>())
    v = wider.getIn();
  return v.getDefiningOp<ReadOp>();
}

/// The reads under `values`.
static SmallVector<ReadOp> readsUnder(ArrayRef<Value> values) {
  SmallVector<ReadOp> reads;
  DenseSet<Operation *> seen;
  SmallVector<Value> todo(values);
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (auto read = dyn_cast<ReadOp>(op))
      reads.push_back(read);
    for (Value operand : op->getOperands())
      if (!isa<RankedTensorType>(operand.getType()))
        todo.push_back(operand);
  }
  return reads;
}

Value roundedOf(Value factor) {
  auto wider = factor.getDefiningOp<arith::ExtFOp>();
  return wider && wider.getIn().getType().isBF16() ? wider.getIn() : Value();
}
bool areRounded(ArrayRef<Value> a, ArrayRef<Value> b) { return a.size() == 1 && b.size() == 1 && roundedOf(a[0]) && roundedOf(b[0]); }

std::optional<Contraction> matchContraction(ComputeOp op) {
  unsigned parallel = op.getNumParallel(), loops = op.getNumLoops();
  YieldOp yield = op.getYield();
  if (op.getReducer() != Reducer::sum || yield.getFilter() || parallel < 2 || !yield.getValue().getType().isF32())
    return {};
  Contraction c;
  c.n = parallel - 1;
  c.inA.resize(loops);
  c.inB.resize(loops);
  SmallVector<Value> factors;
  factorsOf(yield.getValue(), factors);
  for (Value f : factors) {
    auto l = loopsOf(f, loops);
    (l[c.n] ? c.b : c.a).push_back(f);
    (l[c.n] ? c.inB : c.inA) |= l;
  }
  if (c.a.empty() || c.b.empty())
    return {};
  // m: the innermost parallel loop that only A reads, the larger the better.
  int m = -1;
  for (unsigned i = 0; i < c.n; ++i)
    if (c.inA[i] && !c.inB[i] && (m < 0 || estimate(op.getOver()[i]) >= std::min<int64_t>(64, estimate(op.getOver()[m]))))
      m = i;
  if (m < 0 || constantOf(op.getOver()[m]) == 1 || estimate(op.getOver()[c.n]) < 8)
    return {};
  // A factor of neither n nor a summed loop alone would make A a row of constants; such sums are cheap anyway.
  llvm::SmallBitVector summed(loops);
  summed.set(parallel, loops);
  if (!c.inA.anyCommon(summed) || !c.inB.anyCommon(summed))
    return {};
  c.m = m;
  for (unsigned i = 0; i < c.n; ++i)
    if (i != c.m)
      c.rest.push_back(i);
  int k = loops - 1;
  for (ReadOp r : readsUnder(c.a)) {
    c.aAlongK |= innermostLoop(r) == k;
    c.aAlongM |= innermostLoop(r) == (int)c.m;
  }
  for (ReadOp r : readsUnder(c.b)) {
    c.bAlongK |= innermostLoop(r) == k;
    c.bAlongN |= innermostLoop(r) == (int)c.n;
  }
  c.isRounded = areRounded(c.a, c.b);
  ReadOp read = readBehind(c.a[0]);
  c.plainA =
      c.a.size() == 1 && read && read.getSymbols().empty() && !read.getGuarded() && innermostLoop(read) == k && loops - parallel == 1;
  return c;
}

} // namespace tintype::schedule
