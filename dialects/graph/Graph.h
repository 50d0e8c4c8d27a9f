//===- Graph.h - the graph dialect ------------------------------*- C++ -*-===//
// Programs on tensors in index notation. A worked example, y = x W^T + b:
//
//   %z = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
//     %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
//     %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
//     %2 = arith.mulf %0, %1 : f32
//     graph.yield %2 : f32
//   }
//   %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
//     %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
//     %1 = graph.read %b[(d0, d1) -> (d1)] : tensor<8xf32>
//     %2 = arith.addf %0, %1 : f32
//     graph.yield %2 : f32
//   }
//
// Bodies read tensors of the enclosing function directly (no operand list);
// `readsOf` lists them. Sizes are AffineExprs whose symbols are runtime
// dimensions, numbered by the dialect for the whole context.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_DIALECTS_GRAPH_GRAPH_H
#define TINTYPE_DIALECTS_GRAPH_GRAPH_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dialects/graph/GraphEnums.h.inc"

namespace tintype::graph {
class YieldOp;
}

#include "dialects/graph/GraphDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/graph/GraphAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/graph/GraphOps.h.inc"

namespace tintype::graph {

/// The runtime dimension `name` as a symbol expression.
mlir::AffineExpr runtimeDim(mlir::MLIRContext *ctx, llvm::StringRef name);
/// One normal form: a sum of sorted products; equal sizes give equal expressions.
mlir::AffineExpr canonicalDim(mlir::AffineExpr e);
/// The product of `exprs` in normal form (1 when empty).
mlir::AffineExpr productOf(llvm::ArrayRef<mlir::AffineExpr> exprs, mlir::MLIRContext *ctx);
/// `e` as text with the names of runtime dimensions, e.g. `B * T`.
std::string printDim(mlir::AffineExpr e);
/// Calls `fn` with the id of every runtime dimension in `e`.
void walkSymbols(mlir::AffineExpr e, llvm::function_ref<void(unsigned)> fn);

/// Extents of a tensor type: from the encoding, or constants when it is static.
llvm::SmallVector<mlir::AffineExpr> dimsOf(mlir::Type type);
/// `<B, 8>` in the text of an op, without the attribute's name.
mlir::ParseResult parseBareDims(mlir::OpAsmParser &parser, DimsAttr &dims);
void printBareDims(mlir::OpAsmPrinter &printer, mlir::Operation *op, DimsAttr dims);
/// The tensor type with these extents; static ones become numbers, and the
/// encoding is set only when one is dynamic.
mlir::RankedTensorType tensorOf(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::Type element);

/// All reads in the body of a compute or scatter, in order.
llvm::SmallVector<ReadOp> readsOf(mlir::Operation *definition);
/// The loop extents of a compute (parallel, then reduction) or scatter.
llvm::SmallVector<mlir::AffineExpr> extentsOf(mlir::Operation *definition);

/// Builds `compute` with a body made by `body`, which returns the value and an
/// optional filter; the insertion point is restored.
using BodyFn = llvm::function_ref<std::pair<mlir::Value, mlir::Value>(mlir::OpBuilder &)>;
ComputeOp buildCompute(mlir::OpBuilder &b, mlir::Location loc, Reducer reducer, llvm::ArrayRef<mlir::AffineExpr> over,
                       llvm::ArrayRef<mlir::AffineExpr> by, mlir::Type element, BodyFn body);
} // namespace tintype::graph

#endif
