//===- Simplify.cpp - fold, drop, merge -----------------------------------===//
// Bodies are folded here and not by the greedy driver, which would move their
// constants out into the host function. Test: test/passes/graph/simplify.mlir.
//===----------------------------------------------------------------------===//
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Threading.h"
#include "passes/graph/Index.h"
#include "passes/graph/MergeEqual.h"
#include "passes/graph/Passes.h"
#include "passes/graph/Scalars.h"

using namespace mlir;
namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHSIMPLIFY
#include "passes/graph/Passes.h.inc"
namespace {

//===-- bodies ------------------------------------------------------------===//

/// Folds the scalar ops of one definition, in order.
class BodyFolder {
public:
  explicit BodyFolder(Operation *def) : def(def), extents(extentsOf(def)), ctx(def->getContext()) {}

  unsigned run() {
    Block &block = def->getRegion(0).front();
    for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
      inlineSymbols(&op);
      if (Value v = folded(&op)) {
        op.getResult(0).replaceAllUsesWith(v);
        op.erase();
        ++count;
      }
    }
    auto yield = cast<YieldOp>(block.getTerminator());
    inlineSymbols(yield);
    if (isBoolConstant(yield.getFilter(), true)) {
      yield.getFilterMutable().clear();
      ++count;
    }
    eraseDeadScalars(block);
    return count;
  }

private:
  Operation *def;
  SmallVector<AffineExpr> extents;
  MLIRContext *ctx;
  unsigned count = 0;

  /// Puts symbols that are constants or index expressions into the map.
  void inlineSymbols(Operation *op) {
    auto attr = op->getAttrOfType<AffineMapAttr>("map");
    if (!attr)
      return;
    AffineMap map = attr.getValue();
    // The symbols of an access are its last operands.
    unsigned first = op->getNumOperands() - map.getNumSymbols();
    SmallVector<Value> symbols;
    SmallVector<AffineExpr> replacement;
    auto keep = [&](Value v) {
      auto *it = llvm::find(symbols, v);
      if (it == symbols.end())
        it = (symbols.push_back(v), symbols.end() - 1);
      return getAffineSymbolExpr(it - symbols.begin(), ctx);
    };
    for (Value v : op->getOperands().drop_front(first)) {
      IntegerAttr number;
      if (matchPattern(v, m_Constant(&number))) {
        replacement.push_back(getAffineConstantExpr(number.getInt(), ctx));
      } else if (auto index = v.getDefiningOp<IndexOp>()) {
        SmallVector<AffineExpr> inner;
        for (Value s : index.getSymbols())
          inner.push_back(keep(s));
        replacement.push_back(index.getMap().getResult(0).replaceSymbols(inner));
      } else {
        replacement.push_back(keep(v));
      }
    }
    SmallVector<AffineExpr> results;
    for (AffineExpr e : map.getResults())
      results.push_back(simplifyIndex(e.replaceSymbols(replacement), extents));
    AffineMap simple = AffineMap::get(map.getNumDims(), symbols.size(), results, ctx);
    if (simple == map)
      return;
    op->setAttr("map", AffineMapAttr::get(simple));
    SmallVector<Value> operands(op->getOperands().take_front(first));
    operands.append(symbols);
    op->setOperands(operands);
    if (auto yield = dyn_cast<YieldOp>(op))
      yield.getProperties().operandSegmentSizes = {1, yield.getProperties().operandSegmentSizes[1], (int32_t)symbols.size()};
    ++count;
  }

  Value folded(Operation *op) {
    OpBuilder b(op);
    ScalarBuilder s(b, op->getLoc());
    if (auto read = dyn_cast<ReadOp>(op)) {
      auto dims = dimsOf(read.getSource().getType());
      if (read.getGuarded() && allInside(read.getMap(), dims)) {
        read.setGuarded(false);
        ++count;
      }
      return {};
    }
    if (auto inside = dyn_cast<InsideOp>(op))
      return foldInside(b, inside);
    if (auto index = dyn_cast<IndexOp>(op)) {
      auto c = dyn_cast<AffineConstantExpr>(index.getMap().getResult(0));
      return c ? arith::ConstantOp::create(b, op->getLoc(), b.getI32IntegerAttr(c.getValue())) : Value();
    }
    if (auto size = dyn_cast<SizeOp>(op)) {
      auto c = dyn_cast<AffineConstantExpr>(size.getDims()[0]);
      return c ? arith::ConstantOp::create(b, op->getLoc(), b.getI32IntegerAttr(c.getValue())) : Value();
    }
    if (isa<math::PowFOp>(op))
      return foldPower(s, op->getOperand(0), op->getOperand(1));
    if (isa<arith::AddFOp, arith::SubFOp>(op)) {
      if (constantOf(op->getOperand(1)) == 0.0)
        return op->getOperand(0);
      if (constantOf(op->getOperand(0)) == 0.0)
        return isa<arith::AddFOp>(op) ? op->getOperand(1) : s.neg(op->getOperand(1));
    }
    if (isa<arith::MulFOp>(op) && constantOf(op->getOperand(0)) == 1.0)
      return op->getOperand(1);
    if (auto inner = op->getNumOperands() == 1 ? op->getOperand(0).getDefiningOp<arith::NegFOp>() : arith::NegFOp())
      if (isa<arith::NegFOp>(op))
        return inner.getOperand();
    if (auto select = dyn_cast<arith::SelectOp>(op)) {
      Value v = s.select(select.getCondition(), select.getTrueValue(), select.getFalseValue());
      if (v.getDefiningOp() != op && !(isa_and_nonnull<arith::SelectOp>(v.getDefiningOp()) && v.use_empty()))
        return v;
      if (v.getDefiningOp() != op)
        v.getDefiningOp()->erase();
      return {};
    }
    // Upstream's folder moves a constant to the second place, which a tie gives its gradient to.
    if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
      return {};
    SmallVector<Value> results;
    if (op->getNumResults() == 1 && succeeded(b.tryFold(op, results)) && results.size() == 1)
      return results[0];
    return {};
  }

