//===- Bounds.cpp - proofs that subscripts stay inside --------------------===//
#include "frontend/Bounds.h"

namespace tintype::frontend {

static bool dependsOnIndex(const Atom *a) {
  return a->kind == Atom::Kind::Index || (a->isOpaque() && (a->dividend.hasIndex() || a->divisor.hasIndex()));
}

/// `p // den` for a bound: what is left of p after taking out multiples of den
/// often lies within one period, as in (H*W - 1) // W = H + (-1 // W) = H - 1.
Poly Bounds::quotient(const Poly &p, const Poly &den) const {
  return atoms.floorDiv(p, den).substitute(atoms, [&](const Atom *a) -> std::optional<Poly> {
    if (a->kind != Atom::Kind::Quotient || a->dividend.hasIndex() || a->divisor != den)
      return std::nullopt;
    const Poly &d = a->dividend;
    if (runtimeNonNegative(d, 1) && runtimeNonNegative(den - Poly(1) - d, 1))
      return Poly(0);
    if (runtimeNonNegative(Poly(-1) - d, 1) && runtimeNonNegative(d + den, 1))
      return Poly(-1);
    return std::nullopt;
  });
}

/// Interval of an atom that depends on an index.
std::optional<Bounds::Range> Bounds::rangeOf(const Atom *a, const Overrides &o) const {
  if (a->kind == Atom::Kind::Index) {
    Range r{Poly(0), a->extent.resolved(atoms) - Poly(1)};
    if (auto it = o.find(a); it != o.end()) {
      if (it->second.lo)
        r.lo = it->second.lo;
      if (it->second.hi)
        r.hi = it->second.hi;
    }
    return r;
  }
  const Poly &den = a->divisor;
  if (den.hasIndex() || !runtimeNonNegative(den - Poly(1), 2))
    return std::nullopt;
  auto lo = lower(a->dividend, o), negHi = lower(a->dividend * Poly(-1), o);
  if (a->kind == Atom::Kind::Remainder) {
    // A dividend within one period passes unchanged.
    if (lo && negHi && runtimeNonNegative(*lo, 2) && runtimeNonNegative(den - Poly(1) + *negHi, 2))
      return Range{lo, *negHi * Poly(-1)};
    return Range{Poly(0), den - Poly(1)};
  }
  if (!lo || !negHi)
    return std::nullopt;
  return Range{quotient(*lo, den), quotient(*negHi * Poly(-1), den)};
}

/// A lower bound free of indices: each monomial at the end of its atoms'
/// intervals that makes it smallest.
std::optional<Poly> Bounds::lower(const Poly &p, const Overrides &o) const {
  Poly sum;
  for (auto &[m, c] : p.terms()) {
    Poly rest(c), ends(1);
    std::vector<std::pair<Range, int>> ranges;
    for (auto &[a, e] : m) {
      if (!dependsOnIndex(a)) {
        Poly f(a);
        for (int i = 0; i < std::abs(e); ++i)
          rest = rest * (e > 0 ? f : *f.inverse());
        continue;
      }
      auto r = rangeOf(a, o);
      if (e < 0 || !r || !r->lo || !r->hi)
        return std::nullopt;
      ranges.push_back({*r, e});
    }
    bool single = ranges.size() == 1 && ranges[0].second == 1;
    for (auto &[r, e] : ranges) {
      // Products are monotone only where every factor is not negative.
      if (!single && !runtimeNonNegative(*r.lo, 2))
        return std::nullopt;
      for (int i = 0; i < e; ++i)
        ends = ends * (c.num > 0 ? *r.lo : *r.hi);
    }
    sum = sum + rest * ends;
  }
  return sum;
}

std::optional<Poly> Bounds::highest(const Poly &p) const {
  auto l = lower(p.resolved(atoms) * Poly(-1), {});
  return l ? std::optional<Poly>(*l * Poly(-1)) : std::nullopt;
}

/// `p >= 0` for all values >= 1 of its runtime dims, with the facts' help.
bool Bounds::runtimeNonNegative(const Poly &p, int depth) const {
  if (p.overflowed())
    return false;
  if (auto c = p.value())
    return c->num >= 0;
  // With a = 1 + a' every coefficient must be >= 0.
  Poly shifted;
  bool fits = true;
  for (auto &[m, c] : p.terms()) {
    Poly t(c);
    for (auto &[a, e] : m) {
      if (e < 0 || dependsOnIndex(a))
        return false;
      bool isRuntime = a->kind == Atom::Kind::Runtime;
      // A quotient or remainder is >= 0 when what it is made of is.
      if (a->isOpaque() && (depth == 0 || !runtimeNonNegative(a->divisor - Poly(1), depth - 1) ||
                            (a->kind == Atom::Kind::Quotient && !runtimeNonNegative(a->dividend, depth - 1))))
        fits = false;
      for (int i = 0; i < e; ++i)
        t = t * (isRuntime ? Poly(a) + Poly(1) : Poly(a));
    }
    shifted = shifted + t;
  }
  for (auto &[m, c] : shifted.terms())
    fits &= c.num >= 0;
  if (fits)
    return true;
  if (depth == 0)
    return false;
  std::vector<Poly> known;
  for (const Poly &f : facts)
    known.push_back(f.resolved(atoms));
  for (const Atom *a : p.atoms())
    if (a->isOpaque()) {
      Poly left = a->kind == Atom::Kind::Quotient ? a->dividend - a->divisor * Poly(a) : Poly(a);
      known.push_back(left);                        // remainder >= 0
      known.push_back(a->divisor - Poly(1) - left); // remainder <= divisor - 1
    }
  for (const Poly &f : known)
    for (auto &[m, c] : f.terms()) {
      auto it = p.terms().find(m);
      if (m.empty() || it == p.terms().end())
        continue;
      Ratio k = it->second / c;
      if (k.num > 0 && !k.overflowed() && runtimeNonNegative(p - f * Poly(k), depth - 1))
        return true;
    }
  return false;
}

bool Bounds::withRanges(const Poly &p, const Overrides &o) const {
  auto l = lower(p, o);
  return l && runtimeNonNegative(*l, 3);
}

std::vector<Bounds::Overrides> Bounds::overridesFromPath() const {
  std::vector<Overrides> single;
  Overrides all;
  for (const Poly &raw : path) {
    Poly f = raw.resolved(atoms);
    for (auto &[m, c] : f.terms()) {
      if (m.size() != 1 || m[0].second != 1 || m[0].first->kind != Atom::Kind::Index || std::abs(c.num) != 1 || c.den != 1)
        continue;
      const Atom *v = m[0].first;
      Poly rest = f - Poly(v) * Poly(c);
      // c*v + rest >= 0 with c = +-1 bounds v by the far end of rest.
      auto end = lower(rest * Poly(-1), {});
      auto bound = c.num > 0 ? end : end ? std::optional<Poly>(*end * Poly(-1)) : end;
      if (!bound)
        continue;
      Range r;
      (c.num > 0 ? r.lo : r.hi) = bound;
      single.push_back({{v, r}});
      (c.num > 0 ? all[v].lo : all[v].hi) = bound;
    }
  }
  if (single.size() > 1)
    single.push_back(all);
  return single;
}

bool Bounds::proveNonNegative(const Poly &raw, bool usePath) const {
  Poly p = raw.resolved(atoms);
  if (withRanges(p, {}))
    return true;
  if (!usePath || path.empty())
    return false;
  std::vector<Overrides> options = overridesFromPath();
  options.insert(options.begin(), Overrides());
  for (auto &o : options)
    if (withRanges(p, o))
      return true;
  for (const Poly &rawFact : path) {
    Poly f = rawFact.resolved(atoms);
    for (auto &[m, c] : f.terms()) {
      auto it = p.terms().find(m);
      if (m.empty() || it == p.terms().end())
        continue;
      Ratio k = it->second / c;
      if (k.num <= 0 || k.overflowed())
        continue;
      for (auto &o : options)
        if (withRanges(p - f * Poly(k), o))
          return true;
    }
  }
  return false;
}

} // namespace tintype::frontend
