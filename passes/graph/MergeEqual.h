//===- MergeEqual.h - one definition where two are equal --------*- C++ -*-===//
#ifndef TINTYPE_PASSES_GRAPH_MERGEEQUAL_H
#define TINTYPE_PASSES_GRAPH_MERGEEQUAL_H

#include "dialects/graph/Graph.h"

namespace tintype::graph {

/// Merges equal definitions of `func`, and equal scalars in their bodies; returns
/// how many ops went. Definitions with different attributes stay apart.
unsigned mergeEqual(mlir::func::FuncOp func);

} // namespace tintype::graph

#endif
