//===- Text.h - places in editors and names of files ------------*- C++ -*-===//
// The protocol counts columns in UTF-16 units, the frontend in bytes. Places
// from outside are clamped to the text.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_TEXT_H
#define TINTYPE_TOOLS_LSP_TEXT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace tintype::lsp {

struct Position {
  int64_t line = 0, character = 0;
};

size_t offsetOf(llvm::StringRef text, Position at);
Position positionOf(llvm::StringRef text, size_t offset);
/// The bytes [begin, end) as a range of the protocol.
llvm::json::Object rangeOf(llvm::StringRef text, size_t begin, size_t end);
std::optional<Position> readPosition(const llvm::json::Object *o);

/// The path of a `file:` URI, or nothing.
std::optional<std::string> pathOf(llvm::StringRef uri);
std::string uriOf(llvm::StringRef path);

/// Text for the protocol, which must be UTF-8.
std::string clean(llvm::StringRef text);

} // namespace tintype::lsp

#endif
