//===- CollapseDims.cpp - loop dims that go together become one -----------===//
//   sum over <B, T, N> by <K> { x[d0, d1, d3] * w[d3, d2] }
// becomes, with x seen as <B * T, K> and the result as <B * T, N>,
//   sum over <B * T, N> by <K> { x[d0, d2] * w[d2, d1] }
// so that a kernel knows neither batch nor position where it needs neither, and
// its loops are long. Test: test/passes/fusion/collapse-dims.mlir
//===----------------------------------------------------------------------===//
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHCOLLAPSEDIMS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// The map of an access, whatever op it is on; null for other ops.
static AffineMap mapOf(Operation *op) {
  auto map = isa<ReadOp, InsideOp, IndexOp, RandomOp, YieldOp>(op) ? op->getAttrOfType<AffineMapAttr>("map") : nullptr;
  return map ? map.getValue() : AffineMap();
}

/// The extents that an access indexes, where dims of them may be merged: not for
/// a value of an index and not for the places of a scatter.
static SmallVector<AffineExpr> extentsIndexedBy(Operation *access) {
  if (auto read = dyn_cast<ReadOp>(access))
    return dimsOf(read.getSource().getType());
  if (isa<InsideOp, RandomOp>(access))
    return SmallVector<AffineExpr>(access->getAttrOfType<DimsAttr>("dims").getExprs());
  return {};
}

static bool uses(AffineMap map, unsigned dim) { return map.isFunctionOfDim(dim); }

/// The result at which `map` has `d[i], d[i + 1]`, and both nowhere else; -1 if none.
static int placeOfPair(AffineMap map, unsigned i) {
  AffineExpr first = getAffineDimExpr(i, map.getContext()), second = getAffineDimExpr(i + 1, map.getContext());
  int place = -1;
  for (unsigned q = 0; q < map.getNumResults(); ++q) {
    bool isFirst = map.getResult(q) == first;
    if (isFirst && q + 1 < map.getNumResults() && map.getResult(q + 1) == second && place < 0) {
      place = q++;
      continue;
    }
    if (map.getResult(q).isFunctionOfDim(i) || map.getResult(q).isFunctionOfDim(i + 1))
      return -1;
  }
  return place;
}

namespace {
/// Which pairs of adjacent loop dims of the definitions of a group may merge. A
/// pair of a result merges exactly when the pairs that read it do.
class Pairs {
public:
  explicit Pairs(ArrayRef<Operation *> group);
  /// Whether loops i and i + 1 of `op` merge.
  bool merge(Operation *op, unsigned i) const { return !broken[classes.findLeader(first.lookup(op) + i)]; }

private:
  void visit(Operation *op, Operation *access);

  llvm::DenseMap<Operation *, unsigned> first; // number of the pair (0, 1) of a definition
  llvm::IntEqClasses classes;
  std::vector<bool> broken;
};
} // namespace

Pairs::Pairs(ArrayRef<Operation *> group) {
  unsigned count = 0;
  for (Operation *op : group) {
    first[op] = count;
    count += extentsOf(op).size() + 1;
  }
  classes.grow(count);
  broken.resize(count);
  for (Operation *op : group) {
    unsigned loops = extentsOf(op).size();
    broken[first[op] + loops] = true;
    if (loops)
      broken[first[op] + loops - 1] = true;
    auto compute = dyn_cast<ComputeOp>(op);
    if (compute && compute.getNumParallel())
      broken[first[op] + compute.getNumParallel() - 1] = true;
    // Its value is a position among the reduction dims.
    for (unsigned i = 0; compute && compute.getReducer() == Reducer::argmax && i < loops; ++i)
      broken[first[op] + i] = broken[first[op] + i] || i >= compute.getNumParallel();
    for (Operation &inner : op->getRegion(0).front())
      if (mapOf(&inner))
        visit(op, &inner);
  }
  // One broken pair breaks its class.
  std::vector<bool> leaders(count);
  for (unsigned i = 0; i < count; ++i)
    if (broken[i])
      leaders[classes.findLeader(i)] = true;
  broken = leaders;
}

void Pairs::visit(Operation *op, Operation *access) {
  AffineMap map = mapOf(access);
  SmallVector<AffineExpr> loops = extentsOf(op), indexed = extentsIndexedBy(access);
  auto read = dyn_cast<ReadOp>(access);
  auto source = read ? first.find(read.getSource().getDefiningOp()) : first.end();
  llvm::SmallBitVector kept(map.getNumResults()); // pairs of the source that this access keeps together
  for (unsigned i = 0; i + 1 < loops.size(); ++i) {
    if (!uses(map, i) && !uses(map, i + 1))
      continue;
    int q = indexed.empty() ? -1 : placeOfPair(map, i);
    if (q < 0 || indexed[q] != loops[i] || indexed[q + 1] != loops[i + 1]) {
      broken[first[op] + i] = true;
    } else if (source != first.end()) {
      classes.join(first[op] + i, source->second + q);
      kept.set(q);
    }
  }
  if (source != first.end())
    for (unsigned q = 0; q + 1 < map.getNumResults(); ++q)
      if (!kept.test(q))
        broken[source->second + q] = true;
}

namespace {
/// Rewrites one group.
class Collapser {
public:
  Collapser(ArrayRef<Operation *> group) : group(group), pairs(group), builder(group.front()) {}
  /// Returns how many loop dims went.
  unsigned run();

private:
  /// Extents after merging, and the new position of each old dim.
  SmallVector<AffineExpr> merged(Operation *op, ArrayRef<AffineExpr> extents, SmallVectorImpl<unsigned> &position);
  void rewriteAccess(Operation *op, Operation *access, ArrayRef<unsigned> position, unsigned loops);
  Value view(Value source, ArrayRef<AffineExpr> dims);

