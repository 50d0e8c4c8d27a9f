//===- InlineProducers.cpp - pointwise definitions go into their readers --===//
//   %p = compute none { x[d0, d1] * 2 }            (gone)
//   %y = compute none { p[d1, d0] + b[d1] }   ->   %y = compute none { x[d1, d0] * 2 + b[d1] }
// Saves one pass over memory for each definition that goes; never repeats heavy
// work, and leaves the operands of contractions plain, since these are packed
// into panels. Test: test/passes/fusion/inline.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/MergeEqual.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHINLINE
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

namespace {
/// A decision and its reason, a phrase that ends in the number that decided.
struct Decision {
  bool doIt;
  std::string reason;
};
} // namespace

static Decision yes(const Twine &reason) { return {true, reason.str()}; }
static Decision no(const Twine &reason) { return {false, reason.str()}; }

/// A re-read: one element of a tensor, at an index that needs no computed symbol.
static bool isView(ComputeOp producer, const BodyCost &cost) {
  auto read = producer.getYield().getValue().getDefiningOp<ReadOp>();
  return read && cost.ops + cost.heavy == 0 && read.getSymbols().empty() && !read.getGuarded();
}

/// A definition that `producer` reads at the point it computes, so that they can share a kernel.
static Operation *hostOfEpilogue(ComputeOp producer) {
  for (ReadOp read : readsOf(producer))
    if (isIdentityRead(read))
      if (Operation *def = read.getSource().getDefiningOp(); def && isDefinition(def))
        return def;
  return nullptr;
}

/// Operands of contractions stay plain reads: a panel is packed several times,
/// and a body that computes would compute as often.
static Decision decideForContraction(ComputeOp producer, const BodyCost &cost, size_t readers) {
  if (isView(producer, cost))
    return yes("a plain re-read");
  if (cost.heavy || cost.ops > 2)
    return no("a contraction reads it, and it takes " + Twine(cost.ops + cost.heavy) + " ops, more than 2");
  if (readers > 1)
    return no("a contraction and " + Twine(readers - 1) + " others read it");
  if (cost.wide > 1 || cost.reads > cost.wide)
    return no("a contraction reads it, and it reads " + Twine(cost.reads) + " tensors");
  if (hostOfEpilogue(producer))
    return no("a contraction reads it, and it costs no pass over memory where its operand is made");
  return yes("saves " + bytesText(producer.getType()) + " bytes in a packed operand");
}

/// `isContracted` and `ops`: of the definition that reads.
static Decision decide(ReadOp read, ComputeOp producer, bool isContracted, unsigned ops) {
  Operation *consumer = read->getParentOp();
  BodyCost cost = costOf(producer);
  llvm::SmallPtrSet<Operation *, 4> readers;
  bool escapes = false;
  unsigned reads = 0;
  for (Operation *user : producer->getUsers()) {
    auto r = dyn_cast<ReadOp>(user);
    escapes |= !r;
    if (!r)
      continue;
    readers.insert(r->getParentOp());
    reads += r->getParentOp() == consumer;
  }
  if (read.getGuarded() && cost.divides)
    return no("its quotient could be by zero outside");
  if (ops + cost.ops > 192)
    return no("the body would have more than 192 ops"); // compile time grows with the square of depth
  if (isContracted)
    return decideForContraction(producer, cost, readers.size() + escapes);
  if (isView(producer, cost))
    return yes("a plain re-read");
  if (cost.reads == 0 && cost.heavy == 0)
    return yes("computed from indices alone");
  if (escapes || llvm::any_of(readers, isContraction))
    return no("it is in memory anyway");
  bool repeats = !isOneToOne(read.getMap(), extentsOf(consumer)) || reads > 1;
  if (repeats && (cost.heavy || cost.ops > (reads > 1 ? 4 : 1)))
    return no("its " + Twine(cost.ops + cost.heavy) + " ops would be repeated at other points");
  if (readers.size() == 1)
    return yes("saves " + bytesText(producer.getType()) + " bytes");
  if (Operation *host = hostOfEpilogue(producer); host && isContraction(host) && host->hasOneUse())
    return no("it costs no pass over memory where its operand is made");
  if (cost.gathers)
    return no(Twine(readers.size()) + " definitions read it, and it gathers");
  if (cost.heavy || cost.ops > 4)
    return no(Twine(readers.size()) + " definitions read it, and it takes " + Twine(cost.ops + cost.heavy) + " ops");
  if (cost.wide > 1)
    return no(Twine(readers.size()) + " definitions read it, and it reads " + Twine(cost.wide) + " tensors of its size");
  return yes("recomputed from one tensor, saves " + bytesText(producer.getType()) + " bytes");
}

