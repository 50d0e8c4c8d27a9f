//===- Transpose.cpp - square blocks turned in registers ------------------===//
// As one shuffle of 256 elements a block of 16 x 16 becomes 177 permutations and as many loads of their
// patterns; in steps of two vectors each it is 64 instructions that hold their patterns.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Lowered.h"

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

/// Elements in a lane of 128 bits, which most shuffles do not leave.
constexpr int lane = 4;

class TurnSquares : public IRMutator {
protected:
  using IRMutator::visit;

  Stmt visit(const Store *op) override {
    const auto *rows = op->value.as<Shuffle>();
    const auto *place = op->index.as<Ramp>();
    if (!rows || !rows->is_interleave() || !place || !is_const_one(place->stride) || !is_const_one(op->predicate))
      return IRMutator::visit(op);
    const int n = rows->vectors.size();
    if ((n != 8 && n != 16) || op->value.type().bits() != 32 || op->value.type().lanes() != n * n)
      return IRMutator::visit(op);
    lets.clear();
    std::vector<Expr> v;
    for (const Expr &row : rows->vectors)
      v.push_back(named(row));
    v = turnLanes(turnInLanes(std::move(v)));
    Stmt s;
    for (int i = n - 1; i >= 0; --i) {
      Stmt store = Store::make(op->name, v[i], Ramp::make(place->base + i * n, 1, n), op->param, const_true(n),
                               op->alignment + ModulusRemainder(0, i * n));
      s = s.defined() ? Block::make(store, s) : store;
    }
    for (auto it = lets.rbegin(); it != lets.rend(); ++it)
      s = LetStmt::make(it->first, it->second, s);
    return s;
  }

private:
  /// `e` under a name, so that it is computed once.
  Expr named(Expr e) {
    lets.emplace_back(unique_name('t'), std::move(e));
    return Variable::make(lets.back().second.type(), lets.back().first);
  }
  Expr shuffle(const Expr &a, const Expr &b, const std::vector<int> &places) { return named(Shuffle::make({a, b}, places)); }

  /// From the lower or upper halves of the lanes of two vectors, `size` elements of each in turn.
  Expr unpack(const Expr &a, const Expr &b, int size, bool upper) {
    std::vector<int> places;
    const int n = a.type().lanes();
    for (int at = 0; at < n; at += lane)
      for (int i = 0; i < lane / 2; i += size)
        for (int from : {0, n})
          for (int j = 0; j < size; ++j)
            places.push_back(from + at + (upper ? lane / 2 : 0) + i + j);
    return shuffle(a, b, places);
  }

  /// Lane l of row 4 g + k becomes what column 4 l + k holds in rows 4 g to 4 g + 3.
  std::vector<Expr> turnInLanes(std::vector<Expr> v) {
    for (size_t g = 0; g < v.size(); g += lane) {
      Expr low01 = unpack(v[g], v[g + 1], 1, false), high01 = unpack(v[g], v[g + 1], 1, true);
      Expr low23 = unpack(v[g + 2], v[g + 3], 1, false), high23 = unpack(v[g + 2], v[g + 3], 1, true);
      v[g] = unpack(low01, low23, 2, false);
      v[g + 1] = unpack(low01, low23, 2, true);
      v[g + 2] = unpack(high01, high23, 2, false);
      v[g + 3] = unpack(high01, high23, 2, true);
    }
    return v;
  }

  /// Even or odd lanes of one vector, then of another.
  Expr everyOther(const Expr &a, const Expr &b, int first) {
    std::vector<int> places;
    for (int at = first * lane; at < 2 * a.type().lanes(); at += 2 * lane)
      for (int i = 0; i < lane; ++i)
        places.push_back(at + i);
    return shuffle(a, b, places);
  }
  /// `rows`, as many as they have lanes, with lanes turned.
  std::vector<Expr> turnSquareOfLanes(const std::vector<Expr> &rows) {
    if (rows.size() == 1)
      return rows;
    std::vector<Expr> turned(rows.size());
    for (int first : {0, 1}) {
      std::vector<Expr> half;
      for (size_t i = 0; i < rows.size(); i += 2)
        half.push_back(everyOther(rows[i], rows[i + 1], first));
      half = turnSquareOfLanes(half);
      for (size_t i = 0; i < half.size(); ++i)
        turned[2 * i + first] = half[i];
    }
    return turned;
  }
  std::vector<Expr> turnLanes(const std::vector<Expr> &v) {
    std::vector<Expr> turned(v.size());
    for (int k = 0; k < lane; ++k) {
      std::vector<Expr> rows;
      for (size_t g = 0; g < v.size(); g += lane)
        rows.push_back(v[g + k]);
      rows = turnSquareOfLanes(rows);
      for (size_t l = 0; l < rows.size(); ++l)
        turned[lane * l + k] = rows[l];
    }
    return turned;
  }

  std::vector<std::pair<std::string, Expr>> lets;
};

} // namespace

std::unique_ptr<IRMutator> turnSquares() { return std::make_unique<TurnSquares>(); }

} // namespace tintype::codegen
