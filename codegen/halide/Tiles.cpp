//===- Tiles.cpp - sums of products on matrix tiles -----------------------===//
// Finds the loops around the store that adds a product, and reads off its places what the call takes: bases and strides.
// Loops of one turn have gone by then, so a loop that is not there has stride 0.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Lowered.h"
#include "codegen/halide/TileLines.h"

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

constexpr const char *productName = "tintype_tile_product";

/// A call that computes a tile at once writes all of it: nothing has to be zero before.
struct DropZeros : IRMutator {
  explicit DropZeros(const std::string &func) : func(func) {}
  using IRMutator::visit;
  Stmt visit(const Store *op) override { return op->name == func && is_const_zero(op->value) ? Evaluate::make(0) : IRMutator::visit(op); }
  const std::string &func;
};

/// Calls for tiles of `func` add to what these hold.
struct AddToTiles : IRMutator {
  explicit AddToTiles(const std::string &func) : func(func) {}
  using IRMutator::visit;
  Expr visit(const Call *op) override {
    if (op->name != productName || op->args[0].as<Variable>()->name != func)
      return op;
    std::vector<Expr> args = op->args;
    args.back() = 1;
    return Call::make(op->type, op->name, args, op->call_type);
  }
  const std::string &func;
};

class UseTiles : public IRMutator {
public:
  explicit UseTiles(const std::set<std::string> &funcs) : funcs(funcs) {}

protected:
  using IRMutator::visit;

  Stmt visit(const ProducerConsumer *op) override {
    if (!op->is_producer || !funcs.count(op->name))
      return IRMutator::visit(op);
    ScopedValue<std::string> inside(func, op->name);
    ScopedValue<Lets> fresh(lets, {}); // what stands further out has no part in how places follow loops
    ScopedValue<const char *> reason(why, "a sum of products of bf16");
    ScopedValue<Loops> noLoops(around, {});
    ScopedValue<int> none(numCalls, 0);
    ScopedValue<bool> always(needsZeros, false);
    Stmt s = IRMutator::visit(op);
    if (!numCalls)
      throw Halide::CompileError(std::string("expected ") + why + " for " + func + " on matrix tiles");
    if (numCalls > 1) // the turns of a loop, taken apart: one tile may be theirs together
      return AddToTiles(func).mutate(s);
    return needsZeros ? s : DropZeros(func).mutate(s);
  }
  Stmt visit(const Block *op) override {
    const auto *producer = op->first.as<ProducerConsumer>();
    if (!producer || !producer->is_producer || !funcs.count(producer->name))
      return IRMutator::visit(op);
    ScopedValue<std::vector<TileLines>> lines(beside, linesBeside(producer->name, op->rest));
    return IRMutator::visit(op);
  }
  Stmt visit(const For *op) override {
    if (!func.empty())
      if (TileNest nest(func, op, lets); !nest.products.empty()) {
        const bool adds = isPartOfSum(nest);
        if (Stmt call = callOf(nest, adds); call.defined()) {
          ++numCalls;
          needsZeros |= adds || isUnderIf || !hasFixedSteps(nest);
          return call;
        }
      }
    around.push_back(op);
    Stmt s = IRMutator::visit(op);
    around.pop_back();
    return s;
  }
  Stmt visit(const LetStmt *op) override {
    lets.emplace_back(op->name, op->value);
    Stmt s = IRMutator::visit(op);
    lets.pop_back();
    return s;
  }
  Stmt visit(const IfThenElse *op) override {
    ScopedValue<bool> under(isUnderIf, !func.empty());
    return IRMutator::visit(op);
  }

private:
  /// Whether a loop around `nest` comes back to the same tile.
  bool isPartOfSum(const TileNest &nest) const {
    Expr at = nest.whole(nest.store->index);
    return std::any_of(around.begin(), around.end(),
                       [&](const For *loop) { return !is_const_one(loop->extent) && !expr_uses_var(at, loop->name); });
  }
  /// Loops around one whose end depends on them may have lost the turns in which it does nothing.
  static bool hasFixedSteps(const TileNest &nest) {
    return std::all_of(nest.loops.begin(), nest.loops.end(), [](const For *loop) { return is_const(loop->extent); });
  }
  Stmt fails(const char *reason) {
    why = reason;
    return Stmt();
  }