/// `g + s`, s a scatter that starts at 0 and that nothing else reads: the
/// scatter starts at g.
static bool startScatterAt(ComputeOp sum) {
  auto add = sum.getYield().getValue().getDefiningOp<arith::AddFOp>();
  if (!isPointwise(sum) || !add)
    return false;
  for (Value side : {add.getLhs(), add.getRhs()}) {
    auto read = side.getDefiningOp<ReadOp>();
    auto scatter = read ? read.getSource().getDefiningOp<ScatterOp>() : ScatterOp();
    if (!scatter || scatter.getInit() || !isIdentityRead(read) || !scatter->hasOneUse() || !read->hasOneUse() ||
        scatter.getType() != sum.getType())
      continue;
    Value rest = side == add.getLhs() ? add.getRhs() : add.getLhs();
    auto whole = rest.getDefiningOp<ReadOp>();
    bool isPlain = whole && isIdentityRead(whole) && whole.getSource().getType() == sum.getType();
    Value init = isPlain ? whole.getSource() : Value(sum);
    scatter->moveAfter(sum);
    sum->replaceAllUsesWith(scatter);
    scatter.getInitMutable().assign(init);
    if (isPlain) {
      sum.erase();
    } else {
      sum.getYield().getValueMutable().assign(rest);
      simplifyBody(sum);
    }
    return true;
  }
  return false;
}

namespace {
struct Inline : public tintype::fusion::impl::GraphInlineBase<Inline> {
  using GraphInlineBase::GraphInlineBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    eraseDead(func);
    // Producers come first, so that each body is final when a reader takes it.
    SmallVector<Operation *> definitions;
    for (Operation &op : func.getBody().front())
      if (isDefinition(&op))
        definitions.push_back(&op);
    for (Operation *op : definitions) {
      sinkScalars(op);
      simplifyBody(op);
      inlineInto(op);
    }
    for (auto sum : llvm::make_early_inc_range(func.getOps<ComputeOp>()))
      startScatterAt(sum);
    eraseDead(func);
    mergeEqual(func); // inlined bodies may have become equal
  }

  void inlineInto(Operation *consumer) {
    while (inlineOne(consumer)) {
    }
  }

  /// Inlines the first read that pays. Simplifying the body afterwards may merge
  /// or drop other reads, so the caller looks again at all of them.
  bool inlineOne(Operation *consumer) {
    SmallVector<std::pair<ComputeOp, std::string>> reasons;
    bool isContracted = isContraction(consumer);
    unsigned ops = costOf(consumer).ops;
    for (ReadOp read : readsOf(consumer)) {
      auto producer = read.getSource().getDefiningOp<ComputeOp>();
      if (!producer || !isPointwise(producer))
        continue;
      Decision decision = decide(read, producer, isContracted, ops);
      if (!decision.doIt) {
        reasons.push_back({producer, decision.reason});
        continue;
      }
      remark::passed(producer.getLoc(), options("inlined"))
          << remark::add("inlined: {0}", decision.reason) << remark::metric("bytes", bytesText(producer.getType()));
      inlineProducer(read);
      simplifyBody(consumer);
      if (producer->use_empty())
        producer.erase(); // so that it does not count as a reader of what it read
      ++numInlined;
      return true;
    }
    numKept += reasons.size();
    if (consumer->getContext()->getRemarkEngine())
      for (auto &[producer, reason] : reasons)
        remark::missed(producer.getLoc(), options("not inlined"))
            << remark::add("not inlined: {0}", reason) << remark::metric("bytes", bytesText(producer.getType()));
    return false;
  }

  remark::RemarkOpts options(StringRef name) {
    return remark::RemarkOpts::name(name).category(getArgument()).function(getOperation().getName());
  }
};
} // namespace
