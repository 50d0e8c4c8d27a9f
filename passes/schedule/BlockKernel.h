//===- BlockKernel.h - kernels whose inside ranges over rows and columns -*- C++ -*-===//
// A worked example, with r the rows, c the columns, e features and h the rest:
//
//   s[h, r, c] = sum(e) q[h, r, e] * k[h, c, e]                    score
//   p[h, r, c] = c <= r ? exp(s[h, r, c] - m[h, r]) : 0            wide
//   o[h, r, e] = sum(c) p[h, r, c] * v[h, c, e]                    columnSum
//   g[h, c, e] = sum(r) p[h, r, c] * y[h, r, e]                    rowSum
//
// Factors may be rounded to bf16. Where the machine multiplies pairs of them, panels hold
// pairs and wide tensors bf16, else both hold the rounded values as f32.
// The wide tensors exist for one block of rows times a range of columns at a time.
// What they are zero outside of (a band: low <= c - r <= high) bounds that range.
// With sums over rows the blocks of columns and rows run one after the other and
// add to the results; else a block holds all columns of its rows.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_SCHEDULE_BLOCKKERNEL_H
#define TINTYPE_PASSES_SCHEDULE_BLOCKKERNEL_H

#include "passes/Product.h"
#include "passes/schedule/Lowering.h"

namespace tintype::schedule {

/// `low <= column - row <= high`; without a value there is no such bound.
struct Band {
  std::optional<int64_t> low, high;
  bool isEmpty = false;
  static Band none() { return {{}, {}, true}; }
  Band intersect(const Band &other) const;
  /// The smallest band that holds both.
  Band hull(const Band &other) const;
};

struct BlockPlan {
  enum class Kind { score, wide, rowReduction, rowValue, columnSum, rowSum, finish };
  struct Member {
    Kind kind;
    SmallVector<int> roles; ///< for each loop the dim of the wide tensors it runs over, or -1: a feature
  };
  SmallVector<AffineExpr> dims; ///< of the wide tensors
  unsigned row = 0, column = 0; ///< which of them are the rows and columns of a block
  llvm::MapVector<Operation *, Member> members;
  bool accumulates = false; ///< some result is a sum over rows
  Band band;

