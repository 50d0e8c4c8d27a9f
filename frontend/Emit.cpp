//===- Emit.cpp - scalars to graph ops ------------------------------------===//
// Subscripts become affine maps. What is not affine in the loop dims (an id
// read from a tensor, a runtime size, a product of two indices) becomes a
// symbol of the map and an i32 value of the body.
//===----------------------------------------------------------------------===//
#include "frontend/Emit.h"
#include <numeric>

using namespace mlir;
namespace tintype::frontend {

Type elementType(MLIRContext *ctx, Elem elem) {
  switch (elem) {
  case Elem::F32:
    return Float32Type::get(ctx);
  case Elem::I32:
    return IntegerType::get(ctx, 32);
  case Elem::I1:
    return IntegerType::get(ctx, 1);
  }
  return {};
}

/// A monomial with configs turned into numbers.
static std::pair<Ratio, Monomial> split(const Monomial &m, Ratio c) {
  Monomial rest;
  for (auto &[a, e] : m) {
    if (a->kind == Atom::Kind::Config)
      c = c * Ratio(a->value).pow(e);
    else
      rest.push_back({a, e});
  }
  return {c, rest};
}

/// Builds `sum / common denominator` from the terms of `p`; `atomExpr` gives
/// the expression of a product of atoms.
static AffineExpr assemble(MLIRContext *ctx, const Poly &p, llvm::function_ref<AffineExpr(const Monomial &)> product) {
  std::vector<std::pair<Ratio, Monomial>> terms;
  int64_t den = 1;
  for (auto &[m, c] : p.terms()) {
    terms.push_back(split(m, c));
    den = std::lcm(den, terms.back().first.den ? terms.back().first.den : 1);
  }
  AffineExpr sum = getAffineConstantExpr(0, ctx);
  for (auto &[c, m] : terms) {
    AffineExpr factor = getAffineConstantExpr(c.num * (den / (c.den ? c.den : 1)), ctx);
    sum = sum + (m.empty() ? factor : product(m) * factor);
  }
  return den == 1 ? sum : sum.floorDiv(den);
}

/// The factors of `m` in order, repeated by exponent.
static std::vector<const Atom *> factorsOf(const Monomial &m) {
  std::vector<const Atom *> r;
  for (auto &[a, e] : m)
    r.insert(r.end(), e, a);
  return r;
}

/// How the denominator `den` of a product of runtime dims is shared among its
/// factors: H * W / 4 is (H / 2) * (W / 2), so that the extent of a flattened
/// image is the product of its sides. Empty when it cannot be.
static std::vector<int64_t> shares(const std::vector<const Atom *> &factors, int64_t den) {
  std::vector<int64_t> r(factors.size(), 1);
  size_t divisible = 0;
  for (const Atom *a : factors)
    divisible += a->multiple > 1;
  int64_t even = 1;
  auto power = [&](int64_t base) {
    int64_t p = 1;
    for (size_t i = 0; i < divisible; ++i)
      p *= base;
    return p;
  };
  while (divisible && power(even) < den)
    ++even;
  bool fits = divisible && power(even) == den;
  for (const Atom *a : factors)
    fits &= a->multiple == 1 || a->multiple % even == 0;
  for (size_t i = 0; i < factors.size(); ++i) {
    r[i] = factors[i]->multiple == 1 ? 1 : fits ? even : std::gcd(den, factors[i]->multiple);
    den /= r[i];
  }
  return den == 1 ? r : std::vector<int64_t>();
}

static AffineExpr atomExtent(MLIRContext *ctx, const Atom *a) {
  if (a->kind == Atom::Kind::Runtime)
    return graph::runtimeDim(ctx, a->name);
  AffineExpr p = toExtent(ctx, a->dividend), q = toExtent(ctx, a->divisor);
  return a->kind == Atom::Kind::Quotient ? p.floorDiv(q) : p % q;
}

AffineExpr toExtent(MLIRContext *ctx, const Poly &p) {
  AffineExpr sum = getAffineConstantExpr(0, ctx);
  Poly rest;
  for (auto &[m, c] : p.terms()) {
    auto [coefficient, runtime] = split(m, c);
    std::vector<const Atom *> factors = factorsOf(runtime);
    std::vector<int64_t> share = shares(factors, coefficient.den);
    if (factors.empty() || share.empty()) {
      rest.addTerm(runtime, coefficient);
      continue;
    }
    AffineExpr product = getAffineConstantExpr(coefficient.num, ctx);
    for (size_t i = 0; i < factors.size(); ++i) {
      AffineExpr f = atomExtent(ctx, factors[i]);
      product = product * (share[i] == 1 ? f : f.floorDiv(share[i]));
    }
    sum = sum + product;
  }
  AffineExpr left = assemble(ctx, rest, [&](const Monomial &m) {
    AffineExpr product = getAffineConstantExpr(1, ctx);
    for (const Atom *a : factorsOf(m))
      product = product * atomExtent(ctx, a);
    return product;
  });
  return graph::canonicalDim(sum + left);
}

namespace {
/// Emits scalars inside the body of one definition.
class Body {
public:
  Body(OpBuilder &b, Location loc, const std::vector<const Atom *> &loops) : b(b), loc(loc), ctx(b.getContext()) {
    for (const Atom *a : loops)
      dims.try_emplace(a, dims.size());
  }

