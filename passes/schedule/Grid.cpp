//===- Grid.cpp - how the caller cuts results into blocks, and what they cost -===//
// Any crop is right, since each block computes what it needs; a good one repeats
// nothing and keeps the data of a block in cache. Axes are dims that all results
// share, from the outside, as far as no reduction runs over them.
//===----------------------------------------------------------------------===//
#include "passes/schedule/Lowering.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

/// Elements of a block of a row or pointwise kernel: 64 KB of floats.
static constexpr int64_t blockElements = 16384;

static int64_t estimateProduct(ArrayRef<AffineExpr> dims) {
  int64_t n = 1;
  for (AffineExpr e : dims)
    n *= std::max<int64_t>(estimate(e), 1);
  return n;
}

/// How much longer the last thread runs than all would if the work were spread evenly, when each takes the next block of
/// `mb` x `nb` of `M` x `N` as it is done, rows outside.
static double imbalance(int64_t M, int64_t mb, int64_t N, int64_t nb, int64_t outer, int threads) {
  SmallVector<double> busy(threads);
  int64_t rows = llvm::divideCeil(M, mb), columns = llvm::divideCeil(N, nb), blocks = rows * columns * outer;
  if (blocks > 256)
    return 1;
  for (int64_t i = 0; i < blocks; ++i) {
    int64_t r = i / columns % rows, c = i % columns;
    *llvm::min_element(busy) += double(std::min(mb, M - r * mb)) * std::min(nb, N - c * nb);
  }
  return *llvm::max_element(busy) * threads / (double(M) * N * outer);
}

/// Rows and columns of a block, by what packing, cache and balance cost. All sizes are multiples of a tile (48 or 64
/// rows, 96 columns, or 192 for tiles of 64).
std::pair<int64_t, int64_t> Lowering::contractionBlock(ComputeOp op, const Contraction &c, bool cutsN) {
  int64_t N = constantOf(op.getOver()[c.n]).value_or(512);
  // Rows that are known only when the program runs: a block must suit few of them and many.
  auto knownM = constantOf(op.getOver()[c.m]);
  const SmallVector<int64_t> sizesM = knownM ? SmallVector<int64_t>{*knownM} : SmallVector<int64_t>{1024, 2048, 4096};
  int64_t chunk = chunkOf(op, c), width = c.isInParts ? 6 : isPaired(c) ? 2 : 4;
  int64_t outer = 1;
  for (unsigned i : c.rest)
    outer *= estimate(op.getOver()[i]);
  Tile tile = chooseTile(op, c);
  // Cycles to pack an element over those to use it once (1/32 on two FMA units of 16, 1/64 of pairs), measured with
  // weights in the last-level cache.
  double packB = isPaired(c) || c.isInParts ? 60 : c.bAlongN ? 100 : 80, packA = c.plainA && !isOnTiles(c) ? 10 : c.streamsA ? 40 : 60;
  auto costFor = [&](int64_t M, int64_t mb, int64_t nb) {
    int64_t rows = std::min(mb, M), columns = std::min(nb, N);
    // Strips of A go past the panels of B. The block of C is passed through once for every chunk of K, so it may lie
    // further away, unless tiles are done with a chunk before it is there.
    int64_t ofC = c.streamsA && cutsN ? 0 : c.isInParts && !c.streamsA ? 4 : 1;
    int64_t bytes = width * columns * chunk + (c.streamsA ? 0 : width * rows * chunk) + ofC * rows * columns;
    double blocks = double(llvm::divideCeil(M, mb)) * llvm::divideCeil(N, nb) * outer;
    double packs = packB * llvm::divideCeil(M, mb) / M + packA * llvm::divideCeil(N, nb) / N;
    double uneven = 1 + 0.1 * machine.threads / blocks; // threads are never equally fast
    double cost = (1 + packs) * imbalance(M, mb, N, nb, outer, machine.threads) * uneven;
    if (bytes > machine.l2Bytes * 0.8)
      cost *= 1 + double(bytes) / machine.l2Bytes;
    else if (c.streamsA && bytes > machine.l2Bytes * 0.4)
      cost *= 1.03;
    return cost;
  };
  auto costOf = [&](int64_t mb, int64_t nb) {
    double sum = 0;
    for (int64_t M : sizesM)
      sum += costFor(M, mb, nb);
    return sum / sizesM.size();
  };
  std::pair<int64_t, int64_t> best{96, cutsN ? 192 : N};
  double bestCost = 1e30;
  // Tiles are done so fast that packing counts for more, and panels may fill half of the second level.
  const int64_t widest = isOnTiles(c) ? 1152 : 576;
  for (int64_t mb : {96, 192, 256, 384, 512, 576, 768, 1024, 1152, 2048})
    for (int64_t nb : {96, 192, 384, 576, 768, 1024, 1152}) {
      if (nb > widest)
        continue;
      if (mb % tile.rows || nb % (tile.width * tile.vectors))
        continue;
      double cost = costOf(mb, cutsN ? nb : N);
      if (cost < bestCost * 0.995) {
        bestCost = cost;
        best = {mb, cutsN ? nb : N};
      }
    }
  // A block that starts inside of a tile would read what the tile's first half belongs to.
  best.first = llvm::alignTo(machine.value("mb", best.first), tile.rows);
  if (cutsN)
    best.second = llvm::alignTo(machine.value("nb", best.second), tile.width * tile.vectors);
  machine.cost = costOf(best.first, best.second);
  return best;
}

