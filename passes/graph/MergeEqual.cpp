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

/// What makes `op` equal to others, with its body.
static void append(Operation *op, llvm::DenseMap<Value, unsigned> &inside, SmallVectorImpl<size_t> &key) {
  auto add = [&](const void *p) { key.push_back(size_t(p)); };
  add(op->getName().getAsOpaquePointer());
  add(op->getRawDictionaryAttrs().getAsOpaquePointer()); // getAttrDictionary would make one of the properties as well
  key.push_back(op->hashProperties());
  for (Type t : op->getResultTypes())
    add(t.getAsOpaquePointer());
  for (Value v : op->getOperands()) {
    auto it = inside.find(v);
    it != inside.end() ? key.push_back(it->second) : add(v.getAsOpaquePointer());
  }
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps()) {
      append(&inner, inside, key);
      for (Value v : inner.getResults())
        inside[v] = inside.size();
    }
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
    SmallVector<size_t, 256> key;
    append(&op, inside, key);
    size_t h = llvm::hash_combine_range(key);
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
