//===- ParserImpl.h - the parser's state and productions --------*- C++ -*-===//
// Private to the parser's four files. After an error the cursor stands on
// the End token and further errors are dropped, so productions need no checks:
// every loop ends at End, and every production returns some tree. For editors
// the loops over lines then put the cursor back and go on (`recover`).
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_PARSERIMPL_H
#define TINTYPE_FRONTEND_PARSERIMPL_H

#include "frontend/Parser.h"

namespace tintype::frontend {

/// `task`, `train`, ..
llvm::ArrayRef<std::string> sectionNames();

class Parser {
public:
  Parser(FileId file, const SourceManager &sources, Diagnostics &diag, const Lexed &lexed, bool recovers = false)
      : file(file), sources(sources), diag(diag), lexed(lexed), recovers(recovers) {}

  std::unique_ptr<File> parseFile();
  ExprPtr parseWholeExpression();
  bool hasFailed() const { return failed; }

private:
  // Declarations and statements (ParseDecl.cpp, ParseFn.cpp)
  DeclPtr parseItem();
  DeclPtr parseImport();
  DeclPtr parseConfig();
  DeclPtr parseBlock();
  DeclPtr parseFn(bool needsName);
  DeclPtr parseSection();
  DeclPtr parseMember();
  DeclPtr parseParam();
  DeclPtr parseField();
  std::vector<DeclPtr> parseMembers();
  std::vector<Parameter> parseParameters();
  Type parseType();
  std::vector<Dim> parseDims();
  bool parseAt(std::string &path);
  StmtPtr parseStmt();
  StmtPtr parseFor();
  StmtPtr parseAssignment();
  std::vector<StmtPtr> parseStmts();
  void parseBraced(llvm::function_ref<void()> parseOne);
  void parseEnd();

  // Expressions (ParseExpr.cpp)
  ExprPtr parseExpr();
  ExprPtr parseBinary(unsigned level);
  ExprPtr parseNot();
  ExprPtr parseUnary();
  ExprPtr parseReduce();
  ExprPtr parsePostfix();
  ExprPtr parsePrimary();
  ExprPtr parseNumber();
  std::vector<Arg> parseArgs();
  /// `hint` adds to the message when an index is no name.
  std::vector<Bind> parseBinds(llvm::function_ref<void(DiagBuilder *)> hint);

  // Cursor (Parser.cpp)
  const Token &peek(unsigned ahead = 0) const { return lexed.tokens[std::min<size_t>(pos + ahead, lexed.tokens.size() - 1)]; }
  bool at(Tok kind) const { return peek().kind == kind; }
  Token take() {
    Token t = peek();
    if (t.kind != Tok::End)
      ++pos;
    return t;
  }
  bool accept(Tok kind) {
    if (!at(kind))
      return false;
    take();
    return true;
  }
  Loc loc() const { return locOf(peek()); }
  Loc locOf(const Token &t) const { return {file, t.offset}; }
  llvm::StringRef textOf(const Token &t) const { return sources.text(file).substr(t.offset, t.length); }
  void skipNewlines() {
    while (accept(Tok::Newline))
      ;
  }
  /// Behind the last token taken.
  Loc endOfLast() const;
  std::string takeName(const char *what);
  std::string takeString(const char *what);
  void expect(Tok kind);
  /// Closes a bracket opened at `open`; what could stand instead goes to the message.
  void close(Tok kind, Loc open);

  // Errors
  /// Reports at the current token and stops the parser; null once stopped.
  DiagBuilder *fail(Loc where);
  DiagBuilder *failExpected(const std::string &what);
  std::string describe(const Token &t) const;
  void hintForeignWord(DiagBuilder *e, const Token &t);

  /// Counts nesting; an error instead of a stack overflow.
  struct Nest {
    explicit Nest(Parser &p) : parser(p) {
      if (++p.depth > kMaxHeight)
        p.failTooDeep();
    }
    ~Nest() { --parser.depth; }
    Parser &parser;
  };
  void failTooDeep();
  /// After an error, when recovering: goes to the next line of these braces
  /// (`inBraces`), else to the next item of the file.
  void recover(bool inBraces);
  bool atItemStart() const;
  /// Sets the first token and the height of a node from its children.
  template <typename T> ExprPtr finish(std::unique_ptr<T> node, Loc begin, std::initializer_list<const Expr *> children);
  ExprPtr placeholder();

  std::string docAbove(Loc where);

  FileId file;
  const SourceManager &sources;
  Diagnostics &diag;
  const Lexed &lexed;
  size_t pos = 0;
  unsigned depth = 0;
  bool failed = false;
  bool recovers;
  size_t failedAt = ~size_t(0); ///< the token of the last error
  unsigned errors = 0;
  size_t nextComment = 0;
  std::optional<DiagBuilder> lastError;
};

template <typename T> ExprPtr Parser::finish(std::unique_ptr<T> node, Loc begin, std::initializer_list<const Expr *> children) {
  node->begin = begin;
  for (const Expr *c : children)
    if (c)
      node->height = std::max(node->height, c->height + 1);
  if (node->height > kMaxHeight)
    failTooDeep();
  return node;
}

} // namespace tintype::frontend

#endif
