//===- Lowering.cpp - a kernel function as a halide.pipeline --------------===//
// Goes from the results to what they need: a definition that is not written
// inline becomes funcs when first wanted, by the template of its kind.
//===----------------------------------------------------------------------===//
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "passes/StoreOrder.h"
#include "passes/schedule/BlockKernel.h"
#include "passes/schedule/Contraction.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

/// Names of the runtime dims that occur anywhere in `kernel`, sorted.
static SmallVector<StringRef> symbolsOf(func::FuncOp kernel) {
  MLIRContext *ctx = kernel.getContext();
  auto *dialect = ctx->getOrLoadDialect<GraphDialect>();
  llvm::StringSet<> names;
  auto add = [&](ArrayRef<AffineExpr> dims) {
    for (AffineExpr e : dims)
      walkSymbols(e, [&](unsigned id) { names.insert(dialect->symbolName(id)); });
  };
  for (Type t : kernel.getArgumentTypes())
    add(dimsOf(t));
  kernel.walk([&](Operation *op) {
    for (NamedAttribute a : op->getAttrs())
      if (auto dims = dyn_cast<DimsAttr>(a.getValue()))
        add(dims.getExprs());
  });
  SmallVector<StringRef> r;
  for (auto &n : names)
    r.push_back(dialect->symbolName(dialect->symbolId(n.getKey())));
  llvm::sort(r);
  return r;
}

Lowering::Lowering(func::FuncOp kernel, const Machine &machine)
    : kernel(kernel), machine(machine), ctx(kernel.getContext()), definitions(ctx), directives(ctx) {
  for (auto [name, value] : tuneOf(kernel))
    this->machine.tune[name] = value;
}

void Lowering::readFunc(Value tensor, StringRef name, int64_t element) {
  Type type = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (wide.contains(tensor))
    type = Float32Type::get(ctx);
  readers[tensor] = [f = name.str(), type, element](Body &b, ArrayRef<Value> at) {
    return b.load(f, SmallVector<Value>(llvm::reverse(at)), type, element);
  };
}

bool Lowering::isResult(Operation *op) {
  return llvm::is_contained(kernel.getBody().front().getTerminator()->getOperands(), op->getResult(0));
}

/// What one evaluation costs, in additions.
static int64_t costOf(Operation *definition) {
  int64_t cost = 0;
  definition->walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()))
      cost += isa<math::AbsFOp, math::FloorOp>(op) ? 1 : 10;
    else if (isa<graph::RandomOp>(op))
      cost += 60;
    else if (isa<arith::DivFOp>(op))
      cost += 4;
    else if (isa<arith::ArithDialect>(op->getDialect()) && !isa<arith::ConstantOp>(op))
      cost += 1;
  });
  return cost;
}

/// Whether all that reads `op` is results at the same point, which can be one tuple.
bool Lowering::isForOneTuple(ComputeOp op) {
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    auto read = dyn_cast<ReadOp>(user);
    auto result = read ? dyn_cast<ComputeOp>(read->getParentOp()) : ComputeOp();
    return result && !result.isReduction() && isResult(result) && result.getOver() == op.getOver() && read.getMap().isIdentity() &&
           !readsResult(result);
  });
}

/// A pointwise definition is written inline where that repeats little work.
bool Lowering::isInline(ComputeOp op) {
  if (op.isReduction() || isResult(op))
    return false;
  if (isForOneTuple(op)) // evaluated once for the point
    return true;
  int64_t cost = costOf(op), uses = 0;
  for (ReadOp r : readsOf(op))
    if (auto source = r.getSource().getDefiningOp<ComputeOp>(); source && isInline(source))
      cost += costOf(source);
  for (Operation *user : op->getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read) {
      uses += 2;
      continue;
    }
    Operation *def = read->getParentOp();
    ++uses;
    if (contractions.count(def))
      continue; // packed once for a block
    llvm::SmallBitVector seen(extentsOf(def).size());
    for (AffineExpr e : read.getMap().getResults())
      e.walk([&](AffineExpr x) {
        if (auto d = dyn_cast<AffineDimExpr>(x))
          seen.set(d.getPosition());
      });
    for (auto [i, extent] : llvm::enumerate(extentsOf(def)))
      if (!seen[i] && constantOf(extent) != 1)
        uses += 2;
  }
  return uses <= 1 || cost * (uses - 1) <= machine.value("again", 8);
}

/// Without instructions for bf16 a value is widened at every use; inside a kernel, where
/// space is cache, it may as well be wide already.
bool Lowering::isWide(ComputeOp op) {
  return !machine.hasPairs() && !op.isReduction() && !isResult(op) && !isInline(op) &&
         cast<RankedTensorType>(op.getType()).getElementType().isBF16();
}

