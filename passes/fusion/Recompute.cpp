//===- Recompute.cpp - large tensors are made again, not kept -------------===//
//   %s = compute sum over <B, T, T> { q * k }      (forward)
//   %m = compute max over <B, T> { s }
//   ..
//   %d = compute .. { dy * exp(s - m) }            (after the loss)
// becomes, after the loss,
//   %t = compute sum over <B, T, T> { q * k } {graph.again}
//   %d = compute .. { dy * exp(t - m) }
// so that what lies in memory from forward to backward grows with the sequence,
// not with its square. Test: test/passes/fusion/recompute.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "passes/fusion/RowSection.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHRECOMPUTE
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

namespace {
struct Recompute : public tintype::fusion::impl::GraphRecomputeBase<Recompute> {
  using GraphRecomputeBase::GraphRecomputeBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func) || !(loss = lossOf(func)))
      return;
    again.clear();
    RowSection section = findRowSection(func); // runs right behind the loss: what it reads is still there
    for (Operation *op = loss->getNextNode(); op; op = op->getNextNode()) {
      if (section.members.contains(op))
        continue;
      SmallVector<Value> inputs(op->getOperands());
      if (isDefinition(op))
        inputs = inputsOf(op);
      for (Value input : inputs)
        if (isKeptForBackward(input)) {
          Value made = makeAgain(input, op);
          op->walk([&](Operation *inner) { inner->replaceUsesOfWith(input, made); });
        }
    }
    eraseDead(func);
  }

  bool isKeptForBackward(Value v) {
    Operation *def = v.getDefiningOp();
    if (!def || !def->isBeforeInBlock(loss))
      return false;
    return ((isDefinition(def) || isa<ReshapeOp>(def)) && isQuadratic(v)) || isCheapOfKept(def);
  }

  /// A few additions and products for each element of tensors that the backward pass reads anyway: they join
  /// a kernel that has these in registers, and no tensor lives through the whole step.
  bool isCheapOfKept(Operation *def) {
    auto compute = dyn_cast<ComputeOp>(def);
    if (!compute || !isPointwise(def) || isSmall(compute))
      return false;
    BodyCost cost = costOf(def);
    if (cost.gathers || cost.draws || cost.divides || cost.wide == 0 || (cost.heavy && !(cost.heavy == 1 && readByLongProducts(def))))
      return false;
    return llvm::all_of(inputsOf(def), [&](Value input) {
      Operation *source = input.getDefiningOp();
      return !source || isa<ParamOp>(source) || llvm::any_of(input.getUsers(), [&](Operation *user) {
        return loss->isBeforeInBlock(user->getBlock() == loss->getBlock() ? user : user->getParentOp());
      });
    });
  }

  /// A page or less, whatever the batch: the state of a random number, a table of scales.
  static bool isSmall(ComputeOp op) {
    int64_t elements = 1;
    for (AffineExpr e : op.getOver().getExprs())
      if (auto n = constantOf(e); !n || (elements *= std::max<int64_t>(*n, 1)) > 1024)
        return false;
    return true;
  }

  /// Whether all that the backward pass does with `def` are products that multiply each of its elements with
  /// at least 512 others: beside these a function of one of them takes a few hundredths of the time.
  bool readByLongProducts(Operation *def) {
    bool isRead = false;
    for (Operation *user : def->getUsers()) {
      auto read = dyn_cast<ReadOp>(user);
      Operation *op = read ? read->getParentOp() : user;
      if (!loss->isBeforeInBlock(op))
        continue;
      auto compute = dyn_cast<ComputeOp>(op);
      if (!read || !compute || !isContraction(op))
        return false;
      int64_t others = 1;
      for (unsigned i = 0; i < compute.getNumParallel(); ++i)
        if (auto n = dyn_cast<AffineConstantExpr>(compute.getOver()[i]); n && !read.getMap().isFunctionOfDim(i))
          others *= n.getValue();
      if (others < 512)
        return false;
      isRead = true;
    }
    return isRead;
  }

  /// `v` computed in front of `user`, or where an earlier user needed it.
  Value makeAgain(Value v, Operation *user) {
    Value &known = again[v];
    if (known)
      return known;
    Operation *def = v.getDefiningOp();
    SmallVector<Value> inputs(def->getOperands());
    if (isDefinition(def))
      inputs = inputsOf(def);
    IRMapping mapping;
    for (Value input : inputs)
      if (isKeptForBackward(input))
        mapping.map(input, makeAgain(input, user));
    OpBuilder b(user);
    Operation *copy = b.clone(*def, mapping);
    // Keeps the copy apart from what it is a copy of until both are kernels.
    copy->setAttr(againAttr, b.getUnitAttr());
    ++numAgain;
    remark::passed(def->getLoc(), remark::RemarkOpts::name("computed again").category(getArgument()).function(getOperation().getName()))
        << remark::add("computed again: saves {0} bytes", bytesText(v.getType())) << remark::metric("bytes", bytesText(v.getType()));
    return again[v] = copy->getResult(0);
  }

  Operation *loss;
  llvm::DenseMap<Value, Value> again;
};
} // namespace
