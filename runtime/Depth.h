//===- Depth.h - how deep text from outside is nested -----------*- C++ -*-===//
#pragma once
#include <algorithm>
#include <string_view>

namespace tintype {

constexpr int kMostOpen = 256;

/// The bracket in `text` that is one more than kMostOpen; null where there is none. Parsers, copies and prints call
/// themselves for each. Of JSON and of MLIR: what only the latter has is where the former ends with an error.
inline const char *tooDeep(std::string_view text) {
  int depth = 0;
  bool isString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (isString) {
      i += c == '\\';
      isString = c != '"' && c != '\n';
    } else if (text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '"') {
      isString = true;
    } else if (c == '(' || c == '[' || c == '{' || c == '<') {
      if (++depth > kMostOpen)
        return text.data() + i;
    } else if (c == ')' || c == ']' || c == '}' || (c == '>' && i && text[i - 1] != '-' && text.substr(i, 2) != ">=")) {
      --depth;
    }
  }
  return nullptr;
}

} // namespace tintype
