//===- MlirText.cpp - text of MLIR from anywhere, before it is parsed -----===//
#include "tools/MlirText.h"
#include "runtime/Depth.h"

namespace tintype {

bool checkDepth(const llvm::SourceMgr &sources, unsigned buffer) {
  const char *at = tooDeep(sources.getMemoryBuffer(buffer)->getBuffer());
  if (at)
    sources.PrintMessage(llvm::SMLoc::getFromPointer(at), llvm::SourceMgr::DK_Error,
                         "expected at most " + llvm::Twine(kMostOpen) + " open brackets, but got another one");
  return !at;
}

} // namespace tintype
