//===- ScalarRules.h - derivatives of scalar ops ----------------*- C++ -*-===//
// One row for each scalar op that a body may hold, with one function for each
// operand. A row without functions says: the derivative is zero. A missing row
// is an error at the op.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_SCALARRULES_H
#define TINTYPE_PASSES_GRAPH_SCALARRULES_H

#include "passes/graph/Scalars.h"

namespace tintype::graph {

/// What a rule sees: `dy`, the derivative of the loss by the op's result, and the
/// op's operands and result, computed again in the adjoint's body.
struct ScalarRule : ScalarBuilder {
  ScalarRule(mlir::OpBuilder &b, mlir::Operation *op, mlir::Value dy, BodyCloner &again)
      : ScalarBuilder(b, op->getLoc()), op(op), dy(dy), again(again) {}
  mlir::Operation *op;
  mlir::Value dy;
  BodyCloner &again;
  mlir::Value in(unsigned i) { return again.get(op->getOperand(i)); }
  mlir::Value out() { return again.get(op->getResult(0)); }
};

/// Makes the derivative of the loss by one operand; null stands for zero.
using OperandRule = mlir::Value (*)(ScalarRule &);

struct ScalarRow {
  const char *name;
  OperandRule operands[3];
};

llvm::ArrayRef<ScalarRow> scalarRows();
/// The row of `op`, or null.
const ScalarRow *scalarRow(mlir::Operation *op);

} // namespace tintype::graph

#endif
