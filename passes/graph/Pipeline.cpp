//===- Pipeline.cpp - the order of the graph passes -----------------------===//
#include "mlir/Pass/PassRegistry.h"
#include "passes/graph/Passes.h"

namespace tintype {

void buildGraphPipeline(mlir::OpPassManager &pm) {
  pm.addPass(graph::createGraphDifferentiate());
}

void registerGraphPasses() {
  graph::registerGraphPasses();
  mlir::PassPipelineRegistration<>("graph", "make the programs of a model", buildGraphPipeline);
}

} // namespace tintype