bool readsResult(ComputeOp op) {
  return llvm::any_of(readsOf(op), [](ReadOp read) {
    auto source = read.getSource().getDefiningOp<ComputeOp>();
    return source && (llvm::any_of(source->getUsers(), [](Operation *user) { return isa<func::ReturnOp>(user); }) || readsResult(source));
  });
}

void Lowering::chooseGrid() {
  auto results = kernel.getBody().front().getTerminator()->getOperands();
  if (results.empty())
    return;
  SmallVector<SmallVector<AffineExpr>> dims;
  for (Value v : results)
    dims.push_back(dimsOf(v.getType()));
  // Leading dims that all results share.
  size_t shared = dims[0].size();
  for (auto &d : dims) {
    size_t i = 0;
    while (i < shared && i < d.size() && d[i] == dims[0][i])
      ++i;
    shared = i;
  }
  auto addAxis = [&](size_t dim, int64_t block, bool isLast = false) {
    AffineExpr extent = isLast ? dims[0].back() : dims[0][dim];
    if (auto n = constantOf(extent); n && *n <= block)
      return;
    GridAxis axis{extent, block, {}};
    for (auto &d : dims)
      axis.dims.push_back(isLast ? d.size() - 1 : dim);
    grid.push_back(axis);
  };
  auto isLastShared = [&] { return llvm::all_of(dims, [&](auto &d) { return !d.empty() && d.back() == dims[0].back(); }); };
  auto ops = kernel.getBody().front().getOps<ComputeOp>();

  auto scatters = kernel.getBody().front().getOps<ScatterOp>();
  if (!scatters.empty()) { // at computed places it adds to any block
    if (isLastShared() && llvm::all_of(scatters, [](ScatterOp op) { return featureOf(op) >= 0; }))
      addAxis(0, machine.value("cols", 64), true);
    return;
  }

  // The largest contraction decides.
  ComputeOp main;
  for (auto op : ops)
    if (contractions.count(op) && (!main || estimateProduct(op.getExtents()) > estimateProduct(main.getExtents())))
      main = op;
  if (main) {
    const Contraction &c = contractions[main];
    size_t axes = std::min<size_t>(shared, main.getNumParallel());
    bool cutsN = axes > c.n;
    auto [mb, nb] = contractionBlock(main, c, cutsN);
    if (llvm::count_if(ops, [&](ComputeOp op) { return contractions.count(op); }) > 1)
      mb = llvm::alignTo(std::min<int64_t>(mb, machine.value("rows", 288)),
                         chooseTile(main, c).rows); // what lies between them stays in cache
    // A result that a reduction in here reads across a dim must be there for all of it.
    for (auto op : ops)
      if (op.isReduction() && readsResult(op))
        for (size_t i = 0; i < axes; ++i)
          if (i >= op.getNumParallel() || op.getOver()[i] != dims[0][i])
            axes = i;
    for (size_t i = 0; i < axes; ++i) {
      if (main.getOver()[i] != dims[0][i])
        break;
      addAxis(i, i == c.n ? nb : i == c.m ? mb : 1);
    }
    return;
  }

  // Dims that some reduction does not keep may not be cut.
  size_t kept = shared;
  bool isAcross = false;
  int64_t rowElements = 1;
  for (auto op : ops) {
    rowElements = std::max(rowElements, estimateProduct(op.getExtents()));
    if (!op.isReduction())
      continue;
    size_t i = 0;
    while (i < kept && i < op.getNumParallel() && op.getOver()[i] == dims[0][i])
      ++i;
    kept = i;
    isAcross |= op.getNumParallel() > 0;
  }
  if (kept == 0) {
    bool keepsLast = llvm::all_of(
        ops, [&](ComputeOp op) { return !op.isReduction() || (op.getNumParallel() && op.getOver().getExprs().back() == dims[0].back()); });
    if (shared != 0 || !isLastShared() || !keepsLast || !isAcross)
      return;
    addAxis(0, machine.value("cols", 64), true);
    return;
  }
  int64_t outer = estimateProduct(ArrayRef<AffineExpr>(dims[0]).take_front(kept));
  int64_t perPoint = std::max<int64_t>(rowElements / std::max<int64_t>(outer, 1), 1);
  int64_t left = std::max<int64_t>(machine.value("elems", blockElements) / perPoint, 1);
  SmallVector<int64_t> blocks(kept, 1);
  for (int i = kept - 1; i >= 0; --i) {
    auto n = constantOf(dims[0][i]);
    bool isInnermost = i == (int)dims[0].size() - 1;
    int64_t block = left;
    if (isInnermost) // whole lines, unless one point is as much work as a block
      block = perPoint < blockElements ? std::max<int64_t>(llvm::alignTo(block, 16), 64) : 4;
    if (n && *n <= block) {
      blocks[i] = *n;
      left = std::max<int64_t>(left / *n, 1);
      continue;
    }
    blocks[i] = block;
    break;
  }
  for (size_t i = 0; i < kept; ++i)
    addAxis(i, blocks[i]);
}

