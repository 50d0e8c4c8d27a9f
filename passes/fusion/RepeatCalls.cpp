//===- RepeatCalls.cpp - call kernels again instead of keeping results ----===//
// On host functions of kernels, where what lives how long is known exactly. The
// calls behind a returned loss are the forward part; what other calls read of it
// has to live in between. A forward call is made again when one byte of its
// results takes at most `cap` operations, counting the calls it needs in turn:
//
//   x0 kept, norm(x0) again, product again, .., x1 over the cap: kept
//
// so that about one value for each layer stays. Several caps are tried and the
// one with the lowest peak wins. Test: test/passes/fusion/repeat-calls.mlir.
//===----------------------------------------------------------------------===//
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHREPEATCALLS
#include "passes/fusion/Passes.h.inc"

namespace {
/// Sizes are compared at one batch and context; both grow all of them alike.
double nominal(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return c.getValue();
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return printDim(e) == chunkSymbol ? 512 : printDim(e) == "T" ? 256 : 8;
  double l = nominal(b.getLHS()), r = nominal(b.getRHS());
  switch (b.getKind()) {
  case AffineExprKind::Add: return l + r;
  case AffineExprKind::Mul: return l * r;
  case AffineExprKind::Mod: return r - 1;
  default: return std::max(1.0, l / r);
  }
}
double points(ArrayRef<AffineExpr> extents) {
  double n = 1;
  for (AffineExpr e : extents)
    n *= nominal(e);
  return n;
}
double bytesOf(Value v) {
  unsigned bits = cast<RankedTensorType>(v.getType()).getElementTypeBitWidth();
  return points(dimsOf(v.getType())) * ((bits + 7) / 8);
}

/// Scalar operations of one launch.
double workOf(func::CallOp call) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  double work = 0;
  if (kernel)
    for (Operation &op : kernel.getBody().front())
      if (isDefinition(&op))
        work += points(extentsOf(&op)) * (costOf(&op).ops + 8 * costOf(&op).heavy + isReduction(&op));
  return work;
}

Value behindViews(Value v) {
  while (isa_and_nonnull<ReshapeOp, RowsOp>(v.getDefiningOp()))
    v = v.getDefiningOp()->getOperand(0);
  return v;
}

/// Most bytes of call results alive at once. Gradients and outputs have memory
/// of their own.
double peakOf(func::FuncOp func) {
  DenseMap<Operation *, int> place;
  SmallVector<func::CallOp> calls(func.getOps<func::CallOp>());
  for (auto [i, call] : llvm::enumerate(calls))
    place[call] = i;
  SmallVector<double> change(calls.size() + 1);
  for (func::CallOp call : calls)
    for (Value result : call.getResults()) {
      int last = place[call];
      bool elsewhere = false;
      double bytes = bytesOf(result);
      SmallVector<Value> views{result};
      for (unsigned k = 0; k < views.size(); ++k)
        for (Operation *user : views[k].getUsers()) {
          if (isa<ReshapeOp, RowsOp>(user)) {
            views.push_back(user->getResult(0));
            bytes = std::max(bytes, bytesOf(user->getResult(0)));
          }
          elsewhere |= isa<SetGradOp, func::ReturnOp>(user);
          if (auto it = place.find(user); it != place.end())
            last = std::max(last, it->second);
        }
      if (elsewhere)
        continue;
      change[place[call]] += bytes;
      change[last + 1] -= bytes;
    }
  double now = 0, peak = 0;
  for (double c : change)
    peak = std::max(peak, now += c);
  return peak;
}

/// One attempt at a function; `func` is changed by `apply`.
class Attempt {
public:
  Attempt(func::FuncOp func, double cap) : func(func), cap(cap) {
    SmallVector<Value> work(func.getBody().front().getTerminator()->getOperands());
    while (!work.empty()) {
      auto call = behindViews(work.pop_back_val()).getDefiningOp<func::CallOp>();
      if (call && forward.insert(call).second)
        work.append(call.operand_begin(), call.operand_end());
    }
  }

