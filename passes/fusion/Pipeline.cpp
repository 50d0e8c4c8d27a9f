//===- Pipeline.cpp - the order of the passes of this room ----------------===//
#include "mlir/Pass/PassRegistry.h"
#include "passes/fusion/Passes.h"

using namespace mlir;

void tintype::buildFusionPipeline(OpPassManager &pm) {
  OpPassManager &hosts = pm.nest<func::FuncOp>();
  hosts.addPass(fusion::createGraphShareDraws());
  hosts.addPass(fusion::createGraphSplitDims());
  hosts.addPass(fusion::createGraphExchangeSums()); // before bodies change: it compares them
  hosts.addPass(fusion::createGraphHoistInvariants());
  hosts.addPass(fusion::createGraphRecompute()); // after what would make copies one again
  hosts.addPass(fusion::createGraphInline());
  hosts.addPass(fusion::createGraphReuseValues()); // after inlining: it is known what stays in memory
  hosts.addPass(fusion::createGraphAlignRows());
  hosts.addPass(fusion::createGraphNarrow());       // after inlining: it is known what reads what
  hosts.addPass(fusion::createGraphFormKernels());  // after inlining: what is left is what costs a pass over memory
  hosts.addPass(fusion::createGraphShareTerms());   // where a group is known to keep a term in cache
  hosts.addPass(fusion::createGraphCollapseDims()); // a dim may merge only where a whole group allows it
  pm.addPass(fusion::createGraphOutlineKernels());
  pm.addPass(fusion::createGraphSplitRows());
}

void tintype::registerFusionPasses() {
  fusion::registerFusionPasses();
  PassPipelineRegistration<>("fusion", "programs on tensors to kernels and host functions",
                             [](OpPassManager &pm) { buildFusionPipeline(pm); });
}
