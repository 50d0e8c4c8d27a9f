//===- KernelEval.h - a kernel function, evaluated point by point -*- C++ -*-===//
// In double precision and in no hurry: each element of a result is computed
// from its definition when asked for, and remembered.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TEST_BENCH_KERNELEVAL_H
#define TINTYPE_TEST_BENCH_KERNELEVAL_H

#include "dialects/graph/Graph.h"
#include <map>
#include <unordered_map>

namespace tintype::test {

/// Bytes of an element as kernels see it.
int bytesOf(mlir::Type type);
/// The bits of `x` as f32, rounded to the nearest bf16 (ties to even, subnormals to zero).
uint32_t roundBf16(float x);

/// Values of an argument: the bytes as the kernel sees them.
struct Tensor {
  std::vector<int64_t> dims;
  mlir::Type type;
  std::vector<char> bytes;
  double at(int64_t i) const;
};

class KernelEval {
public:
  KernelEval(mlir::func::FuncOp kernel, std::map<std::string, int64_t> symbols, std::vector<Tensor> arguments);
  int64_t extent(mlir::AffineExpr e) const;
  std::vector<int64_t> dims(mlir::Type t) const;
  /// The element of `tensor` at row-major position `position`.
  double element(mlir::Value tensor, int64_t position);

private:
  using Env = llvm::DenseMap<mlir::Value, double>;
  double compute(graph::ComputeOp op, std::vector<int64_t> loops);
  void scatter(graph::ScatterOp op);
  double scalar(mlir::Value v, const std::vector<int64_t> &loops, Env &env);
  double operation(mlir::Operation *op, llvm::ArrayRef<double> in);
  int64_t index(mlir::AffineExpr e, const std::vector<int64_t> &loops, llvm::ArrayRef<int64_t> symbols);

  mlir::func::FuncOp kernel;
  std::map<std::string, int64_t> symbols;
  std::vector<Tensor> arguments;
  std::map<void *, std::unordered_map<int64_t, double>> memory;
  std::map<void *, std::vector<double>> scattered;
};

} // namespace tintype::test

#endif
