//===- Clusters.cpp - which definitions become one kernel -----------------===//
#include "passes/fusion/Clusters.h"
#include "passes/fusion/Cost.h"
#include "passes/fusion/Kernel.h"
#include <queue>

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

//===-- forms of kernels --------------------------------------------------===//

namespace {
/// Definitions that may become a kernel, and what they are: asked for each of many pairs.
struct Group {
  explicit Group(ArrayRef<Operation *> ops) : ops(ops), members(ops.begin(), ops.end()) {
    for (Operation *op : ops)
      if (isContraction(op))
        contractions.insert(op);
  }
  bool isOtherReduction(Operation *op) const { return isReduction(op) && !contractions.contains(op); }

  ArrayRef<Operation *> ops;
  llvm::SmallPtrSet<Operation *, 8> members, contractions;
};
} // namespace

/// All definitions range over the same points, and read each other at the same point.
static std::string whyNotOneSpace(const Group &group) {
  SmallVector<AffineExpr> space = dimsOf(group.ops.front()->getResult(0).getType());
  for (Operation *op : group.ops) {
    if (dimsOf(op->getResult(0).getType()) != space)
      return "they range over different points";
    for (ReadOp read : readsOf(op))
      if (group.members.contains(read.getSource().getDefiningOp()) && !(isPointwise(op) && isIdentityRead(read)))
        return "one reads the other at another point";
  }
  return "";
}

/// All definitions share the leading dims that the reductions keep, and read
/// each other in the same row.
static std::string whyNotOneRow(const Group &group) {
  unsigned rows = 0;
  SmallVector<AffineExpr> outer;
  for (Operation *op : group.ops)
    if (group.isOtherReduction(op)) {
      SmallVector<AffineExpr> kept = dimsOf(op->getResult(0).getType());
      if (rows && kept.size() != rows)
        return "they reduce to " + std::to_string(rows) + " and " + std::to_string(kept.size()) + " dims";
      rows = kept.size();
      outer = kept;
    }
  if (rows == 0)
    return "nothing is left to run in parallel";
  for (Operation *op : group.ops) {
    SmallVector<AffineExpr> dims = dimsOf(op->getResult(0).getType());
    if (dims.size() < rows || !llvm::equal(ArrayRef(dims).take_front(rows), outer))
      return "they have different rows";
    for (ReadOp read : readsOf(op))
      if (group.members.contains(read.getSource().getDefiningOp()) && numLeadingDims(read.getMap()) < rows)
        return "one reads the other in another row";
  }
  return "";
}

/// A contraction shares a kernel with more than its epilogue only for a tensor of
/// quadratic size, which then stays in cache: anything else is cheaper in memory
/// than packed operands that are computed once more for each block of rows.
static bool touchesQuadratic(Operation *contraction, const Group &group) {
  Value result = contraction->getResult(0);
  auto isInside = [&](Operation *user) { return group.members.contains(user->getParentOp()); };
  if (isQuadratic(result) && llvm::any_of(result.getUsers(), isInside))
    return true;
  return llvm::any_of(readsOf(contraction), [&](ReadOp read) {
    return isQuadratic(read.getSource()) && group.members.contains(read.getSource().getDefiningOp());
  });
}

/// Whether a reduction that is no sum of products reads `v`, or what is computed from it point by point.
static bool isReducedByRows(Value v) {
  SmallVector<Value> todo{v};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!todo.empty())
    for (Operation *user : todo.pop_back_val().getUsers()) {
      auto read = dyn_cast<ReadOp>(user);
      Operation *op = read ? read->getParentOp() : nullptr;
      if (!op || !seen.insert(op).second)
        continue;
      if (isReduction(op) && !isContraction(op))
        return true;
      if (isPointwise(op) && isQuadratic(op->getResult(0)))
        todo.push_back(op->getResult(0));
    }
  return false;
}

/// Whether `op` ranges over `dims` but for one of them.
static bool areRowsOf(ArrayRef<AffineExpr> dims, Operation *op) {
  SmallVector<AffineExpr> left(dims);
  for (AffineExpr e : dimsOf(op->getResult(0).getType())) {
    auto at = llvm::find(left, e);
    if (at == left.end())
      return false;
    left.erase(at);
  }
  return left.size() == 1;
}

