//===- Halide.h - the halide dialect ----------------------------*- C++ -*-===//
// Pipelines with their schedules as text that a person can edit and give back.
// Dims are innermost first everywhere, as in Halide. Halide itself is not
// needed here: codegen/halide turns a pipeline into calls of its API.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_DIALECTS_HALIDE_HALIDE_H
#define TINTYPE_DIALECTS_HALIDE_HALIDE_H

#include "dialects/graph/Graph.h"

#include "dialects/halide/HalideEnums.h.inc"

#include "dialects/halide/HalideDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/halide/HalideOps.h.inc"

namespace tintype::halide {
/// The halide.pipeline of a kernel function, or null.
PipelineOp pipelineOf(mlir::func::FuncOp kernel);
/// On a pipeline: it is compiled with checks of all that it promises, since no template made it.
inline constexpr llvm::StringLiteral checkedAttr = "halide.checked";
} // namespace tintype::halide

#endif
