//===- Parser.cpp - declarations, statements, cursor ----------------------===//
#include "frontend/ParserImpl.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace tintype::frontend {

static const std::vector<std::string> kSections = {"task", "train", "adapt", "serve", "checkpoint"};

//===-- Files -------------------------------------------------------------===//

std::unique_ptr<File> Parser::parseFile() {
  auto f = std::make_unique<File>();
  f->id = file;
  skipNewlines();
  while (!at(Tok::End)) {
    std::string doc = docAbove(loc());
    f->items.push_back(parseItem());
    f->items.back()->doc = std::move(doc);
    parseEnd();
  }
  return f;
}

ExprPtr Parser::parseWholeExpression() {
  skipNewlines();
  ExprPtr e = parseExpr();
  skipNewlines();
  if (!at(Tok::End))
    failExpected("the end of the value");
  return e;
}

DeclPtr Parser::parseItem() {
  switch (peek().kind) {
  case Tok::Import:
    return parseImport();
  case Tok::Config:
    return parseConfig();
  case Tok::Block:
  case Tok::Model:
    return parseBlock();
  case Tok::Fn:
    return parseFn(/*needsName=*/true);
  case Tok::Name:
    if (llvm::is_contained(kSections, textOf(peek())))
      return parseSection();
    break;
  default:
    break;
  }
  Token t = peek();
  if (DiagBuilder *e = failExpected("`import`, `config`, `block`, `model`, `fn` or a section")) {
    std::vector<std::string> words = {"import", "config", "block", "model", "fn"};
    words.insert(words.end(), kSections.begin(), kSections.end());
    if (t.kind == Tok::Param)
      e->hint() << "parameters stand in a `block` or `model`";
    else if (auto near = t.kind == Tok::Name ? nearest(textOf(t), words) : std::nullopt)
      e->hint() << "did you mean `" << *near << "`?";
    else
      hintForeignWord(e, t);
  }
  return std::make_unique<ImportDecl>(locOf(t));
}

DeclPtr Parser::parseImport() {
  auto d = std::make_unique<ImportDecl>(locOf(take()));
  d->pathLoc = loc();
  do
    d->path.push_back(takeName("a file name"));
  while (accept(Tok::Dot));
  return d;
}

DeclPtr Parser::parseConfig() {
  auto d = std::make_unique<ConfigDecl>(locOf(take()));
  d->nameLoc = loc();
  d->name = takeName("a config name");
  // Single capitals are dimension variables; a config with such a name would
  // be captured by the signature of a library function.
  if (!failed && !llvm::isLower(d->name.front()))
    if (DiagBuilder *e = fail(d->nameLoc)) {
      *e << "expected a config name that starts with a lower-case letter, but got `" << d->name << "`";
      e->hint() << "capitals are dimension variables; write `" << llvm::StringRef(d->name).lower() << "`";
    }
  expect(Tok::Assign);
  d->value = parseExpr();
  if (accept(Tok::At)) {
    if (!at(Tok::LBracket)) {
      d->keys.push_back(takeString("a key of config.json"));
      return d;
    }
    Loc open = locOf(take());
    do
      d->keys.push_back(takeString("a key of config.json"));
    while (accept(Tok::Comma) && !at(Tok::RBracket));
    close(Tok::RBracket, open);
  }
  return d;
}

DeclPtr Parser::parseSection() {
  auto d = std::make_unique<SectionDecl>(loc());
  d->name = textOf(take()).str();
  if (at(Tok::Name)) {
    d->variantLoc = loc();
    d->variant = textOf(take()).str();
  }
  Loc open = loc();
  expect(Tok::LBrace);
  skipNewlines();
  while (!at(Tok::RBrace) && !at(Tok::End)) {
    SectionDecl::Entry entry;
    entry.keyLoc = loc();
    entry.key = takeName("a setting");
    expect(Tok::Assign);
    entry.value = parseExpr();
    for (const auto &other : d->entries)
      if (other.key == entry.key)
        if (DiagBuilder *e = fail(entry.keyLoc)) {
          *e << "expected each setting once, but got `" << entry.key << "` twice";
          e->note(other.keyLoc) << "first given here";
        }
    d->entries.push_back(std::move(entry));
    if (!accept(Tok::Comma) && !at(Tok::RBrace) && !accept(Tok::Newline) && !at(Tok::End))
      failExpected("`,` or end of line after a setting");
    skipNewlines();
  }
  close(Tok::RBrace, open);
  return d;
}

