//===- Scalar.cpp - the right side of a definition, not yet emitted -------===//
#include "frontend/Scalar.h"
#include <algorithm>
#include <cmath>

namespace tintype::frontend {

static void addFree(std::vector<const Atom *> &to, const std::vector<const Atom *> &from) {
  to.insert(to.end(), from.begin(), from.end());
  std::sort(to.begin(), to.end(), [](auto *a, auto *b) { return a->id < b->id; });
  to.erase(std::unique(to.begin(), to.end()), to.end());
}

ScalarPtr Scalars::keep(Scalar s) {
  for (ScalarPtr a : s.args) {
    addFree(s.free, a->free);
    s.height = std::max(s.height, a->height + 1);
  }
  if (s.kind == Scalar::Kind::Index) {
    std::vector<const Atom *> indices;
    for (const Atom *a : s.poly.atoms())
      if (a->kind == Atom::Kind::Index)
        indices.push_back(a);
    addFree(s.free, indices);
  }
  storage.push_back(std::move(s));
  return &storage.back();
}

ScalarPtr Scalars::number(double x) {
  Scalar s{Scalar::Kind::Float, Elem::F32};
  s.number = x;
  return keep(std::move(s));
}
ScalarPtr Scalars::flag(bool x) {
  Scalar s{Scalar::Kind::Bool, Elem::I1};
  s.flag = x;
  return keep(std::move(s));
}
ScalarPtr Scalars::index(const Poly &p) {
  Scalar s{Scalar::Kind::Index, Elem::I32};
  s.poly = p;
  return keep(std::move(s));
}
ScalarPtr Scalars::read(mlir::Value tensor, Elem elem, std::vector<ScalarPtr> subscripts, bool guarded) {
  Scalar s{Scalar::Kind::Read, elem};
  s.tensor = tensor;
  s.args = std::move(subscripts);
  s.guarded = guarded;
  return keep(std::move(s));
}
ScalarPtr Scalars::inside(std::vector<ScalarPtr> subscripts, std::vector<Poly> dims) {
  if (dims.empty())
    return flag(true);
  Scalar s{Scalar::Kind::Inside, Elem::I1};
  s.args = std::move(subscripts);
  s.dims = std::move(dims);
  return keep(std::move(s));
}
ScalarPtr Scalars::random(bool isNormal, int site, mlir::Value state, const std::vector<const Atom *> &point) {
  Scalar s{Scalar::Kind::Random, Elem::F32};
  s.isNormal = isNormal;
  s.site = site;
  s.tensor = state;
  for (const Atom *a : point) {
    s.args.push_back(index(Poly(a)));
    s.dims.push_back(a->extent);
  }
  return keep(std::move(s));
}

double evaluate(Op op, double a, double b) {
  switch (op) {
  case Op::Add:
    return a + b;
  case Op::Sub:
    return a - b;
  case Op::Mul:
    return a * b;
  case Op::Div:
    return a / b;
  case Op::FloorDiv:
    return std::floor(a / b);
  case Op::Mod:
    return a - std::floor(a / b) * b;
  case Op::Max:
    return std::max(a, b);
  case Op::Min:
    return std::min(a, b);
  case Op::Pow:
    return std::pow(a, b);
  case Op::Less:
    return a < b;
  case Op::LessEqual:
    return a <= b;
  case Op::Equal:
    return a == b;
  case Op::NotEqual:
    return a != b;
  case Op::Neg:
    return -a;
  case Op::Exp:
    return std::exp(a);
  case Op::Log:
    return std::log(a);
  case Op::Sqrt:
    return std::sqrt(a);
  case Op::Rsqrt:
    return 1 / std::sqrt(a);
  case Op::Sin:
    return std::sin(a);
  case Op::Cos:
    return std::cos(a);
  case Op::Tanh:
    return std::tanh(a);
  case Op::Erf:
    return std::erf(a);
  case Op::Abs:
    return std::fabs(a);
  case Op::Floor:
    return std::floor(a);
  default:
    return a;
  }
}

static bool isComparison(Op op) { return op >= Op::Less && op <= Op::NotEqual; }

/// The folded result, or null.
ScalarPtr Scalars::fold(Op op, const std::vector<ScalarPtr> &args) {
  using K = Scalar::Kind;
  ScalarPtr a = args[0], b = args.size() > 1 ? args[1] : nullptr;
  if (op == Op::Select) {
    if (a->kind == K::Bool)
      return a->flag ? args[1] : args[2];
    return args[1] == args[2] ? args[1] : nullptr;
  }
  if (op == Op::And || op == Op::Or) {
    bool neutral = op == Op::And;
    if (a->kind == K::Bool)
      return a->flag == neutral ? b : a;
    if (b->kind == K::Bool)
      return b->flag == neutral ? a : b;
    return nullptr;
  }
  if (op == Op::Not)
    return a->kind == K::Bool ? flag(!a->flag) : nullptr;
  if (op == Op::Stop)
    return a->isConstant() ? a : nullptr;
  if (op == Op::ToFloat) {
    if (a->kind == K::Bool)
      return number(a->flag);
    auto v = a->kind == K::Index ? a->poly.value() : std::nullopt;
    return v ? number(v->toDouble()) : nullptr;
  }
  if (op == Op::ToInt)
    return a->elem == Elem::I32 ? a : a->kind == K::Bool ? index(Poly(int64_t(a->flag))) : nullptr;
  if (a->kind == K::Index && (!b || b->kind == K::Index)) {
    switch (op) {
    case Op::Neg:
      return index(a->poly * Poly(-1));
    case Op::Add:
      return index(a->poly + b->poly);
    case Op::Sub:
      return index(a->poly - b->poly);
    case Op::Mul:
      return index(a->poly * b->poly);
    case Op::FloorDiv:
      return index(atoms.floorDiv(a->poly, b->poly));
    case Op::Mod:
      return index(atoms.mod(a->poly, b->poly));
    default:
      break;
    }
    auto x = a->poly.value(), y = b ? b->poly.value() : a->poly.value();
    if (x && y && isComparison(op))
      return flag(evaluate(op, x->toDouble(), y->toDouble()));
    return nullptr;
  }
  if (a->kind == K::Float && (!b || b->kind == K::Float)) {
    double r = evaluate(op, a->number, b ? b->number : 0);
    return isComparison(op) ? flag(r != 0) : number(r);
  }
  // x + 0, x - 0, x * 1, x / 1
  if (b && (op == Op::Add || op == Op::Sub) && b->isNumber(0))
    return a;
  if (b && (op == Op::Mul || op == Op::Div) && b->isNumber(1))
    return a;
  if (op == Op::Add && a->isNumber(0))
    return b;
  if (op == Op::Mul && a->isNumber(1))
    return b;
  return nullptr;
}

ScalarPtr Scalars::apply(Op op, std::vector<ScalarPtr> args) {
  if (ScalarPtr folded = fold(op, args))
    return folded;
  Elem elem = isComparison(op)    ? Elem::I1
              : op == Op::ToFloat ? Elem::F32
              : op == Op::ToInt   ? Elem::I32
              : op == Op::Select  ? args[1]->elem
                                  : args[0]->elem;
  Scalar s{Scalar::Kind::Apply, elem};
  s.op = op;
  s.args = std::move(args);
  return keep(std::move(s));
}

ScalarPtr Scalars::substitute(ScalarPtr x, const std::map<const Atom *, Poly> &by) {
  std::map<ScalarPtr, ScalarPtr> done;
  return substitute(x, by, done);
}

ScalarPtr Scalars::substitute(ScalarPtr x, const std::map<const Atom *, Poly> &by, std::map<ScalarPtr, ScalarPtr> &done) {
  bool touched = std::any_of(x->free.begin(), x->free.end(), [&](const Atom *a) { return by.count(a); });
  if (!touched)
    return x;
  if (auto it = done.find(x); it != done.end())
    return it->second;
  ScalarPtr r;
  if (x->kind == Scalar::Kind::Index) {
    r = index(x->poly.substitute(atoms, [&](const Atom *a) -> std::optional<Poly> {
      auto it = by.find(a);
      return it == by.end() ? std::nullopt : std::optional<Poly>(it->second);
    }));
  } else {
    std::vector<ScalarPtr> args;
    for (ScalarPtr a : x->args)
      args.push_back(substitute(a, by, done));
    if (x->kind == Scalar::Kind::Apply) {
      r = apply(x->op, std::move(args));
    } else {
      Scalar copy = *x;
      copy.args = std::move(args);
      copy.free.clear();
      copy.height = 1;
      r = keep(std::move(copy));
    }
  }
  done[x] = r;
  return r;
}

} // namespace tintype::frontend
