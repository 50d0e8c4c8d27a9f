//===- Kernels.h - the kernels of a training step, weighed ------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TUNE_KERNELS_H
#define TINTYPE_TOOLS_TUNE_KERNELS_H

#include "passes/schedule/Lowering.h"
#include "tools/tune/KernelData.h"

namespace tintype::tune {

/// What the machine can do with all threads that are measured.
struct Roof {
  double flops = 1e11; ///< a second; fused multiply-adds count twice
  double dots = 1e11;  ///< the same of products of bf16
  double bytes = 1e10; ///< a second, read from memory
};
/// Probes this machine; `features` in the words of /proc/cpuinfo, as in the manifest.
Roof probeRoof(const std::vector<std::string> &features, int threads, double seconds);

struct Kernel {
  mlir::func::FuncOp fn;
  std::string name, kind;
  double launches = 0;         ///< in a training step
  double flops = 0, bytes = 0; ///< of a launch
  double calls = 0;            ///< exponentials and the like
  double packed = 0;           ///< elements that contractions read but once or twice, if blocks are packed
  bool isContraction = false;
  bool isBlock = false;   ///< a block kernel: its flops are mostly products
  bool isRounded = false; ///< its products are of bf16
  /// Seconds that arithmetic or memory takes at the least.
  double roof(const Roof &r) const;
  /// What the time goes into where `seconds` is far from the roof: what the kernel's
  /// text says it must do, as parts of `seconds`, the largest first.
  std::string boundBy(const Roof &r, double seconds) const;
};

/// Kernels that training with products of `dtype` (f32, bf16) calls, the largest part of the step by estimate
/// first; none if there is no such training program.
std::vector<Kernel> kernelsOf(mlir::ModuleOp module, const std::string &dtype, const Dims &dims, const Roof &roof,
                              const schedule::Machine &machine);
/// What the recipe trains with, if there is a program for that, or f32.
std::string dtypeOf(mlir::ModuleOp module);

/// An error where `given` names no runtime dim of the model, or lies outside of its bounds.
llvm::Error checkDims(mlir::ModuleOp module, const Dims &given);
/// Dims to measure at: those given, then the recipe's, then bounds; `N`, the length of
/// what the optimiser updates, is the number of parameters.
Dims dimsOf(mlir::ModuleOp module, const Dims &given);
std::string printDims(const Dims &dims);

} // namespace tintype::tune

#endif
