//===- AddOptimizer.cpp - the optimizer as programs -----------------------===//
// @update: AdamW (Loshchilov, Hutter, ICLR 2019) on flat arrays of N elements, the
// arithmetic of torch.optim.AdamW. @grad_norm: the sum of squares of N elements.
// Test: test/passes/graph/add-optimizer.mlir.
//===----------------------------------------------------------------------===//
#include "passes/graph/Passes.h"
#include "passes/graph/Scalars.h"

using namespace mlir;
namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHADDOPTIMIZER
#include "passes/graph/Passes.h.inc"
namespace {

/// Elements that one partial sum covers: enough to hide the call, few enough that
/// rounding stays small and the blocks outnumber the threads.
constexpr int64_t kNormBlock = 16384;

/// Places in the array `hyper`.
enum Hyper { lr, beta1, beta2, eps, weightDecay, correction1, correction2, gradScale, hyperSize };

struct AddOptimizerPass : impl::GraphAddOptimizerBase<AddOptimizerPass> {
  using GraphAddOptimizerBase::GraphAddOptimizerBase;

  RankedTensorType flat() { return tensorOf({runtimeDim(&getContext(), "N")}, Float32Type::get(&getContext())); }

  /// A public function with these arguments; the builder stands in its body.
  func::FuncOp open(OpBuilder &b, StringRef name, ArrayRef<StringRef> names, ArrayRef<Type> types, ArrayRef<StringRef> results,
                    ArrayRef<Type> resultTypes) {
    auto f = func::FuncOp::create(b, getOperation().getLoc(), name, b.getFunctionType(types, resultTypes));
    f->setAttr("graph.role", b.getStringAttr(name));
    f->setAttr("graph.results", b.getStrArrayAttr(results));
    for (auto [i, arg] : llvm::enumerate(names)) {
      f.setArgAttr(i, "graph.name", b.getStringAttr(arg));
      f.setArgAttr(i, "graph.role", b.getStringAttr(arg));
    }
    b.setInsertionPointToStart(f.addEntryBlock());
    ++numPrograms;
    return f;
  }

  /// `body` over the N elements.
  Value elementwise(OpBuilder &b, llvm::function_ref<Value(OpBuilder &, ScalarBuilder &)> body) {
    Location loc = getOperation().getLoc();
    return buildCompute(b, loc, Reducer::none, dimsOf(flat()), {}, b.getF32Type(), [&](OpBuilder &in) {
      ScalarBuilder s(in, loc);
      return std::make_pair(body(in, s), Value());
    });
  }

  void addUpdate(OpBuilder b) {
    Type n = flat(), h = RankedTensorType::get({hyperSize}, b.getF32Type());
    auto f = open(b, "update", {"p", "g", "m", "v", "hyper"}, {n, n, n, n, h}, {"p", "m", "v", "g"}, {n, n, n, n});
    Location loc = f.getLoc();
    Value p = f.getArgument(0), g = f.getArgument(1), m = f.getArgument(2), v = f.getArgument(3), hyper = f.getArgument(4);
    auto at = [&](OpBuilder &in, Value x) -> Value { return ReadOp::create(in, loc, x, in.getMultiDimIdentityMap(1)); };
    auto setting = [&](OpBuilder &in, Hyper i) -> Value {
      return ReadOp::create(in, loc, hyper, AffineMap::get(1, 0, in.getAffineConstantExpr(i)));
    };
    // decay * old + (1 - decay) * now
    auto average = [&](OpBuilder &in, ScalarBuilder &s, Hyper decay, Value old, Value now) {
      Value d = setting(in, decay), one = s.constant(1, in.getF32Type());
      return s.add(s.mul(at(in, old), d), s.mul(now, s.sub(one, d)));
    };
    Value first =
        elementwise(b, [&](OpBuilder &in, ScalarBuilder &s) { return average(in, s, beta1, m, s.mul(at(in, g), setting(in, gradScale))); });
    Value second = elementwise(b, [&](OpBuilder &in, ScalarBuilder &s) {
      Value scaled = s.mul(at(in, g), setting(in, gradScale));
      return average(in, s, beta2, v, s.mul(scaled, scaled));
    });
    Value next = elementwise(b, [&](OpBuilder &in, ScalarBuilder &s) {
      Value one = s.constant(1, in.getF32Type()), rate = setting(in, lr);
      Value decayed = s.mul(at(in, p), s.sub(one, s.mul(rate, setting(in, weightDecay))));
      Value root = math::SqrtOp::create(in, loc, s.mul(at(in, second), setting(in, correction2)));
      Value step = s.div(s.mul(at(in, first), setting(in, correction1)), s.add(root, setting(in, eps)));
      return s.sub(decayed, s.mul(rate, step));
    });
    Value cleared = elementwise(b, [&](OpBuilder &in, ScalarBuilder &s) { return s.constant(0, in.getF32Type()); });
    func::ReturnOp::create(b, loc, ValueRange{next, first, second, cleared});
  }

  void addGradNorm(OpBuilder b) {
    Type n = flat(), scalar = RankedTensorType::get({}, b.getF32Type());
    auto f = open(b, "grad_norm", {"g"}, {n}, {"sum"}, {scalar});
    Location loc = f.getLoc();
    AffineExpr size = dimsOf(n)[0], block = b.getAffineConstantExpr(kNormBlock);
    AffineExpr blocks = (size + kNormBlock - 1).floorDiv(kNormBlock);
    Value partial = buildCompute(b, loc, Reducer::sum, {blocks}, {block}, b.getF32Type(), [&](OpBuilder &in) {
      AffineMap place = AffineMap::get(2, 0, in.getAffineDimExpr(0) * kNormBlock + in.getAffineDimExpr(1));
      Value x = ReadOp::create(in, loc, f.getArgument(0), place, ValueRange(), true);
      Value inside = InsideOp::create(in, loc, place, DimsAttr::get(&getContext(), {size}));
      return std::make_pair(ScalarBuilder(in, loc).mul(x, x), inside);
    });
    Value total = buildCompute(b, loc, Reducer::sum, {}, {blocks}, b.getF32Type(), [&](OpBuilder &in) {
      return std::make_pair(Value(ReadOp::create(in, loc, partial, in.getMultiDimIdentityMap(1))), Value());
    });
    func::ReturnOp::create(b, loc, total);
  }

  void runOnOperation() override {
    bool trains = llvm::any_of(getOperation().getOps<func::FuncOp>(), [](func::FuncOp f) {
      auto role = f->getAttrOfType<StringAttr>("graph.role");
      return role && (role == "train_step" || role == "trace_step");
    });
    if (!trains)
      return;
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    addUpdate(b);
    addGradNorm(b);
  }
};
} // namespace
} // namespace tintype::graph
