//===- StdFiles.h - the standard library inside the program -----*- C++ -*-===//
// `StdFiles.cpp` is generated from frontend/std/*.tin by EmbedStd.cmake, so an
// installed `tintype` needs no files beside it.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_STDFILES_H
#define TINTYPE_FRONTEND_STDFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tintype::frontend {

struct StdFile {
  llvm::StringRef name; ///< as imports spell it: `std/nn.tin`
  llvm::StringRef text;
};
llvm::ArrayRef<StdFile> stdFiles();

} // namespace tintype::frontend

#endif
