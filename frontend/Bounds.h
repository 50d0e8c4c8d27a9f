//===- Bounds.h - proofs that subscripts stay inside ------------*- C++ -*-===//
// `proveNonNegative(p)` answers "is p >= 0 at every point?", where indices run
// over 0 .. extent - 1, runtime dims are at least 1, and what is known from
// `where` clauses and from conditions on the way is a list of polynomials that
// are not negative. Example: in
//
//   y[b, c: C + D] = x[b, c] ?? z[b, c - C]
//
// the branch of `z` knows c - C >= 0, and c <= C + D - 1 from the range of c,
// so both c - C >= 0 and D - 1 - (c - C) >= 0 are proved. It never answers yes
// wrongly; it may fail to see a true bound.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_BOUNDS_H
#define TINTYPE_FRONTEND_BOUNDS_H

#include "frontend/Poly.h"

namespace tintype::frontend {

class Bounds {
public:
  explicit Bounds(Atoms &atoms) : atoms(atoms) {}

  /// Polynomials known to be >= 0 everywhere (facts about runtime dims).
  std::vector<Poly> facts;
  /// Polynomials known to be >= 0 where the expression at hand is used.
  std::vector<Poly> path;

  bool proveNonNegative(const Poly &p, bool usePath = true) const;
  /// A smallest and a largest value, free of indices, for messages.
  std::optional<Poly> lowest(const Poly &p) const { return lower(p.resolved(atoms), {}); }
  std::optional<Poly> highest(const Poly &p) const;

private:
  struct Range {
    std::optional<Poly> lo, hi;
  };
  using Overrides = std::map<const Atom *, Range>;

  std::optional<Poly> lower(const Poly &p, const Overrides &o) const;
  std::optional<Range> rangeOf(const Atom *a, const Overrides &o) const;
  Poly quotient(const Poly &p, const Poly &den) const;
  bool withRanges(const Poly &p, const Overrides &o) const;
  bool runtimeNonNegative(const Poly &p, int depth) const;
  /// What the facts of `path` say about single indices.
  std::vector<Overrides> overridesFromPath() const;

  Atoms &atoms;
};

} // namespace tintype::frontend

#endif
