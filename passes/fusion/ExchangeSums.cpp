//===- ExchangeSums.cpp - a sum over what another sum has weighed already -===//
//   %o = compute sum over <r, e> by <c> { p[r, c] * v[c, e] }      p = f ? x / d[r] : 0
//   %w = compute sum over <r, c> by <e> { y[r, e] * v[c, e] }
//   %z = compute sum over <r> by <c>    { w[r, c] * x[r, c] if f and g[r] }      or w * p
// becomes, since sum(c) p[r, c] sum(e) y[r, e] v[c, e] = sum(e) y[r, e] o[r, e],
//   %z = compute sum over <r> by <e>    { y[r, e] * o[r, e] * d[r] if g[r] }     or y * o
// which needs no pass over the tensor of quadratic size: the gradient of a
// normalised row inside a weighted sum. What scales both p in %o and w in %z, as dropout
// of the weights does, is in o. Where factors are rounded to bf16, y is read rounded, as
// %w does, and p is rounded inside of o, as in what o is used for. Test: test/passes/fusion/exchange-sums.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "passes/Product.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHEXCHANGESUMS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using tintype::factorsOf;
using namespace tintype::fusion;

/// The read of f32 that `factor` is, which may be rounded to bf16, or null.
static ReadOp readOf(Value factor) {
  auto wider = factor.getDefiningOp<arith::ExtFOp>();
  auto rounded = wider ? wider.getIn().getDefiningOp<arith::TruncFOp>() : arith::TruncFOp();
  return (rounded ? rounded.getIn() : factor).getDefiningOp<ReadOp>();
}

static bool isRounded(ArrayRef<Value> factors) {
  return llvm::all_of(factors, [](Value f) { return f.getDefiningOp<arith::ExtFOp>() != nullptr; });
}

/// Leaves of a tree of conjunctions; null stands for none.
static void conditionsOf(Value v, SmallVectorImpl<Value> &conditions) {
  if (!v)
    return;
  if (auto both = v.getDefiningOp<arith::AndIOp>()) {
    conditionsOf(both.getLhs(), conditions);
    conditionsOf(both.getRhs(), conditions);
  } else {
    conditions.push_back(v);
  }
}

/// Whether two scalars of bodies with the same loops are the same expression.
static bool areEqual(Value a, Value b) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  if (auto stop = dyn_cast_or_null<StopOp>(x))
    return areEqual(stop.getValue(), b);
  if (auto stop = dyn_cast_or_null<StopOp>(y))
    return areEqual(a, stop.getValue());
  if (!x || !y || x->getName() != y->getName() || x->getAttrDictionary() != y->getAttrDictionary() ||
      x->getNumOperands() != y->getNumOperands() || !isa<RankedTensorType, FloatType, IntegerType>(a.getType()) ||
      isa<RankedTensorType>(a.getType()))
    return false;
  return llvm::all_of(llvm::zip(x->getOperands(), y->getOperands()), [](auto p) { return areEqual(std::get<0>(p), std::get<1>(p)); });
}

/// Whether `v` depends on the loop `dim` of its body.
static bool dependsOn(Value v, unsigned dim) {
  Operation *op = v.getDefiningOp();
  if (!op || isa<RankedTensorType>(v.getType()))
    return false;
  if (auto map = op->getAttrOfType<AffineMapAttr>("map"); map && map.getValue().isFunctionOfDim(dim))
    return true;
  return llvm::any_of(op->getOperands(), [&](Value x) { return dependsOn(x, dim); });
}

namespace {
/// `y[r, e] * v[c, e]` summed over e, with the rows first, then c, then e.
struct Product {
  ReadOp rows, columns;
  bool isRounded; ///< both are read as bf16
};
/// What a scalar is scaled by: a condition without which (or with which) it is zero, or a divisor.
struct Step {
  enum Kind { filter, exclusion, divisor } kind;
  Value value;
};

struct ExchangeSums : public tintype::fusion::impl::GraphExchangeSumsBase<ExchangeSums> {
  using GraphExchangeSumsBase::GraphExchangeSumsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    for (auto op : llvm::make_early_inc_range(func.getOps<ComputeOp>()))
      if (exchange(op))
        ++numExchanged;
    eraseDead(func);
  }

