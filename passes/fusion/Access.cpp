//===- Access.cpp - index expressions of reads ----------------------------===//
#include "passes/fusion/Access.h"
#include "mlir/IR/IRMapping.h"
#include "passes/fusion/Kernel.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

//===-- ranges ------------------------------------------------------------===//

namespace {
struct Range {
  std::optional<int64_t> lo, hi;
};
} // namespace

std::optional<int64_t> constantOf(AffineExpr e) {
  auto c = dyn_cast<AffineConstantExpr>(e);
  return c ? std::optional<int64_t>(c.getValue()) : std::nullopt;
}

static Range rangeOf(AffineExpr e, ArrayRef<AffineExpr> extents) {
  if (auto c = constantOf(e))
    return {c, c};
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    auto n = d.getPosition() < extents.size() ? constantOf(extents[d.getPosition()]) : std::nullopt;
    return {0, n ? std::optional<int64_t>(*n - 1) : std::nullopt};
  }
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return {};
  Range l = rangeOf(b.getLHS(), extents);
  if (b.getKind() == AffineExprKind::Add) {
    Range r = rangeOf(b.getRHS(), extents), sum;
    if (l.lo && r.lo)
      sum.lo = *l.lo + *r.lo;
    if (l.hi && r.hi)
      sum.hi = *l.hi + *r.hi;
    return sum;
  }
  auto c = constantOf(b.getRHS());
  if (!c)
    return {};
  if (b.getKind() == AffineExprKind::Mul) {
    Range m = *c >= 0 ? l : Range{l.hi, l.lo};
    for (auto *end : {&m.lo, &m.hi})
      if (*end)
        *end = **end * *c;
    return m;
  }
  if (*c <= 0)
    return {};
  if (b.getKind() == AffineExprKind::Mod)
    return {0, *c - 1};
  if (b.getKind() == AffineExprKind::FloorDiv) {
    for (auto *end : {&l.lo, &l.hi})
      if (*end)
        *end = llvm::divideFloorSigned(**end, *c);
    return l;
  }
  return {};
}

/// Splits `e` into terms with coefficients that `c` divides and the rest.
static void splitBy(AffineExpr e, int64_t c, AffineExpr &quotient, AffineExpr &rest) {
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (b && b.getKind() == AffineExprKind::Add) {
    splitBy(b.getLHS(), c, quotient, rest);
    splitBy(b.getRHS(), c, quotient, rest);
    return;
  }
  if (auto k = constantOf(e)) {
    int64_t q = llvm::divideFloorSigned(*k, c);
    quotient = quotient + q;
    rest = rest + (*k - q * c);
    return;
  }
  auto k = b && b.getKind() == AffineExprKind::Mul ? constantOf(b.getRHS()) : std::nullopt;
  if (k && *k % c == 0)
    quotient = quotient + b.getLHS() * (*k / c);
  else
    rest = rest + e;
}

/// As a term of something else a loop of one point is 0.
static AffineExpr simplifyTerm(AffineExpr e, ArrayRef<AffineExpr> extents) {
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return d.getPosition() < extents.size() && constantOf(extents[d.getPosition()]) == 1 ? getAffineConstantExpr(0, e.getContext()) : e;
  return simplifyIndex(e, extents);
}

AffineExpr simplifyIndex(AffineExpr e, ArrayRef<AffineExpr> extents) {
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return e;
  AffineExpr l = simplifyTerm(b.getLHS(), extents), r = simplifyTerm(b.getRHS(), extents);
  auto c = constantOf(r);
  bool isDiv = b.getKind() == AffineExprKind::FloorDiv;
  if (!c || *c <= 0 || (!isDiv && b.getKind() != AffineExprKind::Mod))
    return getAffineBinaryOpExpr(b.getKind(), l, r);
  AffineExpr zero = getAffineConstantExpr(0, e.getContext()), quotient = zero, rest = zero;
  splitBy(l, *c, quotient, rest);
  Range range = rangeOf(rest, extents);
  if (range.lo && *range.lo >= 0 && range.hi && *range.hi < *c)
    return isDiv ? quotient : rest;
  return isDiv ? quotient + rest.floorDiv(*c) : rest % *c;
}

