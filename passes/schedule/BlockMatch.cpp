//===- BlockMatch.cpp - kinds of definitions, and where they are zero -----===//
#include "mlir/IR/Matchers.h"
#include "passes/schedule/BlockKernel.h"

using namespace mlir;
using namespace tintype::graph;
using Kind = tintype::schedule::BlockPlan::Kind;

namespace tintype::schedule {

//===-- bands -------------------------------------------------------------===//

Band Band::intersect(const Band &o) const {
  Band r;
  r.isEmpty = isEmpty || o.isEmpty;
  r.low = low && o.low ? std::max(*low, *o.low) : low ? low : o.low;
  r.high = high && o.high ? std::min(*high, *o.high) : high ? high : o.high;
  return r;
}
Band Band::hull(const Band &o) const {
  if (isEmpty || o.isEmpty)
    return isEmpty ? o : *this;
  Band r;
  if (low && o.low)
    r.low = std::min(*low, *o.low);
  if (high && o.high)
    r.high = std::max(*high, *o.high);
  return r;
}

namespace {
/// row * r + column * c + constant.
struct Linear {
  int64_t row = 0, column = 0, constant = 0;
};

class BandFinder {
public:
  explicit BandFinder(const BlockPlan &plan) : plan(plan) {}

  /// Where the condition `v` of `op` can hold.
  Band ofCondition(Operation *op, Value v) const {
    Operation *def = v.getDefiningOp();
    if (isa<arith::AndIOp>(def))
      return ofCondition(op, def->getOperand(0)).intersect(ofCondition(op, def->getOperand(1)));
    if (isa<arith::OrIOp>(def))
      return ofCondition(op, def->getOperand(0)).hull(ofCondition(op, def->getOperand(1)));
    auto cmp = dyn_cast<arith::CmpIOp>(def);
    if (!cmp)
      return {};
    auto l = linear(op, cmp.getLhs()), r = linear(op, cmp.getRhs());
    if (!l || !r)
      return {};
    Linear d{l->row - r->row, l->column - r->column, l->constant - r->constant};
    auto predicate = cmp.getPredicate();
    if (d.column == -1 && d.row == 1) {
      d = {-1, 1, -d.constant};
      predicate = predicate == arith::CmpIPredicate::sle   ? arith::CmpIPredicate::sge
                  : predicate == arith::CmpIPredicate::slt ? arith::CmpIPredicate::sgt
                  : predicate == arith::CmpIPredicate::sge ? arith::CmpIPredicate::sle
                  : predicate == arith::CmpIPredicate::sgt ? arith::CmpIPredicate::slt
                                                           : predicate;
    }
    if (d.column != 1 || d.row != -1)
      return {};
    Band b;
    switch (predicate) {
    case arith::CmpIPredicate::sle:
      b.high = -d.constant;
      break;
    case arith::CmpIPredicate::slt:
      b.high = -d.constant - 1;
      break;
    case arith::CmpIPredicate::sge:
      b.low = -d.constant;
      break;
    case arith::CmpIPredicate::sgt:
      b.low = -d.constant + 1;
      break;
    case arith::CmpIPredicate::eq:
      b.low = b.high = -d.constant;
      break;
    default:
      break;
    }
    return b;
  }

