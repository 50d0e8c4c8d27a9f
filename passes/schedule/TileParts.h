//===- TileParts.h - panels of f32 in parts, for matrix tiles ---*- C++ -*-===//
#ifndef TINTYPE_PASSES_SCHEDULE_TILEPARTS_H
#define TINTYPE_PASSES_SCHEDULE_TILEPARTS_H

#include "passes/schedule/Lowering.h"

namespace tintype::schedule {

/// Words of a row in a step of K: pairs of its 32 elements.
inline constexpr int64_t wordsInStep = 16;

/// One side of a product of matrix tiles, each number as the sum of three bf16.
struct PartsPanel {
  std::string name;
  bool isA;      ///< rows of A, else columns of B
  int width;     ///< rows or columns of a tile
  bool isTurned; ///< vectors of its source run across those of the panel
  Strings rest;  ///< loops beyond those of the product
  /// The number of f32 at a row or column and an element of K.
  std::function<Value(Body &, Value at, Value k, ArrayRef<Value> rest)> value;

  void define(Lowering &l, mlir::Location loc) const;
  /// With so many tiles beside each other, so that a row of the source is read in one piece.
  void schedule(Lowering &l, int tilesBeside = 1) const;
  /// Half `kk` of the word `ki` of a part, as f32.
  Value load(Body &b, int part, Value kk, Value ki, Value kt, Value inTile, Value tile, ArrayRef<Value> rest) const;

private:
  std::string turned() const { return name + "_t"; }
};

/// `sum` and the products of two factors in parts, the small ones first.
Value addProducts(Body &b, Value sum, const std::function<Value(int part)> &a, const std::function<Value(int part)> &x);

} // namespace tintype::schedule

#endif
