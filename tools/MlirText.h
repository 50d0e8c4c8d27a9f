//===- MlirText.h - text of MLIR from anywhere, before it is parsed -*- C++ -*-===//
#ifndef TINTYPE_TOOLS_MLIRTEXT_H
#define TINTYPE_TOOLS_MLIRTEXT_H

#include "llvm/Support/SourceMgr.h"

namespace tintype {

/// Whether `buffer` opens at most as many brackets as MLIR's parser, which calls itself for each, has stack for.
/// Else an error at the first one too many is printed.
bool checkDepth(const llvm::SourceMgr &sources, unsigned buffer);

} // namespace tintype

#endif
