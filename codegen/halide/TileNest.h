//===- TileNest.h - loops that mean a product of tiles ---------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_TILENEST_H
#define TINTYPE_CODEGEN_HALIDE_TILENEST_H

#include "Halide.h"
#include <array>
#include <optional>

namespace tintype::codegen {

using Lets = std::vector<std::pair<std::string, Halide::Expr>>;
using Loops = std::vector<const Halide::Internal::For *>; ///< outermost first

/// `e` with every let written out.
Halide::Expr whole(Halide::Expr e, const Lets &lets);

/// A place in memory as a function of loops.
struct Place {
  Halide::Expr base;        ///< its element at the loops' first turns
  std::vector<int> strides; ///< in bytes, from turn to turn of each
  int bytes = 0;            ///< of an element

  Halide::Expr inBytes() const { return Halide::cast<int64_t>(base) * bytes; }

  /// Undefined where element `index` of `bytes` is not linear in `loops`.
  static Place of(const Halide::Expr &index, int bytes, const Loops &loops, const Lets &lets);
};

/// Loops with nothing between them but lets, down to a store into `func` that adds products:
/// acc + float(A) * float(B) + .., in any order, with bf16 A and B, in memory as such or as halves of words.
struct TileNest {
  using Factors = std::array<const Halide::Internal::Load *, 2>;
  using For = Halide::Internal::For;

  TileNest(const std::string &func, const For *outermost, const Lets &around);
  Halide::Expr whole(const Halide::Expr &e) const { return codegen::whole(e, lets); }
  /// Bytes from part to part of both factors, 0 where there is one product; the greatest product becomes the first one.
  /// Nothing where these are neither one product nor the six greatest of three parts.
  std::optional<std::array<int, 2>> orderParts();

  const std::string &func;
  Loops loops;
  Lets lets; ///< those around included
  const Halide::Internal::Store *store = nullptr;
  std::vector<Factors> products; ///< none where the nest is something else

private:
  bool matchSum(const Halide::Expr &e);
  const Halide::Internal::Load *factorOf(const Halide::Expr &e) const;
  const Halide::Internal::Load *wordOf(const Halide::Expr &e) const;

  Halide::Expr value;   ///< of the store, with lets written out
  bool isAdded = false; ///< to the result
};

} // namespace tintype::codegen

#endif