/// `op` reads `on` through something that has a func of its own.
bool Lowering::dependsThroughRoot(Operation *op, Operation *on) {
  for (ReadOp r : readsOf(op)) {
    Operation *source = r.getSource().getDefiningOp();
    if (!source || source == on)
      continue;
    auto compute = dyn_cast<ComputeOp>(source);
    bool isIdentity = r.getMap().isIdentity();
    if (compute && isIdentity && (isInline(compute) || (isResult(compute) && !compute.isReduction()))) {
      if (dependsThroughRoot(source, on))
        return true;
      continue;
    }
    // Anything else that reaches `on` does so through memory.
    SmallVector<Operation *> todo{source};
    DenseSet<Operation *> seen;
    while (!todo.empty()) {
      Operation *x = todo.pop_back_val();
      if (x == on)
        return true;
      if (!seen.insert(x).second)
        continue;
      for (ReadOp y : readsOf(x))
        if (Operation *d = y.getSource().getDefiningOp())
          todo.push_back(d);
    }
  }
  return false;
}

Value Lowering::takenBy(Operation *op) {
  auto inplace = kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
  auto results = kernel.getBody().front().getTerminator()->getOperands();
  auto it = llvm::find(results, op->getResult(0));
  if (!inplace || it == results.end())
    return {};
  int32_t place = inplace[it - results.begin()];
  return place < 0 ? Value() : Value(kernel.getArgument(place));
}

SmallVector<ComputeOp> Lowering::tupleOf(ComputeOp op) {
  SmallVector<ComputeOp> group{op};
  if (!isResult(op))
    return group;
  for (auto other : kernel.getBody().front().getOps<ComputeOp>()) {
    if (other == op || other.isReduction() || !isResult(other) || places.count(other) || other.getOver() != op.getOver())
      continue;
    bool fits = llvm::all_of(group, [&](ComputeOp g) {
      for (ComputeOp from : {other, g})
        for (ReadOp r : readsOf(from))
          if ((r.getSource() == other.getResult() || r.getSource() == g.getResult()) && !r.getMap().isIdentity())
            return false;
      return !dependsThroughRoot(other, g) && !dependsThroughRoot(g, other);
    });
    if (fits)
      group.push_back(other);
  }
  llvm::sort(group, [](ComputeOp a, ComputeOp b) { return a->isBeforeInBlock(b); });
  // Values of a tuple are stored one after the other.
  auto order = storeOrder(SmallVector<Operation *>(group.begin(), group.end()), [&](Operation *g) { return takenBy(g); });
  for (auto [g, at] : llvm::zip(order, group))
    at = cast<ComputeOp>(g);
  return group;
}

ComputeOp Lowering::tileOf(ComputeOp op) {
  SmallVector<ComputeOp> todo{op};
  while (!todo.empty()) {
    ComputeOp x = todo.pop_back_val();
    for (ReadOp r : readsOf(x)) {
      auto source = r.getSource().getDefiningOp<ComputeOp>();
      if (!source || !r.getMap().isIdentity() || source.getOver() != op.getOver())
        continue;
      if (tiles.count(source))
        return source;
      if (!places.count(source))
        todo.push_back(source);
    }
  }
  return {};
}

bool Lowering::readsBeside(StringRef consumer, const Tiles &tiles, size_t rank) {
  bool does = false;
  pipeline.walk([&](halide::LoadOp load) {
    auto f = dyn_cast<halide::FuncOp>(load->getParentOp());
    does |= f && f.getSymName() == consumer && load.getSource() != tiles.func && load.getIndices().size() >= rank;
  });
  return does;
}

bool Lowering::isOnlyReader(StringRef consumer, StringRef name) {
  bool only = true;
  pipeline.walk([&](halide::LoadOp load) {
    Operation *parent = load->getParentOp();
    if (load.getSource() != name)
      return;
    auto f = dyn_cast<halide::FuncOp>(parent);
    auto u = dyn_cast<halide::UpdateOp>(parent);
    only &= (f && f.getSymName() == consumer) || (u && u.getFunc() == name);
  });
  return only;
}

