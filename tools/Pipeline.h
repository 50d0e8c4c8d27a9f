//===- Pipeline.h - the way of the data, stage by stage ---------*- C++ -*-===//
//   graph -> program -> kernels -> halide -> (stmt, asm, llvm) -> manifest -> exe
// Every stage can be printed and gone on from.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_PIPELINE_H
#define TINTYPE_TOOLS_PIPELINE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <utility>
#include <vector>

namespace tintype {

enum class Stage { graph, program, kernels, halide, stmt, asm_, llvm, manifest, exe };

struct BuildOptions {
  std::string input, output;             // output: empty or "-" is standard output
  std::string target = "host";           // as codegen::resolveTarget takes it
  std::string cacheDir;                  // empty: $XDG_CACHE_HOME/tintype
  std::string saveTemps;                 // folder that keeps every stage
  int jobs = 0;                          // 0: one for each core
  bool timing = false, remarks = false;
  Stage until = Stage::exe;
};

/// Runs the stages after `from` up to `options.until` on `module` and writes
/// the result. Diagnostics go to standard error.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, Stage from, const BuildOptions &options);

/// The stage called `name`, or nothing.
std::optional<Stage> parseStage(llvm::StringRef name);
} // namespace tintype

#endif
