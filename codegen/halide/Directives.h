//===- Directives.h - a pipeline's schedule as calls of Halide's API -*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_DIRECTIVES_H
#define TINTYPE_CODEGEN_HALIDE_DIRECTIVES_H

#include "Halide.h"
#include "dialects/halide/Halide.h"
#include "llvm/ADT/StringMap.h"

namespace tintype::codegen {

/// Loop names of one definition of a func, and which of them are reduction loops.
struct Stage {
  llvm::StringMap<Halide::RVar> rvars;
  Halide::VarOrRVar loop(llvm::StringRef name) const;
  /// A loop made from `from`.
  Halide::VarOrRVar make(llvm::StringRef name, std::initializer_list<llvm::StringRef> from);
};

/// A func with its definition and updates.
struct FuncState {
  Halide::Func func;
  std::vector<Stage> stages;
  bool isOnTiles = false; ///< computed on the machine's matrix tiles
};

/// Applies the schedule directive `op`. An op that is none, or names what is not there, is an error at it.
mlir::LogicalResult applyDirective(mlir::Operation &op, llvm::StringMap<FuncState> &funcs);

/// What Halide finds out when it lowers the whole has no place in our text. Of the
/// func that the message names first: where it is computed, if the message is about
/// that; else the directive on a loop that the message names, or the last one.
/// In messages funcs are called `prefix` and their name.
mlir::Operation *blamed(halide::PipelineOp pipeline, llvm::StringRef prefix, llvm::StringRef message);

} // namespace tintype::codegen

#endif
