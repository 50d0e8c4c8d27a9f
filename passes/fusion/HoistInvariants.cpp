//===- HoistInvariants.cpp - heavy work moves out of dims it does not see -===//
//   %y = compute none over <B, T, C> { x[d0, d1, d2] * rsqrt(v[d0, d1]) }
// becomes
//   %r = compute none over <B, T> { rsqrt(v[d0, d1]) }
//   %y = compute none over <B, T, C> { x[d0, d1, d2] * r[d0, d1] }
// One root for a row instead of one for each of its elements; a table of angles
// that equal layers then share. Test: test/passes/fusion/hoist-invariants.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/MergeEqual.h"
#include "llvm/ADT/MapVector.h"

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHHOISTINVARIANTS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;
using llvm::SmallBitVector;

namespace {
/// What a scalar of a body depends on.
struct Facts {
  SmallBitVector dims; // loop dims with more than one point
  bool heavy = false;  // takes a heavy op over dims to compute
};
using FactsOf = llvm::MapVector<Operation *, Facts>;
} // namespace

static FactsOf analyse(Operation *definition) {
  SmallVector<AffineExpr> extents = extentsOf(definition);
  FactsOf facts;
  for (Operation &op : definition->getRegion(0).front().without_terminator()) {
    Facts f{SmallBitVector(extents.size())};
    if (auto map = op.getAttrOfType<AffineMapAttr>("map"))
      f.dims |= dimsIn(map.getValue());
    for (Value v : op.getOperands())
      if (auto known = facts.find(v.getDefiningOp()); known != facts.end()) {
        f.dims |= known->second.dims;
        f.heavy |= known->second.heavy;
      }
    for (auto [i, e] : llvm::enumerate(extents))
      if (constantOf(e) == 1)
        f.dims.reset(i);
    f.heavy |= f.dims.any() && isHeavy(&op);
    facts[&op] = f;
  }
  return facts;
}

/// Scalars that heavy work made, over some but not all dims, and that are only
/// used where more dims come in.
static SmallVector<Operation *> invariantsOf(const FactsOf &facts, unsigned wide) {
  SmallVector<Operation *> roots;
  for (auto &[op, f] : facts) {
    if (!f.heavy || f.dims.none() || f.dims.count() >= wide)
      continue;
    const SmallBitVector &dims = f.dims;
    bool goesOn = llvm::any_of(op->getUsers(), [&](Operation *user) {
      auto known = facts.find(user);
      return known != facts.end() && known->second.dims == dims;
    });
    if (!goesOn)
      roots.push_back(op);
  }
  return roots;
}

ComputeOp tintype::fusion::outlineScalar(Operation *definition, Operation *root, const SmallBitVector &dims) {
  MLIRContext *ctx = root->getContext();
  SmallVector<AffineExpr> extents = extentsOf(definition), over, renamed, index;
  for (unsigned i = 0; i < extents.size(); ++i) {
    renamed.push_back(dims.test(i) ? getAffineDimExpr(over.size(), ctx) : getAffineConstantExpr(0, ctx));
    if (!dims.test(i))
      continue;
    over.push_back(extents[i]);
    index.push_back(getAffineDimExpr(i, ctx));
  }
  llvm::SetVector<Operation *> slice;
  SmallVector<Operation *> todo = {root};
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!op || op->getBlock() != root->getBlock() || !slice.insert(op))
      continue;
    for (Value v : op->getOperands())
      todo.push_back(v.getDefiningOp());
  }
  OpBuilder b(definition);
  ComputeOp made = buildCompute(b, root->getLoc(), Reducer::none, over, {}, root->getResult(0).getType(), [&](OpBuilder &body) {
    IRMapping mapping;
    for (Operation &op : *root->getBlock()) {
      if (!slice.contains(&op))
        continue;
      Operation *copy = body.clone(op, mapping);
      auto map = copy->getAttrOfType<AffineMapAttr>("map");
      if (!map)
        continue;
      copy->setAttr("map",
                    AffineMapAttr::get(map.getValue().replaceDimsAndSymbols(renamed, {}, over.size(), map.getValue().getNumSymbols())));
    }
    return std::make_pair(mapping.lookup(root->getResult(0)), Value());
  });
  b.setInsertionPoint(root);
  auto map = AffineMap::get(extents.size(), 0, index, ctx);
  root->getResult(0).replaceAllUsesWith(ReadOp::create(b, root->getLoc(), made, map));
  return made;
}

namespace {
struct HoistInvariants : public tintype::fusion::impl::GraphHoistInvariantsBase<HoistInvariants> {
  using GraphHoistInvariantsBase::GraphHoistInvariantsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!isProgram(func))
      return;
    for (Operation &op : llvm::make_early_inc_range(func.getBody().front()))
      if (isDefinition(&op))
        hoistFrom(&op);
    mergeEqual(func); // equal tables of equal layers, equal terms of a value and of its derivative
  }

  void hoistFrom(Operation *definition) {
    sinkScalars(definition);
    simplifyBody(definition);
    FactsOf facts = analyse(definition);
    unsigned wide = 0;
    SmallVector<AffineExpr> extents = extentsOf(definition);
    for (AffineExpr e : extents)
      wide += constantOf(e) != 1;
    SmallVector<Operation *> roots = invariantsOf(facts, wide);
    for (Operation *root : roots) {
      ComputeOp made = outlineScalar(definition, root, facts.find(root)->second.dims);
      ++numHoisted;
      std::string now = printDim(productOf(made.getOver().getExprs(), root->getContext()));
      std::string before = printDim(productOf(extents, root->getContext()));
      remark::passed(root->getLoc(), remark::RemarkOpts::name("hoisted").category(getArgument()).function(getOperation().getName()))
          << remark::add("hoisted: computed {0} times instead of {1}", now, before) << remark::metric("times", now)
          << remark::metric("before", before);
    }
    if (!roots.empty())
      simplifyBody(definition);
  }
};
} // namespace