//===-- Blocks ------------------------------------------------------------===//

DeclPtr Parser::parseBlock() {
  auto d = std::make_unique<BlockDecl>(loc());
  d->isModel = take().kind == Tok::Model;
  d->nameLoc = loc();
  d->name = takeName(d->isModel ? "a model name" : "a block name");
  if (at(Tok::LParen))
    d->params = parseParameters();
  d->members = parseMembers();
  return d;
}

std::vector<DeclPtr> Parser::parseMembers() {
  std::vector<DeclPtr> members;
  parseBraced([&] {
    std::string doc = docAbove(loc());
    members.push_back(parseMember());
    members.back()->doc = std::move(doc);
  });
  return members;
}

DeclPtr Parser::parseMember() {
  switch (peek().kind) {
  case Tok::Param:
    return parseParam();
  case Tok::Fn:
    return parseFn(/*needsName=*/false);
  case Tok::If: {
    auto d = std::make_unique<IfDecl>(locOf(take()));
    d->cond = parseExpr();
    d->members = parseMembers();
    return d;
  }
  case Tok::Name:
    return parseField();
  default:
    Token t = peek();
    if (DiagBuilder *e = failExpected("`param`, `fn`, `if`, a member name or `}`"))
      hintForeignWord(e, t);
    return std::make_unique<IfDecl>(locOf(t));
  }
}

DeclPtr Parser::parseParam() {
  auto d = std::make_unique<ParamDecl>(locOf(take()));
  d->nameLoc = loc();
  d->name = takeName("a parameter name");
  expect(Tok::Colon);
  d->type = parseType();
  if (!at(Tok::Assign))
    if (DiagBuilder *e = failExpected("`=` and an initial value"))
      e->hint() << "for example `= 0` or `= 0.02 * normal()`";
  expect(Tok::Assign);
  d->init = parseExpr();
  d->hasAt = parseAt(d->at);
  return d;
}

DeclPtr Parser::parseField() {
  auto d = std::make_unique<FieldDecl>(loc());
  Token name = peek();
  d->name = takeName("a member name");
  if (at(Tok::LBracket)) {
    Loc open = locOf(take());
    d->count = parseExpr();
    if (auto *var = llvm::dyn_cast<NameExpr>(d->count.get()); var && accept(Tok::Colon)) {
      d->var = var->name;
      d->varLoc = var->loc;
      d->count = parseExpr();
    }
    close(Tok::RBracket, open);
  }
  if (!at(Tok::Colon))
    if (DiagBuilder *e = failExpected(d->count ? "`:` and a block" : "`:` or `[`")) {
      if (textOf(name) == "let" || textOf(name) == "def" || textOf(name) == "class")
        hintForeignWord(e, name);
      else if (auto near = nearest(textOf(name), keywords()))
        e->hint() << "did you mean `" << *near << "`?";
      else
        e->hint() << "a member is `name: Block(..)` or `param name: [..] = ..`";
    }
  expect(Tok::Colon);
  d->blockLoc = loc();
  if (at(Tok::LBracket))
    if (DiagBuilder *e = failExpected("a block name"))
      e->hint() << "did you mean `param " << d->name << ": ..`?";
  d->block = takeName("a block name");
  if (at(Tok::LParen))
    d->args = parseArgs();
  d->hasAt = parseAt(d->at);
  return d;
}

