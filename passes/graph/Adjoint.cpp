//===- Adjoint.cpp - the derivative of one definition ---------------------===//
// Steps for each read of each tensor: turn the access round (Access.cpp), emit
// a body with the derivative of the scalar code (ScalarRules.cpp), then move
// what does not change along the reduction out of it (Factors.cpp), so that a
// contraction's derivative is a contraction.
//===----------------------------------------------------------------------===//
#include "passes/graph/Adjoint.h"
#include "passes/graph/Access.h"
#include "passes/graph/Factors.h"
#include "passes/graph/Index.h"
#include "passes/graph/ScalarRules.h"

using namespace mlir;
namespace tintype::graph {

namespace {

/// A scalar and the condition under which it counts (null: always).
struct Guarded {
  Value value, condition;
};

/// Reads of one place of one tensor.
struct Access {
  SmallVector<ReadOp> reads;
  ReadOp first() const { return reads.front(); }
  Value source() const { return reads.front()->getOperand(0); }
};

class DefinitionAdjoint {
public:
  DefinitionAdjoint(OpBuilder &b, Operation *def, Value dy)
      : b(b), def(def), loc(def->getLoc()), dy(dy), ctx(def->getContext()), block(&def->getRegion(0).front()),
        yield(cast<YieldOp>(block->getTerminator())), extents(extentsOf(def)), numParallel(extents.size()) {
    if (auto compute = dyn_cast<ComputeOp>(def)) {
      reducer = compute.getReducer();
      numParallel = compute.getNumParallel();
    }
  }

  LogicalResult run(llvm::function_ref<bool(Value)> wanted, SmallVectorImpl<Contribution> &out) {
    if (reducer == Reducer::argmax || reducer == Reducer::any || reducer == Reducer::all)
      return success();
    for (Access &access : accesses(wanted)) {
      if (!reaches(access))
        continue;
      prepareReducer();
      auto turned = solveAccess(access.first().getMap(), extents, numParallel, dimsOf(access.source().getType()));
      Contribution c{access.source(), {}, {}};
      if (turned) {
        auto tensor = turned->by.empty() ? pointwise(access, *turned) : reduction(access, *turned);
        if (failed(tensor))
          return failure();
        c.tensor = *tensor;
      } else {
        // Tried now so that errors come out; emitted when the target is known.
        auto trial = scatter(b, access, {});
        if (failed(trial))
          return failure();
        if (*trial) {
          trial->getDefiningOp()->erase();
          c.scatter = [self = *this, access](OpBuilder &at, Value init) mutable { return *self.scatter(at, access, init); };
        }
      }
      if (c.tensor || c.scatter)
        out.push_back(c);
    }
    return success();
  }

private:
  OpBuilder &b;
  Operation *def;
  Location loc;
  Value dy;
  MLIRContext *ctx;
  Block *block;
  YieldOp yield;
  SmallVector<AffineExpr> extents;
  unsigned numParallel;
  Reducer reducer = Reducer::none;
  Value helper; // prod: product of the others; max, min: position of the winner

  SmallVector<Access> accesses(llvm::function_ref<bool(Value)> wanted) {
    SmallVector<Access> all;
    for (ReadOp read : readsOf(def)) {
      if (!isa<FloatType>(read.getType()) || !wanted(read.getSource()))
        continue;
      auto *same = llvm::find_if(
          all, [&](Access &a) { return a.first().getMap() == read.getMap() && a.first()->getOperands() == read->getOperands(); });
      if (same == all.end())
        all.emplace_back(Access{{read}});
      else
        same->reads.push_back(read);
    }
    return all;
  }

  /// The scalars of the body that depend on `access` as real numbers.
  DenseSet<Value> dependents(const Access &access) {
    DenseSet<Value> path;
    for (Operation &op : *block) {
      if (auto read = dyn_cast<ReadOp>(op)) {
        if (llvm::is_contained(access.reads, read))
          path.insert(read);
      } else if (op.getNumResults() == 1 && isa<FloatType>(op.getResult(0).getType()) &&
                 llvm::any_of(op.getOperands(), [&](Value v) { return path.contains(v); })) {
        path.insert(op.getResult(0));
      }
    }
    return path;
  }
  bool reaches(const Access &access) { return dependents(access).contains(yield.getValue()); }

  //===-- reducers --------------------------------------------------------===//

  void prepareReducer() {
    if (helper)
      return;
    if (reducer == Reducer::max || reducer == Reducer::min)
      helper = winners();
    if (reducer == Reducer::prod)
      helper = productsOfOthers();
  }