  ArrayRef<Operation *> group;
  Pairs pairs;
  OpBuilder builder;
  llvm::DenseMap<std::pair<Value, Type>, Value> views;
};
} // namespace

SmallVector<AffineExpr> Collapser::merged(Operation *op, ArrayRef<AffineExpr> extents, SmallVectorImpl<unsigned> &position) {
  SmallVector<AffineExpr> result;
  for (unsigned i = 0; i < extents.size(); ++i) {
    if (i > 0 && pairs.merge(op, i - 1))
      result.back() = canonicalDim(result.back() * extents[i]);
    else
      result.push_back(extents[i]);
    position.push_back(result.size() - 1);
  }
  return result;
}

/// `source` with other dims, made in front of the group.
Value Collapser::view(Value source, ArrayRef<AffineExpr> dims) {
  auto type = cast<RankedTensorType>(source.getType());
  RankedTensorType wanted = tensorOf(dims, type.getElementType());
  if (wanted == type)
    return source;
  Value &known = views[{source, wanted}];
  if (!known)
    known = builder.createOrFold<ReshapeOp>(source.getLoc(), wanted, source);
  return known;
}

void Collapser::rewriteAccess(Operation *op, Operation *access, ArrayRef<unsigned> position, unsigned loops) {
  AffineMap map = mapOf(access);
  MLIRContext *ctx = map.getContext();
  SmallVector<AffineExpr> indexed, dims, results, renamed;
  auto read = dyn_cast<ReadOp>(access);
  // The type of a definition of the group changes with the definition itself.
  if (!read || !llvm::is_contained(group, read.getSource().getDefiningOp()))
    indexed = extentsIndexedBy(access);
  for (unsigned p : position)
    renamed.push_back(getAffineDimExpr(p, ctx));
  for (unsigned q = 0; q < map.getNumResults(); ++q) {
    auto d = dyn_cast<AffineDimExpr>(map.getResult(q));
    bool continues = d && d.getPosition() > 0 && pairs.merge(op, d.getPosition() - 1);
    if (!continues)
      results.push_back(map.getResult(q).replaceDims(renamed));
    if (indexed.empty())
      continue;
    if (continues)
      dims.back() = dims.back() * indexed[q];
    else
      dims.push_back(indexed[q]);
  }
  access->setAttr("map", AffineMapAttr::get(AffineMap::get(loops, map.getNumSymbols(), results, ctx)));
  if (indexed.empty())
    return;
  if (read)
    read.getSourceMutable().assign(view(read.getSource(), dims));
  else
    access->setAttr("dims", DimsAttr::get(ctx, dims));
}

unsigned Collapser::run() {
  unsigned gone = 0;
  SmallVector<std::pair<Operation *, Operation *>> replaced;
  for (Operation *op : group) {
    SmallVector<AffineExpr> extents = extentsOf(op);
    SmallVector<unsigned> position;
    SmallVector<AffineExpr> loops = merged(op, extents, position);
    if (loops.size() == extents.size())
      continue;
    gone += extents.size() - loops.size();
    for (Operation &inner : op->getRegion(0).front())
      if (mapOf(&inner))
        rewriteAccess(op, &inner, position, loops.size());
    MLIRContext *ctx = op->getContext();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (auto compute = dyn_cast<ComputeOp>(op)) {
      unsigned n = compute.getNumParallel(), parallel = n ? position[n - 1] + 1 : 0;
      compute.setOverAttr(DimsAttr::get(ctx, ArrayRef(loops).take_front(parallel)));
      compute.setByAttr(DimsAttr::get(ctx, ArrayRef(loops).drop_front(parallel)));
      op->getResult(0).setType(tensorOf(ArrayRef(loops).take_front(parallel), type.getElementType()));
    } else {
      cast<ScatterOp>(op).setOverAttr(DimsAttr::get(ctx, loops));
    }
    if (op->getResult(0).getType() == type)
      continue;
    // Outside the group the result keeps its dims.
    OpBuilder after(op->getContext());
    after.setInsertionPointAfter(group.back());
    auto back = ReshapeOp::create(after, op->getLoc(), type, op->getResult(0));
    op->getResult(0).replaceUsesWithIf(back, [&](OpOperand &use) {
      Operation *user = use.getOwner();
      while (user->getBlock() != op->getBlock())
        user = user->getParentOp();
      return user != back && !llvm::is_contained(group, user);
    });
    if (back->use_empty())
      back.erase();
  }
  return gone;
}

/// A view of a view is a view of the tensor; equal views are one; a view that
/// changes nothing is none.
static void simplifyViews(func::FuncOp func) {
  llvm::DenseMap<std::pair<Value, Type>, Value> views;
  for (auto reshape : llvm::make_early_inc_range(func.getOps<ReshapeOp>())) {
    if (auto inner = reshape.getSource().getDefiningOp<ReshapeOp>())
      reshape.getSourceMutable().assign(inner.getSource());
    Value &known = views[{reshape.getSource(), reshape.getType()}];
    bool isSame = reshape.getSource().getType() == reshape.getType();
    if (!isSame && !known) {
      known = reshape;
      continue;
    }
    reshape.replaceAllUsesWith(isSame ? reshape.getSource() : known);
    reshape.erase();
  }
}

namespace {
struct CollapseDims : public tintype::fusion::impl::GraphCollapseDimsBase<CollapseDims> {
  using GraphCollapseDimsBase::GraphCollapseDimsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    for (ArrayRef<Operation *> group : groupsOf(func.getBody().front()))
      numCollapsed += Collapser(group).run();
    simplifyViews(func);
    eraseDead(func);
  }
};
} // namespace
