//===- RoundFactors.cpp - training programs that multiply in bf16 ---------===//
//   @train_step                                     @train_step.bf16, beside it
//     y[m, n] = sum(k) x[m, k] * w[n, k]      ->      sum(k) bf16(x[m, k]) * bf16(w[n, k])
// bf16(v) is `extf(truncf v)`: the value is rounded, the product and the sum stay
// f32, as does everything that is no contraction. Where a rounded value lies in
// memory is decided later (graph-narrow). Test: test/passes/graph/round-factors.mlir.
//===----------------------------------------------------------------------===//
#include "passes/graph/Contraction.h"
#include "passes/graph/Passes.h"
#include "passes/graph/Scalars.h"

using namespace mlir;
namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHROUNDFACTORS
#include "passes/graph/Passes.h.inc"
namespace {

/// The product of one side, rounded.
Value rounded(OpBuilder &b, Location loc, ArrayRef<Value> side) {
  Value product;
  for (Value v : side)
    product = product ? Value(arith::MulFOp::create(b, loc, product, v)) : v;
  Value narrow = arith::TruncFOp::create(b, loc, b.getBF16Type(), product);
  return arith::ExtFOp::create(b, loc, product.getType(), narrow);
}

struct RoundFactors : impl::GraphRoundFactorsBase<RoundFactors> {
  void runOnOperation() override {
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto role = func->getAttrOfType<StringAttr>("graph.role");
      if (!role || (role != "train_step" && role != "trace_step"))
        continue;
      func::FuncOp copy = func.clone();
      copy.setName((func.getName() + ".bf16").str());
      copy->setAttr("graph.role", StringAttr::get(&getContext(), role.getValue() + "_bf16"));
      getOperation().insert(std::next(func->getIterator()), copy);
      for (auto op : copy.getOps<ComputeOp>())
        round(op);
    }
  }

  void round(ComputeOp op) {
    YieldOp yield = op.getYield();
    std::optional<Sides> sides = contractionOf(op);
    if (!sides || !yield.getValue().getType().isF32())
      return;
    OpBuilder b(yield);
    Location loc = op.getLoc();
    Value x = rounded(b, loc, sides->a), y = rounded(b, loc, sides->b);
    yield.getValueMutable().assign(arith::MulFOp::create(b, loc, x, y));
    eraseDeadScalars(*op.getBlock());
    ++numRounded;
  }
};
} // namespace
} // namespace tintype::graph
