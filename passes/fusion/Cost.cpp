//===- Cost.cpp - what it takes to evaluate a definition ------------------===//
#include "passes/fusion/Cost.h"
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
    if (e != getAffineConstantExpr(1, e.getContext()) && !dims.test(i))
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
    } else if (!isa<arith::ConstantOp, SizeOp, IndexOp, StopOp>(&op)) {
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

bool isQuadratic(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && hasSquare(productOf(dimsOf(type), type.getContext()));
}

std::string bytesText(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  unsigned bytes = (type.getElementTypeBitWidth() + 7) / 8;
  SmallVector<AffineExpr> dims = dimsOf(type);
  dims.push_back(getAffineConstantExpr(bytes, type.getContext()));
  return printDim(productOf(dims, type.getContext()));
}

} // namespace tintype::fusion
