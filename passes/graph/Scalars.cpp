//===- Scalars.cpp - scalar code in bodies --------------------------------===//
#include "passes/graph/Scalars.h"
#include "mlir/IR/Matchers.h"
#include "passes/graph/Index.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
namespace tintype::graph {

std::optional<double> constantOf(Value v) {
  FloatAttr attr;
  if (!v || !matchPattern(v, m_Constant(&attr)))
    return std::nullopt;
  return attr.getValueAsDouble();
}

bool isBoolConstant(Value v, bool value) {
  IntegerAttr attr;
  return v && v.getType().isInteger(1) && matchPattern(v, m_Constant(&attr)) && attr.getValue().getBoolValue() == value;
}

bool isNonzero(Value v) {
  Operation *op = v.getDefiningOp();
  auto isPositive = [](Value x) { return constantOf(x) && *constantOf(x) > 0; };
  if (isa<arith::MulFOp>(op))
    return llvm::all_of(op->getOperands(), isNonzero);
  if (isa<arith::MaximumFOp>(op))
    return llvm::any_of(op->getOperands(), isPositive);
  return isPositive(v) || (isa<arith::SIToFPOp>(op) && op->getOperand(0).getDefiningOp<SizeOp>());
}

bool isNumber(Value v) {
  llvm::SetVector<Operation *> slice;
  slice.insert(v.getDefiningOp());
  for (unsigned i = 0; i < slice.size(); ++i) {
    Operation *op = slice[i];
    auto read = dyn_cast<ReadOp>(op);
    bool divides = isa<arith::DivFOp>(op) && !isNonzero(op->getOperand(1));
    if (divides || (read && read.getGuarded()) || isa<math::LogOp, math::ExpOp, math::PowFOp, math::SqrtOp, math::RsqrtOp>(op))
      return false;
    for (Value x : op->getOperands())
      if (!isa<RankedTensorType>(x.getType()))
        slice.insert(x.getDefiningOp());
  }
  return true;
}

//===-- ScalarBuilder -----------------------------------------------------===//

Value ScalarBuilder::constant(double value, Type type) { return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value)); }

Value ScalarBuilder::add(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  if (constantOf(x) == 0.0)
    return y;
  if (constantOf(y) == 0.0)
    return x;
  return b.createOrFold<arith::AddFOp>(loc, x, y);
}

Value ScalarBuilder::sub(Value x, Value y) {
  if (constantOf(y) == 0.0)
    return x;
  return constantOf(x) == 0.0 ? neg(y) : b.createOrFold<arith::SubFOp>(loc, x, y);
}

Value ScalarBuilder::mul(Value x, Value y) {
  for (auto [c, other] : {std::make_pair(x, y), std::make_pair(y, x)}) {
    if (constantOf(c) == 0.0)
      return c;
    if (constantOf(c) == 1.0)
      return other;
    if (constantOf(c) == -1.0)
      return neg(other);
  }
  return b.createOrFold<arith::MulFOp>(loc, x, y);
}

Value ScalarBuilder::div(Value x, Value y) {
  if (constantOf(x) == 0.0 || constantOf(y) == 1.0)
    return x;
  return b.createOrFold<arith::DivFOp>(loc, x, y);
}

Value ScalarBuilder::neg(Value x) {
  if (auto inner = x.getDefiningOp<arith::NegFOp>())
    return inner.getOperand();
  return b.createOrFold<arith::NegFOp>(loc, x);
}

Value ScalarBuilder::select(Value c, Value x, Value y) {
  if (isBoolConstant(c, true) || !c)
    return x;
  if (isBoolConstant(c, false))
    return y;
  if (constantOf(x) && constantOf(x) == constantOf(y))
    return x;
  if (auto inner = x.getDefiningOp<arith::SelectOp>(); inner && inner.getCondition() == c)
    x = inner.getTrueValue();
  if (auto inner = y.getDefiningOp<arith::SelectOp>(); inner && inner.getCondition() == c)
    y = inner.getFalseValue();
  return b.createOrFold<arith::SelectOp>(loc, c, x, y);
}

