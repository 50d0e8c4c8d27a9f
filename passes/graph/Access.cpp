//===- Access.cpp - turn "X[A(loops)] is read" round ----------------------===//
// Equations `A(loops)[m] == j[m]`, solved one after the other: bare loops
// first, then pairs (f floordiv c, f mod c), then single quotients and
// remainders with a new reduction dim for the lost digit, then sums.
//===----------------------------------------------------------------------===//
#include "passes/graph/Access.h"
#include "passes/graph/Index.h"

using namespace mlir;
namespace tintype::graph {
namespace {

/// Numbering while solving: source dims [0, k), loops [k, k + n), new digits after.
class Solver {
public:
  Solver(AffineMap map, ArrayRef<AffineExpr> extents, unsigned numParallel, ArrayRef<AffineExpr> dims)
      : ctx(map.getContext()), numDims(dims.size()), numLoops(extents.size()), numParallel(numParallel), allExtents(dims),
        loopValue(extents.size()), done(dims.size()) {
    allExtents.append(extents.begin(), extents.end());
    SmallVector<AffineExpr> shifted;
    for (unsigned i = 0; i < numLoops; ++i)
      shifted.push_back(dim(numDims + i));
    for (AffineExpr e : map.getResults())
      places.push_back(e.replaceDims(shifted));
    result.fixedAt.resize(numDims);
    result.span = SmallVector<AffineExpr>(dims);
  }

  std::optional<Gather> solve() {
    solveBare();
    solveDigitPairs();
    solveSingleDigits();
    for (unsigned m = 0; m < numDims; ++m)
      if (!done[m])
        equations.push_back({places[m], dim(m)});
    for (auto &[e, target] : equations)
      if (!solveSum(e, target))
        return std::nullopt;
    return finish();
  }

private:
  MLIRContext *ctx;
  unsigned numDims, numLoops, numParallel;
  SmallVector<AffineExpr> allExtents; // source dims, loops, new digits
  SmallVector<AffineExpr> loopValue;  // null: not determined
  SmallVector<bool> done;
  SmallVector<AffineExpr> places;
  SmallVector<std::pair<AffineExpr, AffineExpr>> equations;
  Gather result;

  AffineExpr dim(unsigned i) { return getAffineDimExpr(i, ctx); }

  /// `e` with the loops found so far put in.
  AffineExpr known(AffineExpr e) {
    SmallVector<AffineExpr> all;
    for (unsigned i = 0; i < allExtents.size(); ++i) {
      bool isLoop = i >= numDims && i < numDims + numLoops;
      all.push_back(isLoop && loopValue[i - numDims] ? loopValue[i - numDims] : dim(i));
    }
    return simplifyIndex(e.replaceDims(all), allExtents);
  }

  /// The loop that `e` is, when it is one not found yet.
  std::optional<unsigned> freeLoop(AffineExpr e) {
    auto d = dyn_cast<AffineDimExpr>(e);
    if (!d || d.getPosition() < numDims || d.getPosition() >= numDims + numLoops || loopValue[d.getPosition() - numDims])
      return std::nullopt;
    return d.getPosition() - numDims;
  }

  bool hasFreeLoop(AffineExpr e) {
    bool found = false;
    e.walk([&](AffineExpr x) { found |= freeLoop(x).has_value(); });
    return found;
  }

  void setLoop(unsigned loop, AffineExpr value) {
    loopValue[loop] = simplifyIndex(value, allExtents);
    for (AffineExpr &v : loopValue)
      if (v)
        v = known(v);
    result.inside.push_back({loopValue[loop], allExtents[numDims + loop]});
  }

  AffineExpr newDigit(AffineExpr extent) {
    allExtents.push_back(extent);
    return dim(allExtents.size() - 1);
  }

  /// X[i]: the loop is the dim, perhaps with a shorter range.
  void solveBare() {
    for (unsigned m = 0; m < numDims; ++m) {
      auto loop = freeLoop(places[m]);
      if (!loop)
        continue;
      loopValue[*loop] = dim(m);
      done[m] = true;
      AffineExpr extent = allExtents[numDims + *loop];
      if (!provablyAtLeast(extent, allExtents[m]))
        result.span[m] = extent;
    }
  }

