//===- ElaborateArith.cpp - types, alignment and arithmetic of tensors ----===//
#include "frontend/ElaborateImpl.h"
#include <cmath>

namespace tintype::frontend {

Tensor Elaborator::lift(const Value &v, Loc loc) {
  Tensor t;
  if (auto *x = v.as<Tensor>())
    return *x;
  if (auto *p = v.as<ParamRef>())
    return paramTensor(p->number);
  if (auto *p = v.as<Poly>()) {
    t.dtype = p->hasIndex() ? Dtype::Position : Dtype::Whole;
    t.body = scalars.index(*p);
  } else if (auto *d = v.as<double>()) {
    t.dtype = Dtype::Number;
    t.body = scalars.number(*d);
  } else if (auto *b = v.as<bool>()) {
    t.dtype = Dtype::Bool;
    t.body = scalars.flag(*b);
  } else {
    fail(loc, "expected a tensor or number, but got " + describe(v));
  }
  return t;
}

ScalarPtr Elaborator::coerce(ScalarPtr s, Elem elem) {
  if (s->elem == elem)
    return s;
  return elem == Elem::F32 ? scalars.toFloat(s) : elem == Elem::I32 ? scalars.apply(Op::ToInt, {s}) : s;
}

/// The type of a result. Ids, counts and bools never become floats silently;
/// index arithmetic does, and is f32 then.
Dtype Elaborator::join(Dtype a, Dtype b, Loc loc) {
  if (a == b)
    return a;
  auto isCount = [](Dtype d) { return d == Dtype::Position || d == Dtype::Whole; };
  auto isInt = [&](Dtype d) { return isCount(d) || d == Dtype::I32 || d == Dtype::Index; };
  if (isCount(a) && isCount(b))
    return Dtype::Position;
  if (isFloat(a) && isFloat(b)) {
    if (a == Dtype::Number || b == Dtype::Number)
      return a == Dtype::Number ? b : a;
    return Dtype::F32;
  }
  if (isInt(a) && isInt(b))
    return Dtype::I32;
  if (isFloat(b))
    std::swap(a, b);
  if (isFloat(a) && b == Dtype::Whole)
    return a;
  if (isFloat(a) && b == Dtype::Position)
    return Dtype::F32;
  std::string from = spelling(b).str(), to = spelling(a).str();
  fail(loc, "no implicit conversion between " + to + " and " + from, {}, b == Dtype::Bool || isInt(b) ? "f32(..) and i32(..) convert" : "");
}

void Elaborator::align(Tensor &a, Tensor &b, const Expr &at, const char *verb) {
  bool swapped = a.dims.size() < b.dims.size();
  Tensor &l = swapped ? b : a, &s = swapped ? a : b;
  // The shorter must be an ordered subsequence of the longer in one way only.
  size_t n = l.dims.size(), m = s.dims.size();
  std::vector<std::vector<int>> ways(n + 1, std::vector<int>(m + 1, 0));
  for (size_t i = n + 1; i-- > 0;)
    for (size_t j = m + 1; j-- > 0;)
      ways[i][j] = j == m ? 1 : i == n ? 0 : std::min(2, ways[i + 1][j] + (l.dims[i] == s.dims[j] ? ways[i + 1][j + 1] : 0));
  if (l.dims != s.dims && ways[0][0] != 1) {
    NoteList notes;
    for (Tensor *t : {&a, &b})
      if (t->declared && !t->name.empty() && !t->dims.empty())
        notes.push_back({t->declared, t->name + " has dims " + dimsText(t->dims)});
    std::string hint;
    std::vector<Poly> sortedL = l.dims, sortedS = s.dims;
    bool isTurned = n == m || n > m;
    for (const Poly &d : s.dims)
      isTurned &= llvm::is_contained(l.dims, d);
    if (ways[0][0] == 0 && isTurned)
      hint = "the dims are there in another order; an indexed definition turns them, as in y[k, c] = x[c, k]";
    else if (ways[0][0] > 1)
      hint = "say which dims meet with an indexed definition";
    fail(at.loc,
         std::string("cannot ") + verb + " " + dimsText(a.dims) + " and " + dimsText(b.dims) + ": " +
             (ways[0][0] == 0 ? "no alignment by name" : "the alignment is ambiguous"),
         notes, hint);
  }
  std::map<const Atom *, Poly> by;
  size_t i = 0;
  for (size_t j = 0; j < m; ++j, ++i) {
    if (l.dims == s.dims)
      i = j;
    else
      while (!(l.dims[i] == s.dims[j] && ways[i + 1][j + 1]))
        ++i;
    if (s.vars[j] != l.vars[i])
      by[s.vars[j]] = Poly(l.vars[i]);
  }
  s.body = scalars.substitute(s.body, by);
  s.dims = l.dims;
  s.vars = l.vars;
  s.declared = l.declared;
  s.name = l.name;
}

/// Arithmetic on two aligned tensors.
Tensor Elaborator::combine(Op op, const BinaryExpr &at, Tensor a, Tensor b) {
  Dtype d = join(a.dtype, b.dtype, at.loc);
  if (d == Dtype::Bool)
    fail(at.loc, "expected numbers, but got bool", {}, "`and`, `or` and `not` combine bools; f32(..) converts");
  if (op == Op::Div && !isFloat(d)) {
    bool stored = d == Dtype::I32 || d == Dtype::Index;
    if (stored)
      fail(at.loc, "no implicit conversion from " + typeText(a) + " to float in a division", {}, "`//` divides integers; f32(..) converts");
    d = Dtype::F32;
  }
  if (d == Dtype::Index)
    d = Dtype::I32;
  a.body = scalars.apply(op, {coerce(a.body, elemOf(d)), coerce(b.body, elemOf(d))});
  a.dtype = d;
  a.name.clear();
  return a;
}

/// Small whole exponents multiply, halves take roots, the rest is exp and log.
Value Elaborator::power(const BinaryExpr &e, Value a, Value b) {
  Tensor x = lift(a, e.lhs->begin);
  auto exponent = numberOf(b);
  if (x.dtype == Dtype::Bool)
    fail(e.loc, "expected a number to raise, but got bool");
  if (!isFloat(x.dtype) && x.dtype != Dtype::Whole && x.dtype != Dtype::Position)
    fail(e.loc, "no implicit conversion from " + typeText(x) + " to float in a power", {}, "f32(..) converts");
  constexpr double kLargest = 16;
  if (exponent && *exponent == std::floor(*exponent) && *exponent >= 1 && *exponent <= kLargest) {
    ScalarPtr base = x.body, product = nullptr;
    for (int n = int(*exponent); n; n >>= 1) {
      if (n & 1)
        product = product ? scalars.apply(Op::Mul, {product, base}) : base;
      if (n > 1)
        base = scalars.apply(Op::Mul, {base, base});
    }
    x.body = product;
    return x;
  }
  Dtype d = isFloat(x.dtype) ? x.dtype : Dtype::F32;
  x.body = scalars.toFloat(x.body);
  x.dtype = d;
  if (exponent && *exponent == 0.5)
    return x.body = scalars.apply(Op::Sqrt, {x.body}), x;
  if (exponent && *exponent == -0.5)
    return x.body = scalars.apply(Op::Rsqrt, {x.body}), x;
  if (exponent && *exponent == -1)
    return x.body = scalars.apply(Op::Div, {scalars.number(1), x.body}), x;
  Tensor y = lift(b, e.rhs->begin);
  align(x, y, e, "combine");
  d = join(d, y.dtype, e.loc);
  x.dtype = d;
  ScalarPtr p = scalars.toFloat(y.body);
  if (x.body->kind == Scalar::Kind::Float && x.body->number > 0)
    x.body = scalars.apply(Op::Exp, {scalars.apply(Op::Mul, {p, scalars.number(std::log(x.body->number))})});
  else
    x.body = scalars.apply(Op::Pow, {x.body, p});
  return x;
}

} // namespace tintype::frontend
