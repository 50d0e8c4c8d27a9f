//===- Kernel.cpp - facts about definitions and groups of them ------------===//
#include "passes/fusion/Kernel.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/graph/Contraction.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

bool isDefinition(Operation *op) { return isa<ComputeOp, ScatterOp>(op); }
bool isPointwise(Operation *op) {
  auto c = dyn_cast<ComputeOp>(op);
  return c && !c.isReduction();
}
bool isReduction(Operation *op) {
  auto c = dyn_cast<ComputeOp>(op);
  return c && c.isReduction();
}

//===-- contractions ------------------------------------------------------===//

bool isContraction(Operation *op) { return graph::contractionOf(op).has_value(); }

//===-- reads -------------------------------------------------------------===//

unsigned numLeadingDims(AffineMap map) {
  unsigned n = 0;
  auto isDim = [](AffineExpr e, unsigned d) { return isa<AffineDimExpr>(e) && cast<AffineDimExpr>(e).getPosition() == d; };
  while (n < map.getNumResults() && isDim(map.getResult(n), n))
    ++n;
  return n;
}

bool isIdentityRead(ReadOp read) {
  auto result = cast<RankedTensorType>(read->getParentOp()->getResult(0).getType());
  unsigned rank = result.getRank();
  return dimsOf(read.getSource().getType()) == dimsOf(result) && numLeadingDims(read.getMap()) == rank;
}

//===-- groups ------------------------------------------------------------===//

SmallVector<SmallVector<Operation *>> groupsOf(Block &block) {
  SmallVector<SmallVector<Operation *>> groups;
  Attribute last;
  for (Operation &op : block) {
    if (!isDefinition(&op)) {
      last = {};
      continue;
    }
    Attribute id = op.getAttr(groupAttr);
    if (!id || id != last)
      groups.emplace_back();
    groups.back().push_back(&op);
    last = id;
  }
  return groups;
}

SmallVector<Value> inputsOf(ArrayRef<Operation *> group) {
  llvm::SmallPtrSet<Operation *, 8> members(group.begin(), group.end());
  llvm::SetVector<Value> inputs;
  auto add = [&](Value v) {
    if (isa<RankedTensorType>(v.getType()) && !members.contains(v.getDefiningOp()))
      inputs.insert(v);
  };
  for (Operation *op : group) {
    for (Value v : op->getOperands())
      add(v);
    op->getRegion(0).walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), add); });
  }
  return inputs.takeVector();
}

StringRef kindOf(ArrayRef<Operation *> group) {
  if (llvm::any_of(group, [](Operation *op) { return isa<ScatterOp>(op); }))
    return "scatter";
  bool contracts = llvm::any_of(group, isContraction);
  bool reduces = llvm::any_of(group, [](Operation *op) { return isReduction(op) && !isContraction(op); });
  return reduces ? "row" : contracts ? "contraction" : "pointwise";
}

Operation *mainOf(ArrayRef<Operation *> group) {
  for (bool (*is)(Operation *) : {&isContraction, +[](Operation *op) { return isa<ScatterOp>(op); }, &isReduction})
    for (Operation *op : group)
      if (is(op))
        return op;
  return group.back();
}

std::string labelOf(Location loc) {
  std::string text;
  loc->walk([&](Location l) {
    auto file = dyn_cast<FileLineColLoc>(l);
    if (!file || file.getLine() == 0)
      return WalkResult::advance();
    text = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
    return WalkResult::interrupt();
  });
  return text;
}

void sinkScalars(Operation *definition) {
  Region &body = definition->getRegion(0);
  llvm::SetVector<Value> outside;
  getUsedValuesDefinedAbove(body, outside);
  OpBuilder b = OpBuilder::atBlockBegin(&body.front());
  for (Value v : outside)
    if (Operation *op = v.getDefiningOp(); op && isa<arith::ConstantOp, SizeOp>(op))
      replaceAllUsesInRegionWith(v, b.clone(*op)->getResult(0), body);
}

void simplifyBody(Operation *definition) {
  Block &body = definition->getRegion(0).front();
  SmallVector<Operation *> known;
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    auto same = llvm::find_if(known, [&](Operation *k) {
      return k->getName() == op.getName() && OperationEquivalence::isEquivalentTo(k, &op, OperationEquivalence::IgnoreLocations);
    });
    if (same == known.end()) {
      known.push_back(&op);
      continue;
    }
    op.replaceAllUsesWith(*same);
    op.erase();
  }
  for (Operation *op : llvm::reverse(known))
    if (op->use_empty())
      op->erase();
}

bool isProgram(func::FuncOp func) { return !func.isExternal() && !func->hasAttr("graph.kernel"); }

void eraseDead(func::FuncOp func) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

} // namespace tintype::fusion
