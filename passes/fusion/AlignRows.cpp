//===- AlignRows.cpp - one order of rows from scores to what they weigh ---===//
//   s[b, h, t, j] = sum(e) q[b, t, h, e] * k[b, j, h, e]
//   p[b, h, t, j] = exp(s[b, h, t, j] - m[b, h, t])
//   o[b, t, h, e] = sum(j) p[b, h, t, j] * v[b, j, h, e]
// becomes, only the order of dims changed,
//   s[b, t, h, j], p[b, t, h, j] = exp(s[b, t, h, j] - m[b, t, h]), o as it was,
// so that all of it ranges over the rows (b, t, h) and can be one kernel, in which
// the tensor of quadratic size never leaves the cache. Test:
// test/passes/fusion/align-rows.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHALIGNROWS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

using Order = SmallVector<unsigned>;

/// Rows: the number of leading dims that a reduction of a quadratic tensor keeps; 0 for other ops.
static unsigned rowsOf(ComputeOp op) {
  if (!op.isReduction() || isContraction(op))
    return 0;
  for (ReadOp read : readsOf(op))
    if (isQuadratic(read.getSource()) && numLeadingDims(read.getMap()) >= op.getNumParallel())
      return op.getNumParallel();
  return 0;
}

/// Whether `op` ranges over rows with these extents, and is or reads a row of quadratic size.
static bool isMember(Operation *op, ArrayRef<AffineExpr> rows) {
  auto compute = dyn_cast_or_null<ComputeOp>(op);
  if (!compute || compute.getNumParallel() < rows.size() || !llvm::equal(compute.getOver().getExprs().take_front(rows.size()), rows))
    return false;
  // A contraction belongs to the rows that it makes, not to those that it sums.
  return isContraction(op) ? isQuadratic(compute.getResult()) : isQuadratic(compute.getResult()) || compute.getNumParallel() == rows.size();
}

/// The definitions that are connected with `seed` by reads in the same row.
static llvm::SetVector<Operation *> componentOf(ComputeOp seed, ArrayRef<AffineExpr> rows) {
  llvm::SetVector<Operation *> component;
  SmallVector<Operation *> todo = {seed};
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!component.insert(op))
      continue;
    for (ReadOp read : readsOf(op))
      if (numLeadingDims(read.getMap()) >= rows.size() && isMember(read.getSource().getDefiningOp(), rows))
        todo.push_back(read.getSource().getDefiningOp());
    for (Operation *user : op->getUsers())
      if (auto read = dyn_cast<ReadOp>(user))
        if (numLeadingDims(read.getMap()) >= rows.size() && isMember(read->getParentOp(), rows))
          todo.push_back(read->getParentOp());
  }
  return component;
}

/// The order in which a contraction over the rest of the dims wants the rows of
/// `source`; empty when it sums over rows or wants them as they are.
static Order orderWantedBy(ReadOp read, unsigned rows) {
  auto op = dyn_cast<ComputeOp>(read->getParentOp());
  if (!op || !isContraction(op))
    return {};
  SmallVector<std::pair<unsigned, unsigned>> places; // loop of the contraction, dim of the source
  for (auto [i, e] : llvm::enumerate(read.getMap().getResults())) {
    auto d = dyn_cast<AffineDimExpr>(e);
    bool isRow = d && d.getPosition() < op.getNumParallel();
    if (isRow != (i < rows))
      return {};
    if (isRow)
      places.push_back({d.getPosition(), i});
  }
  llvm::sort(places);
  Order order;
  for (auto [i, place] : llvm::enumerate(places)) {
    if (place.first != i)
      return {};
    order.push_back(place.second);
  }
  return llvm::is_sorted(order) ? Order() : order;
}

/// Puts the leading dims of the result and loops of `op` in the order `order`;
/// readers follow.
static void permute(ComputeOp op, ArrayRef<unsigned> order) {
  MLIRContext *ctx = op.getContext();
  auto permuted = [&](ArrayRef<AffineExpr> exprs) {
    SmallVector<AffineExpr> result(exprs);
    for (auto [i, from] : llvm::enumerate(order))
      result[i] = exprs[from];
    return result;
  };
  SmallVector<AffineExpr> renamed;
  for (unsigned i = 0; i < op.getNumLoops(); ++i)
    renamed.push_back(getAffineDimExpr(i, ctx));
  for (auto [i, from] : llvm::enumerate(order))
    renamed[from] = getAffineDimExpr(i, ctx);
  for (Operation &inner : *op.getBlock())
    if (auto map = inner.getAttrOfType<AffineMapAttr>("map"))
      inner.setAttr(
          "map", AffineMapAttr::get(map.getValue().replaceDimsAndSymbols(renamed, {}, op.getNumLoops(), map.getValue().getNumSymbols())));
  op.setOverAttr(DimsAttr::get(ctx, permuted(op.getOver().getExprs())));
  op.getResult().setType(tensorOf(op.getOver().getExprs(), cast<RankedTensorType>(op.getType()).getElementType()));
  for (Operation *user : op->getUsers()) {
    auto read = cast<ReadOp>(user);
    AffineMap map = read.getMap();
    read.setMap(AffineMap::get(map.getNumDims(), map.getNumSymbols(), permuted(map.getResults()), ctx));
  }
}

namespace {
struct AlignRows : public tintype::fusion::impl::GraphAlignRowsBase<AlignRows> {
  using GraphAlignRowsBase::GraphAlignRowsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    llvm::SmallPtrSet<Operation *, 16> done;
    for (auto op : func.getOps<ComputeOp>())
      if (unsigned rows = rowsOf(op); rows > 1 && !done.contains(op)) {
        auto component = componentOf(op, ArrayRef(op.getOver().getExprs()).take_front(rows));
        done.insert(component.begin(), component.end());
        align(component.getArrayRef(), rows);
      }
  }

  void align(ArrayRef<Operation *> component, unsigned rows) {
    Order order;
    for (Operation *op : component)
      for (Operation *user : op->getUsers()) {
        auto read = dyn_cast<ReadOp>(user);
        if (!read)
          return; // its dims are seen from outside
        if (order.empty() && isQuadratic(op->getResult(0)))
          order = orderWantedBy(read, rows);
      }
    if (order.empty())
      return;
    for (Operation *op : component)
      permute(cast<ComputeOp>(op), order);
    numAligned += component.size();
    remark::passed(component.front()->getLoc(),
                   remark::RemarkOpts::name("aligned").category(getArgument()).function(getOperation().getName()))
        << remark::add("aligned: {0} definitions have the rows of what reads them", component.size())
        << remark::metric("definitions", component.size());
  }
};
} // namespace
