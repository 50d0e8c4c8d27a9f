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
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "mlir/IR/IRMapping.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHRECOMPUTE
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// Whether a product of `e` has a runtime dim twice.
static bool hasSquare(AffineExpr e) {
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (b && b.getKind() == AffineExprKind::Add)
    return hasSquare(b.getLHS()) || hasSquare(b.getRHS());
  llvm::SmallDenseSet<unsigned> seen;
  bool square = false;
  walkSymbols(e, [&](unsigned id) { square |= !seen.insert(id).second; });
  return square;
}

/// Whether the size of a tensor grows with the square of a runtime dim.
static bool isQuadratic(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && hasSquare(productOf(dimsOf(type), type.getContext()));
}

/// The op that makes the result called "loss": what comes after it is backward.
static Operation *lossOf(func::FuncOp func) {
  auto names = func->getAttrOfType<ArrayAttr>("graph.results");
  Operation *ret = func.getBody().front().getTerminator();
  if (!names || names.size() != ret->getNumOperands())
    return nullptr;
  for (auto [name, value] : llvm::zip(names, ret->getOperands()))
    if (cast<StringAttr>(name).getValue() == "loss")
      return value.getDefiningOp();
  return nullptr;
}

namespace {
struct Recompute : public tintype::fusion::impl::GraphRecomputeBase<Recompute> {
  using GraphRecomputeBase::GraphRecomputeBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || func->hasAttr("graph.kernel") || !(loss = lossOf(func)))
      return;
    again.clear();
    for (Operation *op = loss->getNextNode(); op; op = op->getNextNode()) {
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
    return def && (isDefinition(def) || isa<ReshapeOp>(def)) && isQuadratic(v) && def->isBeforeInBlock(loss);
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
    if (remarks)
      emitRemark(def->getLoc()) << "computed again: saves " << bytesText(v.getType()) << " bytes";
    return again[v] = copy->getResult(0);
  }

  Operation *loss;
  llvm::DenseMap<Value, Value> again;
};
} // namespace
