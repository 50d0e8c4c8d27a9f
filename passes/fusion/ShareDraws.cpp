//===- ShareDraws.cpp - random numbers that differ only in their site -----===//
//   graph.random uniform 7 of %rng[..]
// becomes
//   %s = graph.compute none over <2> { rng[0] ^ 7, rng[1] }
//   graph.random uniform 0 of %s[..]
// The key of a draw is `seed ^ site`, so the number is the same; the kernel that
// draws no longer holds its site, and equal layers share it. Test:
// test/passes/fusion/share-draws.mlir
//===----------------------------------------------------------------------===//
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/DenseMap.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHSHAREDRAWS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// `{seed ^ site, step}` of the state `{seed, step}`.
static Value stateOfSite(OpBuilder &b, Location loc, Value state, int32_t site) {
  MLIRContext *ctx = b.getContext();
  auto made = buildCompute(b, loc, Reducer::none, {getAffineConstantExpr(2, ctx)}, {}, b.getI32Type(), [&](OpBuilder &body) {
    AffineMap all = AffineMap::getMultiDimIdentityMap(1, ctx);
    auto constant = [&](int32_t v) -> Value { return arith::ConstantIntOp::create(body, loc, v, 32); };
    Value old = ReadOp::create(body, loc, state, all);
    Value mixed = arith::XOrIOp::create(body, loc, old, constant(site));
    Value isSeed = arith::CmpIOp::create(body, loc, arith::CmpIPredicate::eq, tintype::graph::IndexOp::create(body, loc, all), constant(0));
    return std::make_pair(arith::SelectOp::create(body, loc, isSeed, mixed, old).getResult(), Value());
  });
  return made;
}

namespace {
struct ShareDraws : public tintype::fusion::impl::GraphShareDrawsBase<ShareDraws> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    SmallVector<RandomOp> draws;
    func.walk([&](RandomOp op) {
      if (op.getSite() != 0 && isa<BlockArgument>(op.getState()))
        draws.push_back(op);
    });
    llvm::DenseMap<std::pair<Value, int32_t>, Value> states;
    OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
    for (RandomOp op : draws) {
      Value &state = states[{op.getState(), (int32_t)op.getSite()}];
      if (!state) {
        state = stateOfSite(b, op.getLoc(), op.getState(), op.getSite());
        ++numSites;
      }
      op.getStateMutable().assign(state);
      op.setSite(0);
    }
  }
};
} // namespace