  /// Makes cheap forward calls again where the rest reads them; how many.
  unsigned apply() {
    SmallVector<func::CallOp> calls(func.getOps<func::CallOp>());
    for (func::CallOp call : calls)
      if (forward.contains(call) && !call->hasAttr(rowsAttr))
        price(call);
    for (func::CallOp call : calls)
      if (!forward.contains(call) && !call->hasAttr(rowsAttr))
        for (OpOperand &operand : call->getOpOperands())
          operand.set(again(operand.get(), call));
    return count;
  }
  double redone = 0;

private:
  void price(func::CallOp call) {
    double work = workOf(call), bytes = 0;
    for (Value v : call.getOperands())
      if (auto it = cost.find(behindViews(v).getDefiningOp()); it != cost.end())
        work += it->second;
    for (Value v : call.getResults())
      bytes += bytesOf(v);
    if (work <= cap * bytes)
      cost[call] = work;
  }

  /// `v`, from a copy of its call before `reader` if that is cheap enough.
  Value again(Value v, Operation *reader) {
    Operation *def = v.getDefiningOp();
    auto call = behindViews(v).getDefiningOp<func::CallOp>();
    if (!call || !cost.count(call))
      return v;
    if (Value copy = copies.lookup(v))
      return copy;
    IRMapping map;
    for (Value source : def->getOperands())
      map.map(source, again(source, reader));
    Operation *copy = OpBuilder(reader).clone(*def, map);
    if (auto made = dyn_cast<func::CallOp>(copy)) {
      ++count;
      redone += workOf(made);
    }
    for (auto [old, result] : llvm::zip(def->getResults(), copy->getResults()))
      copies[old] = result;
    return copies[v];
  }

  func::FuncOp func;
  double cap;
  unsigned count = 0;
  llvm::DenseSet<Operation *> forward;
  DenseMap<Operation *, double> cost; // forward calls that may be made again
  DenseMap<Value, Value> copies;
};

struct RepeatCalls : public impl::GraphRepeatCallsBase<RepeatCalls> {
  using GraphRepeatCallsBase::GraphRepeatCallsBase;

  void runOnOperation() override {
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto role = func->getAttrOfType<StringAttr>("graph.role");
      if (role && (role.getValue().starts_with("train_step") || role.getValue().starts_with("trace_step")))
        addVariant(func, role.getValue());
    }
  }

  void addVariant(func::FuncOp func, StringRef role) {
    double before = peakOf(func), best = before, all = 0, redone = 0;
    for (auto call : func.getOps<func::CallOp>())
      all += workOf(call);
    func::FuncOp winner;
    unsigned count = 0;
    for (double cap = 1; cap < 1e5; cap *= 1.5) {
      func::FuncOp copy = func.clone();
      getOperation().insert(std::next(func->getIterator()), copy); // callees are looked up from inside
      Attempt attempt(copy, cap);
      unsigned calls = attempt.apply();
      double peak = peakOf(copy);
      if (peak < best * 0.98) {
        if (winner)
          winner.erase();
        winner = copy, best = peak, count = calls, redone = attempt.redone;
      } else {
        copy.erase();
      }
    }
    if (!winner)
      return;
    winner.setName((func.getName() + ".recompute").str());
    winner->setAttr("graph.role", StringAttr::get(&getContext(), role + "_recompute"));
    numRepeated += count;
    remark::passed(func.getLoc(), remark::RemarkOpts::name("repeated").category(getArgument()).function(func.getName()))
        << remark::add("@{0} at B = 8, T = 256 takes {1:F1} MB of temporaries instead of {2:F1}: {3} calls are made again, "
                       "{4:F1} % more work",
                       winner.getName().str(), best / 1e6, before / 1e6, count, 100 * redone / all)
        << remark::metric("calls", count) << remark::metric("bytes", best) << remark::metric("bytes_before", before)
        << remark::metric("work", redone / all);
  }
};
} // namespace
} // namespace tintype::fusion
