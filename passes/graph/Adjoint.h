//===- Adjoint.h - the derivative of one definition -------------*- C++ -*-===//
// For y = compute/scatter(body) and dy, the derivative of the loss by y, gives the
// derivative of the loss by every tensor that the body reads. Worked example:
//
//   y[b, o] = sum(i) x[b, i] * w[o, i]
//   dx[b, i] = sum(o) dy[b, o] * w[o, i]      dw[o, i] = sum(b) dy[b, o] * x[b, i]
//
// The body is differentiated as scalar code; the read is turned round by
// `solveAccess`; where that gives nothing the derivative is added with a scatter.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_ADJOINT_H
#define TINTYPE_PASSES_GRAPH_ADJOINT_H

#include "dialects/graph/Graph.h"
#include <functional>

namespace tintype::graph {

/// One summand of the derivative by `source`: a tensor of its type, or a function
/// that adds it into `init` (null: zeros) with a scatter.
struct Contribution {
  mlir::Value source;
  mlir::Value tensor;
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value init)> scatter;
};

/// Appends the contributions of `definition` (a graph.compute or graph.scatter) to
/// the tensors that it reads and `wanted` holds for. Fails with an error at the op
/// that has no derivative.
mlir::LogicalResult adjointOf(mlir::OpBuilder &b, mlir::Operation *definition, mlir::Value dy, llvm::function_ref<bool(mlir::Value)> wanted,
                              llvm::SmallVectorImpl<Contribution> &out);

} // namespace tintype::graph

#endif