  /// The (first) place of the maximum or minimum, row-major in the reduction dims.
  Value winners() {
    ArrayRef<AffineExpr> all = extents;
    return buildCompute(b, loc, Reducer::argmax, all.take_front(numParallel), all.drop_front(numParallel), b.getI32Type(),
                        [&](OpBuilder &in) {
                          BodyCloner again(in, identity(), extents, false);
                          Value v = again.get(yield.getValue());
                          if (reducer == Reducer::min)
                            v = ScalarBuilder(in, loc).neg(v);
                          Value filter = yield.getFilter() ? again.get(yield.getFilter()) : Value();
                          return std::make_pair(v, filter);
                        });
  }

  /// At every point the product over all other points of the reduction: right even
  /// where factors are 0, for quadratic work.
  Value productsOfOthers() {
    ArrayRef<AffineExpr> by = ArrayRef(extents).drop_front(numParallel);
    SmallVector<AffineExpr> loops = identity(), inner(extents);
    for (unsigned i = 0; i < by.size(); ++i)
      loops[numParallel + i] = getAffineDimExpr(extents.size() + i, ctx);
    inner.append(by.begin(), by.end());
    return buildCompute(b, loc, Reducer::prod, extents, by, yield.getValue().getType(), [&](OpBuilder &in) {
      ScalarBuilder s(in, loc);
      BodyCloner again(in, loops, inner, false);
      Value same;
      for (unsigned i = 0; i < by.size(); ++i) {
        auto at = [&](AffineExpr e) -> Value { return IndexOp::create(in, loc, AffineMap::get(inner.size(), 0, e), ValueRange()); };
        same = s.both(same, arith::CmpIOp::create(in, loc, arith::CmpIPredicate::eq, at(getAffineDimExpr(numParallel + i, ctx)),
                                                  at(loops[numParallel + i])));
      }
      Value filter = yield.getFilter() ? again.get(yield.getFilter()) : Value();
      return std::make_pair(again.get(yield.getValue()), s.both(filter, s.negate(same)));
    });
  }

  /// The derivative by the yielded scalar at a point of the loops.
  Guarded seed(OpBuilder &in, BodyCloner &again) {
    ScalarBuilder s(in, loc);
    Guarded g;
    if (isa<ScatterOp>(def)) {
      AffineMap map = again.get(*yield.getMap());
      auto symbols = again.get(yield.getSymbols());
      g.condition = again.inside(loc, map, dimsOf(dy.getType()), symbols);
      g.value = again.read(loc, dy, map, symbols, true);
    } else {
      AffineMap map = again.get(AffineMap::get(extents.size(), 0, ArrayRef(identity()).take_front(numParallel), ctx));
      auto splat = splatOf(dy);
      g.value = splat ? s.constant(*splat, yield.getValue().getType()) : again.read(loc, dy, map, {}, false);
      if (reducer == Reducer::prod)
        g.value = s.mul(g.value, again.read(loc, helper, again.get(AffineMap::get(extents.size(), 0, identity(), ctx)), {}, false));
      if (reducer == Reducer::max || reducer == Reducer::min)
        g.condition =
            arith::CmpIOp::create(in, loc, arith::CmpIPredicate::eq, again.read(loc, helper, map, {}, false), reductionPlace(in, again));
    }
    if (yield.getFilter())
      g.condition = s.both(g.condition, again.get(yield.getFilter()));
    return g;
  }

  /// Row-major position in the reduction dims.
  Value reductionPlace(OpBuilder &in, BodyCloner &again) {
    Value place;
    for (unsigned i = numParallel; i < extents.size(); ++i) {
      Value digit = IndexOp::create(in, loc, again.get(AffineMap::get(extents.size(), 0, getAffineDimExpr(i, ctx))), ValueRange());
      if (!place) {
        place = digit;
        continue;
      }
      Value size = SizeOp::create(in, loc, in.getI32Type(), DimsAttr::get(ctx, {extents[i]}));
      place = arith::AddIOp::create(in, loc, arith::MulIOp::create(in, loc, place, size), digit);
    }
    return place;
  }

  /// The number that every element of `tensor` is, where that is plain to see.
  static std::optional<double> splatOf(Value tensor) {
    auto compute = tensor.getDefiningOp<ComputeOp>();
    return compute && !compute.isReduction() ? constantOf(compute.getYield().getValue()) : std::nullopt;
  }

