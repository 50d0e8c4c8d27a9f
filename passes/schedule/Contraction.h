//===- Contraction.h - the steps of lowering one sum of products -*- C++ -*-===//
#ifndef TINTYPE_PASSES_SCHEDULE_CONTRACTION_H
#define TINTYPE_PASSES_SCHEDULE_CONTRACTION_H

#include "passes/schedule/Lowering.h"

namespace tintype::schedule {

struct PartsPanel;
/// What `v`, a number of bf16 that was widened, was in f32, or null.
Value unrounded(Value v);

class ContractionLowering {
public:
  ContractionLowering(Lowering &l, graph::ComputeOp op, const Contraction &c, StringRef name);
  void run();

private:
  void cutSum();
  Strings varsOf(const llvm::SmallBitVector &side, SmallVector<unsigned> &dims) const;
  /// The element of K that is number `k`, or of its pair number `k` the one that `kk` says.
  Value element(Body &b, ArrayRef<Value> kk, Value k) const { return kk.empty() ? k : b.tile(k, 2, kk[0]); }
  /// The product of `factors` at m or n, element `whole` of K and the other loops.
  Value product(Body &b, ArrayRef<Value> factors, unsigned dim, Value at, Value whole, ArrayRef<unsigned> rest,
                ArrayRef<Value> restValues) const;
  Value lastOf(Body &b, Value outer, int factor, Value inner, AffineExpr extent);
  /// Values of the loops `dims` among those of C beyond its tile.
  SmallVector<Value> pick(ArrayRef<Value> rest, ArrayRef<unsigned> dims) const;
  /// The step of K in chunk `ko` at `step` of it, which holds `unit` pairs or elements, as Halide bounds it.
  Value stepOf(Body &b, Value ko, Value step, Value first, int64_t chunk, AffineExpr extent, int64_t unit, Value &filter);

  void makePanels();
  void schedulePanels();
  void panelsOfColumns();
  void turnedColumns();
  void panelsOfRows();
  void accumulate();
  void addChunks();
  void scheduleResult();
  void scheduleAccumulator();
  void scheduleColumns();
  void scheduleRows();
  int stripsBeside() const;
  void sideBySide(StringRef f, StringRef lane, StringRef tile, int64_t count, const Strings &rest);
  void pairUp(StringRef f, bool alongK);
  void publish();

  // On matrix tiles (TileContraction.cpp).
  /// Whether tiles of rows are words of pairs, for their source lies along m.
  bool hasWords() const { return !packAlongK && c.aAlongM; }
  void tilesOfRows();
  void accumulateInTiles();
  void scheduleTileAccumulator();
  void scheduleTilesOfRows();

  std::array<PartsPanel, 2> panelsInParts() const;

  Lowering &l;
  graph::ComputeOp op;
  const Contraction &c;
  mlir::Location loc;
  const Machine &machine;
  mlir::MLIRContext *ctx;
  const unsigned parallel, loops;
  const ArrayRef<AffineExpr> by;
  const AffineExpr M, N, all; ///< extents; all of K in elements
  const bool paired, onTiles, inParts;
  const AffineExpr K; ///< what is summed, in pairs where panels hold them
  const Tile t;
  const int V, NR, MR;
  const mlir::Type f32, panelType;
  const std::string B, A, C, T;
  std::string acc; ///< the register tile, or C where that is computed on tiles

  int64_t chunk;           ///< of K
  bool isChunked, isExact; ///< every chunk is whole
  AffineExpr numChunks;
  bool isPacked, isUnrolled, isPadded;
  int64_t steps;        ///< of k in one turn of the loop
  bool isStripOuter;    ///< strips of rows outside, panels inside
  bool isTurned;        ///< rows of B along k are turned 16 x 16
  Value beforeRounding; ///< what rows of B along k were in f32, which is turned first
  bool packAlongK;      ///< rows of A stay rows
  int AW;               ///< rows of a strip of A
  SmallVector<unsigned> restA, restB, restC;
  Strings varsA, varsB, varsC;
  Strings pair; ///< what an element of a panel of pairs begins with: which of the two it is
  Strings accVars, turn;
};

} // namespace tintype::schedule

#endif
