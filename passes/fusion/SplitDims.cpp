//===- SplitDims.cpp - rows that share columns get a dim for the sharing --===//
//   s[b, h, t, j] = sum(e) q[b, t, h, e] * k[b, j, h floordiv 2, e]
//   o[b, t, h, e] = sum(j) p[b, h, t, j] * v[b, j, h floordiv 2, e]
//   d[b, j, g, e] = sum(t, r) p[b, g * 2 + r, t, j] * y[b, t, g * 2 + r, e]
// becomes, with h as (g, r) in every tensor of quadratic size and what is made of them,
//   s[b, g, r, t, j] = sum(e) q[b, t, g, r, e] * k[b, j, g, e]        ..
//   d[b, j, g, e] = sum(t, r) p[b, g, r, t, j] * y[b, t, g, r, e]
// so that each index is one loop: what heads share is summed like rows are. Tensors from
// outside are seen through views. Test: test/passes/fusion/split-dims.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHSPLITDIMS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// The loop that `e` is, or -1.
static int loopOf(AffineExpr e) {
  auto d = dyn_cast<AffineDimExpr>(e);
  return d ? int(d.getPosition()) : -1;
}

/// The loop and divisor of `d_i floordiv c`.
static std::optional<std::pair<unsigned, int64_t>> quotientOf(AffineExpr e) {
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b || b.getKind() != AffineExprKind::FloorDiv || loopOf(b.getLHS()) < 0 || !constantOf(b.getRHS()))
    return {};
  return std::make_pair((unsigned)loopOf(b.getLHS()), *constantOf(b.getRHS()));
}

static bool touchesQuadratic(ComputeOp op) {
  return isQuadratic(op.getResult()) || llvm::any_of(readsOf(op), [](ReadOp read) { return isQuadratic(read.getSource()); });
}

namespace {
/// Loops that become two, by definition.
using Loops = llvm::SmallSet<unsigned, 4>;
using Splits = llvm::MapVector<Operation *, Loops>;

/// Follows reads from one loop to all that run with it.
class Finder {
public:
  /// False where another extent is in the way, or an index of the loop is a result.
  bool run(ComputeOp op, unsigned loop, int64_t divisor) {
    c = divisor;
    n = op.getExtents()[loop];
    mark(op, loop);
    while (ok && !todo.empty()) {
      auto [next, at] = todo.pop_back_val();
      visit(next, at);
    }
    return ok;
  }
  Splits splits;
  int64_t c = 0; ///< the divisor
  AffineExpr n;  ///< the extent

private:
  void mark(ComputeOp op, unsigned loop) {
    ok &= op.getExtents()[loop] == n && !(op.getReducer() == Reducer::argmax && loop >= op.getNumParallel());
    if (ok && splits[op].insert(loop).second)
      todo.push_back({op, loop});
  }

  void visit(ComputeOp op, unsigned loop) {
    for (ReadOp read : readsOf(op))
      for (auto [q, e] : llvm::enumerate(read.getMap().getResults()))
        if (loopOf(e) == (int)loop)
          if (auto source = read.getSource().getDefiningOp<ComputeOp>(); source && touchesQuadratic(source))
            mark(source, q);
    if (loop >= op.getNumParallel())
      return;
    for (Operation *user : op->getUsers()) {
      auto read = dyn_cast<ReadOp>(user);
      auto reader = read ? dyn_cast<ComputeOp>(read->getParentOp()) : ComputeOp();
      if (!reader || (isContraction(reader) && !touchesQuadratic(reader)))
        continue; // it sees the tensor as it was
      if (int d = loopOf(read.getMap().getResult(loop)); d >= 0)
        mark(reader, d);
      else
        splits[reader]; // digits of two loops of its own
    }
  }

  bool ok = true;
  SmallVector<std::pair<ComputeOp, unsigned>> todo;
};

class Splitter {
public:
  Splitter(Finder &found) : splits(found.splits), c(found.c), n(found.n), ctx(n.getContext()) {}
  void run() {
    for (auto &[op, loops] : splits)
      viewAsBefore(cast<ComputeOp>(op));
    for (auto &[op, loops] : splits)
      rewrite(cast<ComputeOp>(op));
  }

private:
  /// `exprs`, those at `places` as two.
  template <typename F> SmallVector<AffineExpr> split(ArrayRef<AffineExpr> exprs, const Loops &places, F &&two) {
    SmallVector<AffineExpr> result;
    for (auto [i, e] : llvm::enumerate(exprs))
      if (places.contains(i))
        result.append(two(e));
      else
        result.push_back(e);
    return result;
  }
  SmallVector<AffineExpr> extents(AffineExpr) { return {getAffineConstantExpr(*constantOf(n) / c, ctx), getAffineConstantExpr(c, ctx)}; }

  /// What is not split reads the result of `op` as it was.
  void viewAsBefore(ComputeOp op) {
    OpBuilder b(ctx);
    b.setInsertionPointAfter(op);
    auto back = ReshapeOp::create(b, op.getLoc(), op.getType(), op.getResult());
    op.getResult().replaceUsesWithIf(back, [&](OpOperand &use) {
      Operation *user = use.getOwner();
      return !isa<ReshapeOp>(user) && !(isa<ReadOp>(user) && splits.count(user->getParentOp()));
    });
    if (back->use_empty())
      back.erase();
  }

