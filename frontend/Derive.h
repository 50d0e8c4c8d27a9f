//===- Derive.h - what a program costs and carries along T ------*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_DERIVE_H
#define TINTYPE_FRONTEND_DERIVE_H

#include "frontend/Elaborate.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tintype::frontend {

/// `e` with runtime dims from `sizes` (others are 1).
double sizeOf(mlir::AffineExpr e, const std::map<std::string, int64_t> &sizes);

/// Floating-point operations of one call, with runtime dims from `sizes`
/// (others are 1).
double countFlops(mlir::func::FuncOp func, const std::map<std::string, int64_t> &sizes);

/// Bytes that the definitions of one call read and write, each tensor once for
/// each definition: what it costs before anything is fused.
double countBytes(mlir::func::FuncOp func, const std::map<std::string, int64_t> &sizes);

/// Where the parameters of `func` are read, by path: a place for each statement,
/// in order. One that several statements read is tied.
std::map<std::string, std::vector<std::string>> usesOfParameters(mlir::func::FuncOp func);

/// The cost of what a statement computes, over all calls of it. A call costs
/// what its function computes.
struct StatementCost {
  std::string file;
  unsigned line = 0, column = 0; ///< of the statement
  double flops = 0;              ///< with `sizes`
  std::map<std::string, double> terms; ///< runtime dims, `B * T * T`: their factor
};
std::vector<StatementCost> statementCosts(mlir::func::FuncOp func, const std::map<std::string, int64_t> &sizes);

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