void Lowering::scheduleElementwise(StringRef name, ArrayRef<AffineExpr> over, ComputeOp tile) {
  int rank = over.size(), V = machine.vectorWidth;
  auto var = [](int i) { return "i" + std::to_string(i); };
  if (rank == 0)
    return;
  if (!tile) {
    // A dim of one element is no dim to vectorise.
    int x = rank - 1;
    while (x > 0 && constantOf(over[x]) == 1)
      --x;
    vectorize(name, -1, var(x), V * machine.value("pv", 1), halide::Tail::guard);
    return;
  }
  Tiles &t = tiles[tile];
  split(name, -1, var(t.n), "no", "nv", t.width, halide::Tail::guard);
  bool canFollow = !t.isChunked && t.strip.empty() && isOnlyReader(name, t.func);
  // Stores overlap with the next products: of the next tile, or of the next strip of rows where something
  // is read beside, which wants long rows. Matrix tiles are done so fast that all memory wants long rows.
  if (int stream = canFollow ? machine.value("stream", t.isOnTiles || readsBeside(name, t, rank) ? 1 : 2) : 0) {
    t.strip = name.str();
    t.at = stream > 1 && !t.packsStrips ? "no" : "mo";
    split(name, -1, var(t.m), "mo", "mv", t.rows, halide::Tail::guard);
    Strings order = t.at == "mo" && t.isOnTiles ? Strings{"nv", "no", "mv", "mo"} : Strings{"nv", "mv", "no", "mo"};
    for (int i = rank - 1; i >= 0; --i)
      if (i != (int)t.n && i != (int)t.m)
        order.push_back(var(i));
    reorder(name, -1, order);
  }
  vectorize(name, -1, "nv", V, halide::Tail::guard);
}

void Lowering::lowerPointwise(ArrayRef<ComputeOp> group, StringRef name) {
  ComputeOp first = group[0];
  Strings vars;
  for (int i = (int)first.getNumParallel() - 1; i >= 0; --i)
    vars.push_back("i" + std::to_string(i));
  // Members read each other through the value at hand.
  for (ComputeOp op : group)
    readers[op->getResult(0)] = [op](Body &b, ArrayRef<Value> at) { return b.point(op, at).first; };
  func(name, vars, first.getLoc(), [&](Body &b, ArrayRef<Value> v) {
    SmallVector<Value> loops(llvm::reverse(v)), values;
    for (ComputeOp op : group)
      values.push_back(isWide(op) ? b.widen(b.point(op, loops).first) : b.point(op, loops).first);
    return values;
  });
  computeRoot(name);
  ComputeOp tile;
  for (ComputeOp op : group)
    if (ComputeOp t = tileOf(op))
      tile = t;
  late.push_back([this, f = name.str(), first, tile]() mutable { scheduleElementwise(f, first.getOver().getExprs(), tile); });
  for (auto [i, op] : llvm::enumerate(group)) {
    if (isWide(op))
      wide.insert(ComputeOp(op).getResult());
    readFunc(ComputeOp(op).getResult(), name, i);
    places[ComputeOp(op)] = {name.str(), (int64_t)i};
  }
}

/// Whether packing factors of f32 in parts, for matrix tiles, is paid for by the rows and columns they are multiplied with.
bool Lowering::isWorthParts(ComputeOp op, const Contraction &c) const {
  if (!machine.hasTiles || c.isRounded)
    return false;
  bool isLarge =
      estimate(op.getOver()[c.m]) >= 64 && estimate(op.getOver()[c.n]) >= 16 && estimate(productOf(op.getBy().getExprs(), ctx)) >= 32;
  return machine.value("parts", isLarge);
}

/// Whether rows of A are read where they lie, and whether they stream.
void Lowering::chooseRows(ComputeOp op, Contraction &c) {
  // A value written inline would be computed again in every register tile, and one of bf16 widened
  // again; but pairs are multiplied as they lie.
  if (ReadOp read = readBehind(c.a[0]); read && c.plainA) {
    auto source = read.getSource().getDefiningOp<ComputeOp>();
    bool isStored = !source || source.isReduction() || !isInline(source);
    std::optional<int64_t> k = constantOf(op.getBy().getExprs()[0]);
    if (read.getType().isBF16())
      c.plainA = isPaired(c) ? isStored && k && *k % 2 == 0 : source && isWide(source);
    else
      c.plainA = isStored;
  }
  bool isAlongK = c.aAlongK && !c.aAlongM && op.getBy().getExprs().size() == 1;
  c.isInParts = isWorthParts(op, c);
  c.streamsA = c.plainA || ((isPaired(c) || c.isInParts) && isAlongK);
}