  SmallVector<AffineExpr> identity() { return identityOf(extents.size()); }
  SmallVector<AffineExpr> identityOf(unsigned n) {
    SmallVector<AffineExpr> dims;
    for (unsigned i = 0; i < n; ++i)
      dims.push_back(getAffineDimExpr(i, ctx));
    return dims;
  }

  //===-- scalar code -----------------------------------------------------===//

  /// The derivative of the loss by the element that `access` reads; a null value
  /// is zero.
  FailureOr<Guarded> derivative(OpBuilder &in, BodyCloner &again, const Access &access) {
    DenseSet<Value> path = dependents(access);
    DenseMap<Value, Guarded> adjoints; // 0 where the condition is false
    Guarded start = seed(in, again);
    adjoints[yield.getValue()] = {start.value, {}};
    // What the definition computed need not be computed again.
    if (isa<ComputeOp>(def) && reducer == Reducer::none &&
        isa_and_nonnull<arith::DivFOp, math::ExpOp, math::SqrtOp, math::RsqrtOp, math::TanhOp, math::PowFOp>(
            yield.getValue().getDefiningOp()))
      again.know(yield.getValue(),
                 again.read(loc, def->getResult(0), again.get(AffineMap::get(extents.size(), 0, identity(), ctx)), {}, false));
    Value total;
    for (Operation &op : llvm::reverse(*block)) {
      if (op.getNumResults() != 1 || !path.contains(op.getResult(0)))
        continue;
      auto [d, where] = adjoints.lookup(op.getResult(0));
      if (!d)
        continue;
      ScalarRule rule(in, &op, d, again);
      if (isa<ReadOp>(op)) {
        total = rule.add(total, d);
        continue;
      }
      const ScalarRow *row = scalarRow(&op);
      if (!row) {
        op.emitError() << "expected an op with a derivative, but got '" << op.getName() << "'; hint: stop(..) lets no gradient through";
        return failure();
      }
      for (unsigned i = 0; i < op.getNumOperands() && i < 3; ++i) {
        if (!path.contains(op.getOperand(i)) || !row->operands[i])
          continue;
        Value part = row->operands[i](rule);
        if (!part || constantOf(part) == 0.0)
          continue;
        Value chosen = rule.both(where, choiceOf(rule, part));
        // 0 times no number is none: what was not chosen stays out of the derivative.
        if (where && !isSlopeNumber(&op, i))
          part = rule.select(where, part, rule.zero(part.getType()));
        Guarded &sum = adjoints[op.getOperand(i)];
        sum = {rule.add(sum.value, part), sum.value ? rule.either(sum.condition, chosen) : chosen};
      }
    }
    return Guarded{total, start.condition};
  }

  /// Whether the derivative of `op` by operand `i` is a number wherever tensors hold numbers.
  static bool isSlopeNumber(Operation *op, unsigned i) {
    if (isa<arith::MulFOp>(op))
      return isNumber(op->getOperand(1 - i));
    if (isa<arith::DivFOp>(op) && i == 0)
      return isNumber(op->getOperand(1)) && isNonzero(op->getOperand(1));
    return isNumber(op->getResult(0));
  }

  /// The condition outside of which `v`, a choice against zero, is zero; null for other values.
  static Value choiceOf(ScalarBuilder &s, Value v) {
    auto select = v.getDefiningOp<arith::SelectOp>();
    if (select && constantOf(select.getFalseValue()) == 0.0)
      return select.getCondition();
    return select && constantOf(select.getTrueValue()) == 0.0 ? s.negate(select.getCondition()) : Value();
  }

  Value equality(OpBuilder &in, unsigned numDims, std::pair<AffineExpr, AffineExpr> sides, ValueRange symbols) {
    Value v[2];
    for (auto [e, out] : {std::make_pair(sides.first, &v[0]), std::make_pair(sides.second, &v[1])}) {
      if (auto s = dyn_cast<AffineSymbolExpr>(e))
        *out = symbols[s.getPosition()];
      else if (auto c = dyn_cast<AffineConstantExpr>(e))
        *out = arith::ConstantOp::create(in, loc, in.getI32IntegerAttr(c.getValue()));
      else if (hasSymbols(e))
        *out = IndexOp::create(in, loc, AffineMap::get(numDims, symbols.size(), e), symbols);
      else
        *out = IndexOp::create(in, loc, AffineMap::get(numDims, 0, e), ValueRange());
    }
    return arith::CmpIOp::create(in, loc, arith::CmpIPredicate::eq, v[0], v[1]);
  }

