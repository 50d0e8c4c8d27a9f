//===- MlirText.cpp - text of MLIR from anywhere, before it is parsed -----===//
#include "tools/MlirText.h"

namespace tintype {

static constexpr int kMost = 256;

/// The bracket in `text` that is one too many; null where there is none.
static const char *tooDeep(llvm::StringRef text) {
  int depth = 0;
  bool isString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (isString) {
      i += c == '\\';
      isString = c != '"' && c != '\n';
    } else if (c == '/' && text.substr(i).starts_with("//")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '"') {
      isString = true;
    } else if (llvm::StringRef("([{<").contains(c)) {
      if (++depth > kMost)
        return text.data() + i;
    } else if (llvm::StringRef(")]}").contains(c) ||
               (c == '>' && i && text[i - 1] != '-' && !text.substr(i).starts_with(">="))) {
      --depth;
    }
  }
  return nullptr;
}

bool checkDepth(const llvm::SourceMgr &sources, unsigned buffer) {
  const char *at = tooDeep(sources.getMemoryBuffer(buffer)->getBuffer());
  if (at)
    sources.PrintMessage(llvm::SMLoc::getFromPointer(at), llvm::SourceMgr::DK_Error,
                         "expected at most " + llvm::Twine(kMost) + " open brackets, but got another one");
  return !at;
}

} // namespace tintype
