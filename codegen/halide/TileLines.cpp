//===- TileLines.cpp - memory that is wanted next to tiles ----------------===//
// While tiles are multiplied the memory has nothing to do, and after that what becomes of them waits for it: for lines of
// the results, and of what else is read there.
//===----------------------------------------------------------------------===//
#include "codegen/halide/TileLines.h"
#include <algorithm>
#include <set>

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

constexpr const char *fetchName = "tintype_tile_fetch";

/// Bodies of innermost loops in which vectors of a func are read.
class FindLines : public IRVisitor {
public:
  explicit FindLines(const std::string &func) : func(func) {}
  std::vector<TileLines> lines;

protected:
  using IRVisitor::visit;

  void visit(const Allocate *op) override {
    inside.insert(op->name);
    IRVisitor::visit(op);
  }
  void visit(const For *op) override {
    loops.push_back(op);
    const size_t outer = lets.size();
    std::vector<Access> found;
    std::swap(found, accesses);
    IRVisitor::visit(op);
    pair();
    std::swap(found, accesses);
    lets.resize(outer);
    loops.pop_back();
  }
  void visit(const LetStmt *op) override {
    op->value.accept(this);
    (loops.empty() ? around : lets).emplace_back(op->name, op->value);
    op->body.accept(this);
  }
  void visit(const Load *op) override {
    IRVisitor::visit(op);
    add(op->name, op->index, op->predicate, op->type, false);
  }
  void visit(const Store *op) override {
    IRVisitor::visit(op);
    add(op->name, op->index, op->predicate, op->value.type(), true);
  }

private:
  struct Access {
    std::string buffer;
    Expr first;
    int bytes, vector;
    bool isStore;
  };

  void add(const std::string &buffer, const Expr &index, const Expr &predicate, const Halide::Type &type, bool isStore) {
    const auto *ramp = index.as<Ramp>();
    if (ramp && is_const_one(ramp->stride) && is_const_one(predicate) && ramp->lanes == type.lanes())
      accesses.push_back({buffer, ramp->base, type.bytes(), type.bytes() * type.lanes(), isStore});
  }
  void pair() {
    auto tile = std::find_if(accesses.begin(), accesses.end(), [&](const Access &a) { return a.buffer == func; });
    if (tile == accesses.end())
      return;
    Place in = Place::of(tile->first, tile->bytes, loops, lets);
    for (const Access &a : accesses) {
      bool isKnown = std::any_of(lines.begin(), lines.end(), [&](const TileLines &l) { return l.buffer == a.buffer; });
      if (!in.base.defined() || isKnown || a.buffer == func || inside.count(a.buffer))
        continue;
      if (Place p = Place::of(a.first, a.bytes, loops, lets); p.base.defined()) {
        p.base = whole(p.base, around);
        lines.push_back({a.buffer, p, in, a.vector, a.isStore});
      }
    }
  }

  const std::string &func;
  std::set<std::string> inside; ///< allocated by the kernel
  Loops loops;
  Lets around, lets;            ///< of the loops, and in them
  std::vector<Access> accesses; ///< of the innermost loop around
};

/// Bytes from turn to turn of `loop`, where they are known.
std::optional<int64_t> stepOf(const Place &p, const For *loop) {
  Expr next = substitute(loop->name, Variable::make(Halide::Int(32), loop->name) + 1, p.base);
  auto step = as_const_int(simplify(next - p.base));
  return step ? std::optional(*step * p.bytes) : std::nullopt;
}

} // namespace

std::vector<TileLines> linesBeside(const std::string &func, const Stmt &consumer) {
  FindLines find(func);
  consumer.accept(&find);
  return find.lines;
}

std::vector<Stmt> fetchBeside(const std::vector<TileLines> &lines, const Place &c, int cRow, int columns, const Loops &around) {
  std::vector<Stmt> calls;
  for (const TileLines &l : lines) {
    auto besideStep = [&](int64_t ofTile) -> std::optional<int> {
      auto it = std::find(l.tile.strides.begin(), l.tile.strides.end(), ofTile);
      return it == l.tile.strides.end() ? std::nullopt : std::optional(l.place.strides[it - l.tile.strides.begin()]);
    };
    Expr at = l.place.inBytes();
    bool follows = true;
    for (const For *loop : around) {
      auto step = stepOf(c, loop);
      if (step && *step == 0)
        continue;
      auto beside = step ? besideStep(*step) : std::nullopt;
      if ((follows &= beside.has_value()))
        at = at + Halide::cast<int64_t>(Variable::make(Halide::Int(32), loop->name) - loop->min) * *beside;
    }
    auto row = besideStep(cRow);
    if (!follows || !row || !*row)
      continue;
    const int width = besideStep(64) == l.bytes ? columns / 16 * l.bytes : l.bytes;
    calls.push_back(Evaluate::make(Call::make(
        Halide::Int(32), fetchName, {Variable::make(Halide::Handle(), l.buffer), simplify(at), *row, width, l.isResult}, Call::Extern)));
  }
  return calls;
}

} // namespace tintype::codegen
