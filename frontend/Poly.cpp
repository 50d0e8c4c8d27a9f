//===- Poly.cpp - sizes and index expressions as polynomials --------------===//
#include "frontend/Poly.h"
#include <algorithm>
#include <cassert>
#include <limits>

namespace tintype::frontend {

//===-- Ratio -------------------------------------------------------------===//

Ratio Ratio::make(__int128 n, __int128 d) {
  Ratio r;
  if (d == 0) {
    r.den = 0;
    return r;
  }
  __int128 a = n < 0 ? -n : n, b = d < 0 ? -d : d;
  while (b) {
    __int128 t = a % b;
    a = b;
    b = t;
  }
  if (a > 1) {
    n /= a;
    d /= a;
  }
  if (d < 0) {
    n = -n;
    d = -d;
  }
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  if (n > kMax || n < -kMax || d > kMax) {
    r.den = 0;
    return r;
  }
  r.num = int64_t(n);
  r.den = int64_t(d);
  return r;
}

static Ratio overflow() { return Ratio::make(0, 0); }

int64_t Ratio::floor() const {
  assert(den && "floor of an overflow");
  return num >= 0 ? num / den : -((-num + den - 1) / den);
}

Ratio Ratio::operator+(Ratio o) const {
  if (overflowed() || o.overflowed())
    return overflow();
  // Each product fits in 127 bits; their sum may not.
  __int128 sum;
  if (__builtin_add_overflow((__int128)num * o.den, (__int128)o.num * den, &sum))
    return overflow();
  return make(sum, (__int128)den * o.den);
}
Ratio Ratio::operator*(Ratio o) const {
  if (overflowed() || o.overflowed())
    return overflow();
  return make((__int128)num * o.num, (__int128)den * o.den);
}
Ratio Ratio::operator/(Ratio o) const {
  if (overflowed() || o.overflowed() || o.num == 0)
    return overflow();
  return make((__int128)num * o.den, (__int128)den * o.num);
}
Ratio Ratio::pow(int64_t e) const {
  Ratio base = e < 0 ? Ratio(1) / *this : *this, r = 1;
  for (int64_t i = e < 0 ? -e : e; i > 0 && !r.overflowed(); --i) {
    if (base == Ratio(1) || base.isZero())
      return base;
    if (base == Ratio(-1))
      return i % 2 ? base : Ratio(1);
    r = r * base;
  }
  return r;
}

//===-- Poly --------------------------------------------------------------===//

bool MonomialLess::operator()(const Monomial &a, const Monomial &b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](auto &x, auto &y) {
    return x.first != y.first ? x.first->id < y.first->id : x.second < y.second;
  });
}

Poly::Poly(Ratio r) { addTerm({}, r); }
Poly::Poly(const Atom *a) { addTerm({{a, 1}}, 1); }

void Poly::addTerm(const Monomial &m, Ratio c) {
  auto [it, isNew] = parts.try_emplace(m, c);
  if (!isNew)
    it->second = it->second + c;
  if (it->second.isZero())
    parts.erase(it);
}

Poly Poly::operator+(const Poly &o) const {
  Poly r = *this;
  for (auto &[m, c] : o.parts)
    r.addTerm(m, c);
  return r;
}

static Monomial times(const Monomial &a, const Monomial &b) {
  Monomial r;
  auto i = a.begin(), j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->first->id < j->first->id)) {
      r.push_back(*i++);
    } else if (i == a.end() || j->first->id < i->first->id) {
      r.push_back(*j++);
    } else {
      if (int e = i->second + j->second)
        r.push_back({i->first, e});
      ++i;
      ++j;
    }
  }
  return r;
}

Poly Poly::operator*(const Poly &o) const {
  // Sizes have a handful of terms; a product of thousands is a hostile file.
  constexpr size_t kMostProducts = 1 << 14;
  Poly r;
  if (parts.size() * o.parts.size() > kMostProducts)
    return Poly(overflow());
  for (auto &[m, c] : parts)
    for (auto &[n, d] : o.parts)
      r.addTerm(times(m, n), c * d);
  return r;
}

std::optional<Poly> Poly::inverse() const {
  if (parts.size() != 1)
    return std::nullopt;
  auto &[m, c] = *parts.begin();
  Monomial inv = m;
  for (auto &[atom, e] : inv)
    e = -e;
  Poly r;
  r.addTerm(inv, Ratio(1) / c);
  return r;
}

bool Poly::overflowed() const {
  return std::any_of(parts.begin(), parts.end(), [](auto &t) { return t.second.overflowed(); });
}

std::optional<Ratio> Poly::constant() const {
  if (parts.empty())
    return Ratio(0);
  if (parts.size() == 1 && parts.begin()->first.empty())
    return parts.begin()->second;
  return std::nullopt;
}

bool Poly::isConstant(int64_t n) const {
  auto c = constant();
  return c && *c == Ratio(n);
}

