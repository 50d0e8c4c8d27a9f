//===- Parser.h - .tin text to syntax tree ----------------------*- C++ -*-===//
// Recursive descent with one token of look-ahead (two for `name = value`
// arguments). Parsing stops at the first error of a file, except for editors.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_PARSER_H
#define TINTYPE_FRONTEND_PARSER_H

#include "frontend/Ast.h"
#include "frontend/Lexer.h"

namespace tintype::frontend {

/// Deeper nesting, and longer chains of one operator, are refused. Recursive
/// walks over the tree rely on it.
constexpr unsigned kMaxHeight = 256;

/// The tree of a file, or null after an error.
std::unique_ptr<File> parseFile(FileId file, const SourceManager &sources, Diagnostics &diag);
/// The tree of a file that is being edited. After an error parsing goes on
/// with the next line of the braces around it, at worst with the next word at
/// the start of a line that begins an item. Null members of the tree stand for
/// what is missing. Null only for what are no tokens at all.
std::unique_ptr<File> parseRecovering(FileId file, const SourceManager &sources, Diagnostics &diag);
/// The tree of a text that is one expression (the value of `--set`), or null.
ExprPtr parseExpression(FileId file, const SourceManager &sources, Diagnostics &diag);

} // namespace tintype::frontend

#endif
