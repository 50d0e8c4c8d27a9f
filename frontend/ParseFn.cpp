//===- ParseFn.cpp - functions, types and statements ----------------------===//
#include "frontend/ParserImpl.h"

namespace tintype::frontend {

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
  parseBraced([&] {
    stmts.push_back(parseStmt());
    stmts.back()->end = endOfLast();
  });
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
    if (DiagBuilder *e = failExpected("a statement or `}`")) {
      if (t.kind == Tok::Reducer)
        e->hint() << "`" << textOf(t) << "` is a reserved word";
      hintForeignWord(e, t);
    }
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
    s->binds = parseBinds([](DiagBuilder *e) {
      if (e)
        e->hint() << "the left side names indices; expressions of them stand on the right side";
    });
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

} // namespace tintype::frontend
