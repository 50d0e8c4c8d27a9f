//===- MlirText.cpp - text of MLIR from anywhere, before it is parsed -----===//
#include "tools/MlirText.h"
#include "runtime/Depth.h"

#include "llvm/ADT/StringExtras.h"

using llvm::StringRef, llvm::Twine;

namespace tintype {

constexpr unsigned kMostResults = 1 << 16; ///< of an op

/// The first `%name#number` with a number beyond what an op has: the parser makes room for so many.
static const char *tooManyResults(StringRef text) {
  for (size_t at = text.find('#'); at != StringRef::npos; at = text.find('#', at + 1)) {
    StringRef digits = text.substr(at + 1).take_while(llvm::isDigit);
    unsigned number = 0;
    if (at && (llvm::isAlnum(text[at - 1]) || text[at - 1] == '_') && !digits.empty() &&
        (digits.getAsInteger(10, number) || number > kMostResults))
      return digits.data();
  }
  return nullptr;
}

bool checkText(const llvm::SourceMgr &sources, unsigned buffer) {
  StringRef text = sources.getMemoryBuffer(buffer)->getBuffer();
  auto error = [&](const char *at, const Twine &message) {
    sources.PrintMessage(llvm::SMLoc::getFromPointer(at), llvm::SourceMgr::DK_Error, message);
    return false;
  };
  if (const char *at = tooDeep(text))
    return error(at, "expected at most " + Twine(kMostOpen) + " open brackets, but got another one");
  if (const char *at = tooManyResults(text))
    return error(at, "expected the number of a result, up to " + Twine(kMostResults));
  return true;
}

} // namespace tintype
