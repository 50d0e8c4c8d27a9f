//===- Text.cpp - places in editors and names of files --------------------===//
#include "tools/lsp/Text.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::lsp {

/// Bytes and UTF-16 units of the character at `i`. A byte that starts no
/// character counts as one.
static std::pair<size_t, unsigned> characterAt(llvm::StringRef text, size_t i) {
  auto c = static_cast<unsigned char>(text[i]);
  size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
  for (size_t k = 1; k < n; ++k)
    if (i + k >= text.size() || (text[i + k] & 0xc0) != 0x80)
      return {1, 1};
  return {n, n == 4 ? 2 : 1};
}

size_t offsetOf(llvm::StringRef text, Position at) {
  size_t i = 0;
  for (int64_t line = 0; line < at.line; ++line) {
    size_t end = text.find('\n', i);
    if (end == llvm::StringRef::npos)
      return text.size();
    i = end + 1;
  }
  for (int64_t units = 0; units < at.character && i < text.size() && text[i] != '\n' && text.substr(i, 2) != "\r\n";) {
    auto [bytes, n] = characterAt(text, i);
    units += n;
    if (units > at.character)
      break; // inside a pair: its start
    i += bytes;
  }
  return i;
}

Position positionOf(llvm::StringRef text, size_t offset) {
  offset = std::min(offset, text.size());
  Position p;
  p.line = text.take_front(offset).count('\n');
  size_t start = text.take_front(offset).rfind('\n');
  start = start == llvm::StringRef::npos ? 0 : start + 1;
  while (start < offset) {
    auto [bytes, n] = characterAt(text, start);
    if (start + bytes > offset)
      break;
    start += bytes;
    p.character += n;
  }
  return p;
}

llvm::json::Object rangeOf(llvm::StringRef text, size_t begin, size_t end) {
  auto point = [&](size_t at) {
    Position p = positionOf(text, at);
    return llvm::json::Object{{"line", p.line}, {"character", p.character}};
  };
  return llvm::json::Object{{"start", point(begin)}, {"end", point(std::max(begin, end))}};
}

std::optional<Position> readPosition(const llvm::json::Object *o) {
  auto line = o ? o->getInteger("line") : std::nullopt, character = o ? o->getInteger("character") : std::nullopt;
  if (!line || !character || *line < 0 || *character < 0)
    return std::nullopt;
  return Position{*line, *character};
}

std::optional<std::string> pathOf(llvm::StringRef uri) {
  if (!uri.consume_front("file://"))
    return std::nullopt;
  uri = uri.drop_front(std::min(uri.find('/'), uri.size())); // a host name
  std::string path;
  for (size_t i = 0; i < uri.size(); ++i) {
    unsigned byte;
    if (uri[i] == '%' && i + 2 < uri.size() && !uri.substr(i + 1, 2).getAsInteger(16, byte)) {
      path += char(byte);
      i += 2;
    } else {
      path += uri[i];
    }
  }
  if (path.empty() || path.find('\0') != std::string::npos)
    return std::nullopt;
  return path;
}

std::string uriOf(llvm::StringRef path) {
  std::string uri = "file://";
  for (char c : path)
    if (llvm::isAlnum(c) || llvm::StringRef("-._~/").contains(c))
      uri += c;
    else
      uri += "%" + llvm::toHex(llvm::StringRef(&c, 1));
  return uri;
}

std::string clean(llvm::StringRef text) { return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text); }

} // namespace tintype::lsp