  Value emit(ScalarPtr s) {
    auto it = done.find(s);
    if (it != done.end())
      return it->second;
    return done[s] = make(s);
  }

private:
  /// A map under construction with its symbol operands.
  struct Access {
    SmallVector<Value> symbols;
    SmallVector<AffineExpr> results;
  };

  AffineExpr symbol(Access &x, Value v) {
    for (auto [i, known] : llvm::enumerate(x.symbols))
      if (known == v)
        return getAffineSymbolExpr(i, ctx);
    x.symbols.push_back(v);
    return getAffineSymbolExpr(x.symbols.size() - 1, ctx);
  }

  Value constant(int64_t n) { return arith::ConstantIntOp::create(b, loc, n, 32); }

  Value sizeOf(const Poly &p) {
    if (auto n = p.integer())
      return constant(*n);
    AffineExpr e = toExtent(ctx, p);
    if (Value v = sizes.lookup(e))
      return v;
    return sizes[e] = graph::SizeOp::create(b, loc, graph::DimsAttr::get(ctx, {e}));
  }

  AffineExpr atomExpr(Access &x, const Atom *a) {
    if (a->kind == Atom::Kind::Index)
      return getAffineDimExpr(dims.at(a), ctx);
    if (!a->dividend.hasIndex() && !a->divisor.hasIndex())
      return symbol(x, sizeOf(Poly(a))); // a runtime dim, or made of them
    AffineExpr p = expr(x, a->dividend), q = expr(x, a->divisor);
    if (!q.isSymbolicOrConstant())
      q = symbol(x, emitIndex(a->divisor));
    return a->kind == Atom::Kind::Quotient ? p.floorDiv(q) : p % q;
  }

  AffineExpr expr(Access &x, const Poly &p) {
    if (!p.hasIndex()) {
      if (auto n = p.integer())
        return getAffineConstantExpr(*n, ctx);
      return symbol(x, sizeOf(p));
    }
    // Terms free of indices are one size.
    Poly fixed, moving;
    for (auto &[m, c] : p.terms()) {
      Poly t;
      t.addTerm(m, c);
      (t.hasIndex() || t.value() ? moving : fixed).addTerm(m, c);
    }
    AffineExpr e = assemble(ctx, moving, [&](const Monomial &m) {
      AffineExpr product = getAffineConstantExpr(1, ctx);
      for (auto &[a, exponent] : m)
        for (int i = 0; i < exponent; ++i) {
          AffineExpr f = atomExpr(x, a);
          if (!f.isSymbolicOrConstant() && !product.isSymbolicOrConstant())
            f = symbol(x, emitIndex(Poly(a)));
          product = product * f;
        }
      return product;
    });
    return fixed.terms().empty() ? e : e + symbol(x, sizeOf(fixed));
  }

  void add(Access &x, ScalarPtr s) { x.results.push_back(s->kind == Scalar::Kind::Index ? expr(x, s->poly) : symbol(x, emit(s))); }
  AffineMap map(Access &x) { return AffineMap::get(dims.size(), x.symbols.size(), x.results, ctx); }

