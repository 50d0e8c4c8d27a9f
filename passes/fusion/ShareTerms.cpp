//===- ShareTerms.cpp - heavy terms that a kernel computes once -----------===//
//   %s = compute sum  { exp(x[d0, d1] - m[d0]) }          {graph.group = 0}
//   %p = compute none { exp(x[d0, d1] - m[d0]) / s[d0] }  {graph.group = 0}
// becomes
//   %e = compute none { exp(x[d0, d1] - m[d0]) }          {graph.group = 0}
//   %s = compute sum  { e[d0, d1] }                       {graph.group = 0}
//   %p = compute none { e[d0, d1] / s[d0] }               {graph.group = 0}
// Only inside a kernel: there %e is a block in cache. Test:
// test/passes/fusion/share-terms.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHSHARETERMS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

namespace {
/// The first of equal scalars in several bodies: equal expressions over equal loops have one.
class FirstOfEqual {
public:
  /// That of `op`, whose operands in the body have theirs.
  Value of(Operation *op, Attribute extents) {
    Value result = op->getResult(0);
    std::vector<const void *> key{op->getName().getAsOpaquePointer(), op->getAttrDictionary().getAsOpaquePointer(),
                                  result.getType().getAsOpaquePointer(), extents.getAsOpaquePointer()};
    for (Value v : op->getOperands()) {
      auto known = firsts.find(v); // a tensor has none
      key.push_back((known == firsts.end() ? v : known->second).getAsOpaquePointer());
    }
    return firsts[result] = known.try_emplace(std::move(key), result).first->second;
  }

private:
  std::map<std::vector<const void *>, Value> known;
  llvm::DenseMap<Value, Value> firsts;
};
} // namespace

/// The part of a body that `root` takes to compute, in order.
static SmallVector<Operation *> sliceOf(Operation *root) {
  llvm::SetVector<Operation *> slice;
  SmallVector<Operation *> todo = {root};
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (op && op->getBlock() == root->getBlock() && slice.insert(op))
      for (Value v : op->getOperands())
        todo.push_back(v.getDefiningOp());
  }
  SmallVector<Operation *> sorted(slice.begin(), slice.end());
  llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return sorted;
}

/// Heavy scalars of the group that occur in at least two of its definitions, by
/// what they compute. Operands of contractions stay as they are.
static SmallVector<SmallVector<Operation *>> repeatedTerms(ArrayRef<Operation *> group) {
  FirstOfEqual first;
  llvm::MapVector<Value, SmallVector<Operation *>> terms;
  for (Operation *op : group) {
    if (isContraction(op) || isa<ScatterOp>(op))
      continue;
    Attribute extents = DimsAttr::get(op->getContext(), extentsOf(op));
    for (Operation &inner : op->getRegion(0).front().without_terminator()) {
      Value term = first.of(&inner, extents);
      if (isHeavy(&inner))
        terms[term].push_back(&inner);
    }
  }
  SmallVector<SmallVector<Operation *>> repeated;
  for (auto &[term, ops] : terms)
    if (ops.size() > 1)
      repeated.push_back(ops);
  return repeated;
}

/// Makes a definition of the term in front of the first body that holds it.
static ComputeOp outline(ArrayRef<Operation *> term) {
  Operation *first = term.front(), *definition = first->getParentOp();
  OpBuilder b(definition);
  SmallVector<Operation *> slice = sliceOf(first);
  auto made =
      buildCompute(b, first->getLoc(), Reducer::none, extentsOf(definition), {}, first->getResult(0).getType(), [&](OpBuilder &body) {
        IRMapping mapping;
        for (Operation *op : slice)
          body.clone(*op, mapping);
        return std::make_pair(mapping.lookup(first->getResult(0)), Value());
      });
  for (StringRef name : {StringRef(groupAttr), StringRef(againAttr)})
    if (Attribute a = definition->getAttr(name))
      made->setAttr(name, a);
  for (Operation *op : term) {
    OpBuilder at(op);
    AffineMap all = AffineMap::getMultiDimIdentityMap(extentsOf(definition).size(), b.getContext());
    op->getResult(0).replaceAllUsesWith(ReadOp::create(at, op->getLoc(), made, all));
    op->erase();
  }
  return made;
}

namespace {
struct ShareTerms : public tintype::fusion::impl::GraphShareTermsBase<ShareTerms> {
  using GraphShareTermsBase::GraphShareTermsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    for (SmallVector<Operation *> group : groupsOf(func.getBody().front())) {
      if (group.size() < 2)
        continue;
      // Inner terms first: what holds them is numbered again with a read in their place.
      SmallVector<SmallVector<Operation *>> terms;
      while (!(terms = repeatedTerms(group)).empty()) {
        remark::passed(terms.front().front()->getLoc(), remark::RemarkOpts::name("shared").category(getArgument()).function(func.getName()))
            << remark::add("shared: computed once instead of {0} times", terms.front().size())
            << remark::metric("times", terms.front().size());
        Operation *made = outline(terms.front());
        ++numShared;
        group.push_back(made);
        llvm::sort(group, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
        llvm::for_each(group, simplifyBody);
      }
    }
  }
};
} // namespace