  /// Outside of which the value `v` of `op` is exactly zero.
  Band ofValue(Operation *op, Value v) const {
    Operation *def = v.getDefiningOp();
    if (matchPattern(v, m_AnyZeroFloat()))
      return Band::none();
    if (auto s = dyn_cast<arith::SelectOp>(def))
      return ofCondition(op, s.getCondition()).intersect(ofValue(op, s.getTrueValue())).hull(ofValue(op, s.getFalseValue()));
    if (isa<arith::MulFOp>(def))
      return ofValue(op, def->getOperand(0)).intersect(ofValue(op, def->getOperand(1)));
    if (isa<arith::AddFOp, arith::SubFOp>(def))
      return ofValue(op, def->getOperand(0)).hull(ofValue(op, def->getOperand(1)));
    if (isa<arith::DivFOp, arith::NegFOp, arith::ExtFOp, arith::TruncFOp, StopOp>(def))
      return ofValue(op, def->getOperand(0));
    if (auto read = dyn_cast<ReadOp>(def); read && plan.isWide(read.getSource())) {
      auto source = read.getSource().getDefiningOp<ComputeOp>();
      if (!source.isReduction())
        return ofValue(source, source.getYield().getValue());
    }
    return {};
  }

private:
  std::optional<Linear> linear(Operation *op, AffineExpr e) const {
    if (auto c = dyn_cast<AffineConstantExpr>(e))
      return Linear{0, 0, c.getValue()};
    if (auto d = dyn_cast<AffineDimExpr>(e)) {
      int role = plan.members.find(op)->second.roles[d.getPosition()];
      if (role == (int)plan.row)
        return Linear{1, 0, 0};
      if (role == (int)plan.column)
        return Linear{0, 1, 0};
      return {};
    }
    auto b = dyn_cast<AffineBinaryOpExpr>(e);
    if (!b || (e.getKind() != AffineExprKind::Add && e.getKind() != AffineExprKind::Mul))
      return {};
    auto l = linear(op, b.getLHS()), r = linear(op, b.getRHS());
    if (!l || !r)
      return {};
    if (e.getKind() == AffineExprKind::Add)
      return Linear{l->row + r->row, l->column + r->column, l->constant + r->constant};
    if (r->row || r->column)
      return {};
    return Linear{l->row * r->constant, l->column * r->constant, l->constant * r->constant};
  }
  std::optional<Linear> linear(Operation *op, Value v) const {
    Operation *def = v.getDefiningOp();
    IntegerAttr known;
    if (matchPattern(v, m_Constant(&known)))
      return Linear{0, 0, known.getInt()};
    if (auto index = dyn_cast<IndexOp>(def))
      return index.getSymbols().empty() ? linear(op, index.getMap().getResult(0)) : std::nullopt;
    if (!isa<arith::AddIOp, arith::SubIOp>(def))
      return {};
    auto l = linear(op, def->getOperand(0)), r = linear(op, def->getOperand(1));
    if (!l || !r)
      return {};
    int64_t sign = isa<arith::AddIOp>(def) ? 1 : -1;
    return Linear{l->row + sign * r->row, l->column + sign * r->column, l->constant + sign * r->constant};
  }
  const BlockPlan &plan;
};
} // namespace

//===-- kinds -------------------------------------------------------------===//

/// Whether two extents grow with the same runtime dim, or are the same long sequence.
static bool growTogether(AffineExpr a, AffineExpr b) {
  bool found = a == b && constantOf(a).value_or(0) >= 32;
  walkSymbols(a, [&](unsigned i) { walkSymbols(b, [&](unsigned j) { found |= i == j; }); });
  return found;
}

/// Which loops the factors of a product read: those on the side of `pivot`, and the others; false without the former.
static bool splitFactors(ComputeOp op, unsigned pivot, llvm::SmallBitVector &with, llvm::SmallBitVector &without) {
  SmallVector<Value> factors;
  factorsOf(op.getYield().getValue(), factors);
  with.resize(op.getNumLoops());
  without.resize(op.getNumLoops());
  for (Value f : factors) {
    auto l = loopsOf(f, op.getNumLoops());
    (l[pivot] ? with : without) |= l;
  }
  return with[pivot];
}

/// The wide tensors are what a sum of products makes whose two sides share no rows and columns.
static bool findWideDims(func::FuncOp kernel, BlockPlan &plan) {
  for (auto op : kernel.getBody().front().getOps<ComputeOp>()) {
    if (op.getReducer() != Reducer::sum || op.getYield().getFilter() || op.getBy().size() != 1 ||
        !op.getYield().getValue().getType().isF32())
      continue;
    SmallVector<AffineExpr> dims(op.getOver().getExprs());
    for (unsigned i = 0; i < dims.size(); ++i)
      for (unsigned j = i + 1; j < dims.size(); ++j) {
        llvm::SmallBitVector with, without;
        if (!growTogether(dims[i], dims[j]) || !splitFactors(op, i, with, without) || with[j] || !without[j] ||
            !with[op.getNumLoops() - 1] || !without[op.getNumLoops() - 1])
          continue;
        plan.dims = dims;
        plan.row = i;
        plan.column = j;
        return true;
      }
  }
  return false;
}

/// Roles of the loops of `op` by the dims of the wide tensors that it reads; false when reads disagree.
static bool rolesByReads(ComputeOp op, const BlockPlan &plan, SmallVector<int> &roles, bool &reads) {
  roles.assign(op.getNumLoops(), -1);
  reads = false;
  AffineMap map;
  for (ReadOp read : readsOf(op)) {
    if (!plan.isWide(read.getSource()))
      continue;
    if (map && map != read.getMap())
      return false;
    map = read.getMap();
    reads = true;
  }
  if (!reads)
    return true;
  for (auto [p, e] : llvm::enumerate(map.getResults())) {
    auto d = dyn_cast<AffineDimExpr>(e);
    if (!d || roles[d.getPosition()] != -1)
      return false;
    roles[d.getPosition()] = p;
  }
  return true;
}

ReadOp BlockPlan::wideRead(Value factor) const {
  ReadOp read = readBehind(factor);
  return read && isWide(read.getSource()) ? read : ReadOp();
}

/// The kind of a sum of a wide tensor times something with features, or nothing.
static std::optional<Kind> sumKind(ComputeOp op, const BlockPlan &plan, ArrayRef<int> roles) {
  unsigned parallel = op.getNumParallel();
  if (op.getReducer() != Reducer::sum || op.getYield().getFilter() || parallel < 2 || roles[parallel - 1] != -1)
    return {};
  bool byRow = false, byColumn = false;
  for (unsigned i = parallel; i < roles.size(); ++i) {
    if (roles[i] == -1)
      return {};
    byRow |= roles[i] == (int)plan.row;
    byColumn |= roles[i] == (int)plan.column;
  }
  for (unsigned i = 0; i + 1 < parallel; ++i)
    if (roles[i] == -1)
      return {};
  if (byRow == byColumn || (byColumn && roles.size() != parallel + 1))
    return {};
  int kept = llvm::find(roles, byRow ? (int)plan.column : (int)plan.row) - roles.begin();
  SmallVector<Value> factors;
  factorsOf(op.getYield().getValue(), factors);
  unsigned wide = 0;
  for (Value f : factors) {
    if (plan.wideRead(f))
      ++wide;
    else if (loopsOf(f, roles.size())[kept])
      return {};
  }
  if (wide != 1 || factors.size() < 2)
    return {};
  return byRow ? Kind::rowSum : Kind::columnSum;
}

/// Why `op` has none of the kinds, or nothing when it has one.
static StringRef classify(ComputeOp op, BlockPlan &plan) {
  SmallVector<int> roles;
  bool readsWide;
  if (!rolesByReads(op, plan, roles, readsWide))
    return "it reads what lies between at two places or at a computed one";
  bool isWideSize = ArrayRef<AffineExpr>(op.getOver().getExprs()) == ArrayRef<AffineExpr>(plan.dims);
  SmallVector<int> identity(op.getNumLoops(), -1);
  for (unsigned i = 0; i < plan.dims.size() && i < identity.size(); ++i)
    identity[i] = i;
  if (!op.isReduction() && isWideSize && (!readsWide || roles == identity)) {
    plan.members[op] = {Kind::wide, identity};
    return "";
  }
  if (readsWide && op.isReduction()) {
    if (auto kind = sumKind(op, plan, roles)) {
      plan.members[op] = {*kind, roles};
      return "";
    }
    bool isRows = op.getBy().size() == 1 && roles.back() == (int)plan.column && !llvm::is_contained(roles, -1) &&
                  (op.getReducer() == Reducer::sum || op.getReducer() == Reducer::max || op.getReducer() == Reducer::min) &&
                  op.getYield().getValue().getType().isF32();
    if (!isRows)
      return "it is neither a reduction of each row nor a sum of one weight times features over rows or columns";
    plan.members[op] = {Kind::rowReduction, roles};
    return "";
  }
  if (readsWide)
    return "it ranges over other points than the scores that it reads";
  if (op.isReduction()) {
    llvm::SmallBitVector with, without;
    if (!isWideSize || op.getReducer() != Reducer::sum || op.getYield().getFilter() || op.getBy().size() != 1 ||
        !op.getYield().getValue().getType().isF32() || !splitFactors(op, plan.row, with, without) || with[plan.column] ||
        !without[plan.column])
      return "it is a reduction that makes no scores";
    plan.members[op] = {Kind::score, identity};
    return "";
  }
  // Values of rows, or what follows a sum.
  for (ReadOp read : readsOf(op)) {
    auto source = plan.members.find(read.getSource().getDefiningOp());
    if (source == plan.members.end() || !read.getMap().isPermutation())
      continue;
    Kind kind = source->second.kind;
    bool isSum = kind == Kind::columnSum || kind == Kind::finish, isRow = kind == Kind::rowReduction || kind == Kind::rowValue;
    if ((!isSum && !isRow) || (isSum && !read.getMap().isIdentity()))
      continue;
    SmallVector<int> at(op.getNumLoops(), -1);
    for (auto [p, e] : llvm::enumerate(read.getMap().getResults()))
      at[cast<AffineDimExpr>(e).getPosition()] = source->second.roles[p];
    plan.members[op] = {isSum ? Kind::finish : Kind::rowValue, at};
    return "";
  }
  for (Operation *user : op->getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !read.getMap().isProjectedPermutation())
      return "it is a value of rows that is read at a computed place";
    // A wide definition over the same dims, whose loops are these.
    auto reader = dyn_cast<ComputeOp>(read->getParentOp());
    if (!reader || reader.isReduction() || ArrayRef<AffineExpr>(reader.getOver().getExprs()) != ArrayRef<AffineExpr>(plan.dims))
      continue;
    SmallVector<int> at;
    for (AffineExpr e : read.getMap().getResults())
      at.push_back(cast<AffineDimExpr>(e).getPosition());
    if (llvm::is_contained(at, (int)plan.column))
      return "it is a value of columns";
    plan.members[op] = {Kind::rowValue, at};
    return "";
  }
  return "nothing says which rows it belongs to";
}

