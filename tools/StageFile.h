//===- StageFile.h - the text of an earlier stage ---------------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_STAGEFILE_H
#define TINTYPE_TOOLS_STAGEFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

namespace tintype {

/// The module in the file at `path`, or on standard input for "-"; null with a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> parseStageFile(const std::string &path, llvm::SourceMgr &sources, mlir::MLIRContext &ctx);
/// The module in `text`, whose name is in diagnostics; null with one.
mlir::OwningOpRef<mlir::ModuleOp> parseStageText(std::unique_ptr<llvm::MemoryBuffer> text, llvm::SourceMgr &sources,
                                                 mlir::MLIRContext &ctx);

} // namespace tintype

#endif