std::optional<Ratio> Poly::value(const std::function<std::optional<int64_t>(const Atom *)> &lookup) const {
  Ratio sum = 0;
  for (auto &[m, c] : parts) {
    Ratio t = c;
    for (auto &[a, e] : m) {
      Ratio v;
      if (a->kind == Atom::Kind::Config) {
        v = a->value;
      } else if (a->isOpaque()) {
        auto p = a->dividend.value(lookup), q = a->divisor.value(lookup);
        if (!p || !q || p->overflowed() || q->overflowed() || q->num == 0)
          return std::nullopt;
        Ratio quotient = *p / *q;
        if (quotient.overflowed())
          return std::nullopt;
        Ratio whole = quotient.floor();
        v = a->kind == Atom::Kind::Quotient ? whole : *p - whole * *q;
      } else if (auto n = lookup ? lookup(a) : std::nullopt) {
        v = *n;
      } else {
        return std::nullopt;
      }
      t = t * v.pow(e);
    }
    sum = sum + t;
  }
  return sum;
}

std::optional<Ratio> Poly::value() const { return value(nullptr); }

std::optional<int64_t> Poly::integer() const {
  auto v = value();
  if (!v || !v->isInteger())
    return std::nullopt;
  return v->num;
}

std::set<const Atom *> Poly::atoms() const {
  std::set<const Atom *> r;
  for (auto &[m, c] : parts)
    for (auto &[a, e] : m)
      if (r.insert(a).second && a->isOpaque())
        for (const Poly *p : {&a->dividend, &a->divisor})
          for (const Atom *b : p->atoms())
            r.insert(b);
  return r;
}

bool Poly::hasIndex() const {
  for (const Atom *a : atoms())
    if (a->kind == Atom::Kind::Index)
      return true;
  return false;
}

const Atom *Poly::asAtom() const {
  if (parts.size() != 1 || !(parts.begin()->second == Ratio(1)))
    return nullptr;
  const Monomial &m = parts.begin()->first;
  return m.size() == 1 && m[0].second == 1 ? m[0].first : nullptr;
}

Poly Poly::resolved(Atoms &atoms) const {
  return substitute(atoms, [](const Atom *a) -> std::optional<Poly> {
    if (a->kind == Atom::Kind::Config)
      return Poly(a->value);
    return std::nullopt;
  });
}

Poly Poly::substitute(Atoms &atoms, const std::function<std::optional<Poly>(const Atom *)> &fn) const {
  Poly sum;
  for (auto &[m, c] : parts) {
    Poly term(c);
    for (auto &[a, e] : m) {
      std::optional<Poly> by = fn(a);
      if (!by && a->isOpaque()) {
        Poly p = a->dividend.substitute(atoms, fn), q = a->divisor.substitute(atoms, fn);
        if (p != a->dividend || q != a->divisor)
          by = a->kind == Atom::Kind::Quotient ? atoms.floorDiv(p, q) : atoms.mod(p, q);
      }
      Poly factor = by ? *by : Poly(a);
      if (e < 0) {
        auto inv = factor.inverse();
        factor = inv ? *inv : Poly(Ratio::make(0, 0)); // 1/(a + b) has no form here
      }
      for (int i = 0; i < std::abs(e); ++i)
        term = term * factor;
    }
    sum = sum + term;
  }
  return sum;
}

//===-- text --------------------------------------------------------------===//

static std::string monomialText(const Monomial &m, Ratio c) {
  auto power = [](const std::string &name, int e) { return e == 1 ? name : name + "^" + std::to_string(e); };
  // Names read best sorted, not in the order in which atoms were made.
  std::vector<std::pair<std::string, int>> factors;
  for (auto &[a, e] : m)
    factors.push_back({a->name, e});
  std::sort(factors.begin(), factors.end());
  std::string top, bottom;
  if (c.num != 1 || m.empty())
    top = std::to_string(c.num);
  for (auto &[name, e] : factors)
    if (e > 0)
      top += (top.empty() ? "" : "*") + power(name, e);
  if (top.empty())
    top = "1";
  if (c.den != 1)
    bottom += "/" + std::to_string(c.den);
  for (auto &[name, e] : factors)
    if (e < 0)
      bottom += "/" + power(name, -e);
  return top + bottom;
}

std::string Poly::str() const {
  if (overflowed())
    return "(too large)";
  if (parts.empty())
    return "0";
  std::vector<std::pair<const Monomial *, Ratio>> order;
  for (auto &[m, c] : parts)
    order.push_back({&m, c});
  // Higher degrees first, the number last; a positive term leads.
  std::sort(order.begin(), order.end(), [](auto &a, auto &b) {
    bool an = a.second.num < 0, bn = b.second.num < 0;
    if (a.first->empty() != b.first->empty())
      return b.first->empty();
    if (an != bn)
      return bn;
    if (a.first->size() != b.first->size())
      return a.first->size() > b.first->size();
    return MonomialLess()(*a.first, *b.first);
  });
  std::string s;
  for (auto &[m, c] : order) {
    if (s.empty()) {
      s = c.num == -1 && !m->empty() ? "-" + monomialText(*m, Ratio::make(1, c.den)) : monomialText(*m, c);
    } else {
      Ratio size = c.num < 0 ? Ratio(0) - c : c;
      s += (c.num < 0 ? " - " : " + ") + monomialText(*m, size);
    }
  }
  return s;
}

