//===- Pipeline.h - the way of the data, stage by stage ---------*- C++ -*-===//
//   graph -> program -> kernels -> halide -> (stmt, asm, llvm) -> manifest -> exe
// Every stage can be printed; the first four can be gone on from, and what comes
// out is the same to the byte. A pass that fails leaves a file for tintype-opt.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_PIPELINE_H
#define TINTYPE_TOOLS_PIPELINE_H

#include "codegen/halide/Compile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/Timing.h"
#include <string>
#include <utility>
#include <vector>

namespace tintype {
class Manifest;

enum class Stage { graph, program, kernels, halide, stmt, asm_, llvm, manifest, exe };

struct BuildOptions {
  std::string input, output;   // output: empty or "-" is standard output
  std::string target = "host"; // as codegen::resolveTarget takes it
  std::string cacheDir;        // empty: $XDG_CACHE_HOME/tintype
  std::string saveTemps;       // folder that keeps every stage
  int jobs = 0;                // 0: one for each core
  bool bf16 = true;            // the training programs also in a form that multiplies in bf16
  std::string db;              // measured schedules; empty: the default place
  bool useDb = true;
  bool remarks = false;                // the context has a remark engine that asks for them
  mlir::TimingScope *timing = nullptr; // where phases are timed, if anywhere
  Stage until = Stage::exe;
};

/// Runs the stages after `from` up to `options.until` on `module` and writes
/// the result. Diagnostics go to standard error.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, Stage from, const BuildOptions &options);

/// Only the passes between two stages up to `halide`; nothing is written.
mlir::LogicalResult lowerTo(mlir::ModuleOp module, Stage from, Stage until, const BuildOptions &options);
/// Of a module at stage `halide`: what the runtime is told, and the executable at `options.output`.
mlir::LogicalResult fillManifest(mlir::ModuleOp module, const BuildOptions &options, Manifest &manifest);
mlir::LogicalResult linkModule(mlir::ModuleOp module, const BuildOptions &options);
codegen::CompileOptions compileOptions(const BuildOptions &options);
/// The folder of compiled kernels, made when missing.
std::string cacheFolder(const BuildOptions &options);
/// Whether kernels can be kept there: known before the work rather than after it, with an error that says what to do.
mlir::LogicalResult checkCache(const BuildOptions &options);
/// Writes text to `path`, or to standard output when it is empty or "-"; a file appears whole or not at all.
mlir::LogicalResult writeText(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> print);

/// The stage called `name`, or nothing.
std::optional<Stage> parseStage(llvm::StringRef name);
} // namespace tintype

#endif