  /// The conditions of `g` that are not about `fixedAt` and `span`.
  Value conditions(OpBuilder &in, BodyCloner &again, const Access &access, unsigned numDims,
                   ArrayRef<std::pair<AffineExpr, AffineExpr>> inside, ArrayRef<std::pair<AffineExpr, AffineExpr>> equal) {
    ScalarBuilder s(in, loc);
    SmallVector<AffineExpr> exprs, limits;
    for (auto [e, limit] : inside) {
      exprs.push_back(e);
      limits.push_back(limit);
    }
    Value all = again.inside(loc, AffineMap::get(numDims, 0, exprs, ctx), limits, {});
    ReadOp read = access.first();
    for (auto &sides : equal) {
      bool symbolic = hasSymbols(sides.first) || hasSymbols(sides.second);
      all = s.both(all, equality(in, numDims, sides, symbolic ? ValueRange(again.get(read.getSymbols())) : ValueRange()));
    }
    return all;
  }

  /// The conditions of `fixedAt` and `span`, over the dims of the source.
  Value placeConditions(OpBuilder &in, BodyCloner &again, const Gather &g, ArrayRef<AffineExpr> dims) {
    ScalarBuilder s(in, loc);
    SmallVector<AffineExpr> exprs;
    for (unsigned m = 0; m < dims.size(); ++m)
      exprs.push_back(getAffineDimExpr(m, ctx));
    Value all = again.inside(loc, AffineMap::get(dims.size(), 0, exprs, ctx), g.span, {});
    for (unsigned m = 0; m < dims.size(); ++m)
      if (g.fixedAt[m])
        all = s.both(all, equality(in, dims.size(), {exprs[m], g.fixedAt[m]}, {}));
    return all;
  }

  /// Tells `again` that the access stands at `place` (for each source dim; null: unknown).
  void knowPlace(BodyCloner &again, const Access &access, ArrayRef<AffineExpr> place) {
    ReadOp read = access.first();
    for (auto [e, at] : llvm::zip(read.getMap().getResults(), place))
      if (!hasSymbols(e) && !isa<AffineDimExpr, AffineConstantExpr>(e))
        again.know(e, at);
  }

  //===-- the three forms -------------------------------------------------===//

  ComputeOp openCompute(Reducer r, ArrayRef<AffineExpr> over, ArrayRef<AffineExpr> by, Type element) {
    auto op = ComputeOp::create(b, loc, tensorOf(over, element), r, DimsAttr::get(ctx, over), DimsAttr::get(ctx, by));
    op.getBody().emplaceBlock();
    return op;
  }

  /// Every element is read at most once: a selection of dy.
  FailureOr<Value> pointwise(const Access &access, const Gather &g) {
    auto type = cast<RankedTensorType>(access.source().getType());
    auto dims = dimsOf(type);
    bool mayLeave = !g.inside.empty() || SmallVector<AffineExpr>(g.span) != dims;
    auto op = openCompute(Reducer::none, dims, {}, type.getElementType());
    OpBuilder in = OpBuilder::atBlockEnd(op.getBlock());
    ScalarBuilder s(in, loc);
    BodyCloner again(in, g.loops, dims, mayLeave);
    knowPlace(again, access, identityOf(dims.size()));
    Value condition = placeConditions(in, again, g, dims);
    condition = s.both(condition, conditions(in, again, access, dims.size(), g.inside, g.equal));
    auto d = derivative(in, again, access);
    if (failed(d) || !d->value) {
      op.erase();
      return failed(d) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value());
    }
    condition = s.both(condition, d->condition);
    YieldOp::create(in, loc, s.select(condition, d->value, s.zero(type.getElementType())));
    eraseDeadScalars(*op.getBlock());
    return op.getResult();
  }

