//===- ParseDecl.cpp - items of a file and members of a block -------------===//
#include "frontend/ParserImpl.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::frontend {

//===-- Files -------------------------------------------------------------===//

std::unique_ptr<File> Parser::parseFile() {
  auto f = std::make_unique<File>();
  f->id = file;
  skipNewlines();
  while (!at(Tok::End)) {
    std::string doc = docAbove(loc());
    size_t before = pos;
    f->items.push_back(parseItem());
    f->items.back()->doc = std::move(doc);
    f->items.back()->end = endOfLast();
    parseEnd();
    recover(/*inBraces=*/false);
    if (pos == before)
      take();
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
    if (llvm::is_contained(sectionNames(), textOf(peek())))
      return parseSection();
    break;
  default:
    break;
  }
  Token t = peek();
  if (DiagBuilder *e = failExpected("`import`, `config`, `block`, `model`, `fn` or a section")) {
    std::vector<std::string> words = {"import", "config", "block", "model", "fn"};
    words.insert(words.end(), sectionNames().begin(), sectionNames().end());
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
  while (!at(Tok::RBrace) && !at(Tok::End) && !(recovers && errors && atItemStart())) {
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
    recover(/*inBraces=*/true);
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
    members.back()->end = endOfLast();
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

} // namespace tintype::frontend
