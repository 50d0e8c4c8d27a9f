//===- WholeFile.h - files that appear whole or not at all ------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_WHOLEFILE_H
#define TINTYPE_CODEGEN_WHOLEFILE_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/Twine.h"
#include <system_error>

namespace tintype {
/// `fill` gets the name of an empty file beside `path`, PATH.partial-XXXXXXXX, which no other process has: two that write the
/// same `path` at once each write a whole file, and the last one stays. It takes the name `path` if `fill` succeeds; otherwise, or
/// when a signal ends the process, it is removed.
std::error_code writeWhole(const llvm::Twine &path, llvm::function_ref<std::error_code(llvm::StringRef partial)> fill);

/// The same with what `print` writes.
std::error_code writeWhole(const llvm::Twine &path, llvm::function_ref<void(llvm::raw_ostream &)> print);

/// Removes what processes that were killed, an hour ago or earlier, began in the place of `path`. Looks at all of its folder.
void removeLeftovers(const llvm::Twine &path);

/// Writes to `path` itself, as to a device.
std::error_code writeTo(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> print);
} // namespace tintype

#endif
