//===- Parser.cpp - the parser's cursor, errors and entry points ----------===//
#include "frontend/ParserImpl.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace tintype::frontend {

//===-- Cursor and errors -------------------------------------------------===//

void Parser::parseBraced(llvm::function_ref<void()> parseOne) {
  Nest nest(*this);
  Loc open = loc();
  expect(Tok::LBrace);
  skipNewlines();
  while (!at(Tok::RBrace) && !at(Tok::End) && !(recovers && errors && atItemStart())) {
    parseOne();
    if (!at(Tok::RBrace))
      parseEnd();
    recover(/*inBraces=*/true);
  }
  close(Tok::RBrace, open);
}

static const std::vector<std::string> kSections = {"task", "train", "adapt", "serve", "checkpoint"};
llvm::ArrayRef<std::string> sectionNames() { return kSections; }

bool Parser::atItemStart() const {
  const Token &t = peek();
  bool isFirst = !t.offset || sources.text(file)[t.offset - 1] == '\n';
  switch (t.kind) {
  case Tok::Import:
  case Tok::Config:
  case Tok::Block:
  case Tok::Model:
  case Tok::Fn:
    return isFirst;
  case Tok::Name:
    // A statement or member of that name goes on with `=`, `[` or `:`.
    return isFirst && llvm::is_contained(kSections, textOf(t)) && (peek(1).kind == Tok::LBrace || peek(1).kind == Tok::Name);
  default:
    return false;
  }
}

void Parser::recover(bool inBraces) {
  constexpr unsigned kMostErrors = 50;
  if (!failed || !recovers || errors >= kMostErrors)
    return;
  failed = false;
  pos = failedAt;
  unsigned open = 0;
  while (!at(Tok::End) && !atItemStart()) {
    if (inBraces && !open && at(Tok::RBrace))
      return;
    if (inBraces && !open && at(Tok::Newline)) {
      skipNewlines();
      return;
    }
    Tok kind = take().kind;
    open += kind == Tok::LBrace;
    open -= kind == Tok::RBrace && open;
  }
}

Loc Parser::endOfLast() const {
  size_t i = failed ? failedAt : pos;
  while (i && lexed.tokens[i - 1].kind == Tok::Newline)
    --i;
  return {file, i ? lexed.tokens[i - 1].offset + lexed.tokens[i - 1].length : 0};
}

void Parser::parseEnd() {
  if (!at(Tok::Newline) && !at(Tok::End)) {
    Token t = peek();
    if (DiagBuilder *e = failExpected("end of line"))
      hintForeignWord(e, t);
  }
  skipNewlines();
}

void Parser::expect(Tok kind) {
  if (accept(kind))
    return;
  Token t = peek();
  if (DiagBuilder *e = failExpected("`" + spelling(kind).str() + "`"))
    if (t.kind == Tok::EqualEqual && kind == Tok::Assign)
      e->hint() << "`==` compares";
}

void Parser::close(Tok kind, Loc open) {
  if (accept(kind))
    return;
  Tok opening = kind == Tok::RParen ? Tok::LParen : kind == Tok::RBracket ? Tok::LBracket : Tok::LBrace;
  if (DiagBuilder *e = failExpected("`" + spelling(kind).str() + "`"))
    e->note(open) << "to match this `" << spelling(opening) << "`";
}

std::string Parser::takeName(const char *what) {
  if (at(Tok::Name))
    return textOf(take()).str();
  Token t = peek();
  if (DiagBuilder *e = failExpected(what); e && (t.kind == Tok::Reducer || (t.kind >= Tok::Import && t.kind <= Tok::False)))
    e->hint() << "`" << textOf(t) << "` is a reserved word";
  return "?";
}

std::string Parser::takeString(const char *what) {
  if (at(Tok::String))
    return textOf(take()).drop_front().drop_back().str();
  failExpected(what + std::string(" as a string"));
  return "?";
}

DiagBuilder *Parser::fail(Loc where) {
  if (failed)
    return nullptr;
  // One mistake may keep several levels from closing; it is told once.
  bool isNew = failedAt != pos;
  failed = true;
  failedAt = pos;
  pos = lexed.tokens.size() - 1;
  if (!isNew)
    return nullptr;
  ++errors;
  lastError = diag.error(where);
  return &*lastError;
}

