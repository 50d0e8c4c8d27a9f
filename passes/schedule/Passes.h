//===- Passes.h - from kernels to scheduled pipelines -----------*- C++ -*-===//
#ifndef TINTYPE_PASSES_SCHEDULE_PASSES_H
#define TINTYPE_PASSES_SCHEDULE_PASSES_H

#include "dialects/halide/Halide.h"
#include "mlir/Pass/Pass.h"

namespace tintype::schedule {
#define GEN_PASS_DECL
#include "passes/schedule/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/schedule/Passes.h.inc"

/// Appends the passes of this room in order.
void buildPipeline(mlir::OpPassManager &pm, const ScheduleKernelsOptions &options = {});
} // namespace tintype::schedule

#endif