//===-- composition -------------------------------------------------------===//

AffineMap composeAccess(AffineMap inner, AffineMap outer, ArrayRef<AffineExpr> extents) {
  MLIRContext *ctx = inner.getContext();
  SmallVector<AffineExpr> symbols, results;
  for (unsigned i = 0; i < inner.getNumSymbols(); ++i)
    symbols.push_back(getAffineSymbolExpr(outer.getNumSymbols() + i, ctx));
  for (AffineExpr e : inner.getResults())
    results.push_back(simplifyIndex(e.replaceDimsAndSymbols(outer.getResults(), symbols), extents));
  return AffineMap::get(outer.getNumDims(), outer.getNumSymbols() + inner.getNumSymbols(), results, ctx);
}

bool isOneToOne(AffineMap map, ArrayRef<AffineExpr> extents) {
  unsigned loops = 0, results = 0;
  llvm::SmallBitVector seen(map.getNumDims());
  for (AffineExpr e : extents)
    loops += constantOf(e) != 1;
  for (AffineExpr e : map.getResults()) {
    llvm::SmallBitVector mine = dimsIn(AffineMap::get(map.getNumDims(), map.getNumSymbols(), e));
    for (unsigned d : mine.set_bits())
      if (constantOf(extents[d]) == 1)
        mine.reset(d);
    if (mine.count() != 1 || mine.anyCommon(seen))
      continue;
    seen |= mine;
    ++results;
  }
  return results == loops;
}

//===-- bodies ------------------------------------------------------------===//

/// Gives the access op a new map and symbols, without symbols that the map does not use.
static void setAccess(Operation *op, AffineMap map, ArrayRef<Value> symbols) {
  SmallVector<AffineExpr> renumbered;
  SmallVector<Value> used;
  for (auto [i, symbol] : llvm::enumerate(symbols)) {
    if (!map.isFunctionOfSymbol(i)) {
      renumbered.push_back(getAffineConstantExpr(0, op->getContext()));
      continue;
    }
    unsigned at = llvm::find(used, symbol) - used.begin();
    if (at == used.size())
      used.push_back(symbol);
    renumbered.push_back(getAffineSymbolExpr(at, op->getContext()));
  }
  SmallVector<AffineExpr> results;
  for (AffineExpr e : map.getResults())
    results.push_back(e.replaceSymbols(renumbered));
  op->setAttr("map", AffineMapAttr::get(AffineMap::get(map.getNumDims(), used.size(), results, op->getContext())));
  // Only the symbols are operands, after the tensor that reads and draws have.
  SmallVector<Value> operands;
  if (isa<ReadOp, RandomOp>(op))
    operands.push_back(op->getOperand(0));
  operands.append(used);
  op->setOperands(operands);
}

Value copyBody(OpBuilder &b, ComputeOp producer, ReadOp read) {
  SmallVector<AffineExpr> extents = extentsOf(read->getParentOp());
  SmallVector<Value> outer(read.getSymbols());
  IRMapping mapping;
  for (Operation &op : producer.getBlock()->without_terminator()) {
    Operation *copy = b.clone(op, mapping);
    auto map = copy->getAttrOfType<AffineMapAttr>("map");
    if (!map || !isa<ReadOp, InsideOp, IndexOp, RandomOp>(copy))
      continue;
    SmallVector<Value> symbols(outer);
    unsigned first = isa<ReadOp, RandomOp>(copy) ? 1 : 0;
    symbols.append(copy->operand_begin() + first, copy->operand_end());
    setAccess(copy, composeAccess(map.getValue(), read.getMap(), extents), symbols);
    if (auto r = dyn_cast<ReadOp>(copy); r && read.getGuarded())
      r.setGuarded(true);
  }
  return mapping.lookupOrDefault(producer.getYield().getValue());
}

void inlineProducer(ReadOp read) {
  OpBuilder b(read);
  read.replaceAllUsesWith(copyBody(b, read.getSource().getDefiningOp<ComputeOp>(), read));
  read.erase();
}

} // namespace tintype::fusion
