//===- Contraction.h - is a definition a sum of products --------*- C++ -*-===//
// y[m, n] = sum(k) x[m, k] * c[k] * w[n, k]: the factors of the product fall into
// two sides, {x, c} and {w}, each with loops of its own. No op and no name says
// so; the structure does.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_CONTRACTION_H
#define TINTYPE_PASSES_GRAPH_CONTRACTION_H

#include "dialects/graph/Graph.h"
#include "llvm/ADT/SmallBitVector.h"
#include <optional>

namespace tintype::graph {

struct Sides {
  llvm::SmallVector<mlir::Value> a, b; ///< factors
};

/// The sides of `definition`: a sum over more points than a register tile could hold
/// anyway, of a product with two factors that share a summed loop and are each read
/// over a loop of the result that the other lacks. The side `b` is the one that reads
/// the innermost loop of the result, if only one does.
std::optional<Sides> contractionOf(mlir::Operation *definition);

/// Which loop dims occur in `map`.
llvm::SmallBitVector dimsIn(mlir::AffineMap map);

} // namespace tintype::graph

#endif
