//===- Factors.cpp - split a product along a reduction --------------------===//
#include "passes/graph/Factors.h"

using namespace mlir;
namespace tintype::graph {
namespace {

class Splitter {
public:
  Splitter(ScalarBuilder &s, unsigned first) : s(s), first(first) {}

  Factors run(Value value, Value condition) {
    out.condition = condition;
    split(value, true);
    for (auto [v, isAbove] : leaves)
      place(v, isAbove);
    bool whole = above.size() == 1 && below.empty();
    Value top = whole ? above[0] : Value();
    // Keeps the order of the reads: dy first, then what it is multiplied with.
    for (Value v : whole ? ArrayRef<Value>() : ArrayRef(above))
      top = top ? s.mul(top, v) : v;
    if (!top)
      top = s.constant(1, value.getType());
    Value bottom;
    for (Value v : below)
      bottom = bottom ? s.mul(bottom, v) : v;
    out.varying = bottom ? s.div(top, bottom) : top;
    return out;
  }

private:
  ScalarBuilder &s;
  unsigned first;
  DenseMap<Value, bool> memo;
  SmallVector<std::pair<Value, bool>> leaves; // and whether above
  SmallVector<Value> above, below;
  Factors out;

  bool varies(Value v) {
    auto it = memo.find(v);
    if (it != memo.end())
      return it->second;
    Operation *op = v.getDefiningOp();
    bool yes = false;
    if (auto map = op->getAttrOfType<AffineMapAttr>("map"))
      for (unsigned d = first; d < map.getValue().getNumDims(); ++d)
        yes |= map.getValue().isFunctionOfDim(d);
    for (Value x : op->getOperands())
      yes |= !isa<RankedTensorType>(x.getType()) && varies(x);
    return memo[v] = yes;
  }

  void split(Value v, bool isAbove) {
    if (auto c = constantOf(v); c && *c != 0.0) {
      out.scale = isAbove ? out.scale * *c : out.scale / *c;
      return;
    }
    Operation *op = v.getDefiningOp();
    if (isa<arith::MulFOp>(op)) {
      split(op->getOperand(0), isAbove);
      return split(op->getOperand(1), isAbove);
    }
    if (isa<arith::DivFOp>(op)) {
      split(op->getOperand(0), isAbove);
      return split(op->getOperand(1), !isAbove);
    }
    if (isa<arith::NegFOp>(op)) {
      out.scale = -out.scale;
      return split(op->getOperand(0), isAbove);
    }
    if (auto select = dyn_cast<arith::SelectOp>(op); select && isAbove) {
      if (constantOf(select.getFalseValue()) == 0.0) {
        out.condition = s.both(out.condition, select.getCondition());
        return split(select.getTrueValue(), true);
      }
      if (constantOf(select.getTrueValue()) == 0.0) {
        out.condition = s.both(out.condition, s.negate(select.getCondition()));
        return split(select.getFalseValue(), true);
      }
    }
    leaves.push_back({v, isAbove});
  }

  void place(Value v, bool isAbove) {
    bool free = !out.condition || (isNumber(v) && (isAbove || isNonzero(v)));
    if (varies(v) || (!free && varies(out.condition)))
      return (isAbove ? above : below).push_back(v);
    (isAbove ? out.fixedAbove : out.fixedBelow).push_back(v);
    if (!free)
      out.guard = out.condition;
  }
};
} // namespace

Factors splitFactors(ScalarBuilder &s, Value value, Value condition, unsigned firstReduction) {
  return Splitter(s, firstReduction).run(value, condition);
}

} // namespace tintype::graph
