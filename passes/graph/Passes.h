//===- Passes.h - passes on the graph dialect -------------------*- C++ -*-===//
#ifndef TINTYPE_PASSES_GRAPH_PASSES_H
#define TINTYPE_PASSES_GRAPH_PASSES_H

#include "dialects/graph/Graph.h"
#include "mlir/Pass/Pass.h"

namespace tintype {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/graph/GraphPasses.h.inc"

} // namespace tintype

#endif
