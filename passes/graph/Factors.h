//===- Factors.h - split a product along a reduction ------------*- C++ -*-===//
// sum(r) dy[i, r] * s[i] * (r < n ? w[r] : 0) / z[i]
//   = (sum(r if r < n) dy[i, r] * w[r]) * s[i] / z[i]
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_FACTORS_H
#define TINTYPE_PASSES_GRAPH_FACTORS_H

#include "passes/graph/Scalars.h"

namespace tintype::graph {

/// `value = varying * scale * product(fixedAbove) / product(fixedBelow)` where
/// `condition` holds, else 0.
struct Factors {
  mlir::Value varying;
  mlir::Value condition; // null: always
  double scale = 1.0;
  llvm::SmallVector<mlir::Value> fixedAbove, fixedBelow;
};

/// Splits `value`, a scalar of a body, into the part that depends on the dims from
/// `firstReduction` on and the rest.
Factors splitFactors(ScalarBuilder &s, mlir::Value value, unsigned firstReduction);

} // namespace tintype::graph

#endif
