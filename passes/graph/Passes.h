//===- Passes.h - from a model's functions to programs ----------*- C++ -*-===//
// Simplify, differentiate, add the optimizer. `buildGraphPipeline` is the order;
// what stands before and after is in passes/README.md.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_PASSES_H
#define TINTYPE_PASSES_GRAPH_PASSES_H

#include "dialects/graph/Graph.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace tintype::graph {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/graph/Passes.h.inc"
} // namespace tintype::graph

namespace tintype {
/// A model's functions -> training and serving programs on tensors; the training
/// programs also in a form that multiplies in bf16, if that is wanted.
void buildGraphPipeline(mlir::OpPassManager &pm, bool bf16 = true);
/// Registers the passes and the pipeline `graph` for command lines.
void registerGraphPasses();
} // namespace tintype

#endif
