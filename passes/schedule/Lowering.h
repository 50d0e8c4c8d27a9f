//===- Lowering.h - a kernel function as a halide.pipeline ------*- C++ -*-===//
// A tensor is seen through a reader, "the value at these indices": a load of an
// input or func, the body of a definition written inline, or a place in the
// tiles of a contraction. For y = x + 1, z = sum(c) y[.., c]:
//
//   readers[x] = load @in0        readers[y] = (clone of x's read and the add)
//   readers[z] = load @f1         and @f1 is a func with an update and a schedule
//
// Indices of readers are outermost first, as in tensors; vars of funcs are
// innermost first, as in Halide.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_SCHEDULE_LOWERING_H
#define TINTYPE_PASSES_SCHEDULE_LOWERING_H

#include "passes/schedule/Tune.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallBitVector.h"
#include <functional>
#include <map>

namespace tintype::schedule {

using mlir::AffineExpr, mlir::ArrayRef, mlir::LogicalResult, mlir::Operation, mlir::OpBuilder, mlir::SmallVector, mlir::StringRef,
    mlir::Value;
using Strings = std::vector<std::string>;
inline Strings joined(Strings head, const Strings &tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

/// What schedules depend on.
struct Machine {
  int vectorWidth = 16;
  int64_t l2Bytes = 2 << 20;
  int threads = 2;
  bool hasDot = false;   ///< multiplies pairs of bf16 and adds them in f32 (vdpbf16ps)
  bool hasTiles = false; ///< multiplies matrix tiles of pairs (AMX)
  /// Whether panels hold pairs where both factors are rounded.
  bool hasPairs() const { return hasDot || hasTiles; }
  Setting tune;            ///< overrides of what templates decide
  mutable Setting asked;   ///< what templates asked for, and what they got
  mutable double cost = 1; ///< the estimate behind the blocks of a contraction, for comparing settings
  /// The parameter `name`, which the template would set to `otherwise`.
  int value(const char *name, int otherwise) const {
    auto it = tune.find(name);
    return asked[name] = it == tune.end() ? otherwise : it->second;
  }
};

/// A register tile: NR = width * vectors columns, MR = rows.
struct Tile {
  int width, vectors, rows;
};
class Lowering;

/// Whether `graph.inplace` names arguments of the types of the results, each once.
LogicalResult checkInplace(mlir::func::FuncOp kernel);
/// Whether a pipeline that came with its kernel fits the kernel function.
LogicalResult checkGiven(mlir::func::FuncOp kernel, halide::PipelineOp pipeline);
/// Checks the pipelines of `module` and puts `halide.checked` on those that differ from what the templates make of their kernels.
LogicalResult markGiven(mlir::ModuleOp module, const Machine &machine);
/// Whether `graph.tune` of a kernel holds parameters in range; with `asked`, those of this kernel.
LogicalResult checkTune(mlir::func::FuncOp kernel, const Setting &asked);
/// Whether 0 is a value worth trying of a parameter of `graph.tune`.
bool mayBeZero(StringRef parameter);

/// Builds the scalar code of one func or update.
class Body {
public:
  Body(Lowering &lowering, OpBuilder b, mlir::Location loc) : lowering(lowering), b(b), loc(loc) {}
  Value constant(int64_t value);
  Value constant(mlir::Type type, double value);
  Value size(AffineExpr e);
  /// `e` over index values and symbol values.
  Value apply(AffineExpr e, ArrayRef<Value> dims, ArrayRef<Value> symbols = {});
  /// `a * d0 + d1`, with d0 and d1 as given.
  Value tile(Value outer, int64_t factor, Value inner);
  Value minimum(Value a, Value b);
  Value maximum(Value a, Value b);
  Value clampTo(Value v, AffineExpr extent);
  Value less(Value a, Value b);
  Value likely(Value v);
  Value load(StringRef func, ArrayRef<Value> innermostFirst, mlir::Type type, int64_t element = 0);
  Value read(Value tensor, ArrayRef<Value> outermostFirst);
  /// `v` as f32: a bf16 is widened.
  Value widen(Value v);
  /// Two bf16 as they lie side by side in memory, a word of 32 bits; and one of them again.
  Value joinPair(Value first, Value second);
  Value ofPair(Value word, Value which);
  /// Numbers of f32 as sums of three bf16 each, of 8 bits of the mantissa: the pairs of part 0, 1 or 2.
  Value pairOfParts(Value first, Value second, Value part);
  /// The value of `v` (in the body of a definition) at these loops.
  Value scalar(Value v, ArrayRef<Value> loops);
  /// Yielded value and filter (or null) of `definition` at these loops.
  std::pair<Value, Value> point(Operation *definition, ArrayRef<Value> loops);

  Lowering &lowering;
  OpBuilder b;
  mlir::Location loc;

private:
  Value access(Operation *op, ArrayRef<Value> loops);
  Value random(graph::RandomOp op, ArrayRef<Value> loops);
  /// Values already made here, by op value and loops.
  std::map<std::pair<void *, std::vector<void *>>, Value> made;
};

using Reader = std::function<Value(Body &, ArrayRef<Value>)>;
using BodyFn = std::function<SmallVector<Value>(Body &, ArrayRef<Value> vars)>;

/// Loops of a sum of products, by what reads them.
struct Contraction {
  unsigned m, n;                                                           ///< the two loops of the register tile
  SmallVector<unsigned> rest;                                              ///< the other parallel loops
  SmallVector<Value> a, b;                                                 ///< factors: those without n, those with n
  llvm::SmallBitVector inA, inB;                                           ///< loops each side reads
  bool aAlongK = false, aAlongM = false, bAlongN = false, bAlongK = false; ///< innermost dim of the main read
  bool plainA = false;                                                     ///< A is one read, contiguous along k
  bool streamsA = false;                                                   ///< rows of A along k go past the panels of B, strip after strip
  bool isRounded = false;                                                  ///< both sides are rounded to bf16
  bool isInParts = false;                                                  ///< factors of f32 are multiplied as sums of three bf16
};
/// Says what schedule `kernel` has: from a template, tuned, or as it was given.
void remarkOnSchedule(mlir::func::FuncOp kernel, halide::PipelineOp pipeline, bool isGiven, StringRef pass);
/// Says why `kernel`, in which scores lie between, is not computed in blocks of rows and columns.
void remarkOnRefusal(mlir::func::FuncOp kernel, Operation *at, StringRef why);
/// Divisions by what the innermost loop does not change become products.
void useReciprocals(mlir::func::FuncOp kernel);
/// `op` as a contraction, if it is one worth the packing.
std::optional<Contraction> matchContraction(graph::ComputeOp op);
/// Loop dims that `v` depends on.
llvm::SmallBitVector loopsOf(Value v, unsigned numLoops);
/// The bf16 that `factor` is widened from, or null.
Value roundedOf(Value factor);
/// Whether the two sides of a product are one factor each, rounded to bf16.
bool areRounded(ArrayRef<Value> a, ArrayRef<Value> b);
/// The read behind `v`, which may be widened from bf16, or null.
graph::ReadOp readBehind(Value v);
/// Whether `op` reads a result of its kernel, or what is made from one.
bool readsResult(graph::ComputeOp op);
/// The loop that alone is the last place of `op` and is in no other, or -1: blocks of the last dim take their part of it.
int featureOf(graph::ScatterOp op);
/// Which loop dim is the innermost index of `read`, or -1.
int innermostLoop(graph::ReadOp read);
/// A guess at an extent for decisions; runtime dims count as 64.
int64_t estimate(AffineExpr e);
std::optional<int64_t> constantOf(AffineExpr e);

/// How results are cropped: one entry per axis.
struct GridAxis {
  AffineExpr extent;
  int64_t block;
  SmallVector<int32_t> dims; ///< dim of each result
  bool isOrdered = false;    ///< its blocks run one after the other: some result adds them up
};
/// What part of an extent a block takes: that of an axis, or all of it; bounded by
/// `first + low <= index <= last + high` for the rows [first, last] of axis `over`.
struct GridRange {
  int axis;
  AffineExpr extent;
  int over;
  std::optional<int64_t> low, high;
};
/// What a reducer starts from, in the type it computes in.
Value reducerIdentity(Body &b, graph::Reducer r, mlir::Type t);
Value reduceTwo(Body &b, graph::Reducer r, Value x, Value y);

class BlockLowering;
class ContractionLowering;

class Lowering {
public:
  Lowering(mlir::func::FuncOp kernel, const Machine &machine);
  /// Fills the pipeline and sets the attributes of the kernel.
  LogicalResult run();
  unsigned numContractions = 0;

  //===-- building ---------------------------------------------------------===//
  /// A func with these vars (innermost first).
  void func(StringRef name, const Strings &vars, mlir::Location loc, const BodyFn &body);
  /// An update; values of the body: yielded values; `places` and `filter` as the yield's.
  struct Update {
    SmallVector<Value> values, places;
    Value filter;
  };
  void update(StringRef name, const Strings &vars, const Strings &rvars, ArrayRef<AffineExpr> extents, mlir::Location loc,
              const std::function<Update(Body &, ArrayRef<Value> vars, ArrayRef<Value> rvars)> &body);
  /// Directives; stage -1 is the pure definition.
  void split(StringRef f, int stage, StringRef var, StringRef outer, StringRef inner, int64_t factor, halide::Tail tail);
  void reorder(StringRef f, int stage, const Strings &vars);
  void vectorize(StringRef f, int stage, StringRef var, int64_t factor = 0, halide::Tail tail = halide::Tail::automatic);
  void unroll(StringRef f, int stage, StringRef var, int64_t factor = 0);
  void atomic(StringRef f, int stage);
  void storeInTiles(StringRef f);
  void computeRoot(StringRef f);
  void computeAt(StringRef f, StringRef consumer, StringRef var);
  void bound(StringRef f, StringRef var, int64_t min, int64_t extent);
  void boundExtent(StringRef f, StringRef var, int64_t extent);
  void alignBounds(StringRef f, StringRef var, int64_t modulus);

  mlir::func::FuncOp kernel;
  Machine machine; ///< with the kernel's own `graph.tune`
  mlir::MLIRContext *ctx;
  halide::PipelineOp pipeline;
  llvm::DenseMap<Value, Reader> readers;
  llvm::DenseSet<Value> wide; ///< tensors of bf16 whose funcs hold the rounded values as f32

private:
  friend class BlockLowering;
  friend class ContractionLowering;
  /// A definition that is not written inline, and where its value lies.
  struct Place {
    std::string func;
    int64_t element = 0;
  };
  struct Tiles {
    std::string func; ///< C
    int width, rows;
    unsigned m, n;
    bool isChunked;
    bool packsStrips;  ///< rows of A are packed strip by strip
    bool isOnTiles;    ///< computed on matrix tiles
    std::string strip; ///< the func in whose loops C is computed, or empty: at the root
    std::string at;    ///< the loop: "mo", for a strip of rows, or "no", for a tile
  };
  LogicalResult lowerReduction(graph::ComputeOp op, StringRef name);
  LogicalResult lowerScatter(graph::ScatterOp op, StringRef name);
  void lowerPointwise(ArrayRef<graph::ComputeOp> group, StringRef name);
  /// Schedule of a pointwise func over `over`, which may read the tiles of `tile`.
  void scheduleElementwise(StringRef name, ArrayRef<AffineExpr> over, graph::ComputeOp tile);
  void readFunc(Value tensor, StringRef func, int64_t element = 0);
  bool isInline(graph::ComputeOp op);
  bool isForOneTuple(graph::ComputeOp op);
  /// Whether the func of `op`, a tensor of bf16, is to hold the rounded values as f32.
  bool isWide(graph::ComputeOp op);
  bool isResult(Operation *op);
  /// The argument whose memory the result `op` takes, or null.
  Value takenBy(Operation *op);
  /// Pointwise results that can be one tuple with `op`, in the order in which they are stored.
  SmallVector<graph::ComputeOp> tupleOf(graph::ComputeOp op);
  bool dependsThroughRoot(Operation *op, Operation *on);
  bool isWorthParts(graph::ComputeOp op, const Contraction &c) const;
  void chooseRows(graph::ComputeOp op, Contraction &c);
  int64_t chunkOf(graph::ComputeOp op, const Contraction &c);
  /// Whether panels of `c` hold pairs of bf16.
  bool isPaired(const Contraction &c) const { return machine.hasPairs() && c.isRounded; }
  /// Whether `c` is computed on matrix tiles.
  bool isOnTiles(const Contraction &c) const { return machine.hasTiles && (c.isRounded || c.isInParts); }
  Tile chooseTile(graph::ComputeOp op, const Contraction &c) const;
  void chooseGrid();
  std::pair<int64_t, int64_t> contractionBlock(graph::ComputeOp op, const Contraction &c, bool cutsN);
  /// Outputs, costs and late directives; `mark` stands between definitions and directives.
  LogicalResult finish(Operation *mark);
  void emitOutputs();
  void emitCosts();
  /// The contraction that `op` reads elementwise, directly or through what is inline, or null.
  graph::ComputeOp tileOf(graph::ComputeOp op);
  /// Whether the func `consumer` of tiles reads, beside them, tensors of its own size.
  bool readsBeside(StringRef consumer, const Tiles &tiles, size_t rank);
  /// Whether the func `consumer` is all that reads the func `name`.
  bool isOnlyReader(StringRef consumer, StringRef name);

  OpBuilder definitions, directives;
  llvm::DenseMap<Operation *, Place> places;
  llvm::DenseMap<Operation *, Contraction> contractions;
  llvm::MapVector<Operation *, Tiles> tiles;
  /// Directives that depend on all readers of a func.
  std::vector<std::function<void()>> late;
  SmallVector<GridAxis> grid;
  SmallVector<GridRange> ranges;
  /// How many points of a definition are computed, where that is not all of them.
  std::function<AffineExpr(graph::ComputeOp)> pointsOf;
  int counter = 0;
};

} // namespace tintype::schedule

#endif
