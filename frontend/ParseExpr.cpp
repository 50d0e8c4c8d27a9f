//===- ParseExpr.cpp - expressions ----------------------------------------===//
#include "frontend/ParserImpl.h"
#include "llvm/ADT/StringSwitch.h"
#include <charconv>

namespace tintype::frontend {

namespace {
struct Operator {
  Tok token;
  BinaryOp op;
  unsigned level; ///< 0 or, 1 and, 2 comparison, 3 sum, 4 term
};
} // namespace

static constexpr unsigned kAnd = 1, kCompare = 2, kTerm = 4;
static constexpr Operator kOperators[] = {{Tok::Or, BinaryOp::Or, 0},
                                          {Tok::And, BinaryOp::And, kAnd},
                                          {Tok::Less, BinaryOp::Less, kCompare},
                                          {Tok::Greater, BinaryOp::Greater, kCompare},
                                          {Tok::LessEqual, BinaryOp::LessEqual, kCompare},
                                          {Tok::GreaterEqual, BinaryOp::GreaterEqual, kCompare},
                                          {Tok::EqualEqual, BinaryOp::Equal, kCompare},
                                          {Tok::NotEqual, BinaryOp::NotEqual, kCompare},
                                          {Tok::Plus, BinaryOp::Add, 3},
                                          {Tok::Minus, BinaryOp::Sub, 3},
                                          {Tok::Star, BinaryOp::Mul, kTerm},
                                          {Tok::Slash, BinaryOp::Div, kTerm},
                                          {Tok::SlashSlash, BinaryOp::FloorDiv, kTerm},
                                          {Tok::Percent, BinaryOp::Mod, kTerm}};

ExprPtr Parser::placeholder() { return std::make_unique<NumberExpr>(loc()); }

ExprPtr Parser::parseExpr() {
  Nest nest(*this);
  ExprPtr cond = parseBinary(0);
  if (!at(Tok::Question))
    return cond;
  auto e = std::make_unique<CondExpr>(locOf(take()));
  Loc begin = cond->begin;
  e->cond = std::move(cond);
  e->then = parseExpr();
  expect(Tok::Colon);
  e->otherwise = parseExpr();
  auto children = {(const Expr *)e->cond.get(), (const Expr *)e->then.get(), (const Expr *)e->otherwise.get()};
  return finish(std::move(e), begin, children);
}

ExprPtr Parser::parseBinary(unsigned level) {
  auto operand = [&] { return level == kAnd ? parseNot() : level == kTerm ? parseUnary() : parseBinary(level + 1); };
  ExprPtr lhs = operand();
  while (true) {
    const Operator *found = nullptr;
    for (const Operator &o : kOperators)
      if (o.level == level && at(o.token))
        found = &o;
    if (!found)
      return lhs;
    auto e = std::make_unique<BinaryExpr>(locOf(take()));
    Loc begin = lhs->begin;
    e->op = found->op;
    e->lhs = std::move(lhs);
    e->rhs = operand();
    auto children = {(const Expr *)e->lhs.get(), (const Expr *)e->rhs.get()};
    lhs = finish(std::move(e), begin, children);
  }
}

ExprPtr Parser::parseNot() {
  if (!at(Tok::Not))
    return parseBinary(kCompare);
  Nest nest(*this);
  auto e = std::make_unique<UnaryExpr>(locOf(take()));
  e->op = UnaryOp::Not;
  e->operand = parseNot();
  auto children = {(const Expr *)e->operand.get()};
  Loc begin = e->loc;
  return finish(std::move(e), begin, children);
}

ExprPtr Parser::parseUnary() {
  if (at(Tok::Minus)) {
    Nest nest(*this);
    auto e = std::make_unique<UnaryExpr>(locOf(take()));
    e->operand = parseUnary();
    auto children = {(const Expr *)e->operand.get()};
    Loc begin = e->loc;
    return finish(std::move(e), begin, children);
  }
  if (at(Tok::Reducer))
    return parseReduce();
  ExprPtr base = parsePostfix();
  if (!at(Tok::Caret))
    return base;
  Nest nest(*this);
  auto e = std::make_unique<BinaryExpr>(locOf(take()));
  Loc begin = base->begin;
  e->op = BinaryOp::Pow;
  e->lhs = std::move(base);
  e->rhs = parseUnary();
  auto children = {(const Expr *)e->lhs.get(), (const Expr *)e->rhs.get()};
  return finish(std::move(e), begin, children);
}

static Reducer reducerNamed(llvm::StringRef name) {
  return llvm::StringSwitch<Reducer>(name)
      .Case("sum", Reducer::Sum)
      .Case("prod", Reducer::Prod)
      .Case("mean", Reducer::Mean)
      .Case("max", Reducer::Max)
      .Case("min", Reducer::Min)
      .Case("any", Reducer::Any)
      .Case("all", Reducer::All)
      .Case("argmax", Reducer::ArgMax)
      .Case("logsumexp", Reducer::LogSumExp)
      .Case("softmax", Reducer::Softmax)
      .Default(Reducer::CumSum);
}

ExprPtr Parser::parseReduce() {
  Nest nest(*this);
  Token word = take();
  std::string name = textOf(word).str();
  auto e = std::make_unique<ReduceExpr>(locOf(word));
  e->op = reducerNamed(name);
  auto hint = [&](DiagBuilder *error) {
    if (!error)
      return;
    if (name == "max" || name == "min")
      error->hint() << "`" << name << "(i) x[i]` goes over an index; for two values write `" << name << "imum(a, b)`";
    else
      error->hint() << "`" << name << "` is reserved: it goes over an index, `" << name << "(i) x[i]`";
  };
  Loc open = loc();
  if (!accept(Tok::LParen))
    hint(failExpected("`(` and an index after `" + name + "`"));
  e->binds = parseBinds(hint);
  if (accept(Tok::If))
    e->filter = parseExpr();
  if (!failed && !at(Tok::RParen) && !at(Tok::End))
    hint(failExpected("`,`, `:`, `if` or `)` after an index"));
  close(Tok::RParen, open);
  skipNewlines();
  if (!failed && (at(Tok::End) || at(Tok::RBrace) || at(Tok::RParen) || at(Tok::RBracket) || at(Tok::Comma)))
    hint(failExpected("the value that `" + name + "(..)` goes over"));
  e->body = parseBinary(kTerm);
  auto children = {(const Expr *)e->filter.get(), (const Expr *)e->body.get()};
  Loc begin = e->loc;
  for (const Bind &b : e->binds)
    if (b.extent)
      e->height = std::max(e->height, b.extent->height + 1);
  return finish(std::move(e), begin, children);
}

ExprPtr Parser::parsePostfix() {
  ExprPtr base = parsePrimary();
  while (true) {
    Loc here = loc();
    Loc begin = base->begin;
    if (accept(Tok::Dot)) {
      auto e = std::make_unique<FieldExpr>(begin);
      e->nameLoc = loc();
      e->name = takeName("a member name");
      e->base = std::move(base);
      auto children = {(const Expr *)e->base.get()};
      base = finish(std::move(e), begin, children);
    } else if (at(Tok::LParen)) {
      auto e = std::make_unique<CallExpr>(begin);
      e->callee = std::move(base);
      e->args = parseArgs();
      for (const Arg &a : e->args)
        e->height = std::max(e->height, a.value->height + 1);
      auto children = {(const Expr *)e->callee.get()};
      base = finish(std::move(e), begin, children);
    } else if (at(Tok::LBracket)) {
      auto e = std::make_unique<SubscriptExpr>(begin);
      e->bracketLoc = here;
      e->base = std::move(base);
      e->dims = parseDims();
      if (accept(Tok::OrElse)) {
        Nest nest(*this);
        e->orElse = parseUnary();
      }
      for (const Dim &d : e->dims)
        if (d.expr)
          e->height = std::max(e->height, d.expr->height + 1);
      auto children = {(const Expr *)e->base.get(), (const Expr *)e->orElse.get()};
      base = finish(std::move(e), begin, children);
    } else
      return base;
  }
}

ExprPtr Parser::parsePrimary() {
  switch (peek().kind) {
  case Tok::Number:
    return parseNumber();
  case Tok::String: {
    auto e = std::make_unique<StringExpr>(loc());
    e->value = textOf(take()).drop_front().drop_back().str();
    return e;
  }
  case Tok::True:
  case Tok::False: {
    auto e = std::make_unique<BoolExpr>(loc());
    e->value = take().kind == Tok::True;
    return e;
  }
  case Tok::Name: {
    auto e = std::make_unique<NameExpr>(loc());
    e->name = textOf(take()).str();
    return e;
  }
  case Tok::LParen: {
    Loc open = locOf(take());
    ExprPtr e = parseExpr();
    if (auto *error = at(Tok::Comma) ? failExpected("`)`") : nullptr) {
      error->note(open) << "to match this `(`";
      error->hint() << "lists are written `[a, b]`";
    }
    close(Tok::RParen, open);
    e->begin = open;
    return e;
  }
  case Tok::LBracket: {
    auto e = std::make_unique<ListExpr>(locOf(take()));
    while (!at(Tok::RBracket) && !at(Tok::End)) {
      ExprPtr item = parseExpr();
      e->height = std::max(e->height, item->height + 1);
      e->items.push_back(std::move(item));
      if (!accept(Tok::Comma))
        break;
    }
    Loc open = e->loc;
    close(Tok::RBracket, open);
    return finish(std::move(e), open, {});
  }
  default: {
    Token t = peek();
    if (DiagBuilder *e = failExpected("an expression")) {
      if (t.kind == Tok::Star)
        e->hint() << "a power is written `x^n`";
      else if (t.kind == Tok::OrElse)
        e->hint() << "`??` follows a subscript: `x[i] ?? 0`";
      else
        hintForeignWord(e, t);
    }
    return placeholder();
  }
  }
}

ExprPtr Parser::parseNumber() {
  Loc where = loc();
  llvm::StringRef text = textOf(take());
  auto e = std::make_unique<NumberExpr>(where);
  e->text = text.str();
  e->isInteger = text.find_first_of(".eE") == llvm::StringRef::npos;
  auto result = std::from_chars(text.begin(), text.end(), e->value);
  bool fits = result.ec == std::errc();
  if (e->isInteger)
    fits = std::from_chars(text.begin(), text.end(), e->integer).ec == std::errc();
  if (!fits)
    if (DiagBuilder *error = fail(where))
      *error << "expected a number that fits " << (e->isInteger ? "64 bits" : "a double") << ", but got `" << text.take_front(40) << "`";
  return e;
}

std::vector<Arg> Parser::parseArgs() {
  Loc open = locOf(take());
  std::vector<Arg> args;
  while (!at(Tok::RParen) && !at(Tok::End)) {
    Arg a;
    a.nameLoc = loc();
    if (at(Tok::Name) && peek(1).kind == Tok::Assign) {
      a.name = textOf(take()).str();
      take();
      for (const Arg &other : args)
        if (other.name == a.name)
          if (DiagBuilder *e = fail(a.nameLoc)) {
            *e << "expected each argument once, but got `" << a.name << "` twice";
            e->note(other.nameLoc) << "first given here";
          }
    } else if (!args.empty() && !args.back().name.empty())
      if (DiagBuilder *e = fail(a.nameLoc))
        *e << "expected `name = value`, but got an argument without name after `" << args.back().name << "`";
    a.value = parseExpr();
    args.push_back(std::move(a));
    if (!accept(Tok::Comma))
      break;
  }
  close(Tok::RParen, open);
  return args;
}

std::vector<Bind> Parser::parseBinds(llvm::function_ref<void(DiagBuilder *)> hint) {
  std::vector<Bind> binds;
  do {
    Bind b;
    b.loc = loc();
    if (accept(Tok::Ellipsis))
      b.isPack = true;
    else if (at(Tok::Name)) {
      b.name = takeName("an index name");
      if (accept(Tok::Colon))
        b.extent = parseExpr();
    } else
      hint(failExpected("an index name"));
    for (const Bind &other : binds)
      if (other.name == b.name)
        if (DiagBuilder *e = fail(b.loc)) {
          *e << "expected each index once, but got `" << (b.isPack ? "..." : b.name) << "` twice";
          e->note(other.loc) << "first here";
        }
    binds.push_back(std::move(b));
  } while (accept(Tok::Comma));
  return binds;
}

} // namespace tintype::frontend
