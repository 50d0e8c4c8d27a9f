//===- Pattern.h - patterns over dotted paths -------------------*- C++ -*-===//
// `*` stands for any text inside one segment, `**` for any text at all; both
// may be empty.
//
//   h.*.attn.**     matches h.0.attn.c_attn.weight    captures 0, c_attn.weight
//   **ln_*.weight   matches h.0.ln_1.weight, ln_f.weight
//   *.weight        does not match h.0.weight
//   **.bias         does not match bias
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_PATTERN_H
#define TINTYPE_FRONTEND_PATTERN_H

#include "frontend/Diagnostics.h"

namespace tintype::frontend {

/// What each wildcard of `pattern` stands for, each as short as possible from
/// the left; nothing when `path` does not match.
std::optional<std::vector<std::string>> matchPattern(llvm::StringRef pattern, llvm::StringRef path);
inline bool matches(llvm::StringRef pattern, llvm::StringRef path) { return matchPattern(pattern, path).has_value(); }

/// `transformer.** -> **`: names in the file to paths in the model.
struct Rename {
  std::string from, to;
};
/// Reads `FROM -> TO`; both sides must have the same wildcards in the same
/// order. Errors go to `where`.
std::optional<Rename> parseRename(llvm::StringRef text, Loc where, Diagnostics &diag);

/// A pattern close to `pattern` that matches some of `paths`, and how many.
struct Nearby {
  std::string pattern;
  size_t count;
};
std::optional<Nearby> nearbyPattern(llvm::StringRef pattern, llvm::ArrayRef<std::string> paths);

/// Reports that `pattern` matches no `what` ("parameter", "block") among
/// `paths`, with what it might have meant.
void reportNoMatch(llvm::StringRef pattern, Loc where, llvm::StringRef what, llvm::ArrayRef<std::string> paths, Severity severity,
                   Diagnostics &diag);

} // namespace tintype::frontend

#endif
