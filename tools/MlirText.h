//===- MlirText.h - text of MLIR from anywhere, before it is parsed -*- C++ -*-===//
#ifndef TINTYPE_TOOLS_MLIRTEXT_H
#define TINTYPE_TOOLS_MLIRTEXT_H

#include "llvm/Support/SourceMgr.h"

namespace tintype {

/// Whether MLIR's parser has stack for the brackets in `buffer`, for each of which it calls itself, and memory for the
/// numbers of results. Else an error at the first one too many is printed.
bool checkText(const llvm::SourceMgr &sources, unsigned buffer);

} // namespace tintype

#endif