DiagBuilder *Parser::failExpected(const std::string &what) {
  // At the end of the file, point at the last token: the place to go on from.
  Token t = peek();
  size_t last = pos;
  while (last && (lexed.tokens[last].kind == Tok::End || lexed.tokens[last].kind == Tok::Newline))
    --last;
  DiagBuilder *e = fail(locOf(t.kind == Tok::End ? lexed.tokens[last] : t));
  if (e)
    *e << "expected " << what << ", but got " << describe(t);
  return e;
}

void Parser::failTooDeep() {
  if (DiagBuilder *e = fail(loc()))
    *e << "expected at most " << kMaxHeight << " levels of nesting";
}

std::string Parser::describe(const Token &t) const {
  if (t.kind == Tok::End)
    return "end of file";
  if (t.kind == Tok::Newline)
    return "end of line";
  llvm::StringRef text = textOf(t);
  if (t.kind == Tok::String)
    return text.size() > 40 ? "a string" : text.str();
  return "`" + text.take_front(40).str() + "`";
}

/// Words of other languages that have another form here.
void Parser::hintForeignWord(DiagBuilder *e, const Token &t) {
  if (t.kind != Tok::Name)
    return;
  llvm::StringRef word = textOf(t);
  llvm::StringRef hint = llvm::StringSwitch<llvm::StringRef>(word)
                             .Cases({"else", "elif"}, "there is no `else`; write `if not ..`, or `c ? a : b` for a value")
                             .Case("while", "loops are `for i in first .. last`")
                             .Cases({"let", "var", "const", "auto", "mut"}, "a definition is `name = value`")
                             .Cases({"def", "func", "function"}, "did you mean `fn`?")
                             .Cases({"class", "module", "struct"}, "did you mean `block`?")
                             .Cases({"from", "include", "use"}, "write `import std.nn`")
                             .Case("lambda", "functions are declared with `fn name(..) -> type { .. }`")
                             .Default("");
  if (!hint.empty())
    e->hint() << hint;
  else if (auto near = nearest(word, keywords()); near && word.size() > 2)
    e->hint() << "did you mean `" << *near << "`?";
}

/// The `##` lines of the block of comments directly above.
std::string Parser::docAbove(Loc where) {
  llvm::StringRef text = sources.text(file);
  const auto &comments = lexed.comments;
  while (nextComment < comments.size() && comments[nextComment].offset < where.offset)
    ++nextComment;
  std::vector<std::string> lines;
  size_t below = where.offset;
  for (size_t i = nextComment; i-- > 0;) {
    const Comment &c = comments[i];
    llvm::StringRef between = text.slice(c.offset + c.length, below);
    if (!c.ownLine || between.count('\n') != 1 || !between.trim().empty())
      break;
    if (c.doc) {
      llvm::StringRef line = text.substr(c.offset, c.length).ltrim('#');
      line.consume_front(" ");
      lines.push_back(line.rtrim().str());
    }
    below = c.offset;
  }
  std::reverse(lines.begin(), lines.end());
  return llvm::join(lines, "\n");
}

//===-- Entry points ------------------------------------------------------===//

std::unique_ptr<File> parseFile(FileId file, const SourceManager &sources, Diagnostics &diag) {
  auto lexed = lex(file, sources, diag);
  if (!lexed)
    return nullptr;
  Parser parser(file, sources, diag, *lexed);
  auto tree = parser.parseFile();
  return parser.hasFailed() ? nullptr : std::move(tree);
}

std::unique_ptr<File> parseRecovering(FileId file, const SourceManager &sources, Diagnostics &diag) {
  auto lexed = lex(file, sources, diag, /*recovers=*/true);
  return lexed ? Parser(file, sources, diag, *lexed, /*recovers=*/true).parseFile() : nullptr;
}

ExprPtr parseExpression(FileId file, const SourceManager &sources, Diagnostics &diag) {
  auto lexed = lex(file, sources, diag);
  if (!lexed)
    return nullptr;
  Parser parser(file, sources, diag, *lexed);
  ExprPtr tree = parser.parseWholeExpression();
  return parser.hasFailed() ? nullptr : std::move(tree);
}

} // namespace tintype::frontend
