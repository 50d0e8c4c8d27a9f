//===- Narrow.cpp - tensors of rounded values lie in memory as bf16 -------===//
//   %h = compute none { f(x[d0, d1]) }                  %h = compute none { truncf(f(x[d0, d1])) } : bf16
//   %y = compute sum { extf(truncf h[d0, d2]) * .. }    %y = compute sum { extf(h[d0, d2]) * .. }
// The rounding moves from each reader to the producer: the numbers are the same, the
// tensor takes half the memory. A sum is rounded by a definition of its own, which
// becomes its epilogue. What is made rounded is stored so, however it is read.
// Test: test/passes/fusion/narrow.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHNARROW
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// What a tensor is used for.
struct Uses {
  SmallVector<ReadOp> reads;
  SmallVector<ReshapeOp> views;
  bool isOther = false;  ///< something but reads
  bool isRounded = true; ///< values of all reads are rounded
};

static void collectUses(Value v, Uses &uses) {
  for (Operation *user : v.getUsers()) {
    if (auto view = dyn_cast<ReshapeOp>(user)) {
      uses.views.push_back(view);
      collectUses(view, uses);
    } else if (auto read = dyn_cast<ReadOp>(user)) {
      uses.reads.push_back(read);
      for (Operation *scalar : read->getUsers())
        uses.isRounded &= isa<arith::TruncFOp>(scalar) && scalar->getResult(0).getType().isBF16();
    } else {
      uses.isOther = true;
    }
  }
}

/// What `op` rounds to bf16 and gives as f32, or null.
static Value roundedBy(Operation *op) {
  auto wider = isPointwise(op) ? cast<ComputeOp>(op).getYield().getValue().getDefiningOp<arith::ExtFOp>() : arith::ExtFOp();
  return wider && wider.getIn().getType().isBF16() ? wider.getIn() : Value();
}

static RankedTensorType narrowType(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return RankedTensorType::get(type.getShape(), BFloat16Type::get(v.getContext()), type.getEncoding());
}

/// A definition that rounds `sum`, right behind it.
static ComputeOp roundedCopy(Operation *sum) {
  OpBuilder b(sum->getContext());
  b.setInsertionPointAfter(sum);
  Location loc = sum->getLoc();
  SmallVector<AffineExpr> dims = dimsOf(sum->getResult(0).getType());
  auto copy = buildCompute(b, loc, Reducer::none, dims, {}, b.getBF16Type(), [&](OpBuilder &in) {
    Value x = ReadOp::create(in, loc, sum->getResult(0), in.getMultiDimIdentityMap(dims.size()));
    return std::make_pair(Value(arith::TruncFOp::create(in, loc, in.getBF16Type(), x)), Value());
  });
  if (Attribute again = sum->getAttr(againAttr))
    copy->setAttr(againAttr, again);
  return copy;
}

namespace {
struct Narrow : public tintype::fusion::impl::GraphNarrowBase<Narrow> {
  using GraphNarrowBase::GraphNarrowBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    SmallVector<Operation *> definitions;
    for (Operation &op : func.getBody().front())
      if (isDefinition(&op) && cast<RankedTensorType>(op.getResult(0).getType()).getElementType().isF32())
        definitions.push_back(&op);
    for (Operation *op : definitions)
      narrow(op);
  }

  void narrow(Operation *op) {
    Value result = op->getResult(0);
    Uses uses;
    collectUses(result, uses);
    Value made = roundedBy(op);
    if (uses.reads.empty() || uses.isOther || !(uses.isRounded || made))
      return;
    ++numNarrowed;
    std::string bytes = bytesText(narrowType(result));
    remark::passed(op->getLoc(), remark::RemarkOpts::name("narrowed").category(getArgument()).function(getOperation().getName()))
        << remark::add("stored as bf16: {0}, saves {1} bytes", made ? "it is made rounded" : "every reader rounds it", bytes)
        << remark::metric("bytes", bytes);
    if (made) {
      YieldOp yield = cast<ComputeOp>(op).getYield();
      Operation *wider = yield.getValue().getDefiningOp();
      yield.getValueMutable().assign(made);
      if (wider->use_empty())
        wider->erase();
      result.setType(narrowType(result));
    } else if (isPointwise(op)) {
      YieldOp yield = cast<ComputeOp>(op).getYield();
      OpBuilder b(yield);
      yield.getValueMutable().assign(arith::TruncFOp::create(b, op->getLoc(), b.getBF16Type(), yield.getValue()));
      result.setType(narrowType(result));
    } else {
      ComputeOp copy = roundedCopy(op);
      result.replaceUsesWithIf(copy.getResult(), [&](OpOperand &use) { return use.getOwner()->getParentOp() != copy; });
    }
    for (ReshapeOp view : uses.views)
      view.getResult().setType(narrowType(view));
    for (ReadOp read : uses.reads) {
      read.getResult().setType(BFloat16Type::get(&getContext()));
      OpBuilder b(&getContext());
      b.setInsertionPointAfter(read);
      Value narrow = read.getResult(), wide;
      for (Operation *scalar : SmallVector<Operation *>(read->getUsers()))
        if (isa<arith::TruncFOp>(scalar)) {
          scalar->replaceAllUsesWith(ValueRange(narrow));
          scalar->erase();
        } else {
          if (!wide)
            wide = arith::ExtFOp::create(b, read.getLoc(), b.getF32Type(), narrow);
          scalar->replaceUsesOfWith(narrow, wide);
        }
    }
  }
};
} // namespace
