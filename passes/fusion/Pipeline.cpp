//===- Pipeline.cpp - the order of the passes of this room ----------------===//
#include "passes/fusion/Passes.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void tintype::buildFusionPipeline(OpPassManager &pm, bool remarks) {
  OpPassManager &hosts = pm.nest<func::FuncOp>();
  hosts.addPass(fusion::createGraphShareDraws());
  hosts.addPass(fusion::createGraphHoistInvariants({remarks}));
  hosts.addPass(fusion::createGraphRecompute({remarks})); // after what would make copies one again
  hosts.addPass(fusion::createGraphInline({remarks}));
  hosts.addPass(fusion::createGraphReuseValues({remarks})); // after inlining: it is known what stays in memory
  hosts.addPass(fusion::createGraphAlignRows({remarks}));
  hosts.addPass(fusion::createGraphFormKernels({remarks})); // after inlining: what is left is what costs a pass over memory
  hosts.addPass(fusion::createGraphShareTerms({remarks})); // where a group is known to keep a term in cache
  hosts.addPass(fusion::createGraphCollapseDims({remarks})); // a dim may merge only where a whole group allows it
  pm.addPass(fusion::createGraphOutlineKernels());
  pm.addPass(fusion::createGraphRepeatCalls({remarks})); // after outlining: it is known what lives how long
}

void tintype::registerFusionPasses() {
  fusion::registerFusionPasses();
  PassPipelineRegistration<>("fusion", "programs on tensors to kernels and host functions",
                             [](OpPassManager &pm) { buildFusionPipeline(pm); });
}
