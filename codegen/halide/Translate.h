//===- Translate.h - a halide.pipeline as calls of Halide's API -*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_TRANSLATE_H
#define TINTYPE_CODEGEN_HALIDE_TRANSLATE_H

#include "Halide.h"
#include "dialects/halide/Halide.h"
#include "llvm/ADT/StringMap.h"

namespace tintype::codegen {

/// The lowered module of `pipeline` for `target`: one function named as the
/// kernel with the arguments symbols, inputs, results. A mistake in a directive
/// is an error at it.
mlir::FailureOr<Halide::Module> translate(halide::PipelineOp pipeline, const Halide::Target &target);

/// The value of the arith or math op `op` for these operands; null if there is none.
Halide::Expr scalarExpr(mlir::Operation *op, llvm::ArrayRef<Halide::Expr> in);
Halide::Type halideType(mlir::Type type);

/// Halide's message in the form of ours: one line, without its "Error: ".
std::string messageOf(const Halide::Error &e);

} // namespace tintype::codegen

#endif
