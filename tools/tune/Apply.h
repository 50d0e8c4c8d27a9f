//===- Apply.h - measured schedules in a build ------------------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TUNE_APPLY_H
#define TINTYPE_TOOLS_TUNE_APPLY_H

#include "codegen/halide/Compile.h"
#include "passes/schedule/Lowering.h"
#include "passes/schedule/Passes.h"

namespace tintype::tune {

/// What templates know of the machine: the same in builds and in measurements.
schedule::ScheduleKernelsOptions scheduleOptions(const codegen::CompileOptions &options);
schedule::Machine modelOf(const schedule::ScheduleKernelsOptions &options);

/// Puts the winners of the database on the kernel functions of `module` that have no
/// setting yet, marked `graph.tuned`. What cannot be used is a warning: a database that cannot be read, and a
/// setting that the templates of its kernel do not offer.
void applyWinners(mlir::ModuleOp module, const std::string &database, const codegen::CompileOptions &options);

} // namespace tintype::tune

#endif
