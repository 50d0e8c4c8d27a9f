//===- KernelGrid.h - the grid of a scheduled kernel function ---*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TUNE_KERNELGRID_H
#define TINTYPE_TOOLS_TUNE_KERNELGRID_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineExpr.h"
#include "runtime/Grid.h"
#include "llvm/Support/Error.h"

namespace tintype::tune {

/// `graph.grid` and `graph.ranges` of `kernel`, where `extent` gives the value of an extent; an error where there are more
/// axes, ranges or blocks than a launch can have.
llvm::Expected<rt::Grid> gridOf(mlir::func::FuncOp kernel, llvm::function_ref<int64_t(mlir::AffineExpr)> extent);
/// A tensor of these extents, outermost first, at `data`, in the convention of kernels; `dims` becomes its dims.
rt::HalideBuffer describe(char *data, mlir::Type element, llvm::ArrayRef<int64_t> extents, llvm::SmallVectorImpl<rt::HalideDim> &dims);

} // namespace tintype::tune

#endif
