//===- ReuseValues.cpp - read what is in memory anyway --------------------===//
//   %dh = compute none { dy[d0, d1] * act[d0, d1] }     (an operand of contractions)
//   %db = compute sum  { dy[d1, d0] * act[d1, d0] }  ->  { dh[d1, d0] }
// Two definitions need not have equal loops: what one reads at the identity says
// at which place of it the other stands. Test: test/passes/fusion/reuse-values.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHREUSEVALUES
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// Whether the value of `op` is in memory whatever becomes of other readers.
static bool isKept(ComputeOp op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    auto read = dyn_cast<ReadOp>(user);
    return !read || isContraction(read->getParentOp());
  });
}

/// The scalar of `read`'s body that equals `producer` at the place that `read`
/// reads; null when there is none.
static Value findValue(ComputeOp producer, ReadOp read) {
  Block &body = *read->getBlock();
  SmallVector<Operation *> known, trial;
  for (Operation &op : body.without_terminator())
    known.push_back(&op);
  OpBuilder b(body.getTerminator());
  Value value = copyBody(b, producer, read);
  for (auto it = std::next(known.back()->getIterator()); &*it != body.getTerminator(); ++it)
    trial.push_back(&*it);
  llvm::DenseMap<Value, Value> same;
  for (Operation *op : trial) {
    for (OpOperand &operand : op->getOpOperands())
      if (Value v = same.lookup(operand.get()))
        operand.set(v);
    for (Operation *k : known)
      if (OperationEquivalence::isEquivalentTo(k, op, OperationEquivalence::IgnoreLocations)) {
        same[op->getResult(0)] = k->getResult(0);
        break;
      }
  }
  Value found = same.lookup(value);
  for (Operation *op : llvm::reverse(trial))
    op->erase();
  return found;
}

/// Pointwise definitions before `op` that read `source` at the identity, compute
/// something from it and stay in memory.
static SmallVector<ComputeOp> candidates(Value source, Operation *op) {
  SmallVector<ComputeOp> found;
  for (Operation *user : source.getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    auto def = read ? dyn_cast<ComputeOp>(read->getParentOp()) : ComputeOp();
    if (def && def != op && isPointwise(def) && isIdentityRead(read) && def->isBeforeInBlock(op) && !llvm::is_contained(found, def)) {
      BodyCost cost = costOf(def);
      if (cost.ops + cost.heavy && isKept(def))
        found.push_back(def);
    }
  }
  return found;
}

namespace {
struct ReuseValues : public tintype::fusion::impl::GraphReuseValuesBase<ReuseValues> {
  using GraphReuseValuesBase::GraphReuseValuesBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    for (auto op : func.getOps<ComputeOp>())
      if (!isContraction(op))
        while (reuseIn(op))
          ;
    eraseDead(func);
  }

  /// Replaces one expression; returns whether there was one.
  bool reuseIn(ComputeOp op) {
    for (ReadOp read : readsOf(op)) {
      if (read.getGuarded() || !read.getSymbols().empty())
        continue;
      for (ComputeOp producer : candidates(read.getSource(), op)) {
        if (op->hasAttr(againAttr) && !producer->hasAttr(againAttr))
          continue; // it is there so that the other need not be kept
        Value value = findValue(producer, read);
        if (!value)
          continue;
        OpBuilder b(value.getDefiningOp());
        value.replaceAllUsesWith(ReadOp::create(b, value.getLoc(), producer, read.getMap()));
        simplifyBody(op);
        ++numReused;
        remark::passed(op.getLoc(), remark::RemarkOpts::name("reused").category(getArgument()).function(getOperation().getName()))
            << remark::add("reused: reads {0} instead of {1} tensors", labelOf(producer.getLoc()), costOf(producer).reads)
            << remark::metric("tensors", costOf(producer).reads);
        return true;
      }
    }
    return false;
  }
};
} // namespace
