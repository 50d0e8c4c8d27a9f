//===- Index.cpp - ranges of index expressions ----------------------------===//
#include "passes/graph/Index.h"
#include <limits>

using namespace mlir;
namespace tintype::graph {

void LinearIndex::add(AffineExpr atom, int64_t factor) {
  for (auto it = terms.begin(); it != terms.end(); ++it)
    if (it->first == atom) {
      it->second += factor;
      if (it->second == 0)
        terms.erase(it);
      return;
    }
  if (factor != 0)
    terms.push_back({atom, factor});
}

AffineExpr LinearIndex::build(MLIRContext *ctx) const {
  AffineExpr e = getAffineConstantExpr(0, ctx);
  for (auto [atom, factor] : terms)
    e = e + atom * factor;
  return e + constant;
}

static void collect(AffineExpr e, int64_t factor, LinearIndex &out) {
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    out.constant += factor * c.getValue();
    return;
  }
  if (auto b = dyn_cast<AffineBinaryOpExpr>(e)) {
    if (b.getKind() == AffineExprKind::Add) {
      collect(b.getLHS(), factor, out);
      collect(b.getRHS(), factor, out);
      return;
    }
    if (b.getKind() == AffineExprKind::Mul)
      if (auto c = dyn_cast<AffineConstantExpr>(b.getRHS())) {
        collect(b.getLHS(), factor * c.getValue(), out);
        return;
      }
  }
  out.add(e, factor);
}

LinearIndex linearIndex(AffineExpr e) {
  LinearIndex out;
  collect(e, 1, out);
  return out;
}

//===-- ranges ------------------------------------------------------------===//

namespace {
constexpr int64_t kFar = std::numeric_limits<int64_t>::max() / 4;
/// A closed range; +-kFar means unknown.
struct Range {
  int64_t lo = -kFar, hi = kFar;
};
} // namespace

static int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
static int64_t scale(int64_t bound, int64_t factor) {
  if (bound >= kFar || bound <= -kFar)
    return (bound > 0) == (factor > 0) ? kFar : -kFar;
  return bound * factor;
}
static int64_t sum(int64_t a, int64_t b) {
  if (a >= kFar || b >= kFar)
    return kFar;
  return a <= -kFar || b <= -kFar ? -kFar : a + b;
}

static Range rangeOf(AffineExpr e, ArrayRef<AffineExpr> extents);

static Range rangeOf(const LinearIndex &l, ArrayRef<AffineExpr> extents) {
  Range r{l.constant, l.constant};
  for (auto [atom, factor] : l.terms) {
    Range a = rangeOf(atom, extents);
    r.lo = sum(r.lo, scale(factor > 0 ? a.lo : a.hi, factor));
    r.hi = sum(r.hi, scale(factor > 0 ? a.hi : a.lo, factor));
  }
  return r;
}

static Range rangeOf(AffineExpr e, ArrayRef<AffineExpr> extents) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return {c.getValue(), c.getValue()};
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    if (d.getPosition() >= extents.size())
      return {};
    auto n = dyn_cast<AffineConstantExpr>(extents[d.getPosition()]);
    return {0, n ? n.getValue() - 1 : kFar};
  }
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return {};
  if (b.getKind() == AffineExprKind::Add || b.getKind() == AffineExprKind::Mul) {
    LinearIndex l = linearIndex(e);
    return l.terms.size() == 1 && l.terms[0].first == e ? Range{} : rangeOf(l, extents);
  }
  auto c = dyn_cast<AffineConstantExpr>(b.getRHS());
  if (!c || c.getValue() <= 0)
    return {};
  Range a = rangeOf(b.getLHS(), extents);
  if (b.getKind() == AffineExprKind::Mod)
    return {0, a.lo >= 0 ? std::min(a.hi, c.getValue() - 1) : c.getValue() - 1};
  if (b.getKind() == AffineExprKind::FloorDiv)
    return {a.lo <= -kFar ? a.lo : floorDiv(a.lo, c.getValue()), a.hi >= kFar ? a.hi : floorDiv(a.hi, c.getValue())};
  return {};
}

//===-- simplification ----------------------------------------------------===//

/// Joins `k*c*(x floordiv c) + k*(x mod c)` to `k*x`.
static void joinDigits(LinearIndex &l) {
  for (size_t i = 0; i < l.terms.size(); ++i) {
    auto q = dyn_cast<AffineBinaryOpExpr>(l.terms[i].first);
    auto c = q && q.getKind() == AffineExprKind::FloorDiv ? dyn_cast<AffineConstantExpr>(q.getRHS()) : AffineConstantExpr();
    if (!c || l.terms[i].second % c.getValue())
      continue;
    int64_t k = l.terms[i].second / c.getValue();
    AffineExpr rest = getAffineBinaryOpExpr(AffineExprKind::Mod, q.getLHS(), q.getRHS());
    for (auto [atom, factor] : l.terms)
      if (atom == rest && factor == k) {
        AffineExpr whole = q.getLHS();
        l.add(q, -k * c.getValue());
        l.add(rest, -k);
        collect(whole, k, l);
        return joinDigits(l);
      }
  }
}

