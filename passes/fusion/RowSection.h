//===- RowSection.h - definitions that can run a few rows at a time -*- C++ -*-===//
// A tensor with a wide row for each of many rows is made by a product, and what
// reads it reduces each row, or adds rows up in a gradient:
//
//   z = x W^T (rows x wide);  m, s = max, sum of each row;  d = f(z, m, s)
//   dx = d W;  dW += d^T x
//
// All of this can run for some rows, then for the next, so that z and d exist for
// these rows only. Weights and gradients are then read once for each chunk.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_FUSION_ROWSECTION_H
#define TINTYPE_PASSES_FUSION_ROWSECTION_H

#include "dialects/graph/Graph.h"
#include "llvm/ADT/SetVector.h"

namespace tintype::fusion {

/// Loop dims over which a definition runs through rows, outermost row dim first.
using RowLoops = llvm::SmallVector<unsigned, 2>;
/// The row loops of `op`, from its reads of tensors that `isRows` says have rows as their leading `rank` dims;
/// empty when it reads none. Nothing when reads disagree or a read mixes rows.
std::optional<RowLoops> rowLoopsOf(mlir::Operation *op, unsigned rank, llvm::function_ref<bool(mlir::Value)> isRows);
/// The definition has one value for each row.
bool keepsRows(mlir::Operation *op, const RowLoops &loops);
/// The definition reduces all rows to one value.
bool sumsRows(mlir::Operation *op, const RowLoops &loops);
/// Besides through leading dims, `op` does not depend on which row it is at.
bool isSameForAllRows(mlir::Operation *op, const RowLoops &loops);
/// `sum` only has one use, by a definition that adds it to a value: the value that it is added to.
mlir::Value accumulatorOf(mlir::Operation *sum);

struct RowSection {
  llvm::SetVector<mlir::Operation *> members;
  int64_t rows = 0; ///< of a chunk, at most

  explicit operator bool() const { return !members.empty(); }
};

/// The section of a training program whose wide rows are the largest; empty when there is none worth it.
RowSection findRowSection(mlir::func::FuncOp func);
/// Values picked from wide rows by sums over rows become definitions with one value a row.
void splitPicks(mlir::func::FuncOp func, const RowSection &section);

} // namespace tintype::fusion

#endif
