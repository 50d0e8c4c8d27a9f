//===- ToolMain.h - what tintype-opt and tintype-lsp-server share -*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TOOLMAIN_H
#define TINTYPE_TOOLS_TOOLMAIN_H

#include "dialects/graph/Graph.h"
#include "dialects/halide/Halide.h"
#include "llvm/Support/CommandLine.h"

namespace tintype {
/// The project's dialects and the upstream ones that its text may hold.
inline void registerDialects(mlir::DialectRegistry &registry) {
  registry
      .insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect, graph::GraphDialect, halide::HalideDialect>();
}

/// Keeps the options of LLVM's code generators, which linking the shared
/// library brings along, out of `--help`. Call it before anything registers
/// options of its own; `--help-hidden` still shows them.
inline void hideForeignOptions() {
  for (auto &option : llvm::cl::getRegisteredOptions())
    option.second->setHiddenFlag(llvm::cl::Hidden);
}
} // namespace tintype

#endif