/// As a term of something else a loop of one point is 0.
static AffineExpr simplifyTerm(AffineExpr e, ArrayRef<AffineExpr> extents) {
  return isa<AffineDimExpr>(e) && rangeOf(e, extents).hi == 0 ? getAffineConstantExpr(0, e.getContext()) : simplifyIndex(e, extents);
}

AffineExpr simplifyIndex(AffineExpr e, ArrayRef<AffineExpr> extents) {
  MLIRContext *ctx = e.getContext();
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return e;
  AffineExpr lhs = simplifyTerm(b.getLHS(), extents), rhs = simplifyTerm(b.getRHS(), extents);
  if (b.getKind() == AffineExprKind::Add || b.getKind() == AffineExprKind::Mul) {
    LinearIndex l = linearIndex(getAffineBinaryOpExpr(b.getKind(), lhs, rhs));
    joinDigits(l);
    return l.build(ctx);
  }
  auto c = dyn_cast<AffineConstantExpr>(rhs);
  if (!c || c.getValue() <= 0)
    return getAffineBinaryOpExpr(b.getKind(), lhs, rhs);
  LinearIndex whole, rest, all = linearIndex(lhs);
  rest.constant = all.constant;
  for (auto [atom, factor] : all.terms)
    if (factor % c.getValue() == 0)
      whole.add(atom, factor / c.getValue());
    else
      rest.add(atom, factor);
  Range r = rangeOf(rest, extents);
  bool known = r.lo > -kFar && r.hi < kFar && floorDiv(r.lo, c.getValue()) == floorDiv(r.hi, c.getValue());
  int64_t digit = known ? floorDiv(r.lo, c.getValue()) : 0;
  if (b.getKind() == AffineExprKind::FloorDiv)
    return whole.build(ctx) + (known ? getAffineConstantExpr(digit, ctx) : rest.build(ctx).floorDiv(c.getValue()));
  if (b.getKind() == AffineExprKind::Mod)
    return known ? rest.build(ctx) - digit * c.getValue() : rest.build(ctx) % c.getValue();
  return getAffineBinaryOpExpr(b.getKind(), lhs, rhs);
}

//===-- proofs ------------------------------------------------------------===//

bool hasSymbols(AffineExpr e) {
  bool found = false;
  e.walk([&](AffineExpr x) { found |= isa<AffineSymbolExpr>(x); });
  return found;
}

bool provablyAtLeast(AffineExpr a, AffineExpr b) {
  auto c = dyn_cast<AffineConstantExpr>(canonicalDim(a - b));
  return c && c.getValue() >= 0;
}

/// The largest value of `e` as an expression over runtime dims; null if unknown.
static AffineExpr largest(AffineExpr e, ArrayRef<AffineExpr> extents) {
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return d.getPosition() < extents.size() ? extents[d.getPosition()] - 1 : AffineExpr();
  if (isa<AffineConstantExpr>(e))
    return e;
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return {};
  auto c = dyn_cast<AffineConstantExpr>(b.getRHS());
  if (b.getKind() == AffineExprKind::Mod)
    return c ? getAffineConstantExpr(c.getValue() - 1, e.getContext()) : AffineExpr();
  AffineExpr l = largest(b.getLHS(), extents);
  if (!l)
    return {};
  if (b.getKind() == AffineExprKind::Add) {
    AffineExpr r = largest(b.getRHS(), extents);
    return r ? l + r : AffineExpr();
  }
  if (!c || c.getValue() <= 0)
    return {};
  if (b.getKind() == AffineExprKind::Mul)
    return l * c.getValue();
  return b.getKind() == AffineExprKind::FloorDiv ? simplifyIndex(canonicalDim(l).floorDiv(c.getValue()), {}) : AffineExpr();
}

bool provablyInside(AffineExpr e, AffineExpr extent, ArrayRef<AffineExpr> extents) {
  if (hasSymbols(e))
    return false;
  Range r = rangeOf(e, extents);
  if (r.lo < 0)
    return false;
  if (auto n = dyn_cast<AffineConstantExpr>(extent); n && r.hi < n.getValue())
    return true;
  AffineExpr top = largest(e, extents);
  return top && provablyAtLeast(extent - 1, top);
}

} // namespace tintype::graph
