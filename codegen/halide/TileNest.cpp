//===- TileNest.cpp - loops that mean a product of tiles ------------------===//
#include "codegen/halide/TileNest.h"
#include <algorithm>
#include <set>

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {

TileNest::TileNest(const std::string &func, const For *outermost, const Lets &around) : func(func), lets(around) {
  for (Stmt s = outermost; !store;) {
    if (const auto *loop = s.as<For>()) {
      loops.push_back(loop);
      s = loop->body;
    } else if (const auto *let = s.as<LetStmt>()) {
      lets.emplace_back(let->name, let->value);
      s = let->body;
    } else {
      store = s.as<Store>();
      break;
    }
  }
  if (store && store->name == func && (!matchSum(value = whole(store->value)) || !isAdded))
    products.clear();
}

Expr whole(Expr e, const Lets &lets) {
  for (auto it = lets.rbegin(); it != lets.rend(); ++it)
    e = substitute(it->first, it->second, e);
  return substitute_in_all_lets(e);
}

Place Place::of(const Expr &index, int bytes, const Loops &loops, const Lets &lets) {
  Expr at = whole(index, lets);
  auto with = [&](size_t one, const Expr &turn) {
    Expr e = at;
    for (size_t i = 0; i < loops.size(); ++i)
      e = substitute(loops[i]->name, i == one ? loops[i]->min + turn : loops[i]->min, e);
    return whole(e, lets);
  };
  const Expr first = with(loops.size(), 0);
  Place p{simplify(first), {}, bytes};
  for (size_t i = 0; i < loops.size(); ++i) {
    auto step = as_const_int(simplify(with(i, 1) - first));
    // Where a loop's end is not known, at any turn.
    Expr last = is_const(loops[i]->extent) ? simplify(loops[i]->extent - 1) : Variable::make(Halide::Int(32), "turn");
    if (!step || !can_prove(with(i, last) - first == Expr((int)*step) * last))
      return {};
    p.strides.push_back((int)*step * bytes);
  }
  return p;
}

bool TileNest::matchSum(const Expr &e) {
  if (const auto *sum = e.as<Add>())
    return matchSum(sum->a) && matchSum(sum->b);
  if (const auto *old = e.as<Load>()) {
    bool isFirst = !isAdded;
    isAdded = true;
    return isFirst && old->name == func && equal(old->index, whole(store->index));
  }
  const auto *product = e.as<Mul>();
  const Load *a = product ? factorOf(product->a) : nullptr, *b = product ? factorOf(product->b) : nullptr;
  if (!a || !b)
    return false;
  bool isSwapped = !products.empty() && products[0][0]->name == b->name;
  products.push_back({isSwapped ? b : a, isSwapped ? a : b});
  return true;
}

const Load *TileNest::factorOf(const Expr &e) const {
  const auto *wide = e.as<Cast>();
  if (!wide || !wide->value.type().is_bfloat() || !wide->type.is_float() || wide->type.bits() != 32)
    return nullptr;
  const auto *load = wide->value.as<Load>();
  if (!load)
    load = wordOf(wide->value);
  return load && load->name != func ? load : nullptr;
}

/// The word that `e` is a half of: the lower one at the first turn of the innermost loop, the upper one at the second.
const Load *TileNest::wordOf(const Expr &e) const {
  const auto *half16 = e.as<Reinterpret>();
  Expr x = half16 ? half16->value : e;
  while (const auto *cast = x.as<Cast>())
    x = cast->value;
  const Call *shift = Call::as_intrinsic(x, {Call::shift_right});
  Expr half = Variable::make(Halide::Int(32), loops.back()->name);
  if (!shift || !can_prove(Halide::cast<int>(shift->args[1]) == half * 16))
    return nullptr;
  x = shift->args[0];
  while (const auto *cast = x.as<Cast>())
    x = cast->value;
  const auto *load = x.as<Load>();
  return load && load->type.bits() == 32 ? load : nullptr;
}

std::optional<std::array<int, 2>> TileNest::orderParts() {
  static const std::set<std::array<int, 2>> greatest{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {2, 0}};
  if (products.size() == 1)
    return std::array<int, 2>{};
  std::vector<std::array<int, 2>> places; // from those of the first one
  for (auto &product : products) {
    places.emplace_back();
    for (int f : {0, 1}) {
      const Load *from = products[0][f], *to = product[f];
      auto d = from->name == to->name ? as_const_int(simplify(whole(to->index) - whole(from->index))) : std::nullopt;
      if (!d)
        return {};
      places.back()[f] = (int)*d * from->type.bytes();
    }
  }
  std::array<int, 2> step;
  for (int f : {0, 1}) {
    auto [low, high] = std::minmax_element(places.begin(), places.end(), [&](auto &x, auto &y) { return x[f] < y[f]; });
    int first = (*low)[f];
    step[f] = ((*high)[f] - first) / 2;
    for (auto &p : places) {
      if (!step[f] || (p[f] - first) % step[f])
        return {};
      p[f] = (p[f] - first) / step[f];
    }
  }
  if (places.size() != greatest.size() || std::set(places.begin(), places.end()) != greatest)
    return {};
  std::swap(products[0], products[std::find(places.begin(), places.end(), *greatest.begin()) - places.begin()]);
  return step;
}

} // namespace tintype::codegen
