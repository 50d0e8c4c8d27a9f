//===- Parser.h - .tin text to syntax tree ----------------------*- C++ -*-===//
// Recursive descent with one token of look-ahead (two for `name = value`
// arguments). Parsing stops at the first error of a file.
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
/// The tree of a text that is one expression (the value of `--set`), or null.
ExprPtr parseExpression(FileId file, const SourceManager &sources, Diagnostics &diag);

} // namespace tintype::frontend

#endif
