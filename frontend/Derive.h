//===- Derive.h - what a program carries along T ----------------*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_DERIVE_H
#define TINTYPE_FRONTEND_DERIVE_H

#include "frontend/Elaborate.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tintype::frontend {

/// What decoding position by position along runtime dim `dim` must keep:
///
///   max(s if s <= t) score[b, h, t, s]     rows of k for s <= t: a cache of k
///   x[b, t - k, d] ?? 0                    the last k rows of x
///
/// Each definition is classified by how its reads meet the dim; a read of later
/// positions is reported in `note` with its place, and nothing is derived.
void deriveState(mlir::func::FuncOp func, const std::string &dim, const SourceManager &sources, Summary &out);

} // namespace tintype::frontend

#endif