  static AffineBinaryOpExpr digit(AffineExpr e, AffineExprKind kind) {
    auto b = dyn_cast<AffineBinaryOpExpr>(e);
    auto c = b && b.getKind() == kind ? dyn_cast<AffineConstantExpr>(b.getRHS()) : AffineConstantExpr();
    return c && c.getValue() > 0 ? b : AffineBinaryOpExpr(nullptr);
  }

  /// The digit `j[m]` of a remainder by `c` must be one.
  void requireDigit(unsigned m, AffineExpr c) {
    if (!provablyAtLeast(c, allExtents[m]))
      result.inside.push_back({dim(m), c});
  }

  /// X[f floordiv c, f mod c]: f == j * c + j'.
  void solveDigitPairs() {
    for (unsigned m = 0; m < numDims; ++m) {
      auto quotient = digit(places[m], AffineExprKind::FloorDiv);
      if (done[m] || !quotient || !hasFreeLoop(quotient))
        continue;
      for (unsigned r = 0; r < numDims; ++r) {
        auto rest = digit(places[r], AffineExprKind::Mod);
        if (done[r] || !rest || rest.getLHS() != quotient.getLHS() || rest.getRHS() != quotient.getRHS())
          continue;
        done[m] = done[r] = true;
        requireDigit(r, rest.getRHS());
        equations.push_back({quotient.getLHS(), dim(m) * quotient.getRHS() + dim(r)});
        break;
      }
    }
  }

  /// X[f floordiv c]: f == j * c + new digit; X[(i + a) mod c]: i == new digit * c + j - a.
  void solveSingleDigits() {
    for (unsigned m = 0; m < numDims; ++m) {
      if (done[m] || !hasFreeLoop(places[m]))
        continue;
      if (auto q = digit(places[m], AffineExprKind::FloorDiv)) {
        done[m] = true;
        equations.push_back({q.getLHS(), dim(m) * q.getRHS() + newDigit(q.getRHS())});
      } else if (auto r = digit(places[m], AffineExprKind::Mod)) {
        done[m] = solveRemainder(m, r.getLHS(), cast<AffineConstantExpr>(r.getRHS()).getValue());
      }
    }
  }

  bool solveRemainder(unsigned m, AffineExpr f, int64_t c) {
    LinearIndex l = linearIndex(known(f));
    if (l.terms.size() != 1 || l.terms[0].second != 1)
      return false;
    auto loop = freeLoop(l.terms[0].first);
    if (!loop)
      return false;
    requireDigit(m, getAffineConstantExpr(c, ctx));
    int64_t shift = ((l.constant % c) + c) % c;
    AffineExpr extent = allExtents[numDims + *loop];
    if (extent == getAffineConstantExpr(c, ctx)) // a rotation
      setLoop(*loop, (dim(m) - shift) % c);
    else
      setLoop(*loop, newDigit((extent + shift + c - 1).floorDiv(c)) * c + dim(m) - shift);
    return true;
  }

  /// Free loops of a sum with their factors, largest factor first.
  struct Term {
    unsigned loop;
    int64_t factor;
  };

  /// True when loop digits `terms` are the mixed-radix digits of the sum.
  bool areDigits(ArrayRef<Term> terms) {
    for (size_t i = 0; i < terms.size(); ++i) {
      if (terms[i].factor <= 0)
        return false;
      if (i == 0)
        continue;
      int64_t base = terms[i - 1].factor / terms[i].factor;
      AffineExpr limit = getAffineConstantExpr(base, ctx);
      if (terms[i - 1].factor % terms[i].factor || !provablyAtLeast(limit, allExtents[numDims + terms[i].loop]))
        return false;
    }
    return true;
  }

