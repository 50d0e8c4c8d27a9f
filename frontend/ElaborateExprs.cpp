//===- ElaborateExprs.cpp - expressions -----------------------------------===//
// Static operands are computed. Tensor operands are combined point by point:
// the result is again a function of indices, and nothing is emitted until it is
// given a name, passed on, or reduced.
//===----------------------------------------------------------------------===//
#include "frontend/ElaborateImpl.h"
#include <cmath>

namespace tintype::frontend {

Value Elaborator::eval(const Expr &e, const Env &env) {
  // Each call of the language is a call here, so the stack bounds both.
  constexpr unsigned kDeepest = 800;
  if (depth >= kDeepest)
    fail(e.begin, "expected expressions nested at most 800 deep over all calls, but got more");
  struct Level {
    unsigned &depth;
    explicit Level(unsigned &d) : depth(++d) {}
    ~Level() { --depth; }
  } level(depth);
  return evalInner(e, env);
}

Value Elaborator::evalInner(const Expr &e, const Env &env) {
  switch (e.kind) {
  case Expr::Kind::Number: {
    auto &n = *llvm::cast<NumberExpr>(&e);
    return n.isInteger ? Value(Poly(n.integer)) : Value(n.value);
  }
  case Expr::Kind::String:
    return llvm::cast<StringExpr>(&e)->value;
  case Expr::Kind::Bool:
    return llvm::cast<BoolExpr>(&e)->value;
  case Expr::Kind::Name: {
    auto &n = *llvm::cast<NameExpr>(&e);
    if (auto v = lookup(n.name, n.loc, env)) {
      see(n.loc, *v);
      return *v;
    }
    unknownName(n.name, n.loc, env, "name");
  }
  case Expr::Kind::List: {
    auto list = std::make_shared<List>();
    for (const ExprPtr &item : llvm::cast<ListExpr>(&e)->items) {
      Value v = eval(*item, env);
      if (auto *t = v.as<Tensor>())
        v = materialize(*t);
      list->push_back(v);
    }
    return list;
  }
  case Expr::Kind::Unary: {
    auto &u = *llvm::cast<UnaryExpr>(&e);
    Value v = eval(*u.operand, env);
    if (u.op == UnaryOp::Not) {
      if (auto *b = v.as<bool>())
        return !*b;
      Tensor t = lift(v, u.operand->begin);
      if (t.dtype != Dtype::Bool)
        fail(u.operand->begin, "expected bool after not, but got " + typeText(t));
      t.body = scalars.apply(Op::Not, {t.body});
      return t;
    }
    if (auto *p = v.as<Poly>())
      return *p * Poly(-1);
    if (auto *d = v.as<double>())
      return -*d;
    Tensor t = lift(v, u.operand->begin);
    if (t.dtype == Dtype::Bool)
      fail(u.operand->begin, "expected a number after -, but got bool");
    if (t.dtype == Dtype::Index)
      t.dtype = Dtype::I32;
    t.body = scalars.apply(Op::Neg, {t.body});
    return t;
  }
  case Expr::Kind::Binary:
    return binary(*llvm::cast<BinaryExpr>(&e), env);
  case Expr::Kind::Cond:
    return conditional(*llvm::cast<CondExpr>(&e), env);
  case Expr::Kind::Field:
    return field(*llvm::cast<FieldExpr>(&e), env);
  case Expr::Kind::Call:
    return call(*llvm::cast<CallExpr>(&e), env);
  case Expr::Kind::Subscript:
    return subscript(*llvm::cast<SubscriptExpr>(&e), env);
  case Expr::Kind::Reduce:
    return reduceExpr(*llvm::cast<ReduceExpr>(&e), env);
  }
  return {};
}

//===-- static values -----------------------------------------------------===//

bool Elaborator::staticFlag(const Expr &e, const Env &env, const char *what) {
  Value v = eval(e, env);
  if (auto *b = v.as<bool>())
    return *b;
  fail(e.begin, std::string("expected ") + what + " to be known at compile time, but got " + describe(v), {},
       "`?:` makes choices at run time");
}

int64_t Elaborator::staticInt(const Expr &e, const Env &env, const char *what) {
  Value v = eval(e, env);
  auto n = v.as<Poly>() ? v.as<Poly>()->integer() : std::nullopt;
  if (!n)
    fail(e.begin, std::string("expected ") + what + " to be an int known at compile time, but got " + describe(v));
  return *n;
}

std::optional<Value> Elaborator::peek(const Expr &e, const Env &env) {
  if (auto *n = llvm::dyn_cast<NameExpr>(&e)) {
    if (env.indices && env.indices->names.count(n->name))
      return std::nullopt;
    return lookup(n->name, n->loc, env);
  }
  if (auto *f = llvm::dyn_cast<FieldExpr>(&e)) {
    auto base = peek(*f->base, env);
    auto *block = base ? base->as<const Instance *>() : nullptr;
    if (!block)
      return std::nullopt;
    auto it = (*block)->scope.names.find(f->name);
    return it == (*block)->scope.names.end() ? std::nullopt : std::optional<Value>(it->second);
  }
  if (auto *s = llvm::dyn_cast<SubscriptExpr>(&e)) {
    auto base = peek(*s->base, env);
    auto *list = base ? base->as<std::shared_ptr<List>>() : nullptr;
    auto *n = s->dims.size() == 1 && !s->dims[0].isPack() ? llvm::dyn_cast<NumberExpr>(s->dims[0].expr.get()) : nullptr;
    if (!list || !n || !n->isInteger || n->integer < 0 || size_t(n->integer) >= (*list)->size())
      return std::nullopt;
    return (**list)[n->integer];
  }
  return std::nullopt;
}

Value Elaborator::field(const FieldExpr &e, const Env &env) {
  Value base = eval(*e.base, env.whole());
  auto *block = base.as<const Instance *>();
  if (!block)
    fail(e.nameLoc, "expected a block before ." + e.name + ", but got " + describe(base));
  const Scope &scope = (*block)->scope;
  auto it = scope.names.find(e.name);
  if (it != scope.names.end()) {
    see(e.nameLoc, it->second);
    return it->second;
  }
  std::vector<std::string> names;
  for (auto &entry : scope.names)
    names.push_back(entry.getKey().str());
  auto close = nearest(e.name, names);
  std::string at = (*block)->path.empty() ? "" : " at \"" + (*block)->path + "\"";
  fail(e.nameLoc, "block " + (*block)->block->name + at + " has no member " + e.name, {{(*block)->block->nameLoc, "declared here"}},
       close ? "did you mean `" + *close + "`?" : "");
}

Value Elaborator::staticInts(const BinaryExpr &e, const Poly &a, const Poly &b) {
  auto result = [&](Poly p) -> Value {
    if (p.overflowed())
      fail(e.loc, "expected a size below 2^63, but " + toString(e) + " is larger");
    return p;
  };
  bool divides = e.op == BinaryOp::Div || e.op == BinaryOp::FloorDiv || e.op == BinaryOp::Mod;
  if (auto divisor = b.value(); divides && divisor && divisor->isZero())
    fail(e.loc, "expected a divisor other than 0 in " + toString(e));
  switch (e.op) {
  case BinaryOp::Add:
    return result(a + b);
  case BinaryOp::Sub:
    return result(a - b);
  case BinaryOp::Mul:
    return result(a * b);
  case BinaryOp::FloorDiv:
    return result(atoms.floorDiv(a, b));
  case BinaryOp::Mod:
    return result(atoms.mod(a, b));
  case BinaryOp::Div: {
    auto q = atoms.exactDiv(a, b);
    if (q)
      return result(*q);
    auto x = a.value(), y = b.value();
    std::string values = x && y && !(a.constant() && b.constant()) ? " = " + Poly(*x).str() + " / " + Poly(*y).str() : "";
    fail(e.loc, a.str() + " / " + b.str() + values + (x && y ? " is not exact" : " is not known to be exact"), {},
         "`//` rounds down; a float divides without rounding to an int");
  }
  default:
    break;
  }
  auto x = a.value(), y = b.value();
  bool isEquality = e.op == BinaryOp::Equal || e.op == BinaryOp::NotEqual;
  if (x && y) {
    switch (e.op) {
    case BinaryOp::Less:
      return *x < *y;
    case BinaryOp::Greater:
      return *y < *x;
    case BinaryOp::LessEqual:
      return !(*y < *x);
    case BinaryOp::GreaterEqual:
      return !(*x < *y);
    case BinaryOp::Equal:
      return *x == *y;
    default:
      return !(*x == *y);
    }
  }
  if (isEquality && a == b)
    return e.op == BinaryOp::Equal;
  return std::string(); // not static; the caller goes on with tensors
}

/// The result when both operands are static and the operation is, too.
std::optional<Value> Elaborator::staticBinary(const BinaryExpr &e, const Value &a, const Value &b) {
  auto *p = a.as<Poly>(), *q = b.as<Poly>();
  if (p && q && e.op != BinaryOp::Pow) {
    bool isIndex = p->hasIndex() || q->hasIndex();
    bool isCompare = e.op <= BinaryOp::NotEqual;
    if (isIndex && (isCompare || e.op == BinaryOp::Div))
      return std::nullopt;
    Value v = staticInts(e, *p, *q);
    if (v.as<std::string>())
      return std::nullopt;
    return v;
  }
  if (p && q && e.op == BinaryOp::Pow) {
    auto base = p->integer(), exponent = q->integer();
    if (base && exponent && *exponent >= 0) {
      Ratio r = Ratio(*base).pow(*exponent);
      if (r.overflowed())
        fail(e.loc, "expected a size below 2^63, but " + toString(e) + " is larger");
      return Poly(r);
    }
  }
  bool isEqual = e.op == BinaryOp::Equal, isEquality = isEqual || e.op == BinaryOp::NotEqual;
  if (auto *x = a.as<std::string>())
    if (auto *y = b.as<std::string>()) {
      if (!isEquality)
        fail(e.loc, "expected == or != between strings, but got " + spelling(e.op).str());
      return (*x == *y) == isEqual;
    }
  if (auto *x = a.as<bool>())
    if (auto *y = b.as<bool>()) {
      if (!isEquality)
        fail(e.loc, "expected numbers, but got bool");
      return (*x == *y) == isEqual;
    }
  if (a.as<std::shared_ptr<List>>() && b.as<std::shared_ptr<List>>() && e.op == BinaryOp::Add) {
    auto sum = std::make_shared<List>(**a.as<std::shared_ptr<List>>());
    auto &more = **b.as<std::shared_ptr<List>>();
    sum->insert(sum->end(), more.begin(), more.end());
    return Value(sum);
  }
  auto x = numberOf(a), y = numberOf(b);
  if (!x || !y)
    return std::nullopt;
  auto finite = [&](double r) -> Value {
    if (!std::isfinite(r))
      fail(e.loc, "expected a finite number, but " + toString(e) + " is " + std::to_string(r));
    return r;
  };
  switch (e.op) {
  case BinaryOp::Add:
    return finite(*x + *y);
  case BinaryOp::Sub:
    return finite(*x - *y);
  case BinaryOp::Mul:
    return finite(*x * *y);
  case BinaryOp::Div:
    return finite(*x / *y);
  case BinaryOp::FloorDiv:
    return finite(std::floor(*x / *y));
  case BinaryOp::Mod:
    return finite(evaluate(Op::Mod, *x, *y));
  case BinaryOp::Pow:
    return finite(std::pow(*x, *y));
  case BinaryOp::Less:
    return *x < *y;
  case BinaryOp::Greater:
    return *x > *y;
  case BinaryOp::LessEqual:
    return *x <= *y;
  case BinaryOp::GreaterEqual:
    return *x >= *y;
  case BinaryOp::Equal:
    return *x == *y;
  case BinaryOp::NotEqual:
    return *x != *y;
  default:
    return std::nullopt;
  }
}

static const char *verbOf(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "add";
  case BinaryOp::Sub:
    return "subtract";
  case BinaryOp::Mul:
    return "multiply";
  case BinaryOp::Div:
    return "divide";
  case BinaryOp::Less:
  case BinaryOp::Greater:
  case BinaryOp::LessEqual:
  case BinaryOp::GreaterEqual:
  case BinaryOp::Equal:
  case BinaryOp::NotEqual:
    return "compare";
  default:
    return "combine";
  }
}

