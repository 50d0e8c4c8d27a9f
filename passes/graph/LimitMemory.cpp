//===- LimitMemory.cpp - compute again instead of keeping -----------------===//
// A value of the forward part that the backward part reads has to live in between.
// Those that are cheap for their size are left out: their definitions are copied
// to where the backward part needs them. Test: test/passes/graph/limit-memory.mlir.
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "passes/graph/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHLIMITMEMORY
#include "passes/graph/Passes.h.inc"
namespace {

/// Runtime dims with the numbers that decisions are made at.
class Nominal {
public:
  LogicalResult parse(StringRef text, ModuleOp module) {
    dialect = module.getContext()->getOrLoadDialect<GraphDialect>();
    SmallVector<StringRef> parts;
    text.split(parts, ',', -1, false);
    for (StringRef part : parts) {
      auto [name, number] = part.split('=');
      int64_t n;
      if (number.trim().getAsInteger(10, n) || n < 1)
        return module.emitError() << "expected NAME=NUMBER in nominal, but got " << part;
      values[dialect->symbolId(name.trim())] = n;
    }
    return success();
  }
  double size(AffineExpr e) const {
    if (auto c = dyn_cast<AffineConstantExpr>(e))
      return c.getValue();
    if (auto s = dyn_cast<AffineSymbolExpr>(e)) {
      auto it = values.find(s.getPosition());
      return it == values.end() ? 64 : it->second; // a dim nobody named: neither free nor decisive
    }
    auto b = cast<AffineBinaryOpExpr>(e);
    double l = size(b.getLHS()), r = size(b.getRHS());
    switch (b.getKind()) {
    case AffineExprKind::Add:
      return l + r;
    case AffineExprKind::Mul:
      return l * r;
    case AffineExprKind::Mod:
      return r - 1;
    default:
      return std::max(1.0, l / r);
    }
  }
  double points(ArrayRef<AffineExpr> extents) const {
    double n = 1;
    for (AffineExpr e : extents)
      n *= size(e);
    return n;
  }
  double bytes(Value v) const {
    auto type = cast<RankedTensorType>(v.getType());
    return points(dimsOf(type)) * std::max(1u, type.getElementTypeBitWidth() / 8);
  }
  /// Scalar operations that computing `op` takes.
  double work(Operation *op) const {
    if (!isa<ComputeOp, ScatterOp>(op))
      return 0;
    double ops = 1;
    for (Operation &inner : op->getRegion(0).front().without_terminator())
      ops += !isa<ReadOp, IndexOp, SizeOp, arith::ConstantOp>(inner);
    return ops * points(extentsOf(op));
  }

private:
  GraphDialect *dialect = nullptr;
  llvm::DenseMap<unsigned, int64_t> values;
};

/// Which values to keep, for one function.
class Plan {
public:
  Plan(func::FuncOp func, const Nominal &nominal) : func(func), nominal(nominal) {
    llvm::SetVector<Operation *> slice;
    for (Value v : func.getBody().front().getTerminator()->getOperands())
      if (Operation *op = v.getDefiningOp())
        slice.insert(op);
    for (size_t i = 0; i < slice.size(); ++i)
      for (Value source : sourcesOf(slice[i])) // grows the list
        if (Operation *op = source.getDefiningOp())
          slice.insert(op);
    for (Operation &op : func.getBody().front().without_terminator())
      (slice.contains(&op) ? forward : backward).push_back(&op);
    isForward.insert(slice.begin(), slice.end());
  }

  /// The tensors that `op` reads.
  ArrayRef<Value> sourcesOf(Operation *op) {
    auto [it, isNew] = sources.try_emplace(op);
    if (isNew) {
      llvm::SetVector<Value> found;
      op->walk([&](Operation *inner) {
        for (Value v : inner->getOperands())
          if (isa<RankedTensorType>(v.getType()))
            found.insert(v);
      });
      it->second = found.takeVector();
    }
    return it->second;
  }

  /// The definition behind reshapes; null for what lives anyway (parameters, arguments).
  static Value kept(Value v) {
    while (auto reshape = v.getDefiningOp<ReshapeOp>())
      v = reshape.getSource();
    return v.getDefiningOp<ComputeOp>() || v.getDefiningOp<ScatterOp>() ? v : Value();
  }

  /// Reductions that computing `v` again takes, itself included.
  unsigned reductionsBehind(Value v) {
    llvm::SetVector<Value> chain;
    chain.insert(v);
    unsigned count = 0;
    for (size_t i = 0; i < chain.size(); ++i) {
      auto compute = chain[i].getDefiningOp<ComputeOp>();
      count += compute && compute.isReduction();
      for (Value source : sourcesOf(chain[i].getDefiningOp()))
        if (Value s = kept(source); s && again.contains(s))
          chain.insert(s);
    }
    return count;
  }

