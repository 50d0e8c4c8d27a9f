//===- Scalars.h - scalar code in bodies ------------------------*- C++ -*-===//
// `ScalarBuilder` makes scalar ops and folds constants on the way.
// `BodyCloner` copies scalar code into a body with other loops, on demand.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_SCALARS_H
#define TINTYPE_PASSES_GRAPH_SCALARS_H

#include "dialects/graph/Graph.h"
#include "mlir/IR/IRMapping.h"
#include <optional>

namespace tintype::graph {

/// The number behind a float constant.
std::optional<double> constantOf(mlir::Value v);
/// True for the i1 constant `value`.
bool isBoolConstant(mlir::Value v, bool value);

/// Whether `v` is a number wherever tensors hold numbers, so that 0 * v = 0.
bool isNumber(mlir::Value v);
/// Whether `v` is a product of positive constants, sizes and what is at least a positive constant.
bool isNonzero(mlir::Value v);

/// Null stands for "no value" where a sum or a conjunction starts.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value constant(double value, mlir::Type type);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, double y) { return mul(x, constant(y, x.getType())); }
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value neg(mlir::Value x);
  mlir::Value select(mlir::Value c, mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value c, mlir::Value d);
  /// Null stands for "always" here.
  mlir::Value either(mlir::Value c, mlir::Value d);
  mlir::Value negate(mlir::Value c);
  mlir::Value greater(mlir::Value x, mlir::Value y);
  mlir::Value zero(mlir::Type type) { return constant(0, type); }
};

/// Copies scalars of one body into another. Loop i of the old body is
/// `loops[i]` over the new dims, whose extents are `extents`. Reads that may
/// fall outside their tensor through that are marked guarded.
class BodyCloner {
public:
  BodyCloner(mlir::OpBuilder &b, mlir::ArrayRef<mlir::AffineExpr> loops, mlir::ArrayRef<mlir::AffineExpr> extents, bool mayLeave)
      : b(b), loops(loops), extents(extents), mayLeave(mayLeave) {}
  /// From here on index expressions equal to `e` (of the old loops) are written as
  /// `same` (of the new dims): the place of an access that was turned round.
  void know(mlir::AffineExpr e, mlir::AffineExpr same) { known.push_back({e, same}); }
  /// From here on `copy` is the copy of `v`.
  void know(mlir::Value v, mlir::Value copy) { copies.map(v, copy); }
  /// The copy of `v`, made on the first call together with what it needs.
  mlir::Value get(mlir::Value v);
  llvm::SmallVector<mlir::Value> get(mlir::ValueRange values);
  /// `map` of the old loops as a map of the new dims.
  mlir::AffineMap get(mlir::AffineMap map);
  /// `map` less the results that are certainly inside `dims`; null if none is left.
  mlir::Value inside(mlir::Location loc, mlir::AffineMap map, mlir::ArrayRef<mlir::AffineExpr> dims, mlir::ValueRange symbols);
  /// A read of `source` at a map of the new dims.
  mlir::Value read(mlir::Location loc, mlir::Value source, mlir::AffineMap map, mlir::ValueRange symbols, bool guarded);

private:
  mlir::OpBuilder &b;
  llvm::SmallVector<mlir::AffineExpr> loops, extents;
  bool mayLeave;
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>> known;
  mlir::IRMapping copies;
};

/// Erases scalars without a use.
void eraseDeadScalars(mlir::Block &block);

} // namespace tintype::graph

#endif
