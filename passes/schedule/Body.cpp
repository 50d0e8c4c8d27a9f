//===- Body.cpp - scalar code of funcs out of the bodies of definitions ---===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/schedule/Lowering.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

Value Body::constant(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value)); }
Value Body::constant(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, (int64_t)value));
}

Value Body::size(AffineExpr e) {
  if (auto c = constantOf(e))
    return constant(*c);
  return SizeOp::create(b, loc, b.getI32Type(), DimsAttr::get(b.getContext(), {e}));
}

/// Whether a quotient or remainder stands anywhere in `e`.
static bool hasQuotient(AffineExpr e) {
  bool found = false;
  e.walk([&](AffineExpr x) { found |= x.getKind() == AffineExprKind::FloorDiv || x.getKind() == AffineExprKind::Mod; });
  return found;
}

Value Body::apply(AffineExpr e, ArrayRef<Value> dims, ArrayRef<Value> symbols) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return constant(c.getValue());
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return dims[d.getPosition()];
  if (auto s = dyn_cast<AffineSymbolExpr>(e))
    return symbols[s.getPosition()];
  // Constants go into the expression, every other value becomes a dim.
  SmallVector<Value> operands;
  auto replace = [&](Value v) -> AffineExpr {
    IntegerAttr known;
    if (matchPattern(v, m_Constant(&known)))
      return getAffineConstantExpr(known.getInt(), b.getContext());
    auto it = llvm::find(operands, v);
    if (it == operands.end())
      operands.push_back(v), it = operands.end() - 1;
    return getAffineDimExpr(it - operands.begin(), b.getContext());
  };
  SmallVector<AffineExpr> newDims(dims.size()), newSymbols(symbols.size());
  e.walk([&](AffineExpr x) {
    if (auto d = dyn_cast<AffineDimExpr>(x))
      newDims[d.getPosition()] = replace(dims[d.getPosition()]);
    if (auto s = dyn_cast<AffineSymbolExpr>(x))
      newSymbols[s.getPosition()] = replace(symbols[s.getPosition()]);
  });
  // The simplifier writes `x mod c` as `x - (x floordiv c) * c`, whose range
  // interval arithmetic can no longer see.
  AffineExpr r = e.replaceDimsAndSymbols(newDims, newSymbols);
  if (!hasQuotient(r))
    r = simplifyAffineExpr(r, operands.size(), 0);
  if (isa<AffineConstantExpr, AffineDimExpr>(r))
    return apply(r, operands);
  return halide::IndexOp::create(b, loc, b.getI32Type(), AffineMap::get(operands.size(), 0, r), operands);
}

Value Body::tile(Value outer, int64_t factor, Value inner) {
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  return apply(d0 * factor + d1, {outer, inner});
}
Value Body::minimum(Value x, Value y) { return arith::MinSIOp::create(b, loc, x, y); }
Value Body::maximum(Value x, Value y) { return arith::MaxSIOp::create(b, loc, x, y); }
Value Body::clampTo(Value v, AffineExpr extent) { return maximum(minimum(v, size(extent - 1)), constant(0)); }
Value Body::less(Value x, Value y) { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y); }
Value Body::likely(Value v) { return halide::LikelyOp::create(b, loc, v); }
Value Body::load(StringRef func, ArrayRef<Value> indices, Type type, int64_t element) {
  return halide::LoadOp::create(b, loc, type, FlatSymbolRefAttr::get(b.getContext(), func), indices,
                                element ? b.getI64IntegerAttr(element) : IntegerAttr());
}
Value Body::read(Value tensor, ArrayRef<Value> indices) { return lowering.readers.find(tensor)->second(*this, indices); }

Value Body::widen(Value v) { return v.getType().isF32() ? v : Value(arith::ExtFOp::create(b, loc, b.getF32Type(), v)); }

Value Body::joinPair(Value first, Value second) {
  auto bits = [&](Value v) -> Value {
    Value narrow = arith::BitcastOp::create(b, loc, b.getI16Type(), v);
    return arith::ExtUIOp::create(b, loc, b.getI32Type(), narrow);
  };
  return arith::OrIOp::create(b, loc, bits(first), arith::ShLIOp::create(b, loc, bits(second), constant(16)));
}
Value Body::ofPair(Value word, Value which) {
  Value shifted = arith::ShRUIOp::create(b, loc, word, apply(b.getAffineDimExpr(0) * 16, {which}));
  Value bits = arith::TruncIOp::create(b, loc, b.getI16Type(), shifted);
  return arith::BitcastOp::create(b, loc, b.getBF16Type(), bits);
}

Value Body::pairOfParts(Value first, Value second, Value part) {
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Value upper = constant(-65536);
  auto bitsOf = [&](Value v) { return arith::BitcastOp::create(b, loc, i32, v); };
  Value words[3];
  for (int p = 0; p < 3; ++p) {
    Value high = arith::AndIOp::create(b, loc, bitsOf(second), upper);
    words[p] = arith::OrIOp::create(b, loc, arith::ShRUIOp::create(b, loc, bitsOf(first), constant(16)), high);
    for (Value *x : {&first, &second}) { // what is left is exact
      Value taken = arith::BitcastOp::create(b, loc, f32, arith::AndIOp::create(b, loc, bitsOf(*x), upper));
      *x = arith::SubFOp::create(b, loc, *x, taken);
    }
  }
  auto is = [&](int p) { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part, constant(p)); };
  Value rest = arith::SelectOp::create(b, loc, is(1), words[1], words[2]);
  return arith::SelectOp::create(b, loc, is(0), words[0], rest);
}

