//===- FormKernels.cpp - definitions cluster into kernels -----------------===//
//   %z = graph.compute sum ..          ->  .. {graph.group = 0 : i32}
//   %y = graph.compute none { z + b }      .. {graph.group = 0 : i32}
// Greedy in program order: a definition joins what it reads, latest first, then
// definitions that read the same tensor in the same way. Test:
// test/passes/fusion/form-kernels.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Clusters.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHFORMKERNELS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// Definitions that `op` reads, latest first.
static SmallVector<Operation *> producersOf(Operation *op) {
  llvm::SmallSetVector<Operation *, 4> producers;
  for (Value v : inputsOf(op))
    if (Operation *def = v.getDefiningOp(); def && isDefinition(def))
      producers.insert(def);
  SmallVector<Operation *> sorted(producers.begin(), producers.end());
  llvm::sort(sorted, [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
  return sorted;
}

/// A definition that reads nothing costs its write alone: it joins the latest
/// pointwise definition over its points.
static SmallVector<Operation *> hostsOfFill(Operation *op) {
  for (Operation *other = op->getPrevNode(); other; other = other->getPrevNode())
    if (isDefinition(other) && isPointwise(other) && extentsOf(other) == extentsOf(op))
      return {other};
  return {};
}

/// Definitions before `op`, of its kind and loops, that read a tensor of its
/// size at the same indices: together they read it once.
static SmallVector<Operation *> siblingsOf(Operation *op) {
  llvm::SmallSetVector<Operation *, 4> siblings;
  SmallVector<AffineExpr> extents = extentsOf(op);
  if (isContraction(op) || isa<ScatterOp>(op))
    return {};
  if (isPointwise(op) && inputsOf(op).empty())
    return hostsOfFill(op);
  for (ReadOp read : readsOf(op)) {
    if (dimsIn(read.getMap()).count() != extents.size())
      continue;
    for (Operation *user : read.getSource().getUsers()) {
      auto other = dyn_cast<ReadOp>(user);
      Operation *def = other ? other->getParentOp() : nullptr;
      if (def && def != op && def->isBeforeInBlock(op) && isPointwise(def) == isPointwise(op) && !isContraction(def) &&
          isa<ComputeOp>(def) && other.getMap() == read.getMap() && extentsOf(def) == extents)
        siblings.insert(def);
    }
  }
  return siblings.takeVector();
}

namespace {
struct FormKernels : public tintype::fusion::impl::GraphFormKernelsBase<FormKernels> {
  using GraphFormKernelsBase::GraphFormKernelsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    RowSection section = findRowSection(func);
    if (section) {
      splitPicks(func, section);
      section = findRowSection(func);
    }
    Clusters clusters(func.getBody().front(), keepInCache, section);
    for (Operation &op : func.getBody().front())
      if (isDefinition(&op)) {
        for (Operation *producer : producersOf(&op))
          join(clusters, producer, &op, "reads");
        for (Operation *sibling : siblingsOf(&op))
          join(clusters, sibling, &op, "reads the same as");
      }
    clusters.writeBack();
  }

  void join(Clusters &clusters, Operation *first, Operation *op, StringRef relation) {
    unsigned a = clusters.clusterOf(first), b = clusters.clusterOf(op);
    if (a == b)
      return;
    std::string reason = clusters.merge(a, b);
    numJoined += reason.empty();
    if (!op->getContext()->getRemarkEngine())
      return;
    auto options =
        remark::RemarkOpts::name(reason.empty() ? "fused" : "not fused").category(getArgument()).function(getOperation().getName());
    std::string other = labelOf(first->getLoc()), bytes = bytesText(first->getResult(0).getType());
    if (reason.empty())
      remark::passed(op->getLoc(), options) << remark::add("fused: {0} {1}, {2} bytes", relation.str(), other, bytes)
                                            << remark::metric("bytes", bytes);
    else
      remark::missed(op->getLoc(), options) << remark::add("not fused: {0} {1}, but {2}", relation.str(), other, reason)
                                            << remark::metric("bytes", bytes);
  }
};
} // namespace
