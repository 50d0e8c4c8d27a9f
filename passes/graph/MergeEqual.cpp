//===- MergeEqual.cpp - one definition where two are equal ----------------===//
// Upstream's CSE compares bodies, but its hash does not look into them: all
// definitions of one shape fall into one bucket, and 48 layers take 20 s. Here the
// hash covers the body, with values inside numbered by their place.
//===----------------------------------------------------------------------===//
#include "passes/graph/MergeEqual.h"
#include "llvm/ADT/Hashing.h"
#include <unordered_map>

using namespace mlir;
namespace tintype::graph {

static llvm::hash_code hashOp(Operation *op, llvm::DenseMap<Value, unsigned> &inside) {
  // Not with getAttrDictionary, which makes a dictionary of the properties as well.
  llvm::hash_code h = llvm::hash_combine(op->getName(), op->getRawDictionaryAttrs(), op->hashProperties(),
                                         llvm::hash_combine_range(op->result_type_begin(), op->result_type_end()));
  for (Value v : op->getOperands()) {
    auto it = inside.find(v);
    h = it != inside.end() ? llvm::hash_combine(h, it->second) : llvm::hash_combine(h, v.getAsOpaquePointer());
  }
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps()) {
      h = llvm::hash_combine(h, hashOp(&inner, inside));
      for (Value v : inner.getResults())
        inside[v] = inside.size();
    }
  return h;
}

/// Ops of one block by hash.
static unsigned mergeIn(Block &block) {
  std::unordered_multimap<size_t, Operation *> seen;
  unsigned count = 0;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (op.getNumResults() != 1)
      continue;
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        count += mergeIn(inner);
    llvm::DenseMap<Value, unsigned> inside;
    size_t h = hashOp(&op, inside);
    auto [begin, end] = seen.equal_range(h);
    auto it = std::find_if(begin, end, [&](auto &entry) {
      return OperationEquivalence::isEquivalentTo(entry.second, &op, OperationEquivalence::IgnoreLocations);
    });
    if (it == end) {
      seen.insert({h, &op});
      continue;
    }
    if (!isPure(&op))
      continue;
    op.getResult(0).replaceAllUsesWith(it->second->getResult(0));
    op.erase();
    ++count;
  }
  return count;
}

unsigned mergeEqual(func::FuncOp func) {
  unsigned count = 0;
  for (Block &block : func.getBody())
    count += mergeIn(block);
  return count;
}

} // namespace tintype::graph
