//===- Diagnostics.cpp - errors with places, notes and hints --------------===//
#include "frontend/Diagnostics.h"

namespace tintype::frontend {

static llvm::StringRef label(Severity s) {
  switch (s) {
  case Severity::Error:
    return "error: ";
  case Severity::Warning:
    return "warning: ";
  case Severity::Remark:
    return "remark: ";
  case Severity::Note:
    return "note: ";
  case Severity::Hint:
    return "hint: ";
  }
  return "";
}

DiagBuilder Diagnostics::add(Severity severity, Loc loc) {
  errors += severity == Severity::Error;
  Diagnostic &d = list.emplace_back();
  d.messages.push_back({severity, loc, {}});
  return {d, d.messages.back()};
}

/// The source line and a caret below the place. Tabs are kept in the caret's
/// line so that it stays aligned; a very long line is cut around the place.
static void printExcerpt(llvm::raw_ostream &os, const SourceManager &sources, Loc loc) {
  constexpr size_t kWidth = 160;
  llvm::StringRef line = sources.lineText(loc);
  size_t column = sources.lineCol(loc).column;
  if (!column)
    return;
  size_t at = std::min<size_t>(column - 1, line.size());
  if (line.size() > kWidth) {
    size_t from = at > kWidth / 2 ? at - kWidth / 2 : 0;
    line = line.substr(from, kWidth);
    at -= from;
  }
  // Control characters of a hostile file must not reach the terminal.
  os << "  ";
  for (char c : line.rtrim())
    os << ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f ? '?' : c);
  os << "\n  ";
  for (char c : line.take_front(at))
    if ((c & 0xc0) != 0x80) // one column per UTF-8 character
      os << (c == '\t' ? '\t' : ' ');
  os << "^\n";
}

void Diagnostics::print(llvm::raw_ostream &os) const {
  for (const Diagnostic &d : list)
    for (const Message &m : d.messages) {
      if (m.loc)
        os << sources.describe(m.loc) << ": ";
      os << label(m.severity) << m.text << "\n";
      if (m.loc)
        printExcerpt(os, sources, m.loc);
    }
}

std::optional<std::string> nearest(llvm::StringRef name, llvm::ArrayRef<std::string> candidates) {
  for (const std::string &c : candidates)
    if (name.equals_insensitive(c))
      return c;
  // Two letters swapped count as two. More than a third of a long name is not a
  // slip but another word, and so is every other word of one or two letters.
  const std::string *best = nullptr;
  unsigned bound = name.size() < 3 ? 1 : name.size() < 4 ? 2 : std::max<size_t>(3, name.size() / 3 + 1);
  for (const std::string &c : candidates) {
    unsigned d = name.edit_distance(c, /*AllowReplacements=*/true, bound);
    if (d < bound) {
      bound = d;
      best = &c;
    }
  }
  return best ? std::optional<std::string>(*best) : std::nullopt;
}

} // namespace tintype::frontend