  /// The loops that the element does not determine are summed over. What is fixed
  /// or has a shorter range is left out of the sum and put back by a selection.
  FailureOr<Value> reduction(const Access &access, const Gather &g) {
    auto type = cast<RankedTensorType>(access.source().getType());
    auto dims = dimsOf(type);
    unsigned rank = dims.size();
    SmallVector<unsigned> kept;
    SmallVector<AffineExpr> over, place(rank);
    for (unsigned m = 0; m < rank; ++m)
      if (!g.fixedAt[m]) {
        place[m] = getAffineDimExpr(kept.size(), ctx);
        kept.push_back(m);
        over.push_back(g.span[m]);
      }
    for (unsigned i = 0; i < g.by.size(); ++i)
      place.push_back(getAffineDimExpr(kept.size() + i, ctx));
    for (unsigned m = 0; m < rank; ++m)
      if (g.fixedAt[m])
        place[m] = g.fixedAt[m].replaceDims(place);
    SmallVector<AffineExpr> inner(over), loops;
    inner.append(g.by.begin(), g.by.end());
    auto placed = [&](AffineExpr e) { return simplifyIndex(e.replaceDims(place), inner); };
    for (AffineExpr e : g.loops)
      loops.push_back(placed(e));
    SmallVector<std::pair<AffineExpr, AffineExpr>> inside, equal;
    for (auto [e, limit] : g.inside)
      if (!provablyInside(placed(e), limit, inner))
        inside.push_back({placed(e), limit});
    for (auto [l, r] : g.equal)
      equal.push_back({placed(l), placed(r)});

    auto core = openCompute(Reducer::sum, over, g.by, type.getElementType());
    OpBuilder in = OpBuilder::atBlockEnd(core.getBlock());
    ScalarBuilder s(in, loc);
    BodyCloner again(in, loops, inner, !inside.empty());
    knowPlace(again, access, ArrayRef(place).take_front(rank));
    Value condition = conditions(in, again, access, inner.size(), inside, equal);
    auto d = derivative(in, again, access);
    if (failed(d) || !d->value) {
      core.erase();
      return failed(d) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value());
    }
    Factors factors = splitFactors(s, d->value, s.both(condition, d->condition), kept.size());
    YieldOp::create(in, loc, factors.varying, isBoolConstant(factors.condition, true) ? Value() : factors.condition);

    Value result = core.getResult();
    if (kept.size() != rank || over != dims || !factors.fixedAbove.empty() || !factors.fixedBelow.empty() || factors.scale != 1.0) {
      auto outer = openCompute(Reducer::none, dims, {}, type.getElementType());
      OpBuilder in = OpBuilder::atBlockEnd(outer.getBlock());
      ScalarBuilder s(in, loc);
      SmallVector<AffineExpr> back;
      for (unsigned m : kept)
        back.push_back(getAffineDimExpr(m, ctx));
      SmallVector<AffineExpr> outerLoops(back);
      outerLoops.resize(inner.size());
      BodyCloner again(in, outerLoops, dims, over.size() == rank && over != dims);
      Value condition = placeConditions(in, again, g, dims);
      if (factors.guard)
        condition = s.both(condition, again.get(factors.guard));
      Value v = again.read(loc, result, AffineMap::get(rank, 0, back, ctx), {}, over != dims);
      for (Value f : factors.fixedAbove)
        v = s.mul(v, again.get(f));
      v = s.mul(v, factors.scale);
      Value below;
      for (Value f : factors.fixedBelow)
        below = below ? s.mul(below, again.get(f)) : again.get(f);
      v = below ? s.div(v, below) : v;
      YieldOp::create(in, loc, s.select(condition, v, s.zero(type.getElementType())));
      eraseDeadScalars(*outer.getBlock());
      result = outer.getResult();
    }
    eraseDeadScalars(*core.getBlock());
    return result;
  }

  /// Adds the derivative where it belongs, in loops as in the definition.
  FailureOr<Value> scatter(OpBuilder &at, const Access &access, Value init) {
    ReadOp read = access.first();
    auto op = ScatterOp::create(at, loc, access.source().getType(), init, DimsAttr::get(ctx, extents));
    OpBuilder in = OpBuilder::atBlockEnd(&op.getBody().emplaceBlock());
    BodyCloner again(in, identity(), extents, false);
    auto d = derivative(in, again, access);
    if (failed(d) || !d->value) {
      op.erase();
      return failed(d) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value());
    }
    auto symbols = again.get(read.getSymbols());
    YieldOp::create(in, loc, d->value, d->condition ? d->condition : Value(), AffineMapAttr::get(again.get(read.getMap())), symbols);
    eraseDeadScalars(*op.getBlock());
    return op.getResult();
  }
};
} // namespace

LogicalResult adjointOf(OpBuilder &b, Operation *definition, Value dy, llvm::function_ref<bool(Value)> wanted,
                        SmallVectorImpl<Contribution> &out) {
  return DefinitionAdjoint(b, definition, dy).run(wanted, out);
}

} // namespace tintype::graph