Value Elaborator::binary(const BinaryExpr &e, const Env &env) {
  if (e.op == BinaryOp::And || e.op == BinaryOp::Or)
    return logic(e, env);
  Value a = eval(*e.lhs, env), b = eval(*e.rhs, env);
  if (auto v = staticBinary(e, a, b))
    return *v;
  if (e.op == BinaryOp::Pow)
    return power(e, a, b);
  Tensor x = lift(a, e.lhs->begin), y = lift(b, e.rhs->begin);
  align(x, y, e, verbOf(e.op));
  if (e.op <= BinaryOp::NotEqual) {
    bool flip = e.op == BinaryOp::Greater || e.op == BinaryOp::GreaterEqual;
    Op op = e.op == BinaryOp::Less || e.op == BinaryOp::Greater             ? Op::Less
            : e.op == BinaryOp::LessEqual || e.op == BinaryOp::GreaterEqual ? Op::LessEqual
            : e.op == BinaryOp::Equal                                       ? Op::Equal
                                                                            : Op::NotEqual;
    Elem elem = elemOf(join(x.dtype, y.dtype, e.loc));
    ScalarPtr l = coerce(x.body, elem), r = coerce(y.body, elem);
    if (elem == Elem::I1 && op != Op::Equal && op != Op::NotEqual)
      fail(e.loc, "expected == or != between bools, but got " + spelling(e.op).str());
    if (l->kind == Scalar::Kind::Bool)
      std::swap(l, r);
    if (r->kind == Scalar::Kind::Bool && elem == Elem::I1)
      x.body = r->flag == (op == Op::Equal) ? l : scalars.apply(Op::Not, {l});
    else
      x.body = flip ? scalars.apply(op, {r, l}) : scalars.apply(op, {l, r});
    x.dtype = Dtype::Bool;
    x.name.clear();
    return x;
  }
  static const std::map<BinaryOp, Op> kOps = {{BinaryOp::Add, Op::Add}, {BinaryOp::Sub, Op::Sub},           {BinaryOp::Mul, Op::Mul},
                                              {BinaryOp::Div, Op::Div}, {BinaryOp::FloorDiv, Op::FloorDiv}, {BinaryOp::Mod, Op::Mod}};
  return combine(kOps.at(e.op), e, x, y);
}

