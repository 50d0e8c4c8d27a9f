//===- Json.h - JSON from elsewhere -----------------------------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_JSON_H
#define TINTYPE_TOOLS_JSON_H

#include "llvm/Support/JSON.h"

namespace tintype {

/// Whether `text` has more open brackets than llvm::json::parse, which calls itself for each, has stack for.
inline bool isTooDeep(llvm::StringRef text) {
  constexpr int kDeepest = 200;
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      i += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

} // namespace tintype

#endif