/// Whether the loops of `op` that are dims of the wide tensors run over all of them, as blocks do.
static bool rangesOverAll(ComputeOp op, const BlockPlan &plan) {
  ArrayRef<int> roles = plan.members.find(op)->second.roles;
  return llvm::all_of(llvm::zip(roles, op.getExtents()),
                      [&](auto loop) { return std::get<0>(loop) < 0 || plan.dims[std::get<0>(loop)] == std::get<1>(loop); });
}

/// Null and "" when all have a kind, else which has none and why.
static BlockRefusal classifyAll(func::FuncOp kernel, BlockPlan &plan) {
  plan.members.clear();
  plan.accumulates = false;
  bool reducesRows = false;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    auto compute = dyn_cast<ComputeOp>(&op);
    StringRef why = compute ? classify(compute, plan) : "it is a scatter";
    if (!why.empty())
      return {&op, why};
    if (!rangesOverAll(compute, plan))
      return {&op, "it ranges over a part of the rows or columns"};
    Kind kind = plan.members[&op].kind;
    plan.accumulates |= kind == Kind::rowSum;
    reducesRows |= kind == Kind::rowReduction || kind == Kind::finish;
  }
  bool hasSum = false;
  for (auto &[op, member] : plan.members) {
    hasSum |= member.kind == Kind::columnSum || member.kind == Kind::rowSum;
    // A sum is read at the element it makes, by what follows it.
    if (member.kind == Kind::columnSum || member.kind == Kind::rowSum || member.kind == Kind::finish)
      for (Operation *user : op->getUsers())
        if (auto read = dyn_cast<ReadOp>(user);
            read && (plan.members[read->getParentOp()].kind != Kind::finish || !read.getMap().isIdentity()))
          return {op, "it is a sum that is read at another point than it makes"};
  }
  Operation *first = &kernel.getBody().front().front();
  if (!hasSum)
    return {first, "nothing sums its rows or columns times features"};
  if (plan.accumulates && reducesRows)
    return {first, "blocks would add up in sums over rows, but rows are reduced whole"};
  return {};
}

