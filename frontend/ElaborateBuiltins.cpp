//===- ElaborateBuiltins.cpp - the functions that are built in ------------===//
#include "frontend/ElaborateImpl.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

namespace tintype::frontend {

static std::optional<Op> elementOp(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<Op>>(name)
      .Case("exp", Op::Exp)
      .Case("log", Op::Log)
      .Case("sqrt", Op::Sqrt)
      .Case("rsqrt", Op::Rsqrt)
      .Case("sin", Op::Sin)
      .Case("cos", Op::Cos)
      .Case("tanh", Op::Tanh)
      .Case("erf", Op::Erf)
      .Case("abs", Op::Abs)
      .Case("floor", Op::Floor)
      .Case("maximum", Op::Max)
      .Case("minimum", Op::Min)
      .Default(std::nullopt);
}

static std::string countText(size_t n) { return n == 1 ? "1 argument" : std::to_string(n) + " arguments"; }

std::optional<Value> Elaborator::builtin(llvm::StringRef name, const CallExpr &e, const Env &env) {
  auto arity = [&](size_t n) {
    if (e.args.size() != n)
      fail(e.begin, "expected " + countText(n) + " to " + name.str() + ", but got " + std::to_string(e.args.size()));
    for (const Arg &a : e.args)
      if (!a.name.empty())
        fail(a.nameLoc, name.str() + " has no parameter " + a.name);
  };
  if (auto op = elementOp(name)) {
    arity(*op == Op::Max || *op == Op::Min ? 2 : 1);
    return elementFunction(*op, e, env);
  }
  if (name == "uniform" || name == "normal") {
    arity(0);
    return random(name == "normal", e);
  }
  if (name == "f32" || name == "i32") {
    arity(1);
    return cast(name == "f32" ? Dtype::F32 : Dtype::I32, e, env);
  }
  if (name == "bf16" || name == "f16" || name == "f64" || name == "i64")
    fail(e.begin, "tensors of type " + name.str() + " are not supported yet");
  if (name == "clamp") {
    arity(2);
    return clamp(e, env);
  }
  if (name == "reshape") {
    arity(2);
    return reshape(e, env);
  }
  if (name == "stop") {
    arity(1);
    Tensor t = lift(eval(*e.args[0].value, env), e.args[0].value->begin);
    t.body = scalars.apply(Op::Stop, {t.body});
    return t;
  }
  if (name == "int") {
    arity(1);
    Value v = eval(*e.args[0].value, env);
    if (auto *p = v.as<Poly>())
      return *p;
    auto *d = v.as<double>();
    if (!d || *d != std::floor(*d))
      fail(e.args[0].value->begin, "expected a whole number, but got " + describe(v), {}, "floor(..) rounds down");
    return wholeNumber(*d, e);
  }
  if (name == "len") {
    arity(1);
    Value v = eval(*e.args[0].value, env);
    auto *list = v.as<std::shared_ptr<List>>();
    if (!list)
      fail(e.args[0].value->begin, "expected a list, but got " + describe(v));
    return Poly(int64_t((*list)->size()));
  }
  if (name == "value") {
    arity(1);
    Value v = eval(*e.args[0].value, env);
    auto *p = v.as<Poly>();
    if (!p)
      return v.isStatic() ? std::optional<Value>(v) : std::nullopt;
    auto n = p->value();
    if (!n)
      fail(e.args[0].value->begin, "expected a size known at compile time, but got " + p->str());
    return Poly(*n);
  }
  return std::nullopt;
}

/// A float that is a whole number as an int.
Value Elaborator::wholeNumber(double d, const CallExpr &e) {
  constexpr double kExact = 9007199254740992; // 2^53
  if (!(std::fabs(d) <= kExact))
    fail(e.begin, "expected a number below 2^53, but got " + std::to_string(d));
  return Poly(int64_t(d));
}

Value Elaborator::elementFunction(Op op, const CallExpr &e, const Env &env) {
  std::vector<Value> args;
  for (const Arg &a : e.args)
    args.push_back(eval(*a.value, env));
  auto number = [](const Value &v) -> std::optional<double> {
    if (auto *d = v.as<double>())
      return *d;
    auto n = v.as<Poly>() ? v.as<Poly>()->value() : std::nullopt;
    return n ? std::optional<double>(n->toDouble()) : std::nullopt;
  };
  bool twoArgs = args.size() == 2;
  auto a = number(args[0]), b = twoArgs ? number(args[1]) : std::optional<double>(0);
  if (a && b) {
    const Poly *p = args[0].as<Poly>(), *q = args.back().as<Poly>();
    if (op == Op::Max || op == Op::Min) {
      if (p && q)
        return (*a >= *b) == (op == Op::Max) ? *p : *q;
      return evaluate(op, *a, *b);
    }
    double r = evaluate(op, *a);
    if (p && op == Op::Abs)
      return *a < 0 ? *p * Poly(-1) : *p;
    if (!std::isfinite(r))
      fail(e.begin, "expected a finite number, but got " + std::to_string(r));
    if (op == Op::Floor)
      return wholeNumber(r, e);
    return r;
  }
  Tensor x = lift(args[0], e.args[0].value->begin);
  if (twoArgs) {
    Tensor y = lift(args[1], e.args[1].value->begin);
    align(x, y, e, "combine");
    Dtype d = join(x.dtype, y.dtype, e.begin);
    if (d == Dtype::Bool)
      fail(e.begin, "expected numbers, but got bool");
    if (d == Dtype::Index)
      d = Dtype::I32;
    x.body = scalars.apply(op, {coerce(x.body, elemOf(d)), coerce(y.body, elemOf(d))});
    x.dtype = d;
    return x;
  }
  if (x.dtype == Dtype::Bool)
    fail(e.begin, "expected a number, but got bool", {}, "f32(..) converts");
  bool keepsInts = op == Op::Abs || op == Op::Floor;
  if (!isFloat(x.dtype)) {
    if (x.dtype == Dtype::I32 || x.dtype == Dtype::Index) {
      if (!keepsInts)
        fail(e.begin, "no implicit conversion from " + typeText(x) + " to float", {}, "f32(..) converts");
    }
    if (op == Op::Floor)
      return x;
    if (!keepsInts)
      x.dtype = Dtype::F32;
    else
      x.dtype = Dtype::I32;
  }
  x.body = scalars.apply(op, {coerce(x.body, elemOf(x.dtype))});
  return x;
}

Value Elaborator::random(bool isNormal, const CallExpr &e) {
  current.usesRng = true;
  Tensor t;
  t.dtype = Dtype::F32;
  t.body = scalars.random(isNormal, current.sites++, current.rng, domain);
  return t;
}

Value Elaborator::cast(Dtype to, const CallExpr &e, const Env &env) {
  Value v = eval(*e.args[0].value, env);
  if (auto *d = v.as<double>(); d && to == Dtype::I32)
    return wholeNumber(std::trunc(*d), e);
  Tensor t = lift(v, e.args[0].value->begin);
  t.body = coerce(t.body, elemOf(to));
  t.dtype = to;
  return t;
}

Value Elaborator::clamp(const CallExpr &e, const Env &env) {
  Tensor t = lift(eval(*e.args[0].value, env), e.args[0].value->begin);
  Value n = eval(*e.args[1].value, env.whole());
  if (!n.as<Poly>())
    fail(e.args[1].value->begin, "expected a size, but got " + describe(n));
  if (isFloat(t.dtype) || t.dtype == Dtype::Bool)
    fail(e.begin, "expected integers to clamp, but got " + typeText(t), {}, "i32(..) converts");
  t.bound = *n.as<Poly>();
  if (!scalarInside(t.body, t.bound, true)) {
    ScalarPtr low = scalars.apply(Op::Max, {t.body, scalars.index(Poly(0))});
    t.body = scalars.apply(Op::Min, {low, scalars.index(t.bound - Poly(1))});
  }
  t.dtype = Dtype::Index;
  return t;
}

Value Elaborator::reshape(const CallExpr &e, const Env &env) {
  if (env.indices)
    fail(e.begin, "expected reshape outside of an indexed definition", {}, "give the reshaped tensor a name first");
  const Expr &source = *e.args[0].value, &shape = *e.args[1].value;
  Tensor t = materialize(lift(eval(source, env), source.begin));
  auto *list = llvm::dyn_cast<ListExpr>(&shape);
  if (!list)
    fail(shape.begin, "expected a list of dims, but got " + toString(shape));
  std::vector<Poly> dims;
  Poly from(1), to(1);
  for (const ExprPtr &item : list->items) {
    Value v = eval(*item, env);
    auto *p = v.as<Poly>();
    if (!p)
      fail(item->begin, "expected a dimension, but got " + describe(v));
    dims.push_back(*p);
    to = to * *p;
  }
  for (const Poly &d : t.dims)
    from = from * d;
  if (from != to) {
    std::string differ;
    if (auto inv = from.inverse()) {
      Poly ratio = to * *inv;
      auto v = ratio.value();
      differ = " (they differ by " + ratio.str() + (v && !ratio.constant() ? " = " + Poly(*v).str() : "") + ")";
    }
    NoteList notes;
    if (t.declared)
      notes.push_back({t.declared, t.name + " has dims " + dimsText(t.dims)});
    fail(e.begin, "reshape changes the number of elements from " + from.str() + " to " + to.str() + differ, notes);
  }
  Tensor r = t;
  if (t.body->isConstant()) { // a splat takes any shape
    r.dims = dims;
    r.vars.clear();
    for (const Poly &d : dims)
      r.vars.push_back(atoms.index("i", d));
    return r;
  }
  llvm::SmallVector<mlir::AffineExpr> extents;
  for (const Poly &d : dims)
    extents.push_back(toExtent(ctx, d));
  mlir::Value v = valueOf(t);
  auto type = graph::tensorOf(extents, mlir::cast<mlir::RankedTensorType>(v.getType()).getElementType());
  if (type != v.getType())
    v = graph::ReshapeOp::create(builder, location(), type, v);
  r = fromValue(v, t.dtype, t.bound, dims);
  r.declared = e.begin;
  r.name = "reshape(..)";
  return r;
}

} // namespace tintype::frontend