  Value emitIndex(const Poly &p) {
    if (!p.hasIndex())
      return sizeOf(p);
    Access x;
    x.results.push_back(expr(x, p));
    return graph::IndexOp::create(b, loc, map(x), x.symbols);
  }

  graph::DimsAttr dimsAttr(const std::vector<Poly> &ps) {
    SmallVector<AffineExpr> e;
    for (const Poly &p : ps)
      e.push_back(toExtent(ctx, p));
    return graph::DimsAttr::get(ctx, e);
  }

  Value make(ScalarPtr s) {
    switch (s->kind) {
    case Scalar::Kind::Float:
      return arith::ConstantFloatOp::create(b, loc, b.getF32Type(), APFloat((float)s->number));
    case Scalar::Kind::Bool:
      return arith::ConstantIntOp::create(b, loc, s->flag, 1);
    case Scalar::Kind::Index:
      return emitIndex(s->poly);
    case Scalar::Kind::Apply:
      return makeApply(s);
    default:
      break;
    }
    Access x;
    for (ScalarPtr a : s->args)
      add(x, a);
    if (s->kind == Scalar::Kind::Read)
      return graph::ReadOp::create(b, loc, s->tensor, map(x), x.symbols, s->guarded);
    if (s->kind == Scalar::Kind::Inside)
      return graph::InsideOp::create(b, loc, map(x), dimsAttr(s->dims), x.symbols);
    return graph::RandomOp::create(b, loc, b.getF32Type(), s->isNormal ? graph::Draw::normal : graph::Draw::uniform, s->site, s->tensor,
                                   x.symbols, map(x), dimsAttr(s->dims));
  }

  Value compare(ScalarPtr s, Value l, Value r) {
    bool isFloat = isa<FloatType>(l.getType()), isBool = l.getType().isInteger(1);
    if (isFloat) {
      auto p = s->op == Op::Less        ? arith::CmpFPredicate::OLT
               : s->op == Op::LessEqual ? arith::CmpFPredicate::OLE
               : s->op == Op::Equal     ? arith::CmpFPredicate::OEQ
                                        : arith::CmpFPredicate::UNE;
      return arith::CmpFOp::create(b, loc, p, l, r);
    }
    auto p = s->op == Op::Less        ? (isBool ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt)
             : s->op == Op::LessEqual ? (isBool ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle)
             : s->op == Op::Equal     ? arith::CmpIPredicate::eq
                                      : arith::CmpIPredicate::ne;
    return arith::CmpIOp::create(b, loc, p, l, r);
  }

