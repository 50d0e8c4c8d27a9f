//===- Inplace.cpp - which result may take the memory of which argument ---===//
// Safe whatever the schedule inlines or recomputes: a value must not be wanted
// again after the place it lay in was written.
//===----------------------------------------------------------------------===//
#include "passes/StoreOrder.h"
#include "passes/fusion/Access.h"
#include "passes/fusion/Kernel.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

/// Reads of `v`, with anything else that uses it (an init, a random state) in `other`.
static SmallVector<ReadOp> readsOfValue(Value v, SmallVectorImpl<Operation *> &other) {
  SmallVector<ReadOp> reads;
  for (Operation *user : v.getUsers()) {
    if (auto read = dyn_cast<ReadOp>(user))
      reads.push_back(read);
    else
      other.push_back(user);
  }
  return reads;
}

/// Extents other than 1, and the element type: what decides where an element lies.
static std::pair<SmallVector<AffineExpr>, Type> layoutOf(Type type) {
  SmallVector<AffineExpr> dims;
  for (AffineExpr e : dimsOf(type))
    if (constantOf(e) != 1)
      dims.push_back(e);
  return {dims, cast<RankedTensorType>(type).getElementType()};
}

/// Whether `read` takes the element at the place of the element being defined;
/// dims of extent 1 don't matter.
static bool isElementRead(ReadOp read) {
  Type result = read->getParentOp()->getResult(0).getType(), source = read.getSource().getType();
  if (layoutOf(source) != layoutOf(result))
    return false;
  auto isOne = [](AffineExpr e) { return constantOf(e) == 1; };
  SmallVector<AffineExpr> over = dimsOf(result), dims = dimsOf(source);
  unsigned loop = 0;
  for (auto [e, extent] : llvm::zip(read.getMap().getResults(), dims)) {
    if (isOne(extent))
      continue;
    while (isOne(over[loop]))
      ++loop;
    auto d = dyn_cast<AffineDimExpr>(e);
    if (!d || d.getPosition() != loop++)
      return false;
  }
  return true;
}

/// Whether `result` needs `v` in some way.
static bool follows(Operation *result, Value v) {
  SmallVector<Operation *> todo{result};
  while (!todo.empty())
    for (ReadOp read : readsOf(todo.pop_back_val())) {
      if (read.getSource() == v)
        return true;
      if (Operation *def = read.getSource().getDefiningOp())
        todo.push_back(def);
    }
  return false;
}

/// All stages of a row kernel run one row after the other: `result` may take the
/// memory of `arg` when what else leaves the kernel are reductions that `result` needs, every
/// stage touches only its own row of `arg`, and a later stage reads elements of an
/// earlier one in place, so that inlining keeps each read at its element.
static bool isSafeInRow(Value arg, Operation *result, func::FuncOp kernel) {
  for (Value other : kernel.getBody().front().getTerminator()->getOperands())
    if (other != result->getResult(0) && !(isReduction(other.getDefiningOp()) && follows(result, other)))
      return false;
  unsigned rows = ~0u;
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (isReduction(&op))
      rows = std::min(rows, cast<ComputeOp>(op).getNumParallel());
  if (rows == 0)
    return false;
  for (Operation &op : kernel.getBody().front().without_terminator())
    for (ReadOp read : readsOf(&op)) {
      Operation *source = read.getSource().getDefiningOp();
      bool isArg = read.getSource() == arg;
      if (!isArg && !source)
        continue;
      if (isPointwise(&op) && !isIdentityRead(read) && carries(read.getSource(), arg))
        return false;
      if (numLeadingDims(read.getMap()) < std::min<unsigned>(rows, read.getMap().getNumResults()))
        return false;
    }
  return true;
}

static bool isSafe(Value arg, OpResult result, func::FuncOp kernel) {
  SmallVector<Operation *> other;
  SmallVector<ReadOp> reads = readsOfValue(arg, other);
  Operation *def = result.getOwner();
  if (auto scatter = dyn_cast<ScatterOp>(def))
    return reads.empty() && other.size() == 1 && scatter.getInit() == arg;
  if (!other.empty() || reads.empty() || !isPointwise(def))
    return false;
  StringRef kind = cast<StringAttr>(kernel->getAttr("graph.kind")).getValue();
  // Beside other results the order in which they are stored counts: canBeStored.
  if (kind == "pointwise")
    return llvm::all_of(reads, isElementRead);
  bool isOnlyReader = llvm::all_of(reads, [&](ReadOp r) { return r->getParentOp() == def && isElementRead(r); });
  bool isLast = llvm::all_of(def->getUsers(), [](Operation *u) { return isa<func::ReturnOp>(u); });
  if (isOnlyReader && isLast)
    return true;
  return kind == "row" && isLast && isSafeInRow(arg, def, kernel);
}

/// Nothing but the definition of `result` reads `arg`: the old and the new value
/// of one thing.
static bool isOwn(Value arg, OpResult result) {
  return llvm::all_of(arg.getUsers(), [&](Operation *user) { return user->getParentOp() == result.getOwner(); });
}

/// Whether the results of a pointwise kernel can be stored one after the other at a point, each at its place.
static bool canBeStored(func::FuncOp kernel, ArrayRef<int32_t> places) {
  OperandRange values = kernel.getBody().front().getTerminator()->getOperands();
  SmallVector<Operation *> results;
  llvm::SmallDenseMap<Operation *, Value> taken;
  for (auto [v, place] : llvm::zip(values, places))
    if (Operation *op = v.getDefiningOp()) {
      results.push_back(op);
      taken[op] = place < 0 ? Value() : Value(kernel.getArgument(place));
    }
  return results.empty() || !storeOrder(results, [&](Operation *op) { return taken.lookup(op); }).empty();
}

SmallVector<int32_t> inplaceOf(func::FuncOp kernel) {
  Operation *ret = kernel.getBody().front().getTerminator();
  SmallVector<int32_t> places(ret->getNumOperands(), -1);
  llvm::SmallDenseSet<Value> taken;
  const bool isPointwiseKernel = cast<StringAttr>(kernel->getAttr("graph.kind")).getValue() == "pointwise";
  for (bool own : {true, false})
    for (auto [v, place] : llvm::zip(ret->getOperands(), places))
      for (BlockArgument arg : kernel.getArguments()) {
        auto result = dyn_cast<OpResult>(v);
        if (!result || place >= 0 || layoutOf(arg.getType()) != layoutOf(v.getType()) || taken.contains(arg) || isOwn(arg, result) != own ||
            !isSafe(arg, result, kernel))
          continue;
        place = arg.getArgNumber();
        if (isPointwiseKernel && !canBeStored(kernel, places))
          place = -1;
        else
          taken.insert(arg);
      }
  return places;
}

} // namespace tintype::fusion
