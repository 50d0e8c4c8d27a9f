//===- BlockPrepare.cpp - bodies as a block computes them cheapest --------===//
//   p[r, c] = f ? exp(f ? s - m[r] : 0) / l[r] : 0          o[r, e] = sum(c) p * v
//   l[r] = sum(c if f) exp(f ? s - m[r] : 0)
// becomes
//   p[r, c] = f ? exp(s - m'[r]) : 0         l[r] = sum(c) p[r, c]
//   o'[r, e] = sum(c) p * v                  o[r, e] = o' * (1 / l[r])
// Test: test/passes/schedule/block-kernel.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "passes/schedule/BlockKernel.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {
namespace {

/// `value` where `condition` (or null) holds, else 0.
struct Filtered {
  Value condition, value;
};

class Preparer {
public:
  Preparer(func::FuncOp kernel, const BlockPlan &plan) : kernel(kernel), plan(plan), ctx(kernel.getContext()) {}
  void run();

private:
  Filtered split(Value v);
  Value assume(Value v, Value condition);
  std::string key(Value v);
  bool isOfRow(ComputeOp wide, Value v);
  std::pair<Value, Value> splitFactor(ComputeOp wide, Value v);
  ComputeOp makeRowValue(ComputeOp wide, Value v);
  void filterOnce(ComputeOp wide);
  void pullFactor(ComputeOp wide);
  void hoistRows(ComputeOp wide);
  void sumWhatIsThere(ComputeOp reduction);
  SmallVector<ComputeOp> membersOf(Kind kind);

  func::FuncOp kernel;
  const BlockPlan &plan;
  MLIRContext *ctx;
};
} // namespace

SmallVector<ComputeOp> Preparer::membersOf(Kind kind) {
  SmallVector<ComputeOp> r;
  for (auto op : kernel.getBody().front().getOps<ComputeOp>())
    if (auto it = plan.members.find(op); it != plan.members.end() && it->second.kind == kind)
      r.push_back(op);
  return r;
}

/// `v` where `condition` is known to hold.
Value Preparer::assume(Value v, Value condition) {
  Operation *def = v.getDefiningOp();
  if (auto s = dyn_cast<arith::SelectOp>(def); s && s.getCondition() == condition)
    return assume(s.getTrueValue(), condition);
  if (!isa<arith::ArithDialect, math::MathDialect>(def->getDialect()))
    return v;
  IRMapping map;
  bool changed = false;
  for (Value operand : def->getOperands()) {
    Value x = assume(operand, condition);
    changed |= x != operand;
    map.map(operand, x);
  }
  return changed ? OpBuilder(def).clone(*def, map)->getResult(0) : v;
}

Filtered Preparer::split(Value v) {
  Operation *def = v.getDefiningOp();
  OpBuilder b(def);
  if (auto s = dyn_cast<arith::SelectOp>(def); s && matchPattern(s.getFalseValue(), m_AnyZeroFloat())) {
    Filtered f = split(assume(s.getTrueValue(), s.getCondition()));
    if (f.condition && f.condition != s.getCondition())
      f.condition = arith::AndIOp::create(b, v.getLoc(), s.getCondition(), f.condition);
    return {s.getCondition(), f.value};
  }
  auto rebuilt = [&](Value condition, Value lhs, Value rhs) -> Filtered {
    IRMapping map;
    map.map(def->getOperand(0), lhs);
    Operation *copy = b.clone(*def);
    copy->setOperand(0, lhs);
    if (rhs)
      copy->setOperand(1, rhs);
    return {condition, copy->getResult(0)};
  };
  if (isa<arith::NegFOp, arith::DivFOp, arith::ExtFOp, arith::TruncFOp>(def)) {
    Filtered f = split(def->getOperand(0));
    if (f.condition)
      return rebuilt(f.condition, f.value, def->getNumOperands() > 1 ? def->getOperand(1) : Value());
  }
  if (isa<arith::MulFOp, arith::AddFOp, arith::SubFOp>(def)) {
    Filtered l = split(def->getOperand(0)), r = split(def->getOperand(1));
    bool isSame = l.condition && l.condition == r.condition;
    if (isSame)
      return rebuilt(l.condition, l.value, r.value);
    if (isa<arith::MulFOp>(def) && l.condition && !r.condition)
      return rebuilt(l.condition, l.value, assume(r.value, l.condition));
    if (isa<arith::MulFOp>(def) && r.condition && !l.condition)
      return rebuilt(r.condition, assume(l.value, r.condition), r.value);
  }
  return {Value(), v};
}