  Value makeApply(ScalarPtr s) {
    SmallVector<Value> v;
    for (ScalarPtr a : s->args)
      v.push_back(emit(a));
    bool isFloat = isa<FloatType>(v[0].getType());
    Type f32 = b.getF32Type(), i32 = b.getI32Type();
    auto floor = [&](Value p, Value q) -> Value { return arith::FloorDivSIOp::create(b, loc, p, q); };
    switch (s->op) {
    case Op::Add:
      return isFloat ? (Value)arith::AddFOp::create(b, loc, v[0], v[1]) : arith::AddIOp::create(b, loc, v[0], v[1]);
    case Op::Sub:
      return isFloat ? (Value)arith::SubFOp::create(b, loc, v[0], v[1]) : arith::SubIOp::create(b, loc, v[0], v[1]);
    case Op::Mul:
      return isFloat ? (Value)arith::MulFOp::create(b, loc, v[0], v[1]) : arith::MulIOp::create(b, loc, v[0], v[1]);
    case Op::Max:
      return isFloat ? (Value)arith::MaximumFOp::create(b, loc, v[0], v[1]) : arith::MaxSIOp::create(b, loc, v[0], v[1]);
    case Op::Min:
      return isFloat ? (Value)arith::MinimumFOp::create(b, loc, v[0], v[1]) : arith::MinSIOp::create(b, loc, v[0], v[1]);
    case Op::Div:
      return arith::DivFOp::create(b, loc, v[0], v[1]);
    case Op::FloorDiv:
      return isFloat ? (Value)math::FloorOp::create(b, loc, arith::DivFOp::create(b, loc, v[0], v[1])) : floor(v[0], v[1]);
    case Op::Mod: {
      if (isFloat) {
        Value q = math::FloorOp::create(b, loc, arith::DivFOp::create(b, loc, v[0], v[1]));
        return arith::SubFOp::create(b, loc, v[0], arith::MulFOp::create(b, loc, q, v[1]));
      }
      return arith::SubIOp::create(b, loc, v[0], arith::MulIOp::create(b, loc, floor(v[0], v[1]), v[1]));
    }
    case Op::Pow:
      return math::PowFOp::create(b, loc, v[0], v[1]);
    case Op::And:
      return arith::AndIOp::create(b, loc, v[0], v[1]);
    case Op::Or:
      return arith::OrIOp::create(b, loc, v[0], v[1]);
    case Op::Less:
    case Op::LessEqual:
    case Op::Equal:
    case Op::NotEqual:
      return compare(s, v[0], v[1]);
    case Op::Neg:
      return isFloat ? (Value)arith::NegFOp::create(b, loc, v[0]) : arith::SubIOp::create(b, loc, constant(0), v[0]);
    case Op::Not:
      return arith::XOrIOp::create(b, loc, v[0], arith::ConstantIntOp::create(b, loc, 1, 1));
    case Op::Exp:
      return math::ExpOp::create(b, loc, v[0]);
    case Op::Log:
      return math::LogOp::create(b, loc, v[0]);
    case Op::Sqrt:
      return math::SqrtOp::create(b, loc, v[0]);
    case Op::Rsqrt:
      return math::RsqrtOp::create(b, loc, v[0]);
    case Op::Sin:
      return math::SinOp::create(b, loc, v[0]);
    case Op::Cos:
      return math::CosOp::create(b, loc, v[0]);
    case Op::Tanh:
      return math::TanhOp::create(b, loc, v[0]);
    case Op::Erf:
      return math::ErfOp::create(b, loc, v[0]);
    case Op::Abs:
      return isFloat ? (Value)math::AbsFOp::create(b, loc, v[0]) : math::AbsIOp::create(b, loc, v[0]);
    case Op::Floor:
      return math::FloorOp::create(b, loc, v[0]);
    case Op::Stop:
      return graph::StopOp::create(b, loc, v[0]);
    case Op::ToFloat:
      return v[0].getType().isInteger(1) ? (Value)arith::UIToFPOp::create(b, loc, f32, v[0]) : arith::SIToFPOp::create(b, loc, f32, v[0]);
    case Op::ToInt:
      return isFloat ? (Value)arith::FPToSIOp::create(b, loc, i32, v[0]) : arith::ExtUIOp::create(b, loc, i32, v[0]);
    case Op::Select:
      return arith::SelectOp::create(b, loc, v[0], v[1], v[2]);
    }
    return {};
  }

  OpBuilder &b;
  Location loc;
  MLIRContext *ctx;
  std::map<const Atom *, unsigned> dims;
  std::map<ScalarPtr, Value> done;
  llvm::DenseMap<AffineExpr, Value> sizes;
};
} // namespace

Value emitCompute(OpBuilder &b, Location loc, graph::Reducer reducer, const std::vector<const Atom *> &over,
                  const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter) {
  MLIRContext *ctx = b.getContext();
  auto extents = [&](const std::vector<const Atom *> &atoms) {
    SmallVector<AffineExpr> r;
    for (const Atom *a : atoms)
      r.push_back(toExtent(ctx, a->extent));
    return r;
  };
  std::vector<const Atom *> loops = over;
  loops.insert(loops.end(), by.begin(), by.end());
  Type element = elementType(ctx, reducer == graph::Reducer::argmax ? Elem::I32 : body->elem);
  return graph::buildCompute(b, loc, reducer, extents(over), extents(by), element, [&](OpBuilder &inner) {
    Body emitter(inner, loc, loops);
    Value value = emitter.emit(body);
    Value keep = filter ? emitter.emit(filter) : Value();
    return std::pair<Value, Value>(value, keep);
  });
}

} // namespace tintype::frontend