static std::vector<void *> keyOf(ArrayRef<Value> loops) {
  std::vector<void *> key;
  for (Value v : loops)
    key.push_back(v.getAsOpaquePointer());
  return key;
}

std::pair<Value, Value> Body::point(Operation *definition, ArrayRef<Value> loops) {
  auto yield = cast<YieldOp>(definition->getRegion(0).front().getTerminator());
  Value value = scalar(yield.getValue(), loops);
  return {value, yield.getFilter() ? scalar(yield.getFilter(), loops) : Value()};
}

Value Body::access(Operation *op, ArrayRef<Value> loops) {
  auto symbolsOf = [&](OperandRange range) {
    SmallVector<Value> r;
    for (Value v : range)
      r.push_back(scalar(v, loops));
    return r;
  };
  if (auto index = dyn_cast<graph::IndexOp>(op))
    return apply(index.getMap().getResult(0), loops, symbolsOf(index.getSymbols()));
  if (auto inside = dyn_cast<InsideOp>(op)) {
    SmallVector<Value> symbols = symbolsOf(inside.getSymbols()), tests;
    for (auto [e, extent] : llvm::zip(inside.getMap().getResults(), inside.getDims().getExprs())) {
      Value v = apply(e, loops, symbols);
      tests.push_back(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, v, constant(0)));
      tests.push_back(less(v, size(extent)));
    }
    Value all = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    for (Value t : tests)
      all = arith::AndIOp::create(b, loc, all, t);
    return all;
  }
  auto read = cast<ReadOp>(op);
  SmallVector<Value> symbols = symbolsOf(read.getSymbols()), indices;
  for (auto [e, extent] : llvm::zip(read.getMap().getResults(), dimsOf(read.getSource().getType()))) {
    Value v = apply(e, loops, symbols);
    bool isComputed = false;
    e.walk([&](AffineExpr x) { isComputed |= isa<AffineSymbolExpr>(x); });
    if (constantOf(extent) == 1)
      v = constant(0);
    else if ((read.getGuarded() && !isa<AffineConstantExpr>(e)) || isComputed ||
             (hasQuotient(e) && (e.getKind() == AffineExprKind::Add || e.getKind() == AffineExprKind::Mul)))
      v = clampTo(v, extent); // interval arithmetic would find too wide a range
    indices.push_back(v);
  }
  return this->read(read.getSource(), indices);
}

Value Body::random(RandomOp op, ArrayRef<Value> loops) {
  SmallVector<Value> symbols;
  for (Value v : op.getSymbols())
    symbols.push_back(scalar(v, loops));
  Value position;
  for (auto [e, extent] : llvm::zip(op.getMap().getResults(), op.getDims().getExprs())) {
    Value v = apply(e, loops, symbols);
    if (position) {
      Value scaled = arith::MulIOp::create(b, loc, position, size(extent));
      v = arith::AddIOp::create(b, loc, scaled, v);
    }
    position = v;
  }
  if (!position)
    position = constant(0);
  Value seed = read(op.getState(), {constant(0)}), step = read(op.getState(), {constant(1)});
  Value key = arith::XOrIOp::create(b, loc, seed, constant((int32_t)op.getSite()));
  auto draw = op.getDraw() == graph::Draw::uniform ? halide::Draw::uniform : halide::Draw::normal;
  return halide::RandomOp::create(b, loc, b.getF32Type(), draw, key, position, step);
}

Value Body::scalar(Value v, ArrayRef<Value> loops) {
  auto key = std::make_pair(v.getAsOpaquePointer(), keyOf(loops));
  if (auto it = made.find(key); it != made.end())
    return it->second;
  Operation *op = v.getDefiningOp();
  Location saved = loc;
  loc = op->getLoc();
  Value r;
  if (auto stop = dyn_cast<StopOp>(op)) {
    r = scalar(stop.getValue(), loops);
  } else if (auto s = dyn_cast<SizeOp>(op)) {
    r = size(s.getDims()[0]);
  } else if (auto rnd = dyn_cast<graph::RandomOp>(op)) {
    r = random(rnd, loops);
  } else if (isa<ReadOp, InsideOp, graph::IndexOp>(op)) {
    r = access(op, loops);
  } else if (auto wider = dyn_cast<arith::ExtFOp>(op)) {
    r = widen(scalar(wider.getIn(), loops)); // a func may hold the wide value
  } else {
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, scalar(operand, loops));
    Operation *copy = b.clone(*op, map);
    r = copy->getResult(cast<OpResult>(v).getResultNumber());
  }
  loc = saved;
  return made[key] = r;
}

} // namespace tintype::schedule