  void rewrite(ComputeOp op) {
    const Loops &loops = splits.find(op)->second;
    SmallVector<AffineExpr> all = split(op.getExtents(), loops, [&](AffineExpr e) { return extents(e); }), renamed;
    unsigned at = 0, parallel = op.getNumParallel();
    for (unsigned i = 0; i < op.getNumLoops(); ++i) {
      AffineExpr d = getAffineDimExpr(at++, ctx);
      renamed.push_back(loops.contains(i) ? d * c + getAffineDimExpr(at++, ctx) : d);
    }
    for (unsigned loop : loops)
      parallel += loop < op.getNumParallel();
    for (Operation &inner : *op.getBlock())
      if (auto map = inner.getAttrOfType<AffineMapAttr>("map")) {
        SmallVector<AffineExpr> indices;
        for (AffineExpr e : map.getValue().getResults())
          indices.push_back(e.replaceDims(renamed));
        if (auto read = dyn_cast<ReadOp>(inner))
          indices = throughSplit(read, indices, all);
        for (AffineExpr &e : indices)
          e = simplifyIndex(e, all);
        inner.setAttr("map", AffineMapAttr::get(AffineMap::get(at, map.getValue().getNumSymbols(), indices, ctx)));
      }
    op.setOverAttr(DimsAttr::get(ctx, ArrayRef(all).take_front(parallel)));
    op.setByAttr(DimsAttr::get(ctx, ArrayRef(all).drop_front(parallel)));
    op.getResult().setType(tensorOf(ArrayRef(all).take_front(parallel), cast<RankedTensorType>(op.getType()).getElementType()));
  }

  /// The indices of `read` where dims of its source are split, which for a tensor from outside is a view.
  SmallVector<AffineExpr> throughSplit(ReadOp read, ArrayRef<AffineExpr> indices, ArrayRef<AffineExpr> all) {
    auto digits = [&](AffineExpr e) { return SmallVector<AffineExpr>{simplifyIndex(e.floorDiv(c), all), simplifyIndex(e % c, all)}; };
    Loops places;
    if (auto it = splits.find(read.getSource().getDefiningOp()); it != splits.end()) {
      for (unsigned loop : it->second)
        if (loop < indices.size())
          places.insert(loop);
      return split(indices, places, digits);
    }
    SmallVector<AffineExpr> dims = dimsOf(read.getSource().getType());
    for (auto [q, e] : llvm::enumerate(indices))
      if (dims[q] == n && !isa<AffineDimExpr>(e) && llvm::all_of(digits(e), [](AffineExpr x) { return isa<AffineDimExpr>(x); }))
        places.insert(q);
    if (places.empty())
      return SmallVector<AffineExpr>(indices);
    Type type = tensorOf(split(dims, places, [&](AffineExpr e) { return extents(e); }),
                         cast<RankedTensorType>(read.getSource().getType()).getElementType());
    Value source = read.getSource(), &view = made[{source, type}];
    if (!view) {
      OpBuilder b(ctx);
      b.setInsertionPointAfterValue(source);
      view = ReshapeOp::create(b, source.getLoc(), type, source);
    }
    read.getSourceMutable().assign(view);
    return split(indices, places, digits);
  }

  Splits &splits;
  int64_t c;
  AffineExpr n;
  MLIRContext *ctx;
  llvm::DenseMap<std::pair<Value, Type>, Value> made;
};

struct SplitDims : public tintype::fusion::impl::GraphSplitDimsBase<SplitDims> {
  using GraphSplitDimsBase::GraphSplitDimsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    llvm::SmallPtrSet<Operation *, 32> failed;
    while (splitOne(func, failed)) {
    }
  }

  /// A quotient of a loop in a product of quadratic size.
  bool splitOne(func::FuncOp func, llvm::SmallPtrSetImpl<Operation *> &failed) {
    for (auto op : func.getOps<ComputeOp>()) {
      if (failed.contains(op) || !isQuadratic(op.getResult()) || !isContraction(op))
        continue;
      for (ReadOp read : readsOf(op))
        for (AffineExpr e : read.getMap().getResults()) {
          auto quotient = quotientOf(e);
          auto n = quotient ? constantOf(op.getExtents()[quotient->first]) : std::nullopt;
          if (!n || *n % quotient->second)
            continue;
          Finder finder;
          if (!finder.run(op, quotient->first, quotient->second)) {
            failed.insert(op);
            continue;
          }
          Splitter(finder).run();
          numSplit += finder.splits.size();
          remark::passed(op.getLoc(), remark::RemarkOpts::name("split").category(getArgument()).function(func.getName()))
              << remark::add("split: {0} definitions have a dim of {1} for what shares an operand", finder.splits.size(), quotient->second)
              << remark::metric("definitions", finder.splits.size());
          return true;
        }
    }
    return false;
  }
};
} // namespace