void Preparer::filterOnce(ComputeOp wide) {
  YieldOp yield = wide.getYield();
  Filtered f = split(yield.getValue());
  if (!f.condition)
    return;
  OpBuilder b(yield);
  Value zero = arith::ConstantOp::create(b, yield.getLoc(), b.getZeroAttr(f.value.getType()));
  Value condition = f.condition;
  yield.getValueMutable().assign(arith::SelectOp::create(b, yield.getLoc(), condition, f.value, zero));
}

/// Whether `v` is a float that all columns of a row share.
bool Preparer::isOfRow(ComputeOp wide, Value v) {
  return v.getType().isF32() && !v.getDefiningOp<arith::ConstantOp>() && !loopsOf(v, wide.getNumLoops())[plan.column];
}

/// `v` as (the first) * (the second, of the row or null).
std::pair<Value, Value> Preparer::splitFactor(ComputeOp wide, Value v) {
  Operation *def = v.getDefiningOp();
  if (!isa<arith::MulFOp, arith::DivFOp>(def))
    return {v, Value()};
  OpBuilder b(def);
  Value l = def->getOperand(0), r = def->getOperand(1);
  if (isa<arith::MulFOp>(def) && isOfRow(wide, l))
    std::swap(l, r);
  auto [inner, factor] = splitFactor(wide, l);
  if (!isOfRow(wide, r)) {
    if (!factor)
      return {v, Value()};
    Operation *copy = b.clone(*def);
    copy->setOperand(0, inner);
    copy->setOperand(1, r);
    return {copy->getResult(0), factor};
  }
  if (isa<arith::DivFOp>(def)) {
    Value one = arith::ConstantOp::create(b, v.getLoc(), b.getF32FloatAttr(1));
    r = arith::DivFOp::create(b, v.getLoc(), one, r);
  }
  return {inner, factor ? Value(arith::MulFOp::create(b, v.getLoc(), factor, r)) : r};
}

/// A definition of `v`, which the body of `wide` computes, over the rows alone.
ComputeOp Preparer::makeRowValue(ComputeOp wide, Value v) {
  llvm::SetVector<Operation *> slice;
  SmallVector<Operation *> todo{v.getDefiningOp()};
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (op->getBlock() != wide.getBlock() || !slice.insert(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *d = operand.getDefiningOp())
        todo.push_back(d);
  }
  SmallVector<Operation *> sorted(slice.begin(), slice.end());
  llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  SmallVector<AffineExpr> over, loops;
  for (auto [i, e] : llvm::enumerate(plan.dims)) {
    loops.push_back(getAffineDimExpr(over.size(), ctx));
    if (i == plan.column)
      loops.back() = getAffineConstantExpr(0, ctx);
    else
      over.push_back(e);
  }
  OpBuilder b(wide);
  return buildCompute(b, v.getLoc(), Reducer::none, over, {}, v.getType(), [&](OpBuilder &body) {
    IRMapping mapping;
    for (Operation *op : sorted) {
      Operation *copy = body.clone(*op, mapping);
      if (auto map = copy->getAttrOfType<AffineMapAttr>("map")) {
        AffineMap m = map.getValue();
        SmallVector<AffineExpr> results;
        for (AffineExpr e : m.getResults())
          results.push_back(e.replaceDims(loops));
        copy->setAttr("map", AffineMapAttr::get(AffineMap::get(over.size(), m.getNumSymbols(), results, ctx)));
      }
    }
    return std::make_pair(mapping.lookup(v), Value());
  });
}

/// Reads a value of rows where the loop of dim p is `loopOf(p)`.
static AffineMap rowMap(const BlockPlan &plan, unsigned loops, llvm::function_ref<unsigned(unsigned)> loopOf, MLIRContext *ctx) {
  SmallVector<AffineExpr> results;
  for (unsigned p = 0; p < plan.dims.size(); ++p)
    if (p != plan.column)
      results.push_back(getAffineDimExpr(loopOf(p), ctx));
  return AffineMap::get(loops, 0, results, ctx);
}

