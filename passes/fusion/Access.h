//===- Access.h - index expressions of reads --------------------*- C++ -*-===//
// An access is a map from loop dims and scalar symbols to the indices of a
// tensor. Inlining a producer composes two of them. A worked example: a body
// reads p[d1, d0 + 1] and p is defined as p[d0, d1] = x[d0 floordiv 2, s0, d1];
// then the body reads x[d1 floordiv 2, s0, d0 + 1].
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_FUSION_ACCESS_H
#define TINTYPE_PASSES_FUSION_ACCESS_H

#include "dialects/graph/Graph.h"

namespace tintype::fusion {

/// The value of a constant expression.
std::optional<int64_t> constantOf(mlir::AffineExpr e);

/// `e` over loop dims with these extents: quotients and remainders that the
/// ranges decide are gone, e.g. `(d0 * 64 + d1) mod 64` is d1 when d1 < 64.
mlir::AffineExpr simplifyIndex(mlir::AffineExpr e, llvm::ArrayRef<mlir::AffineExpr> extents);

/// The access `inner` of a definition that is evaluated at `outer`: dims of
/// `outer`; its symbols, then those of `inner`. `extents` are the loops of `outer`.
mlir::AffineMap composeAccess(mlir::AffineMap inner, mlir::AffineMap outer, llvm::ArrayRef<mlir::AffineExpr> extents);

/// Whether `map` reaches each element at most about once: every loop dim that
/// has more than one point stands alone in a result of its own.
bool isOneToOne(mlir::AffineMap map, llvm::ArrayRef<mlir::AffineExpr> extents);

/// Copies the body of the pointwise `producer` to where `b` stands in a body, at
/// the place that `read` of that body reads; returns its value.
mlir::Value copyBody(mlir::OpBuilder &b, graph::ComputeOp producer, graph::ReadOp read);
/// Replaces `read` of a pointwise compute by a copy of that compute's body.
void inlineProducer(graph::ReadOp read);

} // namespace tintype::fusion

#endif
