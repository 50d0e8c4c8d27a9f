//===- Poly.h - sizes and index expressions as polynomials ------*- C++ -*-===//
// One type for every integer the compiler knows as an expression: extents
// (`3 * width`, `width / heads`, `(H + 1) // 2`) and subscripts
// (`u * stride + k - lo`). A Poly is a sum of monomials with rational
// coefficients over atoms; equal means equal normal form, so with
// `hd = width / heads` the product `heads * hd` is `width` with no lemma.
//
//   width / heads      = 1 * width^1 heads^-1
//   (H - 2) // 2 + 1   = 1/2 * H^1            when H is known to be even
//   h // (heads / kv)  = 1 * Q^1              Q an opaque quotient atom
//
// Atoms are compared by identity; `Atoms` makes and owns them.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_POLY_H
#define TINTYPE_FRONTEND_POLY_H

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tintype::frontend {

/// A fraction in lowest terms with a positive denominator. Denominator 0 marks
/// an overflow of 64 bits; it stays through every later operation.
struct Ratio {
  int64_t num = 0, den = 1;

  Ratio(int64_t n = 0) : num(n) {}
  static Ratio make(__int128 n, __int128 d);
  bool isInteger() const { return den == 1; }
  bool overflowed() const { return den == 0; }
  bool isZero() const { return num == 0 && den != 0; }
  int64_t floor() const;
  double toDouble() const { return double(num) / double(den); }
  Ratio operator+(Ratio o) const;
  Ratio operator-(Ratio o) const { return *this + Ratio::make(-(__int128)o.num, o.den); }
  Ratio operator*(Ratio o) const;
  Ratio operator/(Ratio o) const;
  Ratio pow(int64_t e) const;
  bool operator==(Ratio o) const { return num == o.num && den == o.den; }
  bool operator<(Ratio o) const { return (__int128)num * o.den < (__int128)o.num * den; }
};

struct Atom;
class Atoms;

/// Atoms with exponents (never 0), in the order of the atoms' numbers.
using Monomial = std::vector<std::pair<const Atom *, int>>;

struct MonomialLess {
  bool operator()(const Monomial &a, const Monomial &b) const;
};

class Poly {
public:
  using Terms = std::map<Monomial, Ratio, MonomialLess>;

  Poly(int64_t n = 0) : Poly(Ratio(n)) {}
  Poly(int n) : Poly(Ratio(n)) {} // a literal 0 is no atom
  explicit Poly(Ratio r);
  explicit Poly(const Atom *a);

  const Terms &terms() const { return parts; }
  bool operator==(const Poly &o) const { return parts == o.parts; }
  bool operator!=(const Poly &o) const { return !(*this == o); }
  Poly operator+(const Poly &o) const;
  Poly operator-(const Poly &o) const { return *this + o * Poly(-1); }
  Poly operator*(const Poly &o) const;
  /// 1 / this, when this is a single monomial.
  std::optional<Poly> inverse() const;

  bool overflowed() const;
  /// The number, when no atom is left.
  std::optional<Ratio> constant() const;
  bool isConstant(int64_t n) const;
  /// The number with configs replaced by their values; none when a runtime
  /// dim or an index is in it.
  std::optional<Ratio> value() const;
  std::optional<int64_t> integer() const;
  /// The value under an assignment of runtime dims and indices.
  std::optional<Ratio> value(const std::function<std::optional<int64_t>(const Atom *)> &lookup) const;
  bool isStatic() const { return value().has_value(); }

  /// All atoms, those inside opaque quotients and remainders too.
  std::set<const Atom *> atoms() const;
  bool hasIndex() const;
  /// The atom this polynomial is, if it is just one.
  const Atom *asAtom() const;
  /// This as text, e.g. `heads*width/4 + 1`.
  std::string str() const;
  /// Configs replaced by their numbers.
  Poly resolved(Atoms &atoms) const;
  /// Every atom replaced by `fn` (null: kept), opaque ones rebuilt.
  Poly substitute(Atoms &atoms, const std::function<std::optional<Poly>(const Atom *)> &fn) const;

  void addTerm(const Monomial &m, Ratio c);

private:
  Terms parts;
};

struct Atom {
  enum class Kind { Config, Runtime, Index, Quotient, Remainder };
  Kind kind;
  unsigned id;
  std::string name;
  int64_t value = 0;      ///< of a config
  int64_t multiple = 1;   ///< a runtime dim is a multiple of this, by a `where` fact
  Poly extent;            ///< of an index: it runs over 0 .. extent - 1
  Poly dividend, divisor; ///< of a quotient or remainder
  bool isOpaque() const { return kind == Kind::Quotient || kind == Kind::Remainder; }
};

/// Owns atoms. Configs and runtime dims are one atom for each name, opaque
/// atoms one for each pair of polynomials, indices are always new.
class Atoms {
public:
  const Atom *config(const std::string &name, int64_t value);
  const Atom *runtime(const std::string &name);
  const Atom *index(const std::string &name, Poly extent);

  /// `p // q` and `p % q`, simplified where divisibility is known.
  Poly floorDiv(const Poly &p, const Poly &q);
  Poly mod(const Poly &p, const Poly &q);
  /// `p / q` when it is known to be a whole number.
  std::optional<Poly> exactDiv(const Poly &p, const Poly &q) const;
  /// Whether the value is known to be a whole number.
  bool isIntegral(const Poly &p) const;

  /// A `where a % n == 0` fact about a runtime dim.
  void setMultiple(const Atom *a, int64_t n) { const_cast<Atom *>(a)->multiple = n; }
  int64_t multipleOf(const Atom *a) const { return a->kind == Atom::Kind::Config ? a->value : a->multiple; }
  void clearMultiples();

private:
  const Atom *make(Atom::Kind kind, std::string name);
  const Atom *opaque(Atom::Kind kind, const Poly &p, const Poly &q);

  std::deque<Atom> storage;
  std::map<std::string, const Atom *> named;
  std::map<std::string, const Atom *> opaques;
};

} // namespace tintype::frontend

#endif
