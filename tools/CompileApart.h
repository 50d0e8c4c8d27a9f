//===- CompileApart.h - edited schedules, compiled at a distance -*- C++ -*-===//
// A schedule that a person wrote can bring Halide or LLVM to end the process,
// or to compile without end. Pipelines that come from a file are therefore
// compiled first by a child process, into the cache that the build then finds
// them in. The child reads the same file, so its messages carry its lines.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_COMPILEAPART_H
#define TINTYPE_TOOLS_COMPILEAPART_H

#include "tools/Pipeline.h"

namespace tintype {

/// Compiles the pipelines of `module`, parsed from `options.input`, in a child, those that people changed with
/// checks of their promises; what goes wrong is a diagnostic at its line.
mlir::LogicalResult compileApart(mlir::ModuleOp module, const BuildOptions &options);

/// The child: status 0 or 1.
int runCompileChild(const std::string &file, const BuildOptions &options);

} // namespace tintype

#endif
