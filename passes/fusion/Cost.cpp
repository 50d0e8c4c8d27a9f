//===- Cost.cpp - what it takes to evaluate a definition ------------------===//
#include "passes/fusion/Cost.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Kernel.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

bool isHeavy(Operation *op) {
  // A quotient by a constant is a multiplication.
  if (isa<arith::DivFOp>(op) && op->getOperand(1).getDefiningOp<arith::ConstantOp>())
    return false;
  if (isa<math::AbsFOp, math::FmaOp, math::CopySignOp, math::FloorOp>(op))
    return false;
  return isa<math::MathDialect>(op->getDialect()) || isa<arith::DivFOp, arith::RemFOp, RandomOp>(op);
}

static bool isIntegerQuotient(Operation *op) {
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::FloorDivSIOp>(op) &&
         !op->getOperand(1).getDefiningOp<arith::ConstantOp>();
}

/// Whether `map` runs over all loops of the definition that have more than one point.
static bool isWide(AffineMap map, ArrayRef<AffineExpr> extents) {
  llvm::SmallBitVector dims = dimsIn(map);
  for (auto [i, e] : llvm::enumerate(extents))
    if (constantOf(e) != 1 && !dims.test(i))
      return false;
  return true;
}

BodyCost costOf(Operation *definition) {
  BodyCost cost;
  SmallVector<AffineExpr> extents = extentsOf(definition);
  for (Operation &op : definition->getRegion(0).front().without_terminator()) {
    if (auto read = dyn_cast<ReadOp>(&op)) {
      ++cost.reads;
      cost.gathers |= !read.getSymbols().empty();
      cost.wide += isWide(read.getMap(), extents);
    } else if (!isa<arith::ConstantOp, SizeOp, IndexOp, StopOp, arith::ExtFOp, arith::TruncFOp>(&op)) {
      (isHeavy(&op) ? cost.heavy : cost.ops) += 1;
      cost.draws |= isa<RandomOp>(&op);
      cost.divides |= isIntegerQuotient(&op);
    }
  }
  return cost;
}

/// Whether a product of `e` has a runtime dim twice.
static bool hasSquare(AffineExpr e) {
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (b && b.getKind() == AffineExprKind::Add)
    return hasSquare(b.getLHS()) || hasSquare(b.getRHS());
  llvm::SmallDenseSet<unsigned> seen;
  bool square = false;
  walkSymbols(e, [&](unsigned id) { square |= !seen.insert(id).second; });
  return square;
}

/// Whether `op` is a sum of products whose result has an extent twice, once from each side,
/// and no more terms than that: then it is larger than what it is made of, and cheap to make again.
static bool isOuterProduct(Operation *op) {
  auto compute = dyn_cast<ComputeOp>(op);
  if (!compute || !isContraction(op))
    return false;
  ArrayRef<AffineExpr> over = compute.getOver().getExprs();
  auto terms = dyn_cast<AffineConstantExpr>(productOf(compute.getBy().getExprs(), op->getContext()));
  SmallVector<llvm::SmallBitVector> sides;
  for (ReadOp read : readsOf(op))
    sides.push_back(dimsIn(read.getMap()));
  for (unsigned i = 0; i < over.size(); ++i)
    for (unsigned j = 0; j < i; ++j) {
      auto extent = dyn_cast<AffineConstantExpr>(over[i]);
      if (!extent || !terms || over[j] != over[i] || extent.getValue() < terms.getValue())
        continue;
      bool hasI = false, hasJ = false, hasBoth = false;
      for (auto &s : sides)
        (s[i] && s[j] ? hasBoth : s[i] ? hasI : hasJ) |= s[i] || s[j];
      if (hasI && hasJ && !hasBoth)
        return true;
    }
  return false;
}

/// Whether `v` is an outer product of known extents, or is computed point by point from one
/// of its shape.
static bool isMadeOfOuterProduct(Value v) {
  SmallVector<AffineExpr> dims = dimsOf(v.getType());
  bool isSquare = false;
  for (unsigned i = 0; i < dims.size(); ++i)
    for (unsigned j = 0; j < i; ++j)
      isSquare |= isa<AffineConstantExpr>(dims[i]) && dims[i] == dims[j] && constantOf(dims[i]) != 1;
  if (!isSquare)
    return false;
  llvm::SmallPtrSet<Operation *, 16> seen;
  SmallVector<Value> todo{v};
  while (!todo.empty()) {
    Operation *def = todo.pop_back_val().getDefiningOp();
    if (!def || !isDefinition(def) || !seen.insert(def).second)
      continue;
    if (isOuterProduct(def))
      return true;
    if (isPointwise(def))
      for (Value input : inputsOf(def))
        if (dimsOf(input.getType()) == dims)
          todo.push_back(input);
  }
  return false;
}

/// Whether the product of `dims` has a square.
static bool hasSquare(ArrayRef<AffineExpr> dims, MLIRContext *ctx) {
  llvm::SmallDenseSet<unsigned> seen;
  bool square = false, isSum = false;
  for (AffineExpr e : dims)
    e.walk([&](AffineExpr x) {
      isSum |= x.getKind() == AffineExprKind::Add;
      if (auto s = dyn_cast<AffineSymbolExpr>(x))
        square |= !seen.insert(s.getPosition()).second;
    });
  return isSum ? hasSquare(productOf(dims, ctx)) : square; // a sum may cancel
}

bool isQuadratic(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && (hasSquare(dimsOf(type), type.getContext()) || isMadeOfOuterProduct(v));
}

std::string bytesText(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  unsigned bytes = (type.getElementTypeBitWidth() + 7) / 8;
  SmallVector<AffineExpr> dims = dimsOf(type);
  dims.push_back(getAffineConstantExpr(bytes, type.getContext()));
  return printDim(productOf(dims, type.getContext()));
}

} // namespace tintype::fusion