  /// Chooses until `limit` bytes are kept or nothing more pays.
  void choose(double limit, unsigned maxReductions) {
    // What has to be there for the backward part, kept or computed again.
    llvm::SetVector<Value> needed;
    for (Operation *op : backward)
      for (Value source : sourcesOf(op))
        if (Value v = kept(source); v && isForward.contains(v.getDefiningOp()))
          needed.insert(v);
    for (Value v : needed)
      before += nominal.bytes(v);
    after = before;
    SmallVector<std::tuple<bool, double, size_t>> candidates; // not quadratic, price, place
    for (auto [i, v] : llvm::enumerate(needed))
      candidates.push_back({!isQuadratic(v), nominal.work(v.getDefiningOp()) / nominal.bytes(v), i});
    llvm::sort(candidates);
    for (auto [linear, price, i] : candidates) {
      if (after <= limit)
        break;
      // Without v, what it is computed from must be there; where that is no gain, without that as well.
      Value v = needed[i];
      if (again.contains(v))
        continue;
      llvm::SetVector<Value> chain, more;
      double change = -nominal.bytes(v);
      chain.insert(v);
      for (size_t k = 0; k < chain.size() && (k == 0 || change >= 0); ++k) {
        if (k > 0)
          change -= nominal.bytes(chain[k]);
        for (Value source : sourcesOf(chain[k].getDefiningOp()))
          if (Value s = kept(source); s && !needed.contains(s) && more.insert(s)) {
            change += nominal.bytes(s);
            chain.insert(s);
          }
        again.insert(chain[k]);
      }
      if (change >= 0 || reductionsBehind(v) > maxReductions) {
        for (Value c : chain)
          again.erase(c);
        continue;
      }
      needed.insert(more.begin(), more.end());
      after += change;
    }
  }

  /// A runtime dim occurs twice: the size that grows fastest.
  static bool isQuadratic(Value v) {
    DenseSet<unsigned> seen;
    bool twice = false;
    for (AffineExpr e : dimsOf(v.getType()))
      walkSymbols(e, [&](unsigned id) { twice |= !seen.insert(id).second; });
    return twice;
  }

  /// Copies the chosen definitions before their first reader in the backward part.
  unsigned apply() {
    llvm::DenseMap<Value, Value> copies;
    redone = 0;
    unsigned count = 0;
    for (Operation *op : backward) {
      OpBuilder b(op);
      std::function<Value(Value)> copyOf = [&](Value v) -> Value {
        Value root = kept(v);
        if (!root || !isForward.contains(root.getDefiningOp()) || !again.contains(root))
          return v;
        if (Value copy = copies.lookup(v))
          return copy;
        Operation *def = v.getDefiningOp();
        IRMapping map;
        for (Value source : SmallVector<Value>(sourcesOf(def)))
          map.map(source, copyOf(source));
        Operation *copy = b.clone(*def, map);
        copy->setAttr("graph.again", b.getUnitAttr());
        redone += nominal.work(def);
        ++count;
        return copies[v] = copy->getResult(0);
      };
      for (Value source : SmallVector<Value>(sourcesOf(op)))
        if (Value copy = copyOf(source); copy != source) {
          op->replaceUsesOfWith(source, copy);
          op->walk([&](Operation *inner) { inner->replaceUsesOfWith(source, copy); });
        }
    }
    return count;
  }

  double before = 0, after = 0, redone = 0;
  double allWork() {
    double sum = 0;
    for (auto *part : {&forward, &backward})
      for (Operation *op : *part)
        sum += nominal.work(op);
    return sum;
  }

private:
  func::FuncOp func;
  const Nominal &nominal;
  llvm::DenseMap<Operation *, SmallVector<Value>> sources;
  SmallVector<Operation *> forward, backward;
  DenseSet<Operation *> isForward;
  DenseSet<Value> again;
};

struct LimitMemoryPass : impl::GraphLimitMemoryBase<LimitMemoryPass> {
  using GraphLimitMemoryBase::GraphLimitMemoryBase;

  void runOnOperation() override {
    Nominal sizes;
    if (failed(sizes.parse(nominal, getOperation())))
      return signalPassFailure();
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto role = func->getAttrOfType<StringAttr>("graph.role");
      if (!role || (role != "train_step" && role != "trace_step"))
        continue;
      if (variant) {
        auto copy = func.clone();
        copy.setName((func.getName() + ".recompute").str());
        copy->setAttr("graph.role", StringAttr::get(&getContext(), role.getValue() + "_recompute"));
        getOperation().insert(std::next(func->getIterator()), copy);
        func = copy;
      }
      Plan plan(func, sizes);
      double all = plan.allWork();
      plan.choose(limit * 1e6, maxReductions);
      unsigned count = plan.apply();
      numRecomputed += count;
      if (remarks)
        emitRemark(func.getLoc()) << "@" << func.getName() << " keeps "
                                  << llvm::formatv("{0:F1}", plan.after / 1e6).str() << " MB instead of "
                                  << llvm::formatv("{0:F1}", plan.before / 1e6).str() << " MB: " << count
                                  << " definitions are computed again, "
                                  << llvm::formatv("{0:F1}", all ? 100 * plan.redone / all : 0.0).str()
                                  << " % more work";
    }
  }
};
} // namespace
} // namespace tintype::graph
