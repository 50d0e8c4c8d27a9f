//===- Cost.h - what it takes to evaluate a definition ----------*- C++ -*-===//
#ifndef TINTYPE_PASSES_FUSION_COST_H
#define TINTYPE_PASSES_FUSION_COST_H

#include "dialects/graph/Graph.h"

namespace tintype::fusion {

/// Scalar work of one point of a definition.
struct BodyCost {
  unsigned ops = 0;     ///< arithmetic, comparisons and selects, on vectors about one cycle each
  unsigned heavy = 0;   ///< functions, quotients, roots and random numbers: ten cycles and more
  unsigned reads = 0;   ///< elements read
  unsigned wide = 0;    ///< of these, from tensors about as large as the result
  bool gathers = false; ///< has a read at a computed place
  bool draws = false;   ///< has a graph.random
  bool divides = false; ///< has an integer quotient by something that is not a constant
};

/// A function, a quotient by something that varies, a root, a random number.
bool isHeavy(mlir::Operation *scalar);
BodyCost costOf(mlir::Operation *definition);

/// Whether the size of a tensor grows with the square of a runtime dim, or it is an outer product of
/// sequences of a known length: large, and made of little.
bool isQuadratic(mlir::Value tensor);
/// Bytes of a tensor as text over runtime dims, for remarks: `B * T * 3072`.
std::string bytesText(mlir::Type tensor);

} // namespace tintype::fusion

#endif
