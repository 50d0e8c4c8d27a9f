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
#include <string>
#include <vector>

namespace tintype::codegen {

struct CompileOptions {
  std::string target = "host";        ///< as resolveTarget takes it
  std::string cacheDir = "kernels";   ///< made when missing; objects lie in it as <hash>.o
  int jobs = 1;                       ///< threads
  bool asserts = false;               ///< check every buffer access and shape at run time
};

/// The full target string that `options` means on this machine; of a target that
/// does not resolve, this machine's.
std::string targetString(const CompileOptions &options);
inline std::vector<std::string> cpuFeatures(const CompileOptions &options) { return cpuFeatures(targetString(options)); }
inline int vectorWidth(const CompileOptions &options) { return vectorWidth(targetString(options)); }

/// Compiles every halide.pipeline of `module` that is not in the cache.
mlir::LogicalResult compileKernels(mlir::ModuleOp module, const CompileOptions &options,
                                   llvm::StringMap<std::string> &objectPathByKernelName);

/// Text of one kernel at a later stage: `stmt` (Halide's loops), `asm` or `llvm`.
mlir::FailureOr<std::string> emitKernel(mlir::ModuleOp module, llvm::StringRef kernel, llvm::StringRef stage,
                                        const CompileOptions &options);

} // namespace tintype::codegen

#endif