bool Parser::parseAt(std::string &path) {
  if (!accept(Tok::At))
    return false;
  Loc where = loc();
  path = takeString("the published path");
  if (!failed && path.empty())
    if (DiagBuilder *e = fail(where))
      *e << "expected a path, but got an empty string";
  return true;
}

//===-- Functions ---------------------------------------------------------===//

DeclPtr Parser::parseFn(bool needsName) {
  auto d = std::make_unique<FnDecl>(locOf(take()));
  d->nameLoc = d->loc;
  if (needsName || !at(Tok::LParen)) {
    d->nameLoc = loc();
    d->name = takeName("a function name");
  }
  if (!at(Tok::LParen))
    failExpected("`(`");
  d->params = parseParameters();
  if (!at(Tok::Arrow))
    if (DiagBuilder *e = failExpected("`->` and a result type"))
      e->hint() << "for example `-> [B, T, width]`";
  expect(Tok::Arrow);
  d->result = parseType();
  if (accept(Tok::Where))
    do
      d->where.push_back(parseExpr());
    while (accept(Tok::Comma));
  d->body = parseStmts();
  return d;
}

std::vector<Parameter> Parser::parseParameters() {
  Loc open = loc();
  expect(Tok::LParen);
  std::vector<Parameter> params;
  while (!at(Tok::RParen) && !at(Tok::End)) {
    Parameter p;
    p.loc = loc();
    p.name = takeName("a name");
    if (!at(Tok::Colon))
      if (DiagBuilder *e = failExpected("`:` and a type"))
        e->hint() << "for example `" << p.name << ": [B, T]` or `" << p.name << ": int`";
    expect(Tok::Colon);
    p.type = parseType();
    if (accept(Tok::Assign))
      p.init = parseExpr();
    for (const Parameter &other : params)
      if (other.name == p.name)
        if (DiagBuilder *e = fail(p.loc)) {
          *e << "expected each name once, but got `" << p.name << "` twice";
          e->note(other.loc) << "first here";
        }
    params.push_back(std::move(p));
    if (!accept(Tok::Comma))
      break;
  }
  close(Tok::RParen, open);
  return params;
}

Type Parser::parseType() {
  Type t;
  t.loc = loc();
  if (!at(Tok::LBracket)) {
    t.name = takeName("a type");
    if (at(Tok::LParen)) {
      if (!failed && t.name != "index")
        if (DiagBuilder *e = failExpected("`[` or the end of type `" + t.name + "`"))
          e->hint() << "only `index(n)` takes an argument";
      Loc open = locOf(take());
      t.bound = parseExpr();
      close(Tok::RParen, open);
    } else if (t.name == "index")
      if (DiagBuilder *e = failExpected("`(` and the bound of the index"))
        e->hint() << "for example `index(vocab)[B, T]`";
  }
  if (at(Tok::LBracket)) {
    t.hasDims = true;
    t.dims = parseDims();
  }
  return t;
}

std::vector<Dim> Parser::parseDims() {
  Loc open = locOf(take());
  std::vector<Dim> dims;
  while (!at(Tok::RBracket) && !at(Tok::End)) {
    Dim d;
    d.loc = loc();
    if (!accept(Tok::Ellipsis))
      d.expr = parseExpr();
    dims.push_back(std::move(d));
    if (!accept(Tok::Comma))
      break;
  }
  close(Tok::RBracket, open);
  return dims;
}

//===-- Statements --------------------------------------------------------===//

std::vector<StmtPtr> Parser::parseStmts() {
  std::vector<StmtPtr> stmts;
  parseBraced([&] { stmts.push_back(parseStmt()); });
  return stmts;
}

