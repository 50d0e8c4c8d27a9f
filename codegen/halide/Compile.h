//===- Compile.h - from halide.pipeline ops to objects ----------*- C++ -*-===//
// Compiles the pipelines of a module in parallel, with a cache by content:
//
//   codegen::CompileOptions o;
//   o.cacheDir = "cache"; o.jobs = 2;
//   llvm::StringMap<std::string> objects;           // kernel name -> path of its object
//   if (failed(codegen::compileKernels(module, o, objects))) ..
//
// An object exports `<kernel>` and `<kernel>_argv(void **)` and nothing else
// that a second kernel could also export.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_CODEGEN_HALIDE_COMPILE_H
#define TINTYPE_CODEGEN_HALIDE_COMPILE_H

#include "codegen/halide/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tintype::codegen {

struct CompileOptions {
  std::string target = "host";      ///< as resolveTarget takes it
  std::string cacheDir = "kernels"; ///< made when missing; objects lie in it as <hash>.o
  int jobs = 1;                     ///< threads
  bool asserts = false;             ///< check every buffer access and shape at run time
  /// Told of each kernel as it is compiled, with its seconds; null where the cache has it. By one thread at a time.
  std::function<void(llvm::StringRef kernel, std::optional<double> seconds)> onKernel;
};

/// The full target string that `options` means on this machine; of a target that
/// does not resolve, this machine's.
std::string targetString(const CompileOptions &options);
inline std::vector<std::string> cpuFeatures(const CompileOptions &options) { return cpuFeatures(targetString(options)); }
inline int vectorWidth(const CompileOptions &options) { return vectorWidth(targetString(options)); }
inline bool multipliesTiles(const CompileOptions &options) { return multipliesTiles(targetString(options)); }
inline bool multipliesPairs(const CompileOptions &options) { return multipliesPairs(targetString(options)); }

/// Compiles every halide.pipeline of `module` that is not in the cache.
mlir::LogicalResult compileKernels(mlir::ModuleOp module, const CompileOptions &options,
                                   llvm::StringMap<std::string> &objectPathByKernelName);

/// Texts of each kernel at later stages, in the order of `stages`: `stmt` (Halide's
/// loops), `asm` or `llvm`. One lowering gives all texts of a kernel.
mlir::FailureOr<llvm::StringMap<std::vector<std::string>>> emitKernels(mlir::ModuleOp module, llvm::ArrayRef<llvm::StringRef> stages,
                                                                       const CompileOptions &options);

} // namespace tintype::codegen

#endif