Value ScalarBuilder::both(Value c, Value d) {
  if (!c || !d || c == d)
    return c ? c : d;
  if (isBoolConstant(c, true) || isBoolConstant(d, false))
    return d;
  if (isBoolConstant(d, true) || isBoolConstant(c, false))
    return c;
  return arith::AndIOp::create(b, loc, c, d);
}

Value ScalarBuilder::either(Value c, Value d) {
  if (!c || !d || c == d)
    return c == d ? c : Value();
  return arith::OrIOp::create(b, loc, c, d);
}

Value ScalarBuilder::negate(Value c) {
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  return b.createOrFold<arith::XOrIOp>(loc, c, yes);
}

Value ScalarBuilder::greater(Value x, Value y) { return b.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::OGT, x, y); }

//===-- BodyCloner --------------------------------------------------------===//

AffineMap BodyCloner::get(AffineMap map) {
  SmallVector<AffineExpr> results;
  for (AffineExpr e : map.getResults()) {
    auto *same = llvm::find_if(known, [&](auto &pair) { return pair.first == e; });
    results.push_back(same != known.end() ? same->second : simplifyIndex(e.replaceDims(loops), extents));
  }
  return AffineMap::get(extents.size(), map.getNumSymbols(), results, b.getContext());
}

SmallVector<Value> BodyCloner::get(ValueRange values) {
  SmallVector<Value> r;
  for (Value v : values)
    r.push_back(get(v));
  return r;
}

Value BodyCloner::inside(Location loc, AffineMap map, ArrayRef<AffineExpr> dims, ValueRange symbols) {
  SmallVector<AffineExpr> exprs, limits;
  for (auto [e, limit] : llvm::zip(map.getResults(), dims)) {
    if (provablyInside(e, limit, extents))
      continue;
    exprs.push_back(e);
    limits.push_back(limit);
  }
  if (exprs.empty())
    return {};
  map = AffineMap::get(extents.size(), map.getNumSymbols(), exprs, b.getContext());
  bool needed = llvm::any_of(exprs, hasSymbols);
  if (!needed)
    map = AffineMap::get(extents.size(), 0, exprs, b.getContext());
  return InsideOp::create(b, loc, map, DimsAttr::get(b.getContext(), limits), needed ? symbols : ValueRange());
}

Value BodyCloner::read(Location loc, Value source, AffineMap map, ValueRange symbols, bool guarded) {
  bool certain = true;
  auto dims = dimsOf(source.getType());
  for (auto [e, limit] : llvm::zip(map.getResults(), dims))
    certain &= provablyInside(e, limit, extents);
  return ReadOp::create(b, loc, source, map, symbols, !certain && (guarded || mayLeave));
}

Value BodyCloner::get(Value v) {
  if (Value copy = copies.lookupOrNull(v))
    return copy;
  Operation *op = v.getDefiningOp();
  Location loc = op->getLoc();
  SmallVector<Value> operands;
  if (auto read = dyn_cast<ReadOp>(op)) {
    operands = get(read.getSymbols());
    copies.map(v, this->read(loc, read.getSource(), get(read.getMap()), operands, read.getGuarded()));
  } else if (auto inside = dyn_cast<InsideOp>(op)) {
    operands = get(inside.getSymbols());
    Value ok = this->inside(loc, get(inside.getMap()), inside.getDims().getExprs(), operands);
    copies.map(v, ok ? ok : arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
  } else {
    // Operands that are tensors (the state of graph.random) stay.
    for (Value x : op->getOperands())
      if (!isa<RankedTensorType>(x.getType()))
        get(x);
    if (auto select = dyn_cast<arith::SelectOp>(op)) {
      ScalarBuilder s(b, loc);
      copies.map(
          v, s.select(copies.lookup(select.getCondition()), copies.lookup(select.getTrueValue()), copies.lookup(select.getFalseValue())));
    } else {
      Operation *copy = b.clone(*op, copies);
      if (auto map = copy->getAttrOfType<AffineMapAttr>("map"))
        copy->setAttr("map", AffineMapAttr::get(get(map.getValue())));
    }
  }
  return copies.lookup(v);
}

void eraseDeadScalars(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
}

} // namespace tintype::graph