  bool solveSum(AffineExpr e, AffineExpr target) {
    e = known(e);
    target = known(target);
    if (!hasFreeLoop(e)) {
      result.equal.push_back({e, target});
      return true;
    }
    if (hasSymbols(e))
      return false;
    LinearIndex rest;
    SmallVector<Term> terms;
    LinearIndex l = linearIndex(e);
    rest.constant = l.constant;
    for (auto [atom, factor] : l.terms) {
      if (auto loop = freeLoop(atom))
        terms.push_back({*loop, factor});
      else if (hasFreeLoop(atom))
        return false;
      else
        rest.add(atom, factor);
    }
    llvm::sort(terms, [](const Term &a, const Term &b) { return std::tie(b.factor, a.loop) < std::tie(a.factor, b.loop); });
    if (!areDigits(terms)) {
      // One loop is solved for, a parallel one if there is one (in a convolution
      // the place, not the tap); the others stay reduction dims.
      const Term *best = &terms[0];
      auto rank = [&](const Term &t) { return std::make_pair(t.loop < numParallel, std::abs(t.factor)); };
      for (const Term &t : terms)
        if (rank(t) > rank(*best))
          best = &t;
      Term chosen = *best;
      for (const Term &t : terms)
        if (t.loop != chosen.loop)
          rest.add(dim(numDims + t.loop), t.factor);
      terms = {chosen};
    }
    AffineExpr value = target - rest.build(ctx);
    if (terms.back().factor < 0)
      value = value * -1;
    int64_t last = std::abs(terms.back().factor);
    if (last != 1)
      result.equal.push_back({simplifyIndex(value % last, allExtents), getAffineConstantExpr(0, ctx)});
    for (size_t i = 0; i < terms.size(); ++i) {
      AffineExpr digits = i == 0 ? value : value % terms[i - 1].factor;
      setLoop(terms[i].loop, digits.floorDiv(std::abs(terms[i].factor)));
    }
    return true;
  }

  /// Turns conditions of the form `j[m] == e(other j)` into `fixedAt`.
  bool fix(std::pair<AffineExpr, AffineExpr> condition) {
    for (auto [a, b] : {std::make_pair(condition.second, condition.first), condition}) {
      auto j = dyn_cast<AffineDimExpr>(a);
      if (!j || j.getPosition() >= numDims || result.fixedAt[j.getPosition()] || hasSymbols(b) ||
          result.span[j.getPosition()] != allExtents[j.getPosition()])
        continue;
      bool others = true;
      b.walk([&](AffineExpr x) {
        if (auto d = dyn_cast<AffineDimExpr>(x))
          others &= d.getPosition() < numDims && d != j && !result.fixedAt[d.getPosition()];
      });
      for (AffineExpr f : result.fixedAt)
        if (f)
          f.walk([&](AffineExpr x) { others &= x != j; });
      if (others)
        return result.fixedAt[j.getPosition()] = b, true;
    }
    return false;
  }

  std::optional<Gather> finish() {
    // Final numbering: source dims, loops left over, new digits.
    SmallVector<AffineExpr> renumber;
    for (unsigned i = 0; i < numDims; ++i)
      renumber.push_back(dim(i));
    for (unsigned i = numDims; i < allExtents.size(); ++i) {
      bool isLoop = i < numDims + numLoops;
      if (isLoop && loopValue[i - numDims]) {
        renumber.push_back({});
        continue;
      }
      renumber.push_back(dim(numDims + result.by.size()));
      result.by.push_back(allExtents[i]);
    }
    SmallVector<AffineExpr> extents(ArrayRef(allExtents).take_front(numDims));
    extents.append(result.by.begin(), result.by.end());
    for (unsigned i = 0; i < numLoops; ++i)
      if (loopValue[i])
        renumber[numDims + i] = known(loopValue[i]).replaceDims(renumber);
    for (unsigned i = 0; i < numLoops; ++i)
      result.loops.push_back(simplifyIndex(renumber[numDims + i], extents));

    auto inside = std::exchange(result.inside, {});
    for (auto [e, extent] : inside) {
      e = simplifyIndex(e.replaceDims(renumber), extents);
      if (!provablyInside(e, extent, extents))
        result.inside.push_back({e, extent});
    }
    auto equal = std::exchange(result.equal, {});
    for (auto [a, b] : equal) {
      a = simplifyIndex(a.replaceDims(renumber), extents);
      b = simplifyIndex(b.replaceDims(renumber), extents);
      if (a == b || fix({a, b}))
        continue;
      // Comparing a computed place with every element costs more than adding there.
      if (hasSymbols(a - b) && !result.by.empty())
        return std::nullopt;
      result.equal.push_back({a, b});
    }
    return std::move(result);
  }
};
} // namespace

std::optional<Gather> solveAccess(AffineMap map, ArrayRef<AffineExpr> extents, unsigned numParallel, ArrayRef<AffineExpr> dims) {
  return Solver(map, extents, numParallel, dims).solve();
}

} // namespace tintype::graph