  /// Whether each index is a loop of its own or a constant.
  static bool readsLoops(AffineMap map) {
    llvm::SmallBitVector seen(map.getNumDims());
    return map.getNumSymbols() == 0 && llvm::all_of(map.getResults(), [&](AffineExpr e) {
             auto d = dyn_cast<AffineDimExpr>(e);
             bool isNew = d && !seen[d.getPosition()];
             if (d)
               seen.set(d.getPosition());
             return isNew || isa<AffineConstantExpr>(e);
           });
  }

  static std::optional<Product> productOf(ComputeOp op) {
    if (!op || op.getReducer() != Reducer::sum || op.getYield().getFilter() || op.getBy().size() != 1 || op.getNumParallel() < 2)
      return {};
    SmallVector<Value> factors;
    factorsOf(op.getYield().getValue(), factors);
    if (factors.size() != 2)
      return {};
    ReadOp a = readOf(factors[0]), b = readOf(factors[1]);
    if (!a || !b || !readsLoops(a.getMap()) || !readsLoops(b.getMap()))
      return {};
    unsigned column = op.getNumParallel() - 1;
    if (a.getMap().isFunctionOfDim(column))
      std::swap(a, b);
    if (a.getMap().isFunctionOfDim(column) || !b.getMap().isFunctionOfDim(column))
      return {};
    return Product{a, b, isRounded(factors)};
  }

  /// Takes the outermost scaling off `v`, through pointwise definitions over the same loops; false when there is none.
  static bool takeStep(Value &v, SmallVectorImpl<Step> &steps) {
    if (auto select = v.getDefiningOp<arith::SelectOp>()) {
      bool isFilter = matchPattern(select.getFalseValue(), m_AnyZeroFloat());
      if (!isFilter && !matchPattern(select.getTrueValue(), m_AnyZeroFloat()))
        return false;
      SmallVector<Value> conditions{select.getCondition()};
      if (isFilter) {
        conditions.clear();
        conditionsOf(select.getCondition(), conditions);
      }
      for (Value c : conditions)
        steps.push_back({isFilter ? Step::filter : Step::exclusion, c});
      v = isFilter ? select.getTrueValue() : select.getFalseValue();
      return true;
    }
    if (auto div = v.getDefiningOp<arith::DivFOp>()) {
      steps.push_back({Step::divisor, div.getRhs()});
      v = div.getLhs();
      return true;
    }
    auto read = v.getDefiningOp<ReadOp>();
    bool isSamePoint = read && read.getMap().isIdentity() && !read.getGuarded(); // beyond a guard it is 0
    auto source = isSamePoint ? read.getSource().getDefiningOp<ComputeOp>() : ComputeOp();
    if (!source || source.isReduction())
      return false;
    v = source.getYield().getValue();
    return true;
  }

  bool exchange(ComputeOp z) {
    if (z.getReducer() != Reducer::sum || z.getBy().size() != 1 || z.getNumParallel() < 1)
      return false;
    SmallVector<Value> factors, filters;
    factorsOf(z.getYield().getValue(), factors);
    conditionsOf(z.getYield().getFilter(), filters);
    if (factors.size() != 2)
      return false;
    for (unsigned i = 0; i < 2; ++i) {
      // What scales w before z weighs it, as dropout does.
      Value inner = factors[i];
      SmallVector<Step> steps;
      while (takeStep(inner, steps)) {
      }
      auto read = inner.getDefiningOp<ReadOp>();
      auto w = read && read.getMap().isIdentity() ? read.getSource().getDefiningOp<ComputeOp>() : ComputeOp();
      auto product = productOf(w);
      if (!product || w.getOver().getExprs() != ArrayRef(z.getExtents()) || !isQuadratic(w.getResult()))
        continue;
      // Sums of the same columns under some weight, before z.
      for (Operation *user : product->columns.getSource().getUsers()) {
        auto other = dyn_cast<ReadOp>(user);
        auto o = other ? dyn_cast<ComputeOp>(other->getParentOp()) : ComputeOp();
        if (o && o->getBlock() == z->getBlock() && o->isBeforeInBlock(z) && rewrite(z, factors[1 - i], filters, w, steps, *product, o))
          return true;
      }
    }
    return false;
  }

