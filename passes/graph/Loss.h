//===- Loss.h - where a program turns from forward to backward --*- C++ -*-===//
#ifndef TINTYPE_PASSES_GRAPH_LOSS_H
#define TINTYPE_PASSES_GRAPH_LOSS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tintype::graph {

/// The op that makes the result called "loss", or null: what follows it is backward.
mlir::Operation *lossOf(mlir::func::FuncOp func);

} // namespace tintype::graph

#endif
