//===- Export.h - host functions as tables --------------------*- C++ -*-===//
// A host function that only calls kernels becomes a list of launches over a
// list of buffers. `%y = call @k(%x)` with x: [B * T, 768] gives
//
//   buffers:  0 INPUT x   1 ARENA y (first 0, last 4)
//   launches: k  inputs {0, [B*T, 768]}  results {1, [B*T, 768]}
//
// Reshapes are views and cost nothing. A result lands in the gradient buffer or
// output it ends in, or in the memory of an argument it may reuse.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_CODEGEN_HOST_EXPORT_H
#define TINTYPE_CODEGEN_HOST_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace tintype {
class Manifest;

/// Fills `manifest` from a module of scheduled kernels and host functions (see
/// passes/README.md). Reports what cannot be a table at its op.
mlir::LogicalResult exportManifest(mlir::ModuleOp module, llvm::StringRef target, Manifest &manifest);

/// The manifest as readable text.
std::string printManifest(const Manifest &manifest);

/// Writes an object with the manifest's bytes and the table of kernel entries
/// (`tintype_manifest`, `tintype_manifest_size`, `tintype_kernels`) to `path`.
mlir::LogicalResult writeHostObject(const Manifest &manifest, mlir::MLIRContext &ctx, llvm::StringRef path);
} // namespace tintype

#endif