  /// How a weight is made from x.
  struct Scaling {
    SmallVector<Step> before;   ///< what x is scaled by
    SmallVector<Value> filters; ///< outside of which the weight is zero, those of x as well
  };

  /// `weight` as `x` and what scales it; nothing when it is not made from `x`.
  static std::optional<Scaling> scalingOf(ComputeOp weight, Value x) {
    Scaling scaling;
    Value v = weight.getYield().getValue();
    auto whole = x.getDefiningOp<ReadOp>();
    if (!whole || whole.getSource() != weight.getResult() || !whole.getMap().isIdentity())
      while (!areEqual(v, x))
        if (!takeStep(v, scaling.before))
          return {};
    SmallVector<Step> all(scaling.before);
    while (takeStep(v, all)) {
    }
    for (Step s : all)
      if (s.kind == Step::filter)
        scaling.filters.push_back(s.value);
    return scaling;
  }

  /// Takes each of `taken` out of `steps`; false when one is not there.
  static bool takeAll(SmallVector<Step> &steps, ArrayRef<Step> taken) {
    return llvm::all_of(taken, [&](Step t) {
      auto at = llvm::find_if(steps, [&](Step s) { return s.kind == t.kind && areEqual(s.value, t.value); });
      if (at == steps.end())
        return false;
      steps.erase(at);
      return true;
    });
  }

  bool rewrite(ComputeOp z, Value x, ArrayRef<Value> filters, ComputeOp w, ArrayRef<Step> steps, Product product, ComputeOp o) {
    MLIRContext *ctx = z.getContext();
    unsigned rows = z.getNumParallel();
    SmallVector<Value> factors;
    if (o.getReducer() != Reducer::sum || o.getBy().size() != 1 || o.getYield().getFilter())
      return false;
    factorsOf(o.getYield().getValue(), factors);
    if (factors.size() != 2 || isRounded(factors) != product.isRounded)
      return false;
    for (unsigned i = 0; i < 2; ++i) {
      ReadOp p = readOf(factors[i]), v = readOf(factors[1 - i]);
      if (!p || !v || v.getSource() != product.columns.getSource() || !p.getMap().isProjectedPermutation() ||
          p.getMap().getNumResults() != rows + 1)
        continue;
      // The weight that o reads is x, scaled as w is before z, and by filters of z and divisors of the row.
      auto weight = p.getSource().getDefiningOp<ComputeOp>();
      auto weighed = weight && !weight.isReduction() ? scalingOf(weight, x) : std::nullopt;
      if (!weighed || !takeAll(weighed->before, steps))
        continue;
      // Loops of w as loops of o: rows and c through p, e is the one that is left.
      SmallVector<AffineExpr> loops(p.getMap().getResults()), extents(o.getExtents());
      auto isAsLong = [&](auto loop) { return extents[cast<AffineDimExpr>(std::get<0>(loop)).getPosition()] == std::get<1>(loop); };
      if (!llvm::all_of(llvm::zip(loops, w.getOver().getExprs()), isAsLong))
        continue;
      AffineExpr feature;
      for (unsigned d = 0; d < o.getNumLoops(); ++d)
        if (!llvm::is_contained(loops, getAffineDimExpr(d, ctx)))
          feature = feature ? AffineExpr() : getAffineDimExpr(d, ctx);
      if (!feature || loops.back() != getAffineDimExpr(o.getNumParallel(), ctx))
        continue;
      loops.push_back(feature);
      AffineMap there = product.columns.getMap();
      SmallVector<AffineExpr> columns;
      for (AffineExpr e : there.getResults())
        columns.push_back(e.replaceDims(loops));
      if (!llvm::equal(columns, v.getMap().getResults()) || o.getExtents()[cast<AffineDimExpr>(feature).getPosition()] != w.getBy()[0])
        continue;
      // Elsewhere z must be zero as well, or depend on the row alone.
      auto isIn = [](Value f, ArrayRef<Value> list) { return llvm::any_of(list, [&](Value g) { return areEqual(f, g); }); };
      SmallVector<Value> ofRow, divisors;
      for (Value f : filters)
        if (!isIn(f, weighed->filters))
          ofRow.push_back(f);
      for (Step s : weighed->before)
        if (s.kind == Step::divisor)
          divisors.push_back(s.value);
      auto isOfColumn = [&](Value v) { return dependsOn(v, rows); };
      if (!llvm::all_of(weighed->before,
                        [&](Step s) { return s.kind == Step::divisor || (s.kind == Step::filter && isIn(s.value, filters)); }) ||
          llvm::any_of(ofRow, isOfColumn) || llvm::any_of(divisors, isOfColumn))
        continue;
      build(z, w, product, o, loops, divisors, ofRow);
      return true;
    }
    return false;
  }

