//===- Source.cpp - source texts and places in them -----------------------===//
#include "frontend/Source.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

namespace tintype::frontend {

FileId SourceManager::add(std::string name, std::string text) {
  Entry &e = files.emplace_back();
  e.name = std::move(name);
  e.text = std::move(text);
  e.lineStarts.push_back(0);
  for (size_t i = 0; i < e.text.size(); ++i)
    if (e.text[i] == '\n')
      e.lineStarts.push_back(i + 1);
  return files.size();
}

SourceManager::LineCol SourceManager::lineCol(Loc loc) const {
  if (!loc || loc.offset == Loc::kWholeFile)
    return {};
  const auto &starts = files[loc.file - 1].lineStarts;
  auto next = std::upper_bound(starts.begin(), starts.end(), loc.offset);
  return {unsigned(next - starts.begin()), loc.offset - *std::prev(next) + 1};
}

llvm::StringRef SourceManager::lineText(Loc loc) const {
  LineCol at = lineCol(loc);
  if (!at.line)
    return {};
  llvm::StringRef rest = text(loc.file).drop_front(loc.offset - at.column + 1);
  return rest.take_until([](char c) { return c == '\n'; }).rtrim('\r');
}

std::string SourceManager::describe(Loc loc) const {
  if (!loc)
    return {};
  LineCol at = lineCol(loc);
  if (!at.line)
    return name(loc.file).str();
  return (name(loc.file) + ":" + llvm::Twine(at.line) + ":" + llvm::Twine(at.column)).str();
}

} // namespace tintype::frontend
