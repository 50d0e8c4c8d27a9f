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
      expect(step && can_prove(nest.whole(with(i, nest.loops[i]->extent - 1)) == p.base + Expr((int)*step) * (nest.loops[i]->extent - 1)),
             nest.func, "at places that are linear in its loops");
      p.strides.push_back((int)*step * bytes);
    }
    p.base = Halide::cast<int64_t>(p.base) * bytes;
    return p;
  }

  static Stmt callOf(const Nest &nest) {
    const size_t n = nest.loops.size();
    auto extent = [&](size_t fromInside) {
      auto e = fromInside < n ? as_const_int(nest.loops[n - 1 - fromInside]->extent) : std::nullopt;
      return e ? *e : 0;
    };
    expect((n == 4 || n == 5) && extent(0) == 2 && extent(1) == 16 && extent(2) % 16 == 0 && extent(3) % 16 == 0 && extent(2) <= 32 &&
               extent(3) <= 32,
           nest.func, "loops of kk, ki, columns, rows and steps");
    Place c = placeOf(nest, nest.store->index, 4);
    Place first = placeOf(nest, nest.factors[0]->index, nest.factors[0]->type.bytes());
    Place second = placeOf(nest, nest.factors[1]->index, nest.factors[1]->type.bytes());
    auto stride = [&](const Place &p, size_t fromInside) { return fromInside < n ? p.strides[n - 1 - fromInside] : 0; };
    const bool isFirstA = stride(first, 2) == 0;
    const Place &a = isFirstA ? first : second, &b = isFirstA ? second : first;
    auto name = [&](bool isA) { return Variable::make(Halide::Handle(), nest.factors[isA == isFirstA ? 0 : 1]->name); };
    // 32 elements of K lie together in a row of A, two in a column of B.
    expect(stride(a, 2) == 0 && stride(a, 1) == 4 && stride(b, 3) == 0 && stride(b, 2) == 4 && stride(b, 0) == 2 && stride(c, 2) == 4 &&
               stride(c, 0) == 0 && stride(c, 1) == 0 && stride(c, 4) == 0,
           nest.func, "of panels that hold pairs");
    Expr steps = n == 5 ? nest.whole(nest.loops[0]->extent) : Expr(1);
    std::vector<Expr> args{Variable::make(Halide::Handle(), nest.func), c.base, name(true), a.base, name(false), b.base,
                           (int)extent(3), (int)extent(2), steps, stride(c, 3), stride(a, 3), stride(a, 4), stride(b, 1), stride(b, 4)};
    return Evaluate::make(Call::make(Halide::Int(32), "tintype_tile_product", args, Call::Extern));
  }

  std::set<std::string> funcs;
};

} // namespace

std::unique_ptr<IRMutator> useTiles(const std::set<std::string> &funcs) { return std::make_unique<UseTiles>(funcs); }

} // namespace tintype::codegen