void Lowering::emitOutputs() {
  auto results = kernel.getBody().front().getTerminator()->getOperands();
  // Values that lie in no func of their own (tiles, booleans) are copied out.
  for (Value v : results) {
    Operation *op = v.getDefiningOp();
    if (places.count(op))
      continue;
    std::string name = "out" + std::to_string(counter++);
    auto dims = dimsOf(v.getType());
    Strings vars;
    for (int i = dims.size() - 1; i >= 0; --i)
      vars.push_back("i" + std::to_string(i));
    func(name, vars, op->getLoc(),
         [&](Body &b, ArrayRef<Value> at) -> SmallVector<Value> { return {b.read(v, SmallVector<Value>(llvm::reverse(at)))}; });
    ComputeOp tile = tiles.count(op) ? cast<ComputeOp>(op) : ComputeOp();
    late.push_back([this, name, dims, tile] { scheduleElementwise(name, dims, tile); });
    places[op] = {name, 0};
  }
  SmallVector<Attribute> axes;
  OpBuilder &b = definitions;
  auto extentOf = [&](AffineExpr e) { return b.getNamedAttr("extent", DimsAttr::get(ctx, {e})); };
  for (GridAxis &a : grid) {
    SmallVector<NamedAttribute> entries{b.getNamedAttr("block", b.getI64IntegerAttr(a.block)),
                                        b.getNamedAttr("dims", b.getDenseI32ArrayAttr(a.dims)), extentOf(a.extent)};
    if (a.isOrdered)
      entries.push_back(b.getNamedAttr("ordered", b.getUnitAttr()));
    axes.push_back(b.getDictionaryAttr(entries));
  }
  kernel->setAttr("graph.grid", b.getArrayAttr(axes));
  SmallVector<Attribute> parts;
  for (GridRange &r : ranges) {
    SmallVector<NamedAttribute> entries{b.getNamedAttr("axis", b.getI64IntegerAttr(r.axis)), extentOf(r.extent)};
    if (r.low)
      entries.push_back(b.getNamedAttr("low", b.getI64IntegerAttr(*r.low)));
    if (r.high)
      entries.push_back(b.getNamedAttr("high", b.getI64IntegerAttr(*r.high)));
    if (r.over >= 0)
      entries.push_back(b.getNamedAttr("over", b.getI64IntegerAttr(r.over)));
    parts.push_back(b.getDictionaryAttr(entries));
  }
  if (!parts.empty())
    kernel->setAttr("graph.ranges", b.getArrayAttr(parts));
  auto symbols = pipeline.getSymbols().getValue().drop_back(2 * ranges.size());
  kernel->setAttr("graph.symbols", b.getArrayAttr(symbols));
  for (auto [r, v] : llvm::enumerate(results)) {
    const Place &place = places[v.getDefiningOp()];
    SmallVector<AffineExpr> dims = dimsOf(v.getType());
    SmallVector<int64_t> blocks(dims.size(), 0);
    for (GridAxis &a : grid)
      if (a.dims[r] >= 0)
        blocks[a.dims[r]] = a.isOrdered && a.block > 16 ? 16 : a.block; // a range may start inside of a block
    std::reverse(dims.begin(), dims.end());
    std::reverse(blocks.begin(), blocks.end());
    halide::OutputOp::create(definitions, kernel.getLoc(), FlatSymbolRefAttr::get(ctx, place.func),
                             place.element ? definitions.getI64IntegerAttr(place.element) : IntegerAttr(), definitions.getI64IntegerAttr(r),
                             DimsAttr::get(ctx, dims), definitions.getDenseI64ArrayAttr(blocks));
  }
}