//===-- Atoms -------------------------------------------------------------===//

const Atom *Atoms::make(Atom::Kind kind, std::string name) {
  unsigned id = storage.size();
  storage.push_back({kind, id, std::move(name), 0, 1, {}, {}, {}});
  return &storage.back();
}

const Atom *Atoms::config(const std::string &name, int64_t value) {
  auto &slot = named[name];
  if (!slot) {
    slot = make(Atom::Kind::Config, name);
    const_cast<Atom *>(slot)->value = value;
  }
  return slot;
}

const Atom *Atoms::runtime(const std::string &name) {
  auto &slot = named["$" + name];
  if (!slot)
    slot = make(Atom::Kind::Runtime, name);
  return slot;
}

const Atom *Atoms::index(const std::string &name, Poly extent) {
  const Atom *a = make(Atom::Kind::Index, name);
  const_cast<Atom *>(a)->extent = std::move(extent);
  return a;
}

/// The text of a polynomial by atom numbers, as a key.
static std::string key(const Poly &p) {
  std::string s;
  for (auto &[m, c] : p.terms()) {
    s += std::to_string(c.num) + "/" + std::to_string(c.den);
    for (auto &[a, e] : m)
      s += "*" + std::to_string(a->id) + "^" + std::to_string(e);
    s += "+";
  }
  return s;
}

static std::string bracketed(const Poly &p) {
  std::string s = p.str();
  bool simple = s.find_first_of(" */%") == std::string::npos;
  return simple ? s : "(" + s + ")";
}

const Atom *Atoms::opaque(Atom::Kind kind, const Poly &p, const Poly &q) {
  const char *sign = kind == Atom::Kind::Quotient ? " // " : " % ";
  auto &slot = opaques[sign + key(p) + "|" + key(q)];
  if (!slot) {
    slot = make(kind, "(" + bracketed(p) + sign + bracketed(q) + ")");
    const_cast<Atom *>(slot)->dividend = p;
    const_cast<Atom *>(slot)->divisor = q;
  }
  return slot;
}

void Atoms::clearMultiples() {
  for (Atom &a : storage)
    a.multiple = 1;
}

bool Atoms::isIntegral(const Poly &p) const {
  if (auto v = p.value())
    return v->isInteger();
  for (auto &[m, c] : p.terms()) {
    Ratio t = c;
    for (auto &[a, e] : m) {
      if (e < 0 && a->kind != Atom::Kind::Config)
        return false;
      t = t * Ratio(multipleOf(a)).pow(e);
    }
    if (!t.isInteger())
      return false;
  }
  return true;
}

std::optional<Poly> Atoms::exactDiv(const Poly &p, const Poly &q) const {
  auto inv = q.inverse();
  if (!inv)
    return std::nullopt;
  Poly r = p * *inv;
  return isIntegral(r) ? std::optional<Poly>(r) : std::nullopt;
}

Poly Atoms::floorDiv(const Poly &p, const Poly &q) {
  auto pv = p.value(), qv = q.value();
  if (p.overflowed() || q.overflowed() || (pv && pv->overflowed()) || (qv && (qv->overflowed() || qv->num == 0)))
    return Poly(overflow());
  if (auto inv = q.inverse()) {
    Poly r = p * *inv;
    if (isIntegral(r))
      return r;
    // Split off the part that is a whole number: (H - 2) // 2 = H/2 - 1.
    Poly whole, rest;
    for (auto &[m, c] : r.terms()) {
      Poly term;
      term.addTerm(m, c);
      (isIntegral(term) ? whole : rest).addTerm(m, c);
    }
    if (auto v = rest.value())
      return v->overflowed() ? Poly(overflow()) : whole + Poly(v->floor());
    if (!whole.terms().empty())
      return whole + Poly(opaque(Atom::Kind::Quotient, rest * q, q));
  } else if (pv && qv) {
    return Poly((*pv / *qv).floor());
  }
  return Poly(opaque(Atom::Kind::Quotient, p, q));
}

Poly Atoms::mod(const Poly &p, const Poly &q) {
  auto pv = p.value(), qv = q.value();
  if (p.overflowed() || q.overflowed() || (pv && pv->overflowed()) || (qv && (qv->overflowed() || qv->num == 0)))
    return Poly(overflow());
  if (exactDiv(p, q))
    return Poly(0);
  if (pv && qv)
    return Poly(*pv - Ratio((*pv / *qv).floor()) * *qv);
  return Poly(opaque(Atom::Kind::Remainder, p, q));
}

} // namespace tintype::frontend
