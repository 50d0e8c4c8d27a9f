//===- KernelCode.h - a kernel's object, loaded and run ---------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TUNE_KERNELCODE_H
#define TINTYPE_TOOLS_TUNE_KERNELCODE_H

#include "runtime/Threads.h"
#include "tools/tune/KernelData.h"
#include "tools/tune/KernelGrid.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace llvm::orc {
class LLJIT;
}

namespace tintype::tune {

/// CPU time of the calling thread.
double threadSeconds();

/// One compiled form of a kernel in this process.
class KernelCode {
public:
  static llvm::Expected<std::unique_ptr<KernelCode>> load(mlir::func::FuncOp kernel, const std::string &object, const Dims &dims);
  ~KernelCode();

  /// Runs every block; the time that `threads` threads with nothing else to do
  /// would take: CPU time of each block, given out in order to whoever is free.
  double run(const KernelData &data, rt::Threads &threads);

  /// Called before every run, with the memory of the first result (for tests of what is found out).
  std::function<void(char *, int64_t)> before;
  rt::Grid grid;

private:
  explicit KernelCode(rt::Grid grid);
  int block(const KernelData &data, int64_t index) const;
  int turn(const KernelData &data, int64_t index, int64_t ordered) const;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  int (*entry)(void **) = nullptr;
  std::vector<double> seconds; ///< of each block
};

/// While set, temporaries of kernels carry canaries too; `damage` says whether one was lost.
void checkTemporaries(bool on);
bool temporariesDamaged();

} // namespace tintype::tune

#endif
