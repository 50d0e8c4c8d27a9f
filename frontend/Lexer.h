//===- Lexer.h - tokens and comments of a .tin file -------------*- C++ -*-===//
// Newlines that end a statement are tokens. A newline is not one inside `()`
// and `[]`, after an operator, `,`, `=` or `:`, and before `->`:
//
//   y[o] =          Name [ Name ] =
//     x[o] +        Name [ Name ] +
//     b[o]          Name [ Name ] Newline
//
// (The newline after a reducer's `)` is skipped by the parser, which alone
// knows where that is.) Comments are kept apart, in order, for the formatter.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_LEXER_H
#define TINTYPE_FRONTEND_LEXER_H

#include "frontend/Diagnostics.h"
#include <optional>

namespace tintype::frontend {

enum class Tok : uint8_t {
  End,
  Newline,
  Number,
  String,
  Name,
  Reducer,
  // keywords
  Import,
  Config,
  Block,
  Model,
  Param,
  At,
  If,
  Fn,
  Where,
  Scan,
  For,
  In,
  Return,
  Or,
  And,
  Not,
  True,
  False,
  // punctuation
  LParen,
  RParen,
  LBracket,
  RBracket,
  LBrace,
  RBrace,
  Comma,
  Colon,
  Dot,
  DotDot,
  Ellipsis,
  Assign,
  Arrow,
  Question,
  OrElse,
  Plus,
  Minus,
  Star,
  Slash,
  SlashSlash,
  Percent,
  Caret,
  Less,
  Greater,
  LessEqual,
  GreaterEqual,
  EqualEqual,
  NotEqual
};

struct Token {
  Tok kind;
  uint32_t offset, length;
};

struct Comment {
  uint32_t offset, length; ///< from `#` to the end of the line, without it
  bool ownLine;            ///< nothing but blanks before it
  bool doc;                ///< starts with `##`
};

struct Lexed {
  std::vector<Token> tokens; ///< the last one is End
  std::vector<Comment> comments;
};

/// Larger files are refused, which also keeps offsets within 32 bits.
constexpr size_t kMaxFileBytes = size_t(8) << 20;

/// The tokens of `file`, or nothing after the first error. With `recovers` what
/// is no token is told and left out, and a word that only starts a line ends
/// the brackets that are still open before it.
std::optional<Lexed> lex(FileId file, const SourceManager &sources, Diagnostics &diag, bool recovers = false);

/// How a token of punctuation or a keyword is written; empty for the others.
llvm::StringRef spelling(Tok kind);
/// Every reserved word that is not a reducer.
llvm::ArrayRef<std::string> keywords();

} // namespace tintype::frontend

#endif
