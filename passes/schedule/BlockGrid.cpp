//===- BlockGrid.cpp - where blocks of rows and columns lie ---------------===//
// What the caller is told of the grid, which block reaches a result first, and what the band leaves of a block.
// Test: test/passes/schedule/block-kernel.mlir
//===----------------------------------------------------------------------===//
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

static std::string rangeName(unsigned dim, StringRef what) { return ("dim" + Twine(dim) + "_" + what).str(); }
AffineExpr BlockLowering::from(unsigned dim) { return runtimeDim(l.ctx, rangeName(dim, "from")); }
AffineExpr BlockLowering::count(unsigned dim) { return runtimeDim(l.ctx, rangeName(dim, "count")); }

Strings BlockLowering::rangeSymbols() const {
  Strings r;
  for (unsigned i = 0; i < plan.dims.size(); ++i) {
    r.push_back(rangeName(i, "from"));
    r.push_back(rangeName(i, "count"));
  }
  return r;
}

void BlockLowering::chooseGrid() {
  auto results = l.kernel.getBody().front().getTerminator()->getOperands();
  for (unsigned i = 0; i < plan.dims.size(); ++i) {
    GridAxis axis{plan.dims[i], blockOf(i), {}};
    bool isWhole = i == plan.column && !plan.accumulates;
    for (Value v : results) {
      int loop = plan.loopOf(v.getDefiningOp(), i); // summed loops are no dim
      axis.dims.push_back(loop < (int)cast<RankedTensorType>(v.getType()).getRank() ? loop : -1);
    }
    axis.isOrdered = llvm::is_contained(axis.dims, -1);
    GridRange range{isWhole ? -1 : (int)l.grid.size(), plan.dims[i], -1, {}, {}};
    if (!isWhole)
      l.grid.push_back(axis);
    l.ranges.push_back(range);
  }
  if (firstWrites())
    l.kernel->setAttr("graph.first_writes", UnitAttr::get(l.ctx));
  if (plan.band.low || plan.band.high) {
    GridRange &r = l.ranges[plan.column];
    r.over = l.ranges[plan.row].axis;
    r.low = plan.band.low;
    r.high = plan.band.high;
  }
}

/// Whether for every element of a result one can tell which block reaches it first: blocks of a sum follow each other from 0 on,
/// and with a band the columns of a row begin at 0 and those of a block of rows end behind those of the one before.
bool BlockLowering::firstWrites() const {
  if (!plan.accumulates || plan.band.isEmpty || plan.band.low)
    return false;
  return !plan.band.high || (*plan.band.high >= 0 && plan.dims[plan.row] == plan.dims[plan.column]);
}

/// Whether this block is the first to reach row or column `at` of `op`, a sum over the other and maybe more.
Value BlockLowering::isFirst(Body &b, ComputeOp op, Value at) {
  const bool keepsRow = plan.loopOf(op, plan.row) < (int)op.getNumParallel();
  Value first;
  auto both = [&](Value x) { first = first ? Value(arith::AndIOp::create(b.b, b.loc, first, x)) : x; };
  for (unsigned i = 0; i < plan.dims.size(); ++i) {
    if (plan.loopOf(op, i) < (int)op.getNumParallel())
      continue;
    Value isBegin = b.less(b.size(from(i)), b.constant(1));
    if (keepsRow || i != plan.row || !plan.band.high) {
      both(isBegin);
    } else { // rows before this block reach up to its first row + high - 1
      Value isBeyond = b.less(b.size(from(plan.row) + (*plan.band.high - 1)), at);
      both(arith::OrIOp::create(b.b, b.loc, isBegin, isBeyond));
    }
  }
  return first;
}

/// How many of the turns of a loop the tile of `rows` by `columns` around this place takes: all, or none where the band leaves
/// nothing of it. As the end of the loop, so that no condition stays in it.
Value BlockLowering::turnsInBand(Body &b, AffineExpr turns, Value row, int64_t rows, Value column, int64_t columns) {
  auto first = [&](Value at, int64_t size) { return b.apply(getAffineDimExpr(0, l.ctx).floorDiv(size) * size, {at}); };
  AffineExpr d0 = getAffineDimExpr(0, l.ctx), d1 = getAffineDimExpr(1, l.ctx), d2 = getAffineDimExpr(2, l.ctx),
             d3 = getAffineDimExpr(3, l.ctx);
  AffineExpr ahead = d0 + d1 - d2 - d3; // rows before columns
  SmallVector<Value> places{first(row, rows), b.size(from(plan.row)), first(column, columns), b.size(from(plan.column))};
  Value end = b.size(turns);
  auto atMost = [&](AffineExpr inside) { // the turns, times what is positive inside of the band
    end = b.minimum(end, arith::MulIOp::create(b.b, b.loc, b.apply(inside, places), b.size(turns)));
  };
  if (plan.band.high)
    atMost(ahead + (rows + *plan.band.high));
  if (plan.band.low)
    atMost(-ahead + (columns - *plan.band.low));
  return end;
}

AffineExpr BlockLowering::points(ComputeOp op) {
  AffineExpr all = productOf(op.getExtents(), l.ctx);
  auto has = [&](unsigned dim) { return plan.loopOf(op, dim) >= 0; };
  if (!has(plan.row) || !has(plan.column) || !plan.band.high)
    return all;
  // Rows times columns up to the end of the block of rows, or of a tile of products: on average half and half a block.
  SmallVector<AffineExpr> rest;
  for (auto [i, e] : llvm::enumerate(op.getExtents()))
    if ((int)i != plan.loopOf(op, plan.column))
      rest.push_back(e);
  Kind kind = plan.members[op].kind;
  const bool isSum = kind == Kind::columnSum || kind == Kind::rowSum;
  int64_t rows = isSum ? (onTiles() ? 32 : sumRows(kind == Kind::rowSum)) : kind == Kind::score && !onTiles() ? V * scoreTile().second : TR;
  AffineExpr columns = (plan.dims[plan.column] + rows).floorDiv(2);
  rest.push_back(columns);
  return productOf(rest, l.ctx);
}

} // namespace tintype::schedule
