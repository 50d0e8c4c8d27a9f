//===- Pipeline.cpp - the order of the graph passes -----------------------===//
#include "mlir/Pass/PassRegistry.h"
#include "passes/graph/Passes.h"

namespace tintype {

void buildGraphPipeline(mlir::OpPassManager &pm, bool bf16) {
  // First, so that a value used twice is differentiated once.
  pm.addPass(graph::createGraphSimplify());
  pm.addPass(graph::createGraphDifferentiate());
  pm.addPass(graph::createGraphSimplify());
  pm.addPass(graph::createGraphAddOptimizer());
  if (bf16) // last: derivatives are those of the exact program, each rounded where it is multiplied
    pm.addPass(graph::createGraphRoundFactors());
}

void registerGraphPasses() {
  graph::registerGraphPasses();
  mlir::PassPipelineRegistration<>("graph", "make the programs of a model", [](mlir::OpPassManager &pm) { buildGraphPipeline(pm); });
}

} // namespace tintype
