//===- RoundFactors.cpp - training programs that multiply in bf16 ---------===//
//   @train_step                                     @train_step.bf16, beside it
//     y[m, n] = sum(k) x[m, k] * w[n, k]      ->      sum(k) bf16(x[m, k]) * bf16(w[n, k])
// bf16(v) is `extf(truncf v)`: the value is rounded, the product and the sum stay
// f32, as does everything that is no contraction. The gradient of a bias is one, of dy
// with ones beside dy with x: it adds up what the gradient of the weights rounds.
// What a product (with its bias) makes is rounded where the backward pass needs it for
// scalar code alone, as the input of an activation: it would lie in memory for that.
// Where a rounded value lies in memory is decided later (graph-narrow).
// Test: test/passes/graph/round-factors.mlir.
//===----------------------------------------------------------------------===//
#include "passes/graph/Contraction.h"
#include "passes/graph/Loss.h"
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

/// A tensor and which of its dims `op` sums, where `v` is nothing but an element of it.
std::optional<std::pair<Value, llvm::SmallBitVector>> summedRead(ComputeOp op, Value v) {
  auto read = v.getDefiningOp<ReadOp>();
  if (!read || !read.getMap().isProjectedPermutation() || !read.getSymbols().empty())
    return {};
  llvm::SmallBitVector summed(read.getMap().getNumResults());
  for (auto [i, e] : llvm::enumerate(read.getMap().getResults()))
    summed[i] = cast<AffineDimExpr>(e).getPosition() >= op.getNumParallel();
  return std::pair(read.getSource(), summed);
}

/// Whether nothing but gradients of parameters comes of `v`, by scalar code of each element.
bool isOnlyOfGradients(Value v) {
  return llvm::all_of(v.getUsers(), [](Operation *user) {
    auto reader = dyn_cast<ComputeOp>(user->getParentOp());
    return isa<SetGradOp>(user) || (reader && !reader.isReduction() && isOnlyOfGradients(reader.getResult()));
  });
}

/// Whether `op` adds one thing to each element of a product that nothing else reads.
bool addsToProduct(ComputeOp op) {
  auto sum = op.isReduction() ? arith::AddFOp() : op.getYield().getValue().getDefiningOp<arith::AddFOp>();
  return sum && llvm::any_of(sum->getOperands(), [](Value side) {
           auto read = side.getDefiningOp<ReadOp>();
           Operation *source = read && read.getMap().isIdentity() ? read.getSource().getDefiningOp() : nullptr;
           return source && source->hasOneUse() && contractionOf(source);
         });
}

/// Whether scalar code over the points of `op` is all that reads it, some of it behind `loss`.
bool isKeptForScalars(ComputeOp op, Operation *loss) {
  bool isKept = false;
  for (Operation *user : op->getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    auto reader = read ? dyn_cast<ComputeOp>(read->getParentOp()) : ComputeOp();
    if (!reader || reader.isReduction() || !read.getMap().isIdentity() || reader.getOver() != op.getOver())
      return false;
    isKept |= loss->isBeforeInBlock(reader);
  }
  return isKept;
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
      summedFactors.clear();
      for (auto op : copy.getOps<ComputeOp>())
        round(op);
      for (auto op : copy.getOps<ComputeOp>())
        roundSum(op);
      if (Operation *loss = lossOf(copy))
        for (auto op : llvm::make_early_inc_range(copy.getOps<ComputeOp>()))
          if (op->isBeforeInBlock(loss) && isKeptForScalars(op, loss))
            roundResult(op);
    }
  }

  void round(ComputeOp op) {
    YieldOp yield = op.getYield();
    std::optional<Sides> sides = contractionOf(op);
    if (!sides || !yield.getValue().getType().isF32())
      return;
    OpBuilder b(yield);
    Location loc = op.getLoc();
    for (ArrayRef<Value> side : {ArrayRef<Value>(sides->a), ArrayRef<Value>(sides->b)})
      if (auto summed = side.size() == 1 ? summedRead(op, side[0]) : std::nullopt)
        summedFactors[summed->first].push_back(summed->second);
    Value x = rounded(b, loc, sides->a), y = rounded(b, loc, sides->b);
    yield.getValueMutable().assign(arith::MulFOp::create(b, loc, x, y));
    eraseDeadScalars(*op.getBlock());
    ++numRounded;
  }

  void roundSum(ComputeOp op) {
    YieldOp yield = op.getYield();
    if (op.getReducer() != Reducer::sum || !op.isReduction() || yield.getFilter() || !yield.getValue().getType().isF32())
      return;
    auto summed = summedRead(op, yield.getValue());
    if (!summed || !llvm::is_contained(summedFactors.lookup(summed->first), summed->second) || !isOnlyOfGradients(op.getResult()))
      return;
    OpBuilder b(yield);
    yield.getValueMutable().assign(rounded(b, op.getLoc(), yield.getValue()));
    ++numRounded;
  }

  void roundResult(ComputeOp op) {
    if (!op.getYield().getValue().getType().isF32())
      return;
    if (addsToProduct(op)) {
      OpBuilder b(op.getYield());
      op.getYield().getValueMutable().assign(rounded(b, op.getLoc(), op.getYield().getValue()));
      ++numRounded;
    } else if (contractionOf(op)) {
      OpBuilder b(op->getBlock(), std::next(op->getIterator()));
      auto copy = buildCompute(b, op.getLoc(), Reducer::none, op.getOver().getExprs(), {}, b.getF32Type(), [&](OpBuilder &in) {
        Value x = ReadOp::create(in, op.getLoc(), op.getResult(), in.getMultiDimIdentityMap(op.getNumParallel()));
        return std::make_pair(rounded(in, op.getLoc(), x), Value());
      });
      op.getResult().replaceUsesWithIf(copy.getResult(), [&](OpOperand &use) { return use.getOwner()->getParentOp() != copy; });
      ++numRounded;
    }
  }

  /// What contractions round, and which dims of it they sum.
  llvm::DenseMap<Value, SmallVector<llvm::SmallBitVector>> summedFactors;
};
} // namespace
} // namespace tintype::graph
