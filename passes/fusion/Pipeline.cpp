//===- Pipeline.cpp - the order of the passes of this room ----------------===//
#include "passes/fusion/Passes.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void tintype::buildFusionPipeline(OpPassManager &pm) {
  pm.addPass(fusion::createGraphOutlineKernels());
}

void tintype::registerFusionPasses() {
  fusion::registerFusionPasses();
  PassPipelineRegistration<>("fusion", "programs on tensors to kernels and host functions",
                             [](OpPassManager &pm) { buildFusionPipeline(pm); });
}