/// Everything ranges over blocks of one pair of dims of quadratic tensors: sums of
/// products make these, pointwise definitions change them, and sums over one dim of
/// the pair read them, beside values of rows. Blocks then add up in the results, whatever their order.
static std::string whyNotOneBlock(const Group &group) {
  SmallVector<AffineExpr> dims;
  for (Operation *op : group.ops)
    if (isQuadratic(op->getResult(0))) {
      if (!dims.empty() && dims != dimsOf(op->getResult(0).getType()))
        return "no reduction says what its rows are, and tensors of quadratic size differ";
      dims = dimsOf(op->getResult(0).getType());
      if (isReducedByRows(op->getResult(0)))
        return "no reduction says what its rows are, but one outside reads them";
    }
  for (Operation *op : group.ops) {
    bool isSum = group.contractions.contains(op) && !isQuadratic(op->getResult(0)), readsQuadratic = false;
    for (ReadOp read : readsOf(op)) {
      Operation *source = read.getSource().getDefiningOp();
      if (!group.members.contains(source))
        continue;
      if (group.contractions.contains(source) && !isQuadratic(source->getResult(0)))
        return "one reads a sum before all blocks have added to it";
      bool isWide = isQuadratic(read.getSource());
      readsQuadratic |= isWide;
      if (isWide && (isSum ? !read.getMap().isProjectedPermutation() : !isIdentityRead(read)))
        return "one reads the other at another point";
    }
    if (group.contractions.contains(op) && isSum != readsQuadratic)
      return "a contraction neither makes nor sums what lies between";
    if (!group.contractions.contains(op) && !isQuadratic(op->getResult(0)) && !dims.empty() && !areRowsOf(dims, op))
      return "one has no rows of what lies between";
  }
  return "";
}

std::string whyNotOneKernel(ArrayRef<Operation *> ops, bool keepInCache) {
  // Compile time: each definition is a Halide function, and loop nests are fused.
  constexpr size_t maxDefinitions = 32;
  if (ops.size() <= 1)
    return "";
  if (ops.size() > maxDefinitions)
    return "it would hold " + std::to_string(ops.size()) + " definitions, more than " + std::to_string(maxDefinitions);
  if (llvm::any_of(ops, [](Operation *op) { return isa<ScatterOp>(op); }))
    return "a scatter is a kernel of its own";
  Group group(ops);
  size_t contractions = group.contractions.size(), reductions = llvm::count_if(ops, isReduction);
  if (contractions && (reductions > 1 || contractions > 1))
    for (Operation *op : group.contractions)
      if (!(keepInCache && touchesQuadratic(op, group)))
        return contractions > 1 ? "it would hold " + std::to_string(contractions) + " contractions" : "a contraction and a reduction";
  // Rows stay in cache for what reduces them; any other reduction would only keep
  // blocks of columns from adding up one after the other.
  if (reductions > contractions && llvm::any_of(ops, [](Operation *op) { return isQuadratic(op->getResult(0)); }))
    for (Operation *op : ops)
      if (group.isOtherReduction(op) && llvm::none_of(readsOf(op), [](ReadOp read) { return isQuadratic(read.getSource()); }))
        return "a reduction reads nothing of quadratic size";
  if (reductions > contractions)
    return whyNotOneRow(group);
  return contractions > 1 ? whyNotOneBlock(group) : whyNotOneSpace(group);
}

//===-- the partition -----------------------------------------------------===//

Clusters::Clusters(Block &block, bool keepInCache, const RowSection &section) : block(block), section(section), keepInCache(keepInCache) {
  llvm::DenseMap<Attribute, SmallVector<unsigned>> sinceWrite; // parameter -> accesses of its gradient
  auto func = dyn_cast<func::FuncOp>(block.getParentOp());
  Operation *loss = func ? lossOf(func) : nullptr;
  for (Operation &op : block.without_terminator()) {
    unsigned i = ops.size();
    ops.push_back(&op);
    index[&op] = i;
    cluster.push_back(i);
    members.push_back({i});
    llvm::SmallSetVector<unsigned, 8> before;
    auto follow = [&](Value v) {
      Operation *def = v.getDefiningOp();
      if (def && def->getBlock() == &block)
        before.insert(index[def]);
    };
    op.walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), follow); });
    // What is made again must not join what it was made from before the loss.
    if (op.hasAttr(againAttr) && loss)
      before.insert(index[loss]);
    // Reads and writes of a gradient keep their order.
    if (auto grad = dyn_cast<GradOp>(&op)) {
      auto &accesses = sinceWrite[grad.getNameAttr()];
      if (!accesses.empty())
        before.insert(accesses.front());
      accesses.push_back(i);
    } else if (auto set = dyn_cast<SetGradOp>(&op)) {
      auto &accesses = sinceWrite[set.getNameAttr()];
      before.insert(accesses.begin(), accesses.end());
      accesses = {i};
    }
    operands.emplace_back(before.begin(), before.end());
  }
  // What one of the section needs from outside, all need: it runs once for each chunk of rows.
  llvm::SmallSetVector<unsigned, 16> outside;
  for (Operation *op : section.members)
    for (unsigned i : operands[index[op]])
      if (!section.members.contains(ops[i]))
        outside.insert(i);
  for (Operation *op : section.members)
    for (unsigned i : outside)
      if (!llvm::is_contained(operands[index[op]], i))
        operands[index[op]].push_back(i);
  beforeLoss.resize(ops.size());
  afterLoss.resize(ops.size());
  if (auto it = index.find(loss); it != index.end())
    this->loss = it->second;
  for (unsigned i = 0; i < ops.size(); ++i)
    afterLoss[i] = llvm::any_of(operands[i], [&](unsigned j) { return j == this->loss || afterLoss[j]; });
  for (unsigned i = ops.size(); i-- > 0;)
    if (i == this->loss || beforeLoss[i])
      for (unsigned j : operands[i])
        beforeLoss[j] = true;
  order = sorted();
  place.resize(members.size());
  for (auto [i, c] : llvm::enumerate(order))
    place[c] = i;
}