  bool isWide(Value v) const {
    auto it = members.find(v.getDefiningOp());
    return it != members.end() && (it->second.kind == Kind::score || it->second.kind == Kind::wide);
  }
  /// The read of a wide tensor that `factor` is, which may be widened from bf16, or null.
  graph::ReadOp wideRead(Value factor) const;
  /// Whether the band leaves out something, but not all.
  bool isBanded() const { return !band.isEmpty && (band.low || band.high); }
  /// Whether some product is one of rounded factors.
  bool isRounded() const;
  /// The loop of `op` with this role, or -1.
  int loopOf(Operation *op, int role) const {
    ArrayRef<int> roles = members.find(op)->second.roles;
    auto it = llvm::find(roles, role);
    return it == roles.end() ? -1 : it - roles.begin();
  }
};

/// Makes equal ops of a kernel one.
void shareEqualOps(mlir::func::FuncOp kernel);
/// The definition that keeps a kernel from running in blocks, and why.
struct BlockRefusal {
  Operation *at = nullptr;
  StringRef why;
};
/// `kernel` as a block kernel, if every definition in it has one of the kinds; else, where it
/// holds wide tensors, `refusal` says what is in the way.
std::optional<BlockPlan> matchBlockKernel(mlir::func::FuncOp kernel, BlockRefusal *refusal = nullptr);
/// Rewrites bodies into what is cheapest for a block: filters outermost and once,
/// values of rows as definitions of their own, factors of rows behind the sum.
void prepareBlockKernel(mlir::func::FuncOp kernel, const BlockPlan &plan);
/// Makes the funcs, directives and grid of a block kernel.
class BlockLowering {
public:
  BlockLowering(Lowering &l, BlockPlan plan)
      : l(l), plan(std::move(plan)), V(l.machine.vectorWidth), TR(whole(l.machine.value("tr", rowsFor(l.machine, this->plan)))),
        TC(whole(l.machine.value("tc", 288))), strip(whole(l.machine.value("sc", onTiles() ? 96 : 48))) {}
  LogicalResult run();
  /// Runtime values that the kernel takes behind its dims: where a block lies.
  Strings rangeSymbols() const;
  /// How many points of `op` the blocks compute.
  AffineExpr points(graph::ComputeOp op);

private:
  class Sum;
  class TileSum;
  static int rowsFor(const Machine &machine, const BlockPlan &plan);
  bool onTiles() const { return l.machine.hasTiles && plan.isRounded(); }
  /// Whole tiles, where products are computed on them.
  int64_t whole(int64_t size) const { return onTiles() ? llvm::alignTo(size, 32) : size; }
  /// Rows of the register tile of a sum over columns; by rows, columns of it.
  int sumRows(bool byRow) const {
    const bool isPaired = l.machine.hasDot && plan.isRounded();
    return byRow ? l.machine.value("cmr", 6) : l.machine.value("omr", isPaired ? 4 : 6);
  }
  /// The register tile of scores: columns, and vectors of rows.
  std::pair<int, int> scoreTile() const;
  AffineExpr from(unsigned dim);
  AffineExpr count(unsigned dim);
  int64_t blockOf(unsigned dim) const { return dim == plan.row ? TR : dim == plan.column ? TC : 1; }
  SmallVector<Value> loopsAt(Body &b, Operation *op, Value row, Value column, ArrayRef<Value> features, bool clampColumn = false);
  Value place(Body &b, Value at, unsigned dim);
  Value turnsInBand(Body &b, AffineExpr turns, Value row, int64_t rows, Value column, int64_t columns);
  void readWide(Value tensor, StringRef func, int64_t element = 0);
  void readRow(graph::ComputeOp op, StringRef func);
  LogicalResult ensure(graph::ComputeOp op);
  bool isStored(graph::ComputeOp op);
  SmallVector<graph::ComputeOp> togetherWith(graph::ComputeOp op);
  void lowerScore(graph::ComputeOp op, StringRef name);
  void scheduleTurned(StringRef turned);
  void lowerTileScore(graph::ComputeOp op, ArrayRef<Value> rows, ArrayRef<Value> columns, StringRef name);
  void lowerWide(ArrayRef<graph::ComputeOp> group, StringRef name);
  void lowerRowValue(graph::ComputeOp op, StringRef name);
  void lowerRowReduction(graph::ComputeOp op, StringRef name);
  void lowerSum(graph::ComputeOp op, StringRef name);
  void lowerTileSum(graph::ComputeOp op, StringRef name);
  void addToResult(graph::ComputeOp op, StringRef name, unsigned kept, int64_t features, int64_t rows,
                   const std::function<Value(Body &, Value n, Value m)> &sum);
  bool firstWrites() const;
  Value isFirst(Body &b, graph::ComputeOp op, Value at);
  void chooseGrid();

  Lowering &l;
  BlockPlan plan;
  const int V;
  const int64_t TR, TC;               ///< rows and columns of a block
  const int64_t strip;                ///< columns between scores and scalar code
  Strings scores, wides;              ///< funcs of scores, and of passes of scalar code
  llvm::DenseMap<Value, Value> local; ///< global indices by their place in the block
};

/// Whether a side of a product is one tensor as it lies in memory.
bool isPlainRead(ArrayRef<Value> factors);
/// The product of `factors` at these loops.
Value productAt(Body &b, ArrayRef<Value> factors, ArrayRef<Value> loops);
/// One side of a product: of bf16 where it is rounded, else the product of `factors`.
Value sideAt(Body &b, ArrayRef<Value> factors, bool isRounded, ArrayRef<Value> loops);

} // namespace tintype::schedule

#endif