Value Elaborator::logic(const BinaryExpr &e, const Env &env) {
  bool isAnd = e.op == BinaryOp::And;
  Value a = eval(*e.lhs, env);
  if (auto *flag = a.as<bool>())
    return *flag == isAnd ? eval(*e.rhs, env) : a;
  Tensor x = lift(a, e.lhs->begin);
  if (x.dtype != Dtype::Bool)
    fail(e.lhs->begin, "expected bool, but got " + typeText(x));
  size_t depth = bounds.path.size();
  assume(x.body, isAnd); // the right side matters only then
  Value b = eval(*e.rhs, env);
  bounds.path.resize(depth);
  if (auto *flag = b.as<bool>())
    return *flag == isAnd ? Value(x) : b;
  Tensor y = lift(b, e.rhs->begin);
  if (y.dtype != Dtype::Bool)
    fail(e.rhs->begin, "expected bool, but got " + typeText(y));
  align(x, y, e, "combine");
  x.body = scalars.apply(isAnd ? Op::And : Op::Or, {x.body, y.body});
  x.name.clear();
  return x;
}

Value Elaborator::conditional(const CondExpr &e, const Env &env) {
  Value c = eval(*e.cond, env);
  if (auto *flag = c.as<bool>())
    return eval(*flag ? *e.then : *e.otherwise, env);
  Tensor cond = lift(c, e.cond->begin);
  if (cond.dtype != Dtype::Bool)
    fail(e.cond->begin, "expected a bool before ?, but got " + typeText(cond));
  size_t depth = bounds.path.size();
  assume(cond.body, true);
  Value a = eval(*e.then, env);
  bounds.path.resize(depth);
  assume(cond.body, false);
  Value b = eval(*e.otherwise, env);
  bounds.path.resize(depth);
  if (a.as<std::string>() || b.as<std::string>() || a.as<const Instance *>() || b.as<const Instance *>())
    fail(e.loc, "expected tensors or numbers to choose from at run time, but got " + describe(a) + " and " + describe(b));
  Tensor x = lift(a, e.then->begin), y = lift(b, e.otherwise->begin);
  align(x, y, e, "choose between");
  align(cond, x, e, "choose by");
  align(cond, y, e, "choose by");
  bool sameBound = x.dtype == Dtype::Index && y.dtype == Dtype::Index && x.bound == y.bound;
  Dtype d = sameBound ? Dtype::Index : join(x.dtype, y.dtype, e.loc);
  if (d == Dtype::Index && !sameBound)
    d = Dtype::I32;
  Tensor r = x;
  r.dtype = d;
  r.name.clear();
  r.body = scalars.apply(Op::Select, {cond.body, coerce(x.body, elemOf(d)), coerce(y.body, elemOf(d))});
  return r;
}

} // namespace tintype::frontend
