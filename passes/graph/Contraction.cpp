//===- Contraction.cpp - is a definition a sum of products ----------------===//
#include "passes/graph/Contraction.h"
#include "passes/Product.h"

using namespace mlir;
using llvm::SmallBitVector;

namespace tintype::graph {

SmallBitVector dimsIn(AffineMap map) {
  SmallBitVector dims(map.getNumDims());
  auto set = [&](AffineExpr x) {
    if (auto d = dyn_cast<AffineDimExpr>(x))
      dims.set(d.getPosition());
  };
  for (AffineExpr e : map.getResults())
    isa<AffineBinaryOpExpr>(e) ? e.walk(set) : set(e);
  return dims;
}

/// A sum over a few points is cheaper as a loop in the body of a row or
/// pointwise kernel than as packed panels.
static bool isOverFewPoints(ArrayRef<AffineExpr> extents) {
  constexpr int64_t few = 8;
  int64_t points = 1;
  for (AffineExpr e : extents) {
    auto c = dyn_cast<AffineConstantExpr>(e);
    if (!c || c.getValue() > few || (points *= c.getValue()) > few)
      return false;
  }
  return true;
}

/// The loop dims that the scalar `v` depends on through reads.
static SmallBitVector dimsReadBy(Value v, unsigned loops) {
  SmallBitVector dims(loops);
  SmallVector<Value> todo = {v};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (auto read = dyn_cast<ReadOp>(op)) {
      dims |= dimsIn(read.getMap());
      todo.append(read.getSymbols().begin(), read.getSymbols().end());
    } else {
      todo.append(op->operand_begin(), op->operand_end());
    }
  }
  return dims;
}

static Value behindStop(Value v) {
  auto stop = v.getDefiningOp<StopOp>();
  return stop ? stop.getValue() : Value();
}

std::optional<Sides> contractionOf(Operation *definition) {
  auto c = dyn_cast<ComputeOp>(definition);
  if (!c || c.getReducer() != Reducer::sum || isOverFewPoints(c.getBy().getExprs()))
    return {};
  SmallVector<Value> factors;
  factorsOf(c.getYield().getValue(), factors, behindStop);
  unsigned loops = c.getNumLoops(), parallel = c.getNumParallel();
  SmallBitVector reduced(loops);
  reduced.set(parallel, loops);
  SmallVector<SmallBitVector> dims;
  for (Value f : factors)
    dims.push_back(dimsReadBy(f, loops));
  for (size_t j = 0; j < factors.size(); ++j)
    for (size_t i = 0; i < j; ++i) {
      SmallBitVector onlyI = dims[i], onlyJ = dims[j], both = dims[i];
      onlyI.reset(dims[j]).reset(reduced);
      onlyJ.reset(dims[i]).reset(reduced);
      both &= dims[j];
      if (!onlyI.any() || !onlyJ.any() || !both.anyCommon(reduced))
        continue;
      unsigned n = parallel - 1;
      size_t a = dims[i][n] && !dims[j][n] ? j : i, b = a == i ? j : i;
      bool isByN = dims[b][n] && !dims[a][n];
      Sides sides;
      for (auto [f, d] : llvm::zip(factors, dims)) {
        SmallBitVector outsideA = d;
        bool inB = f == factors[b] || (isByN ? d[n] : outsideA.reset(dims[a]).any());
        (inB && f != factors[a] ? sides.b : sides.a).push_back(f);
      }
      return sides;
    }
  return {};
}

} // namespace tintype::graph
