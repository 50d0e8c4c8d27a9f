//===- Emit.h - scalars to graph ops ----------------------------*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_EMIT_H
#define TINTYPE_FRONTEND_EMIT_H

#include "dialects/graph/Graph.h"
#include "frontend/Scalar.h"

namespace tintype::frontend {

mlir::Type elementType(mlir::MLIRContext *ctx, Elem elem);

/// An extent (no index in it) over runtime dims, configs as numbers.
mlir::AffineExpr toExtent(mlir::MLIRContext *ctx, const Poly &p);

/// Emits `y[over..] = reducer(by..) body if filter` and gives y. All free
/// indices of `body` and `filter` are among `over` and `by`.
mlir::Value emitCompute(mlir::OpBuilder &b, mlir::Location loc, graph::Reducer reducer, const std::vector<const Atom *> &over,
                        const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter = nullptr);

} // namespace tintype::frontend

#endif
