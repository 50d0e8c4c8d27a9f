//===- Cost.h - what a program costs, where parameters are read -*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_COST_H
#define TINTYPE_FRONTEND_COST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>
#include <string>
#include <vector>

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
  unsigned line = 0, column = 0;       ///< of the statement
  double flops = 0;                    ///< with `sizes`
  std::map<std::string, double> terms; ///< runtime dims, `B * T * T`: their factor
};
std::vector<StatementCost> statementCosts(mlir::func::FuncOp func, const std::map<std::string, int64_t> &sizes);

} // namespace tintype::frontend

#endif
