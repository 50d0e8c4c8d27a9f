//===- Pattern.cpp - patterns over dotted paths ---------------------------===//
#include "frontend/Pattern.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

namespace tintype::frontend {

namespace {
/// Backtracking that never tries one pair of positions twice, so that a
/// pattern of many wildcards costs no more than the product of the lengths.
struct Matcher {
  llvm::StringRef pattern, path;
  std::set<std::pair<size_t, size_t>> failed;
  std::vector<std::string> captures;

  bool from(size_t p, size_t s) {
    if (p == pattern.size())
      return s == path.size();
    if (failed.count({p, s}))
      return false;
    bool ok = pattern[p] == '*' ? wildcard(p, s) : s < path.size() && pattern[p] == path[s] && from(p + 1, s + 1);
    if (!ok)
      failed.insert({p, s});
    return ok;
  }

  bool wildcard(size_t p, size_t s) {
    bool crosses = pattern.substr(p).starts_with("**");
    size_t next = p + (crosses ? 2 : 1);
    size_t depth = captures.size();
    captures.emplace_back();
    for (size_t end = s;; ++end) {
      captures.resize(depth + 1);
      captures[depth] = path.slice(s, end).str();
      if (from(next, end))
        return true;
      if (end == path.size() || (path[end] == '.' && !crosses))
        break;
    }
    captures.resize(depth);
    return false;
  }
};

/// `**`, `*` and the text between them.
std::vector<std::string> wildcardsOf(llvm::StringRef pattern) {
  std::vector<std::string> list;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == '*') {
      bool two = pattern.substr(i).starts_with("**");
      list.push_back(two ? "**" : "*");
      i += two;
    }
  return list;
}
} // namespace

std::optional<std::vector<std::string>> matchPattern(llvm::StringRef pattern, llvm::StringRef path) {
  Matcher m{pattern, path, {}, {}};
  if (!m.from(0, 0))
    return std::nullopt;
  return std::move(m.captures);
}

std::optional<Rename> parseRename(llvm::StringRef text, Loc where, Diagnostics &diag) {
  auto [left, right] = text.split("->");
  Rename r{left.trim().str(), right.trim().str()};
  if (r.from.empty() || r.to.empty() || llvm::StringRef(r.to).contains("->")) {
    auto e = diag.error(where) << "expected `file pattern -> model pattern`, but got \"" << text << "\"";
    e.hint() << "for example \"transformer.** -> **\"";
    return std::nullopt;
  }
  if (wildcardsOf(r.from) != wildcardsOf(r.to)) {
    diag.error(where) << "expected the same wildcards on both sides of `->`, but got `" << llvm::join(wildcardsOf(r.from), " ") << "` and `"
                      << llvm::join(wildcardsOf(r.to), " ") << "`";
    return std::nullopt;
  }
  return r;
}

/// The path with `*` for each numbered segment: what twelve layers share.
static std::string withoutNumbers(llvm::StringRef path) {
  llvm::SmallVector<llvm::StringRef> segments;
  path.split(segments, '.');
  for (llvm::StringRef &s : segments)
    if (llvm::all_of(s, llvm::isDigit))
      s = "*";
  return llvm::join(segments, ".");
}

std::optional<Nearby> nearbyPattern(llvm::StringRef pattern, llvm::ArrayRef<std::string> paths) {
  auto count = [&](llvm::StringRef p) { return llvm::count_if(paths, [&](const std::string &s) { return matches(p, s); }); };
  // The pattern below one prefix, as for a model used as a member of another.
  std::set<std::string> prefixes;
  for (const std::string &path : paths)
    if (auto captures = matchPattern(("**." + pattern).str(), path); captures && !captures->front().empty())
      prefixes.insert(withoutNumbers(captures->front()));
  std::vector<std::string> candidates;
  if (prefixes.size() == 1)
    candidates.push_back(*prefixes.begin() + "." + pattern.str());
  else if (!prefixes.empty())
    candidates.push_back(("**." + pattern).str());
  // One star where two were meant.
  std::string twice;
  for (size_t i = 0; i < pattern.size(); ++i) {
    twice += pattern[i];
    if (pattern[i] == '*' && !pattern.substr(i + 1).starts_with("*") && (i == 0 || pattern[i - 1] != '*'))
      twice += '*';
  }
  candidates.push_back(twice);
  // A slip in a name.
  std::vector<std::string> general;
  for (const std::string &path : paths)
    general.push_back(withoutNumbers(path));
  if (auto near = nearest(pattern, general))
    candidates.push_back(*near);
  for (const std::string &c : candidates)
    if (size_t n = count(c))
      return Nearby{c, n};
  return std::nullopt;
}

void reportNoMatch(llvm::StringRef pattern, Loc where, llvm::StringRef what, llvm::ArrayRef<std::string> paths, Severity severity,
                   Diagnostics &diag) {
  auto e = severity == Severity::Error ? diag.error(where) : diag.remark(where);
  e << "pattern \"" << pattern << "\" matches no " << what;
  if (auto near = nearbyPattern(pattern, paths))
    e.hint() << near->count << " " << what << (near->count == 1 ? " matches \"" : "s match \"") << near->pattern << "\"";
  if (pattern.contains('*') && !pattern.contains("**"))
    e.hint() << "`*` stays inside one path segment, `**` crosses dots";
}

} // namespace tintype::frontend