LogicalResult Lowering::run() {
  // Equal ops are one before kinds are found: later passes compare values.
  std::optional<BlockLowering> block;
  BlockRefusal refusal;
  if (machine.value("blocks", 1) && matchBlockKernel(kernel, &refusal)) {
    shareEqualOps(kernel);
    prepareBlockKernel(kernel, *matchBlockKernel(kernel));
    if (auto plan = matchBlockKernel(kernel))
      block.emplace(*this, *plan);
  }
  if (refusal.at)
    remarkOnRefusal(kernel, refusal.at, refusal.why);
  if (!block)
    useReciprocals(kernel);
  OpBuilder outer(kernel);
  outer.setInsertionPointAfter(kernel);
  SmallVector<StringRef> symbols = symbolsOf(kernel);
  Strings places = block ? block->rangeSymbols() : Strings();
  symbols.append(places.begin(), places.end());
  pipeline =
      halide::PipelineOp::create(outer, kernel.getLoc(), FlatSymbolRefAttr::get(ctx, kernel.getName()), outer.getStrArrayAttr(symbols));
  Block &body = pipeline.getBody().emplaceBlock();
  // Definitions stand before a mark, directives after it.
  OpBuilder at = OpBuilder::atBlockEnd(&body);
  auto mark = halide::ComputeRootOp::create(at, kernel.getLoc(), FlatSymbolRefAttr::get(ctx, "mark"));
  definitions.setInsertionPoint(mark);
  directives.setInsertionPointToEnd(&body);
  for (BlockArgument a : kernel.getArguments()) {
    auto type = cast<RankedTensorType>(a.getType());
    std::string name = "in" + std::to_string(a.getArgNumber());
    SmallVector<AffineExpr> dims(llvm::reverse(dimsOf(type)));
    halide::InputOp::create(definitions, a.getLoc(), name, DimsAttr::get(ctx, dims), type.getElementType());
    readFunc(a, name);
  }
  if (block) {
    pointsOf = [&](ComputeOp op) { return block->points(op); };
    return failed(block->run()) ? failure() : finish(mark);
  }
  for (auto op : kernel.getBody().front().getOps<ComputeOp>())
    if (auto c = matchContraction(op))
      contractions[op] = *c;
  for (auto &[op, c] : contractions)
    chooseRows(cast<ComputeOp>(op), c);
  chooseGrid();

  std::function<LogicalResult(Operation *)> ensure = [&](Operation *op) -> LogicalResult {
    auto compute = dyn_cast<ComputeOp>(op);
    if (readers.count(op->getResult(0)))
      return success();
    SmallVector<ComputeOp> group;
    bool isPointwise = compute && !compute.isReduction();
    if (isPointwise && isInline(compute)) {
      readers[op->getResult(0)] = [compute](Body &b, ArrayRef<Value> at) { return b.point(compute, at).first; };
    } else if (isPointwise) {
      group = tupleOf(compute);
    }
    auto needs = [&](Operation *x) {
      for (ReadOp r : readsOf(x))
        if (Operation *d = r.getSource().getDefiningOp(); d && !llvm::is_contained(group, d))
          if (failed(ensure(d)))
            return failure();
      if (auto scatter = dyn_cast<ScatterOp>(x))
        if (Operation *d = scatter.getInit() ? scatter.getInit().getDefiningOp() : nullptr)
          return ensure(d);
      return success();
    };
    if (group.empty() ? failed(needs(op)) : llvm::any_of(group, [&](ComputeOp g) { return failed(needs(g)); }))
      return failure();
    if (isPointwise && group.empty())
      return success();
    std::string name = "f" + std::to_string(counter++);
    if (isPointwise)
      return lowerPointwise(group, name), success();
    if (auto scatter = dyn_cast<ScatterOp>(op))
      return lowerScatter(scatter, name);
    auto c = contractions.find(op);
    if (c == contractions.end())
      return lowerReduction(compute, name);
    ++numContractions;
    ContractionLowering(*this, compute, c->second, name).run();
    return success();
  };
  for (Value v : kernel.getBody().front().getTerminator()->getOperands()) {
    Operation *op = v.getDefiningOp();
    if (!op)
      return kernel.emitError() << "expected results that the kernel computes, but one is an argument";
    if (failed(ensure(op)))
      return failure();
  }
  return finish(mark);
}

LogicalResult Lowering::finish(Operation *mark) {
  emitOutputs();
  emitCosts();
  for (auto &emit : late)
    emit();
  for (auto &[op, t] : tiles) {
    if (t.strip.empty()) {
      computeRoot(t.func);
    } else {
      computeAt(t.func, t.strip, t.at);
      boundExtent(t.func, "mo", 1);
      if (t.at == "no")
        boundExtent(t.func, "no", 1);
    }
  }
  mark->erase();
  IRRewriter rewriter(ctx);
  DominanceInfo dominance(pipeline);
  eliminateCommonSubExpressions(rewriter, dominance, pipeline);
  return success();
}

} // namespace tintype::schedule
