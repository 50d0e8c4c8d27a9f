//===- Index.h - ranges of index expressions --------------------*- C++ -*-===//
// Index expressions over loop dims whose extents are known by name. Worked
// example, with p over <14>, q over <14>:
//
//   simplifyIndex((p * 14 + q) floordiv 14) = p
//   provablyInside(p * 14 + q, <196>)       = true
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_INDEX_H
#define TINTYPE_PASSES_GRAPH_INDEX_H

#include "dialects/graph/Graph.h"

namespace tintype::graph {

/// A sum of atoms with constant factors; atoms are dims, symbols, quotients and
/// remainders.
struct LinearIndex {
  llvm::SmallVector<std::pair<mlir::AffineExpr, int64_t>> terms;
  int64_t constant = 0;
  /// Adds `factor * atom`.
  void add(mlir::AffineExpr atom, int64_t factor);
  mlir::AffineExpr build(mlir::MLIRContext *ctx) const;
};
/// `e` as a sum of atoms.
LinearIndex linearIndex(mlir::AffineExpr e);

/// `e` over dims of these extents, quotients and remainders resolved where the
/// ranges allow.
mlir::AffineExpr simplifyIndex(mlir::AffineExpr e, llvm::ArrayRef<mlir::AffineExpr> extents);

/// True when 0 <= e < extent is certain for every point of the dims.
bool provablyInside(mlir::AffineExpr e, mlir::AffineExpr extent, llvm::ArrayRef<mlir::AffineExpr> extents);

/// True when `a >= b` is certain, whatever the runtime dims.
bool provablyAtLeast(mlir::AffineExpr a, mlir::AffineExpr b);

/// True when `e` holds a symbol.
bool hasSymbols(mlir::AffineExpr e);

} // namespace tintype::graph

#endif