  void build(ComputeOp z, ComputeOp w, Product product, ComputeOp o, ArrayRef<AffineExpr> loops, ArrayRef<Value> divisors,
             ArrayRef<Value> ofRow) {
    MLIRContext *ctx = z.getContext();
    unsigned rows = z.getNumParallel();
    OpBuilder b(z);
    Location loc = z.getLoc();
    // Loops of the new sum: rows, e. Those of w lack c; those of o are reached through `loops`.
    SmallVector<AffineExpr> ofW, ofO(o.getNumParallel());
    for (unsigned d = 0; d < rows + 2; ++d)
      ofW.push_back(getAffineDimExpr(d < rows ? d : rows, ctx));
    for (auto [i, e] : llvm::enumerate(loops))
      if (unsigned at = cast<AffineDimExpr>(e).getPosition(); at < ofO.size())
        ofO[at] = ofW[i];
    auto made =
        buildCompute(b, loc, Reducer::sum, z.getOver().getExprs(), {w.getBy()[0]}, z.getYield().getValue().getType(), [&](OpBuilder &body) {
          /// The scalar `v` of the row, in this body.
          IRMapping mapping;
          std::function<Value(Value)> copy = [&](Value v) -> Value {
            Operation *op = v.getDefiningOp();
            if (isa<RankedTensorType>(v.getType()))
              return v;
            if (Value known = mapping.lookupOrNull(v))
              return known;
            for (Value operand : op->getOperands())
              mapping.map(operand, copy(operand));
            Operation *c = body.clone(*op, mapping);
            if (auto map = c->getAttrOfType<AffineMapAttr>("map")) // loops of rows come first in every body
              c->setAttr("map",
                         AffineMapAttr::get(AffineMap::get(rows + 1, map.getValue().getNumSymbols(), map.getValue().getResults(), ctx)));
            return c->getResult(0);
          };
          SmallVector<AffineExpr> at;
          for (AffineExpr e : product.rows.getMap().getResults())
            at.push_back(e.replaceDims(ofW));
          Value y = ReadOp::create(body, loc, product.rows.getSource(), AffineMap::get(rows + 1, 0, at, ctx));
          if (product.isRounded)
            y = arith::ExtFOp::create(body, loc, y.getType(), Value(arith::TruncFOp::create(body, loc, body.getBF16Type(), y)));
          Value s = ReadOp::create(body, loc, o.getResult(), AffineMap::get(rows + 1, 0, ofO, ctx));
          Value term = arith::MulFOp::create(body, loc, y, s);
          for (Value divisor : divisors)
            term = arith::MulFOp::create(body, loc, term, copy(divisor));
          Value filter;
          for (Value f : ofRow)
            filter = filter ? Value(arith::AndIOp::create(body, loc, filter, copy(f))) : copy(f);
          return std::make_pair(term, filter);
        });
    remark::passed(loc, remark::RemarkOpts::name("exchanged").category(getArgument()).function(getOperation().getName()))
        << remark::add("exchanged: summed over features instead of a tensor of {0} bytes", bytesText(w.getResult().getType()))
        << remark::metric("bytes", bytesText(w.getResult().getType()));
    z.getResult().replaceAllUsesWith(made.getResult());
    z.erase();
  }
};
} // namespace