void Lowering::emitCosts() {
  AffineExpr flops = getAffineConstantExpr(0, ctx), bytes = flops;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    int64_t each = 0;
    op.walk([&](Operation *x) {
      if (isa<arith::ArithDialect, math::MathDialect>(x->getDialect()) && x->getNumResults() && isa<FloatType>(x->getResult(0).getType()) &&
          !isa<arith::ConstantOp, arith::SelectOp, arith::ExtFOp, arith::TruncFOp>(x))
        ++each;
    });
    if (auto c = dyn_cast<ComputeOp>(op); !c || c.isReduction())
      ++each; // the reducer
    auto compute = dyn_cast<ComputeOp>(op);
    flops = flops + (pointsOf && compute ? pointsOf(compute) : productOf(extentsOf(&op), ctx)) * each;
  }
  auto add = [&](Type t) {
    int64_t width = std::max<int64_t>(cast<RankedTensorType>(t).getElementTypeBitWidth() / 8, 1);
    bytes = bytes + productOf(dimsOf(t), ctx) * width;
  };
  for (Type t : kernel.getArgumentTypes())
    add(t);
  for (Type t : kernel.getResultTypes())
    add(t);
  kernel->setAttr("graph.flops", DimsAttr::get(ctx, {flops}));
  kernel->setAttr("graph.bytes", DimsAttr::get(ctx, {bytes}));
}

} // namespace tintype::schedule
