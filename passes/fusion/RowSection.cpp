//===- RowSection.cpp - definitions that can run a few rows at a time -----===//
#include "passes/fusion/RowSection.h"
#include "passes/fusion/Kernel.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::fusion {

// A chunk of rows takes at most about so much. Twice as many chunks of half the size would read and write
// the gradient of the weights twice as often.
constexpr int64_t kChunkBytes = int64_t(160) << 20;
// Narrower rows make tensors like all others of the model.
constexpr int64_t kLeastRowBytes = int64_t(48) << 10;

std::optional<RowLoops> rowLoopsOf(Operation *op, unsigned rank, llvm::function_ref<bool(Value)> isRows) {
  RowLoops loops;
  for (ReadOp read : readsOf(op)) {
    if (!isRows(read.getSource()))
      continue;
    RowLoops here;
    ArrayRef<AffineExpr> at = read.getMap().getResults();
    for (AffineExpr e : at.take_front(rank)) {
      auto d = dyn_cast<AffineDimExpr>(e);
      if (!d || llvm::is_contained(here, d.getPosition()))
        return std::nullopt;
      here.push_back(d.getPosition());
    }
    if (here.size() != rank || (!loops.empty() && here != loops))
      return std::nullopt;
    loops = here;
  }
  return loops;
}

bool keepsRows(Operation *op, const RowLoops &loops) {
  auto c = dyn_cast<ComputeOp>(op);
  if (!c || loops.empty() || c.getNumParallel() < loops.size())
    return false;
  for (auto [i, d] : llvm::enumerate(loops))
    if (d != i)
      return false;
  return true;
}

bool sumsRows(Operation *op, const RowLoops &loops) {
  auto c = dyn_cast<ComputeOp>(op);
  return c && c.getReducer() == Reducer::sum && !loops.empty() && llvm::all_of(loops, [&](unsigned d) { return d >= c.getNumParallel(); });
}

bool isSameForAllRows(Operation *op, const RowLoops &loops) {
  SmallVector<AffineExpr> extents = extentsOf(op), rows;
  for (unsigned d : loops)
    rows.push_back(extents[d]);
  auto usesRows = [&](AffineExpr e) { return llvm::any_of(loops, [&](unsigned d) { return e.isFunctionOfDim(d); }); };
  bool isSame = true;
  op->getRegion(0).walk([&](Operation *inner) {
    auto map = inner->getAttrOfType<AffineMapAttr>("map");
    if (!map)
      return;
    ArrayRef<AffineExpr> at = map.getValue().getResults();
    auto read = dyn_cast<ReadOp>(inner);
    if (read && at.size() >= rows.size() && llvm::any_of(at, usesRows)) {
      // Its own row, of a tensor with as many.
      SmallVector<AffineExpr> dims = dimsOf(read.getSource().getType());
      for (auto [i, d] : llvm::enumerate(loops))
        isSame &= at[i] == getAffineDimExpr(d, op->getContext()) && dims[i] == rows[i];
      at = at.drop_front(rows.size());
    }
    isSame &= llvm::none_of(at, usesRows);
  });
  return isSame;
}

Value accumulatorOf(Operation *sum) {
  Value v = sum->getResult(0);
  auto read = v.hasOneUse() ? dyn_cast<ReadOp>(*v.getUsers().begin()) : ReadOp();
  Operation *reader = read ? read->getParentOp() : nullptr;
  if (!reader || !isPointwise(reader) || reader->getResult(0).getType() != v.getType() || !isIdentityRead(read))
    return {};
  auto add = cast<ComputeOp>(reader).getYield().getValue().getDefiningOp<arith::AddFOp>();
  if (!add)
    return {};
  for (Value side : {add.getLhs(), add.getRhs()}) {
    Value other = side == add.getLhs() ? add.getRhs() : add.getLhs();
    auto before = side.getDefiningOp<ReadOp>();
    if (other == read.getResult() && before && before != read && isIdentityRead(before) && before.getSource().hasOneUse())
      return before.getSource();
  }
  return {};
}

/// Where `user` stands in the block of the function.
static Operation *definitionAround(Operation *user) { return isa<func::FuncOp>(user->getParentOp()) ? user : user->getParentOp(); }

namespace {
/// Grows a section from the product that makes the wide rows.
class Finder {
public:
  explicit Finder(Operation *seed) : wide(dimsOf(seed->getResult(0).getType())), rank(wide.size() - 1), block(*seed->getBlock()) {
    RowLoops loops;
    for (unsigned i = 0; i < rank; ++i)
      loops.push_back(i);
    ok = isSameForAllRows(seed, loops);
    addRows(seed);
    ok = ok && closePaths();
  }

  bool ok;
  llvm::SetVector<Operation *> members;
  llvm::SetVector<Operation *> picks; // sums over rows of what they pick from wide ones

private:
  bool isWide(Value v) const { return dimsOf(v.getType()) == wide; }

  void addRows(Operation *op) {
    members.insert(op);
    Value v = op->getResult(0);
    rowValues.insert(v);
    if (!isWide(v))
      return;
    for (Operation *user : v.getUsers())
      ok = ok && add(definitionAround(user)); // all that reads it has to run with it
  }

