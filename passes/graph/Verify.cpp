//===- Verify.cpp - check a module once, at the end of a pipeline ---------===//
// Test: test/passes/graph/verify.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Verifier.h"
#include "passes/graph/Passes.h"

namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHVERIFY
#include "passes/graph/Passes.h.inc"
namespace {

struct VerifyPass : impl::GraphVerifyBase<VerifyPass> {
  using GraphVerifyBase::GraphVerifyBase;
  void runOnOperation() override {
    if (failed(mlir::verify(getOperation())))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace tintype::graph