/// A factor of the row leaves the sums over columns that read `wide`, if nothing else reads it.
void Preparer::pullFactor(ComputeOp wide) {
  SmallVector<ComputeOp> sums;
  for (Operation *user : wide->getUsers()) {
    auto sum = dyn_cast<ComputeOp>(user->getParentOp());
    auto it = sum ? plan.members.find(sum) : plan.members.end();
    if (it == plan.members.end() || it->second.kind != Kind::columnSum)
      return;
    sums.push_back(sum);
  }
  YieldOp yield = wide.getYield();
  auto select = yield.getValue().getDefiningOp<arith::SelectOp>();
  Value whole = select ? select.getTrueValue() : yield.getValue();
  if (select && !matchPattern(select.getFalseValue(), m_AnyZeroFloat()))
    return;
  auto [inner, factor] = splitFactor(wide, whole);
  if (!factor)
    return;
  ComputeOp row = makeRowValue(wide, factor);
  if (select)
    select.getTrueValueMutable().assign(inner);
  else
    yield.getValueMutable().assign(inner);
  for (ComputeOp sum : sums) {
    OpBuilder b(sum->getBlock(), std::next(sum->getIterator()));
    unsigned rank = sum.getNumParallel();
    auto scaled = buildCompute(b, sum.getLoc(), Reducer::none, sum.getOver().getExprs(), {}, factor.getType(), [&](OpBuilder &body) {
      Value x = ReadOp::create(body, sum.getLoc(), sum.getResult(), AffineMap::getMultiDimIdentityMap(rank, ctx));
      Value f =
          ReadOp::create(body, sum.getLoc(), row.getResult(), rowMap(plan, rank, [&](unsigned p) { return plan.loopOf(sum, p); }, ctx));
      return std::make_pair(Value(arith::MulFOp::create(body, sum.getLoc(), x, f)), Value());
    });
    sum.getResult().replaceUsesWithIf(scaled.getResult(), [&](OpOperand &use) { return use.getOwner()->getParentOp() != scaled; });
  }
}

/// Floats of the row become definitions; divisions by them products.
void Preparer::hoistRows(ComputeOp wide) {
  unsigned loops = wide.getNumLoops();
  wide.walk([&](arith::DivFOp op) {
    if (!isOfRow(wide, op.getRhs()) || isOfRow(wide, op.getResult()))
      return;
    OpBuilder b(op);
    Value one = arith::ConstantOp::create(b, op.getLoc(), b.getF32FloatAttr(1));
    Value r = arith::DivFOp::create(b, op.getLoc(), one, op.getRhs());
    op.replaceAllUsesWith(arith::MulFOp::create(b, op.getLoc(), op.getLhs(), r).getResult());
    op.erase();
  });
  llvm::SetVector<Value> rows;
  SmallVector<Operation *> todo{wide.getYield()};
  DenseSet<Operation *> seen;
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!seen.insert(op).second)
      continue;
    for (Value v : op->getOperands()) {
      Operation *def = v.getDefiningOp();
      if (!def || def->getBlock() != wide.getBlock())
        continue;
      if (isOfRow(wide, v))
        rows.insert(v);
      else
        todo.push_back(def);
    }
  }
  for (Value v : rows) {
    if (auto read = v.getDefiningOp<ReadOp>())
      if (Operation *d = read.getSource().getDefiningOp(); d && plan.members.count(d))
        continue;
    ComputeOp row = makeRowValue(wide, v);
    OpBuilder b(v.getDefiningOp());
    v.replaceAllUsesWith(ReadOp::create(b, v.getLoc(), row.getResult(), rowMap(plan, loops, [](unsigned p) { return p; }, ctx)));
  }
}

