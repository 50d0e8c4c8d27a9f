//===- Product.h - the factors of a product in a body -----------*- C++ -*-===//
#ifndef TINTYPE_PASSES_PRODUCT_H
#define TINTYPE_PASSES_PRODUCT_H

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tintype {

/// The leaves of a tree of multiplications. What `behind` gives for a value that is
/// no product, if not null, takes its place.
inline void factorsOf(mlir::Value v, llvm::SmallVectorImpl<mlir::Value> &factors,
                      llvm::function_ref<mlir::Value(mlir::Value)> behind = nullptr) {
  if (auto mul = v.getDefiningOp<mlir::arith::MulFOp>()) {
    factorsOf(mul.getLhs(), factors, behind);
    factorsOf(mul.getRhs(), factors, behind);
  } else if (mlir::Value inner = behind ? behind(v) : mlir::Value()) {
    factorsOf(inner, factors, behind);
  } else {
    factors.push_back(v);
  }
}

} // namespace tintype

#endif