  bool add(Operation *op) {
    if (members.contains(op) || picks.contains(op))
      return true;
    if (!isa<ComputeOp>(op))
      return false;
    auto loops = rowLoopsOf(op, rank, [&](Value v) { return rowValues.contains(v); });
    if (!loops || loops->empty())
      return false;
    if (onlyPicks(op)) {
      picks.insert(op);
      return true;
    }
    if (!isSameForAllRows(op, *loops))
      return false;
    if (keepsRows(op, *loops)) {
      addRows(op);
      return ok;
    }
    Value before = sumsRows(op, *loops) ? accumulatorOf(op) : Value();
    if (!before || !before.getDefiningOp<GradOp>())
      return false;
    members.insert(op);
    members.insert(definitionAround(*op->getResult(0).getUsers().begin()));
    return true;
  }

  /// A sum over rows that reads of each wide one a value at a computed place.
  bool onlyPicks(Operation *op) {
    return isReduction(op) && !isContraction(op) && llvm::all_of(readsOf(op), [&](ReadOp read) {
             return !isWide(read.getSource()) || !rowValues.contains(read.getSource()) ||
                    (read.getMap().getNumSymbols() == 1 && isa<AffineSymbolExpr>(read.getMap().getResults().back()));
           });
  }

  /// What lies on a path from one member to another has to be one.
  bool closePaths() {
    for (bool isChanged = true; isChanged && ok;) {
      isChanged = false;
      llvm::SmallPtrSet<Operation *, 32> below, above;
      for (Operation &op : block.without_terminator())
        op.walk([&](Operation *inner) {
          for (Value v : inner->getOperands())
            if (Operation *def = v.getDefiningOp(); def && def->getBlock() == &block && (members.contains(def) || below.contains(def)))
              below.insert(&op);
        });
      for (Operation &op : llvm::reverse(block.without_terminator())) {
        bool isAbove = llvm::any_of(op.getUsers(), [&](Operation *user) {
          Operation *def = definitionAround(user);
          return members.contains(def) || above.contains(def);
        });
        if (!isAbove)
          continue;
        above.insert(&op);
        if (members.contains(&op) || !below.contains(&op))
          continue;
        if (!add(&op) || !members.contains(&op))
          return false;
        isChanged = true;
        break;
      }
    }
    return ok;
  }

  SmallVector<AffineExpr> wide;
  unsigned rank;
  Block &block;
  llvm::DenseSet<Value> rowValues;
};
} // namespace

/// Bytes of a row of what `op` makes when that is a product of rows with weights; else 0.
static int64_t rowBytesOf(Operation *op) {
  if (!isDefinition(op) || !isContraction(op))
    return 0;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  unsigned rank = type.getRank();
  return rank < 2 || type.isDynamicDim(rank - 1) ? 0 : type.getDimSize(rank - 1) * type.getElementTypeBitWidth() / 8;
}

/// Bytes of a row of all that lies side by side: what is overwritten counts once, and that takes the same type.
static int64_t bytesBeside(const RowSection &section, Value wide) {
  llvm::SmallDenseSet<Type> types;
  int64_t bytes = 0;
  for (Operation *op : section.members) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (dimsOf(type) == dimsOf(wide.getType()) && types.insert(type.getElementType()).second)
      bytes += type.getDimSize(type.getRank() - 1) * type.getElementTypeBitWidth() / 8;
  }
  return bytes;
}

RowSection findRowSection(func::FuncOp func) {
  RowSection best;
  if (func.getOps<SetGradOp>().empty())
    return best;
  int64_t most = kLeastRowBytes - 1;
  for (Operation &op : func.getBody().front()) {
    int64_t bytes = rowBytesOf(&op);
    if (bytes <= most)
      continue;
    Finder finder(&op);
    if (!finder.ok)
      continue;
    most = bytes;
    best.members = finder.members;
    best.rows = std::max<int64_t>(kChunkBytes / bytesBeside(best, op.getResult(0)) / 64, 1) * 64;
  }
  return best;
}

void splitPicks(func::FuncOp func, const RowSection &section) {
  SmallVector<Operation *> wide;
  for (Operation *op : section.members)
    if (dimsOf(op->getResult(0).getType()) == dimsOf(section.members.front()->getResult(0).getType()))
      wide.push_back(op);
  for (Operation *op : wide)
    for (Operation *user : llvm::make_early_inc_range(op->getResult(0).getUsers())) {
      auto read = dyn_cast<ReadOp>(user);
      Operation *reader = definitionAround(user);
      if (!read || section.members.contains(reader))
        continue;
      ComputeOp made = outlineScalar(reader, read, dimsIn(read.getMap()));
      read.erase();
      // Right behind the rows, before what may overwrite them.
      Operation *after = op;
      for (Value v : inputsOf(made.getOperation()))
        if (Operation *def = v.getDefiningOp(); def && after->isBeforeInBlock(def))
          after = def;
      made->moveAfter(after);
    }
}

} // namespace tintype::fusion
