//===- Pipeline.cpp - the order of the graph passes -----------------------===//
#include "mlir/Pass/PassRegistry.h"
#include "passes/graph/Passes.h"

namespace tintype {

void buildGraphPipeline(mlir::OpPassManager &pm) {
  // First, so that a value used twice is differentiated once.
  pm.addPass(graph::createGraphSimplify());
  pm.addPass(graph::createGraphDifferentiate());
  pm.addPass(graph::createGraphSimplify());
  pm.addPass(graph::createGraphAddOptimizer());
}

void registerGraphPasses() {
  graph::registerGraphPasses();
  mlir::PassPipelineRegistration<>("graph", "make the programs of a model", buildGraphPipeline);
}

} // namespace tintype