std::optional<BlockPlan> matchBlockKernel(func::FuncOp kernel, BlockRefusal *refusal) {
  BlockPlan plan;
  if (!findWideDims(kernel, plan))
    return {};
  auto refuse = [&](BlockRefusal r) {
    // A product with its epilogue holds nothing between.
    unsigned reductions = llvm::count_if(kernel.getBody().front().getOps<ComputeOp>(), [](ComputeOp op) { return op.isReduction(); });
    if (refusal && reductions > 1)
      *refusal = r;
    return std::nullopt;
  };
  if (BlockRefusal r = classifyAll(kernel, plan); r.at) {
    std::swap(plan.row, plan.column);
    if (classifyAll(kernel, plan).at)
      return refuse(r);
  }
  for (Value v : kernel.getBody().front().getTerminator()->getOperands()) {
    Operation *op = v.getDefiningOp();
    if (!op || plan.isWide(v))
      return refuse({op ? op : &kernel.getBody().front().front(), "it is a result, which blocks would not keep"});
    if (plan.accumulates && plan.members[op].kind == Kind::rowValue)
      return refuse({op, "it is a value of rows beside sums over rows"});
  }
  BandFinder bands(plan);
  plan.band = Band::none();
  for (auto &[op, member] : plan.members) {
    YieldOp yield = cast<ComputeOp>(op).getYield();
    Band b;
    if (member.kind == Kind::rowReduction) {
      if (yield.getFilter())
        b = bands.ofCondition(op, yield.getFilter());
      if (cast<ComputeOp>(op).getReducer() == Reducer::sum)
        b = b.intersect(bands.ofValue(op, yield.getValue()));
    } else if (member.kind == Kind::columnSum || member.kind == Kind::rowSum) {
      b = bands.ofValue(op, yield.getValue());
    } else {
      continue;
    }
    plan.band = plan.band.hull(b);
  }
  return plan;
}

} // namespace tintype::schedule
