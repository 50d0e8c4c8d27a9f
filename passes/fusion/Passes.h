//===- Passes.h - from definitions to kernels -------------------*- C++ -*-===//
// Inline, cluster, collapse, outline. `buildFusionPipeline` is the order; what
// stands before and after is in passes/README.md.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_FUSION_PASSES_H
#define TINTYPE_PASSES_FUSION_PASSES_H

#include "dialects/graph/Graph.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace tintype::fusion {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

namespace tintype {
/// Programs on tensors -> kernels and host functions that call them.
void buildFusionPipeline(mlir::OpPassManager &pm);
/// Registers the passes and the pipeline `fusion` for command lines.
void registerFusionPasses();
} // namespace tintype

#endif