StmtPtr Parser::parseStmt() {
  switch (peek().kind) {
  case Tok::Return: {
    auto s = std::make_unique<ReturnStmt>(locOf(take()));
    s->value = parseExpr();
    if (at(Tok::Comma))
      if (DiagBuilder *e = failExpected("end of line"))
        e->hint() << "a function has one result";
    return s;
  }
  case Tok::For:
    return parseFor();
  case Tok::If: {
    auto s = std::make_unique<IfStmt>(locOf(take()));
    s->cond = parseExpr();
    s->body = parseStmts();
    return s;
  }
  case Tok::Scan:
  case Tok::Name:
    return parseAssignment();
  default:
    Token t = peek();
    if (DiagBuilder *e = failExpected("a statement or `}`"))
      hintForeignWord(e, t);
    return std::make_unique<ReturnStmt>(locOf(t));
  }
}

StmtPtr Parser::parseFor() {
  auto s = std::make_unique<ForStmt>(locOf(take()));
  s->varLoc = loc();
  s->var = takeName("a loop variable");
  expect(Tok::In);
  s->first = parseExpr();
  if (accept(Tok::DotDot))
    s->last = parseExpr();
  s->body = parseStmts();
  return s;
}

StmtPtr Parser::parseAssignment() {
  Loc begin = loc();
  std::string scan;
  Loc scanLoc;
  if (accept(Tok::Scan)) {
    Loc open = loc();
    expect(Tok::LParen);
    scanLoc = loc();
    scan = takeName("the index to scan along");
    close(Tok::RParen, open);
  }
  Token name = peek();
  Loc nameLoc = loc();
  std::string target = takeName("a name");
  if (at(Tok::LBracket)) {
    auto s = std::make_unique<DefineStmt>(begin);
    Loc open = locOf(take());
    s->name = std::move(target);
    s->nameLoc = nameLoc;
    s->scanIndex = std::move(scan);
    s->scanLoc = scanLoc;
    s->binds = parseBinds();
    if (!at(Tok::RBracket) && !at(Tok::End))
      if (DiagBuilder *e = failExpected("`,`, `:` or `]` after an index")) {
        e->note(open) << "to match this `[`";
        e->hint() << "the left side names indices; expressions of them stand on the right side";
      }
    close(Tok::RBracket, open);
    expect(Tok::Assign);
    s->value = parseExpr();
    return s;
  }
  auto s = std::make_unique<LetStmt>(begin);
  s->name = std::move(target);
  if (!scan.empty())
    failExpected("`[` and the indices of the scan");
  if (!at(Tok::Assign)) {
    Token got = peek();
    if (DiagBuilder *e = failExpected("`=` or `[`")) {
      bool compound = got.kind >= Tok::Plus && got.kind <= Tok::Caret;
      if (compound)
        e->hint() << "write `" << s->name << " = " << s->name << " " << spelling(got.kind) << " ..`";
      else if (got.kind == Tok::LParen)
        e->hint() << "a call alone has no effect; did you forget `return` or `name =`?";
      else if (got.kind == Tok::Colon)
        e->hint() << "types are inferred; write `" << s->name << " = ..`";
      else
        hintForeignWord(e, name);
    }
  }
  expect(Tok::Assign);
  s->value = parseExpr();
  return s;
}

//===-- Cursor and errors -------------------------------------------------===//

void Parser::parseBraced(llvm::function_ref<void()> parseOne) {
  Nest nest(*this);
  Loc open = loc();
  expect(Tok::LBrace);
  skipNewlines();
  while (!at(Tok::RBrace) && !at(Tok::End)) {
    parseOne();
    if (!at(Tok::RBrace))
      parseEnd();
  }
  close(Tok::RBrace, open);
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
  failed = true;
  pos = lexed.tokens.size() - 1;
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
  llvm::StringRef hint =
      llvm::StringSwitch<llvm::StringRef>(word)
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

ExprPtr parseExpression(FileId file, const SourceManager &sources, Diagnostics &diag) {
  auto lexed = lex(file, sources, diag);
  if (!lexed)
    return nullptr;
  Parser parser(file, sources, diag, *lexed);
  ExprPtr tree = parser.parseWholeExpression();
  return parser.hasFailed() ? nullptr : std::move(tree);
}

} // namespace tintype::frontend
