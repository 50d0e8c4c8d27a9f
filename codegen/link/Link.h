//===- Link.h - objects to an executable ------------------------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_LINK_LINK_H
#define TINTYPE_CODEGEN_LINK_LINK_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include <string>

namespace tintype {
/// Links `objects` with the static runtime into `output`, written beside and
/// renamed. The runtime archive and the libraries it needs are listed in
/// `runtimeList` (a response file). The result needs libc, libm and the loader.
llvm::Error linkExecutable(llvm::ArrayRef<std::string> objects, llvm::StringRef runtimeList, llvm::StringRef output);
} // namespace tintype

#endif
