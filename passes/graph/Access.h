//===- Access.h - turn "X[A(loops)] is read" round ---------------*- C++ -*-===//
// The adjoint of X gathers from all loop points that read an element. Worked
// example, a strided convolution that reads X[b, i, u*2 + k - 1] in loops
// (b, o, u | i, k) with o < 8, k < 3:
//
//   dX[b, i, x] = sum(o, k if (x - k + 1) mod 2 == 0 and (x - k + 1) floordiv 2 < U)
//                   dy[b, o, (x - k + 1) floordiv 2] * ..
//
// loops  = [b, o, (x - k + 1) floordiv 2, i, k]   over dims (b, i, x | o, k)
// by     = [8, 3]
// equal  = [(x - k + 1) mod 2 == 0],  inside = [(x - k + 1) floordiv 2 in U]
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_ACCESS_H
#define TINTYPE_PASSES_GRAPH_ACCESS_H

#include "dialects/graph/Graph.h"
#include <optional>

namespace tintype::graph {

/// Where the loops stand for a given element of the source. Dims of all
/// expressions: the dims of the source, then `by`.
struct Gather {
  /// For each loop, its value.
  llvm::SmallVector<mlir::AffineExpr> loops;
  /// Extents of the loops that the element does not determine.
  llvm::SmallVector<mlir::AffineExpr> by;
  /// Source dim m is read at this place only (an expression over other source
  /// dims); null when it is read anywhere.
  llvm::SmallVector<mlir::AffineExpr> fixedAt;
  /// Source dim m is read in [0, span[m]) only.
  llvm::SmallVector<mlir::AffineExpr> span;
  /// Conditions `first == second`; they may hold the map's symbols.
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>> equal;
  /// Conditions `0 <= first < second`.
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>> inside;
};

/// Solves `map` (loop extents `extents`, the first `numParallel` parallel) for
/// the loops; `dims` are the extents of the source. Nothing when a scatter is
/// the better or only way.
std::optional<Gather> solveAccess(mlir::AffineMap map, llvm::ArrayRef<mlir::AffineExpr> extents, unsigned numParallel,
                                  llvm::ArrayRef<mlir::AffineExpr> dims);

} // namespace tintype::graph

#endif