/// Text of a scalar in terms of dims of the wide tensors; wide definitions are seen through.
std::string Preparer::key(Value v) {
  Operation *def = v.getDefiningOp();
  if (auto stop = dyn_cast<StopOp>(def))
    return key(stop.getValue());
  auto compute = cast<ComputeOp>(def->getParentOp());
  if (auto read = dyn_cast<ReadOp>(def); read && plan.isWide(read.getSource()))
    if (auto source = read.getSource().getDefiningOp<ComputeOp>(); !source.isReduction())
      return key(source.getYield().getValue());
  std::string text = def->getName().getStringRef().str() + "(";
  llvm::raw_string_ostream os(text);
  if (auto map = def->getAttrOfType<AffineMapAttr>("map")) {
    SmallVector<AffineExpr> dims;
    for (int role : plan.members.find(compute)->second.roles)
      dims.push_back(getAffineDimExpr(role < 0 ? 99 : role, ctx));
    for (AffineExpr e : map.getValue().getResults())
      os << e.replaceDims(dims) << ",";
  }
  for (NamedAttribute a : def->getAttrs())
    if (a.getName() != "map")
      os << a.getName() << "=" << a.getValue() << ",";
  for (Value operand : def->getOperands()) {
    if (isa<RankedTensorType>(operand.getType()))
      os << operand.getAsOpaquePointer() << ",";
    else
      os << key(operand) << ",";
  }
  os << ")";
  return text;
}

/// A filtered sum over columns of what some wide definition holds, 0 elsewhere, reads it there.
void Preparer::sumWhatIsThere(ComputeOp reduction) {
  YieldOp yield = reduction.getYield();
  if (reduction.getReducer() != Reducer::sum || !yield.getFilter() || !yield.getValue().getType().isF32())
    return;
  OpBuilder b(yield);
  SmallVector<int> roles = plan.members.find(reduction)->second.roles;
  // What it adds, in the form of the others: the filter outermost and once.
  Value value = assume(yield.getValue(), yield.getFilter());
  std::string condition = key(yield.getFilter()), term = key(value);
  for (ComputeOp wide : membersOf(Kind::wide)) {
    auto select = wide.getYield().getValue().getDefiningOp<arith::SelectOp>();
    if (!select || !matchPattern(select.getFalseValue(), m_AnyZeroFloat()) || key(select.getCondition()) != condition)
      continue;
    std::string there = key(select.getTrueValue());
    // A shared term may keep a filter of its own inside.
    if (there != term && key(yield.getValue()) != there)
      continue;
    // It must stand before the sum.
    for (ReadOp read : readsOf(wide))
      if (Operation *d = read.getSource().getDefiningOp(); d && !d->isBeforeInBlock(reduction))
        return;
    if (!wide->isBeforeInBlock(reduction))
      wide->moveBefore(reduction);
    SmallVector<AffineExpr> at;
    for (unsigned p = 0; p < plan.dims.size(); ++p)
      at.push_back(getAffineDimExpr(llvm::find(roles, (int)p) - roles.begin(), ctx));
    Value read = ReadOp::create(b, yield.getLoc(), wide.getResult(), AffineMap::get(roles.size(), 0, at, ctx));
    YieldOp::create(b, yield.getLoc(), read, Value());
    yield.erase();
    return;
  }
}

/// Erases scalars of `definition` that nothing uses.
static void eraseDeadScalars(ComputeOp definition) {
  SmallVector<Operation *> ops;
  for (Operation &op : definition.getBlock()->without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (op->use_empty())
      op->erase();
}

void Preparer::run() {
  for (ComputeOp wide : membersOf(Kind::wide))
    filterOnce(wide);
  if (!plan.accumulates)
    for (ComputeOp wide : membersOf(Kind::wide))
      pullFactor(wide);
  for (ComputeOp wide : membersOf(Kind::wide))
    eraseDeadScalars(wide);
  for (ComputeOp reduction : membersOf(Kind::rowReduction))
    sumWhatIsThere(reduction);
  for (ComputeOp wide : membersOf(Kind::wide))
    hoistRows(wide);
  for (ComputeOp wide : membersOf(Kind::wide))
    eraseDeadScalars(wide);
  // What nothing reads any more.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(kernel.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

void shareEqualOps(func::FuncOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  DominanceInfo dominance(kernel);
  eliminateCommonSubExpressions(rewriter, dominance, kernel);
}

void prepareBlockKernel(func::FuncOp kernel, const BlockPlan &plan) {
  Preparer(kernel, plan).run();
  shareEqualOps(kernel);
}

} // namespace tintype::schedule