  bool allInside(AffineMap map, ArrayRef<AffineExpr> dims) {
    return llvm::all_of(llvm::zip(map.getResults(), dims), [&](auto p) { return provablyInside(std::get<0>(p), std::get<1>(p), extents); });
  }

  Value foldInside(OpBuilder &b, InsideOp op) {
    SmallVector<AffineExpr> exprs, dims;
    for (auto [e, n] : llvm::zip(op.getMap().getResults(), op.getDims().getExprs()))
      if (!provablyInside(e, n, extents)) {
        exprs.push_back(e);
        dims.push_back(n);
      }
    if (exprs.empty())
      return arith::ConstantOp::create(b, op.getLoc(), b.getBoolAttr(true));
    if (exprs.size() == op.getDims().size())
      return {};
    AffineMap map = AffineMap::get(op.getMap().getNumDims(), op.getMap().getNumSymbols(), exprs, ctx);
    return InsideOp::create(b, op.getLoc(), map, DimsAttr::get(ctx, dims), op.getSymbols());
  }

  /// Powers that are a few products or a root.
  Value foldPower(ScalarBuilder &s, Value x, Value exponent) {
    auto n = constantOf(exponent);
    if (!n)
      return {};
    if (*n == 0.5)
      return math::SqrtOp::create(s.b, s.loc, x);
    if (*n == -0.5)
      return math::RsqrtOp::create(s.b, s.loc, x);
    Value one = s.constant(1, x.getType());
    if (*n == -1.0)
      return s.div(one, x);
    if (*n == 0.0 || *n == 1.0)
      return *n == 0.0 ? one : x;
    if (*n != 2.0 && *n != 3.0 && *n != 4.0)
      return {};
    Value square = arith::MulFOp::create(s.b, s.loc, x, x);
    return *n == 2.0 ? square : s.mul(square, *n == 3.0 ? x : square);
  }
};

//===-- functions ---------------------------------------------------------===//

/// What a definition copies element by element, or null.
Value copiedBy(ComputeOp op) {
  auto read = op.getYield().getValue().getDefiningOp<ReadOp>();
  bool same = !op.isReduction() && read && read.getMap().isIdentity() && read.getSource().getType() == op.getType();
  return same ? read.getSource() : Value();
}

struct SimplifyPass : impl::GraphSimplifyBase<SimplifyPass> {
  using GraphSimplifyBase::GraphSimplifyBase;

  void eraseUnused() {
    for (auto func : getOperation().getOps<func::FuncOp>())
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
        if (isa<ComputeOp, ScatterOp, ReshapeOp, ParamOp, GradOp>(op) && op.use_empty()) {
          op.erase();
          ++numErased;
        }
    // Callers may become unused in turn.
    for (bool again = true; std::exchange(again, false);)
      for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
        if (func.isPrivate() && SymbolTable::symbolKnownUseEmpty(func, getOperation())) {
          func.erase();
          ++numErased;
          again = true;
        }
  }

  void simplify(func::FuncOp func) {
    numErased += mergeEqual(func); // so that equal conditions are one value
    for (Operation &op : func.getBody().getOps()) {
      if (auto reshape = dyn_cast<ReshapeOp>(op))
        if (auto inner = reshape.getSource().getDefiningOp<ReshapeOp>())
          reshape.getSourceMutable().assign(inner.getSource());
      if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && reshape.getSource().getType() == reshape.getType())
        reshape.getResult().replaceAllUsesWith(reshape.getSource());
      if (!isa<ComputeOp, ScatterOp>(op))
        continue;
      numFolded += BodyFolder(&op).run();
      auto compute = dyn_cast<ComputeOp>(op);
      if (Value source = compute ? copiedBy(compute) : Value()) {
        compute.getResult().replaceAllUsesWith(source);
        ++numCopies;
      }
    }
    numErased += mergeEqual(func);
  }

  void runOnOperation() override {
    parallelForEach(&getContext(), getOperation().getOps<func::FuncOp>(), [&](func::FuncOp func) { simplify(func); });
    eraseUnused();
  }
};
} // namespace
} // namespace tintype::graph
