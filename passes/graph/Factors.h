//===- Factors.h - split a product along a reduction ------------*- C++ -*-===//
// sum(r) dy[i, r] * s[i] * (r < n ? w[r] : 0)
//   = (sum(r if r < n) dy[i, r] * w[r]) * s[i]
// A factor that may be no number outside of the condition, as 1 / z[i] under
// z[i] > 0, leaves the sum together with the condition, or not at all:
// sum(r) (z[i] > 0 ? dy[i, r] / z[i] : 0)
//   = z[i] > 0 ? (sum(r if z[i] > 0) dy[i, r]) / z[i] : 0
// sum(r) (z[i] > w[r] ? dy[i, r] / z[i] : 0)
//   = sum(r if z[i] > w[r]) dy[i, r] / z[i]
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
  mlir::Value guard;     // condition under which the fixed factors are numbers; null: always
  double scale = 1.0;
  llvm::SmallVector<mlir::Value> fixedAbove, fixedBelow;
};

/// Splits `value`, a scalar of a body that counts under `condition` (null: always),
/// into the part that depends on the dims from `firstReduction` on and the rest.
Factors splitFactors(ScalarBuilder &s, mlir::Value value, mlir::Value condition, unsigned firstReduction);

} // namespace tintype::graph

#endif
