//===- Format.h - the one layout of .tin text -------------------*- C++ -*-===//
// The author decides where lines break; the formatter decides everything
// within and around them: indentation, blanks between tokens, at most one
// empty line, aligned `=` of neighbouring configs and aligned comments at
// line ends. Tokens and comments are never added, dropped or moved to another
// line, so the tree stays the same and a second run changes nothing.
//
//   config  a=1               config a     = 1
//   config width = 8 at "w"   config width = 8 at "w"
//   fn f(x:[B]) -> [B]        fn f(x: [B]) -> [B] {
//   { return -x^2 }  error: `{` must stand on the line of its `fn`
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_FORMAT_H
#define TINTYPE_FRONTEND_FORMAT_H

#include "frontend/Diagnostics.h"
#include <optional>

namespace tintype::frontend {

/// The formatted text of `file`, or nothing when it does not parse.
std::optional<std::string> format(FileId file, const SourceManager &sources, Diagnostics &diag);

} // namespace tintype::frontend

#endif
