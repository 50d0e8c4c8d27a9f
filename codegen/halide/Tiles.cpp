//===- Tiles.cpp - sums of products on matrix tiles -----------------------===//
// Finds the store that adds a product, its loops and lets, and reads off its places what the call takes: bases and
// strides. Loops of one turn have gone by then, so a loop that is not there has stride 0.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Tiles.h"

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

/// The update of a func: its loops, outermost first, and what it stores.
struct Nest : IRVisitor {
  explicit Nest(const std::string &func) : func(func) {}
  using IRVisitor::visit;

  void visit(const For *op) override {
    if (store) // an earlier nest
      return;
    loops.push_back(op);
    op->body.accept(this);
    if (!store)
      loops.pop_back();
  }
  void visit(const LetStmt *op) override {
    if (store)
      return;
    lets.emplace_back(op->name, op->value);
    op->body.accept(this);
    if (!store)
      lets.pop_back();
  }
  void visit(const Store *op) override {
    struct Loads : IRVisitor {
      using IRVisitor::visit;
      void visit(const Load *load) override { all.push_back(load); }
      std::vector<const Load *> all;
    } loads;
    op->value.accept(&loads);
    if (op->name != func || loads.all.size() != 3)
      return;
    store = op;
    for (const Load *load : loads.all)
      if (load->name != func)
        factors.push_back(load);
  }

  /// `e` with every let written out.
  Expr whole(Expr e) const {
    for (auto it = lets.rbegin(); it != lets.rend(); ++it)
      e = substitute(it->first, it->second, e);
    return substitute_in_all_lets(e);
  }

  const std::string func;
  std::vector<const For *> loops;
  std::vector<std::pair<std::string, Expr>> lets;
  const Store *store = nullptr;
  std::vector<const Load *> factors;
};

/// A place in memory as a function of loops: bytes at their first turn, and from turn to turn of each.
struct Place {
  Expr base;
  std::vector<int> strides; ///< outermost first
};

class UseTiles : public IRMutator {
public:
  explicit UseTiles(const std::set<std::string> &funcs) : funcs(funcs) {}

protected:
  using IRMutator::visit;

  Stmt visit(const ProducerConsumer *op) override {
    if (!op->is_producer || !funcs.count(op->name))
      return IRMutator::visit(op);
    Nest nest(op->name);
    op->body.accept(&nest);
    expect(nest.store && nest.factors.size() == 2, op->name, "a sum of products of two factors");
    return ProducerConsumer::make(op->name, true, callOf(nest));
  }

private:
  static void expect(bool holds, const std::string &func, const char *what) {
    if (!holds)
      throw Halide::CompileError("expected " + func + " on matrix tiles to be " + what);
  }

  static Place placeOf(const Nest &nest, const Expr &index, int bytes) {
    Expr at = nest.whole(index);
    auto with = [&](size_t one, const Expr &turn) {
      Expr e = at;
      for (size_t i = 0; i < nest.loops.size(); ++i)
        e = substitute(nest.loops[i]->name, i == one ? nest.loops[i]->min + turn : nest.loops[i]->min, e);
      return e;
    };
    Place p{simplify(nest.whole(with(nest.loops.size(), 0))), {}};
    for (size_t i = 0; i < nest.loops.size(); ++i) {
      auto step = as_const_int(simplify(nest.whole(with(i, 1)) - p.base));
      // Where a loop's end is not known, at any turn.
      Expr last = is_const(nest.loops[i]->extent) ? simplify(nest.loops[i]->extent - 1) : Variable::make(Halide::Int(32), "turn");
      expect(step && can_prove(nest.whole(with(i, last)) == p.base + Expr((int)*step) * last), nest.func, "at places that are linear in its loops");
      p.strides.push_back((int)*step * bytes);
    }
    p.base = Halide::cast<int64_t>(p.base) * bytes;
    return p;
  }

  static Stmt callOf(const Nest &nest) {
    const int n = nest.loops.size();
    auto loop = [&](int fromInside) { return nest.loops[n - 1 - fromInside]; };
    auto extent = [&](int fromInside) {
      auto e = fromInside < n ? as_const_int(loop(fromInside)->extent) : std::nullopt;
      return e ? (int)*e : 0;
    };
    auto isTile = [](int extent) { return extent == 16 || extent == 32; };
    Place c = placeOf(nest, nest.store->index, 4);
    Place first = placeOf(nest, nest.factors[0]->index, nest.factors[0]->type.bytes());
    Place second = placeOf(nest, nest.factors[1]->index, nest.factors[1]->type.bytes());
    auto stride = [&](const Place &p, int fromInside) { return fromInside < n ? p.strides[n - 1 - fromInside] : 0; };
    const bool isFirstA = stride(first, 2) == 0;
    const Place &a = isFirstA ? first : second, &b = isFirstA ? second : first;
    auto name = [&](bool isA) { return Variable::make(Halide::Handle(), nest.factors[isA == isFirstA ? 0 : 1]->name); };
    // kk, ki, columns (in one loop, or sixteen by two), rows, steps of K.
    int at = 3, columns = extent(2), bTile = 64;
    if (columns == 16 && at < n && stride(a, at) == 0 && stride(c, at) == 64) {
      bTile = stride(b, at);
      columns *= extent(at++);
    }
    const int rows = at++, step = at;
    expect(extent(0) == 2 && extent(1) == 16 && isTile(columns) && isTile(extent(rows)) && (n == step || n == step + 1), nest.func,
           "loops of kk, ki, columns, rows and steps");
    auto holdsPairs = [&](int i) { return stride(i ? second : first, 0) == (nest.factors[i]->type.bytes() == 2 ? 2 : 0); };
    // 32 elements of K lie together in a row of A, two in a column of B.
    expect(stride(a, 2) == 0 && stride(a, 1) == 4 && stride(b, rows) == 0 && stride(b, 2) == 4 && holdsPairs(0) && holdsPairs(1) && stride(c, 2) == 4 &&
               stride(c, 0) == 0 && stride(c, 1) == 0 && stride(c, step) == 0,
           nest.func, "of panels that hold pairs");
    Expr steps = n == step + 1 ? nest.whole(loop(step)->extent) : Expr(1);
    std::vector<Expr> args{Variable::make(Halide::Handle(), nest.func), c.base, name(true), a.base, name(false), b.base, extent(rows), columns,
                           steps, stride(c, rows), stride(a, rows), stride(a, step), stride(b, 1), stride(b, step), bTile};
    return Evaluate::make(Call::make(Halide::Int(32), "tintype_tile_product", args, Call::Extern));
  }

  std::set<std::string> funcs;
};

} // namespace

std::unique_ptr<IRMutator> useTiles(const std::set<std::string> &funcs) { return std::make_unique<UseTiles>(funcs); }

} // namespace tintype::codegen