SmallVector<Operation *> Clusters::definitions(unsigned c) const {
  SmallVector<Operation *> result;
  for (unsigned i : members[c])
    if (isDefinition(ops[i]))
      result.push_back(ops[i]);
  return result;
}

/// Whether an op of `c` must follow one of another cluster for which `isUsed` holds.
bool Clusters::uses(unsigned c, llvm::function_ref<bool(unsigned)> isUsed) const {
  return llvm::any_of(
      members[c], [&](unsigned i) { return llvm::any_of(operands[i], [&](unsigned j) { return cluster[j] != c && isUsed(cluster[j]); }); });
}

std::string Clusters::merge(unsigned a, unsigned b) {
  SmallVector<unsigned> both(members[a]);
  both.append(members[b]);
  llvm::sort(both);
  SmallVector<Operation *> group;
  for (unsigned i : both)
    group.push_back(ops[i]);
  if (section.members.contains(ops[members[a].front()]) != section.members.contains(ops[members[b].front()]))
    return "one runs for a chunk of rows at a time";
  if (std::string reason = whyNotOneKernel(group, keepInCache); !reason.empty())
    return reason;
  // Between what the loss uses and what uses the loss lies a path through it, the longest of all: no walk for that.
  auto anyOf = [&](unsigned c, const std::vector<bool> &set) { return llvm::any_of(members[c], [&](unsigned i) { return set[i]; }); };
  if (loss && cluster[*loss] != a && cluster[*loss] != b &&
      ((anyOf(a, beforeLoss) && anyOf(b, afterLoss)) || (anyOf(b, beforeLoss) && anyOf(a, afterLoss))))
    return "one uses the other through a third kernel";
  // A path between them passes only clusters that stand between them. Those that use the first go behind both.
  unsigned begin = std::min(place[a], place[b]), end = std::max(place[a], place[b]), first = order[begin];
  std::vector<bool> isUser(members.size());
  SmallVector<unsigned> between, after;
  for (unsigned c : ArrayRef(order).slice(begin + 1, end - begin - 1)) {
    isUser[c] = uses(c, [&](unsigned d) { return d == first || isUser[d]; });
    (isUser[c] ? after : between).push_back(c);
  }
  if (uses(order[end], [&](unsigned d) { return isUser[d]; }))
    return "one uses the other through a third kernel";
  between.append({a, b});
  between.append(after);
  for (auto [i, c] : llvm::enumerate(between)) {
    order[begin + i] = c;
    place[c] = begin + i;
  }
  members[a] = both;
  members[b].clear();
  for (unsigned i : both)
    cluster[i] = a;
  return "";
}

std::vector<unsigned> Clusters::sorted() const {
  std::vector<unsigned> waiting(members.size()), result;
  std::vector<SmallVector<unsigned>> users(members.size());
  for (unsigned c = 0; c < members.size(); ++c) {
    llvm::SmallSetVector<unsigned, 8> before;
    for (unsigned i : members[c])
      for (unsigned j : operands[i])
        if (unsigned d = cluster[j]; d != c)
          before.insert(d);
    waiting[c] = before.size();
    for (unsigned d : before)
      users[d].push_back(c);
  }
  // Of the clusters whose operands are there, the one that came first.
  using Entry = std::pair<unsigned, unsigned>; // index of its first op, cluster
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> ready;
  auto push = [&](unsigned c) {
    if (members[c].empty() || waiting[c] != 0)
      return;
    unsigned first = members[c].front(), inSection = section.members.contains(ops[first]);
    ready.push({inSection ? first : first + unsigned(ops.size()), c}); // a section is one run
  };
  for (unsigned c = 0; c < members.size(); ++c)
    push(c);
  while (!ready.empty()) {
    unsigned c = ready.top().second;
    ready.pop();
    result.push_back(c);
    for (unsigned user : users[c]) {
      --waiting[user];
      push(user);
    }
  }
  return result;
}

void Clusters::writeBack() {
  Builder b(block.getParentOp()->getContext());
  unsigned number = 0;
  for (unsigned c : sorted()) {
    bool isGroup = isDefinition(ops[members[c].front()]);
    for (unsigned i : members[c]) {
      ops[i]->moveBefore(block.getTerminator());
      if (isGroup)
        ops[i]->setAttr(groupAttr, b.getI32IntegerAttr(number));
      if (section.members.contains(ops[i]))
        ops[i]->setAttr(rowsAttr, b.getI64IntegerAttr(section.rows));
    }
    number += isGroup;
  }
}

} // namespace tintype::fusion