  /// The call, or nothing where the outermost loops of `nest` are not those of one tile.
  Stmt callOf(TileNest &nest, bool adds) {
    const int n = nest.loops.size();
    auto loop = [&](int fromInside) { return nest.loops[n - 1 - fromInside]; };
    auto extent = [&](int fromInside) {
      auto e = fromInside < n ? as_const_int(loop(fromInside)->extent) : std::nullopt;
      return e ? (int)*e : 0;
    };
    auto isTile = [](int extent) { return extent == 16 || extent == 32; };
    Place c = Place::of(nest.store->index, 4, nest.loops, nest.lets);
    auto parts = nest.orderParts();
    if (!parts)
      return fails("one product, or the six greatest of three parts");
    const TileNest::Factors &factors = nest.products[0];
    Place first = Place::of(factors[0]->index, factors[0]->type.bytes(), nest.loops, nest.lets);
    Place second = Place::of(factors[1]->index, factors[1]->type.bytes(), nest.loops, nest.lets);
    if (!c.base.defined() || !first.base.defined() || !second.base.defined())
      return fails("places that are linear in its loops");
    auto stride = [&](const Place &p, int fromInside) { return fromInside < n ? p.strides[n - 1 - fromInside] : 0; };
    const bool isFirstA = stride(first, 2) == 0;
    const Place &a = isFirstA ? first : second, &b = isFirstA ? second : first;
    auto name = [&](bool isA) { return Variable::make(Halide::Handle(), factors[isA == isFirstA ? 0 : 1]->name); };
    // kk, ki, columns (in one loop, or sixteen by two), rows, steps of K.
    int at = 3, columns = extent(2), bTile = 64;
    if (columns == 16 && at < n && stride(a, at) == 0 && stride(c, at) == 64) {
      bTile = stride(b, at);
      columns *= extent(at++);
    }
    const int rows = at++, step = at;
    if (extent(0) != 2 || extent(1) != 16 || !isTile(columns) || !isTile(extent(rows)) || (n != step && n != step + 1))
      return fails("loops of kk, ki, columns, rows and steps");
    // 32 elements of K lie together in a row of A, two in a column of B.
    auto holdsPairs = [&](int i) { return stride(i ? second : first, 0) == (factors[i]->type.bytes() == 2 ? 2 : 0); };
    if (!holdsPairs(0) || !holdsPairs(1) || stride(a, 2) != 0 || stride(a, 1) != 4 || stride(b, rows) != 0 || stride(b, 2) != 4 ||
        stride(c, 2) != 4 || stride(c, 0) != 0 || stride(c, 1) != 0 || stride(c, step) != 0)
      return fails("panels that hold pairs");
    Expr steps = n == step + 1 ? nest.whole(loop(step)->extent) : Expr(1);
    std::vector<Expr> args{Variable::make(Halide::Handle(), nest.func),
                           c.inBytes(),
                           name(true),
                           a.inBytes(),
                           name(false),
                           b.inBytes(),
                           extent(rows),
                           columns,
                           steps,
                           stride(c, rows),
                           stride(a, rows),
                           stride(a, step),
                           stride(b, 1),
                           stride(b, step),
                           bTile,
                           (*parts)[isFirstA ? 0 : 1],
                           (*parts)[isFirstA ? 1 : 0],
                           adds};
    std::vector<Stmt> calls = fetchBeside(beside, c, stride(c, rows), columns, around);
    calls.push_back(Evaluate::make(Call::make(Halide::Int(32), productName, args, Call::Extern)));
    return Block::make(calls);
  }

  const std::set<std::string> funcs;
  std::string func; ///< the one around
  Lets lets;        ///< around what is visited
  Loops around;
  std::vector<TileLines> beside; ///< what reads the tiles
  const char *why = "";          ///< what its last nest lacks
  int numCalls = 0;
  bool isUnderIf = false;
  bool needsZeros = false; ///< some tile is added to, or may not be computed
};

} // namespace

std::unique_ptr<IRMutator> useTiles(const std::set<std::string> &funcs) { return std::make_unique<UseTiles>(funcs); }

} // namespace tintype::codegen
