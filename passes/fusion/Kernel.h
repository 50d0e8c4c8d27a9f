//===- Kernel.h - facts about definitions and groups of them ----*- C++ -*-===//
// A definition is a `graph.compute` or a `graph.scatter`; a group is a list of
// definitions, in order, that become one kernel. A worked example: in
//
//   %z = graph.compute sum over <M, N> by <K> { x[d0, d2] * w[d1, d2] }
//   %y = graph.compute none over <M, N> by <> { z[d0, d1] + b[d1] }
//
// %z is a contraction (two factors, each over dims of its own, summed), %y
// reads %z at the identity, and the group {%z, %y} is of kind `contraction`.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_FUSION_KERNEL_H
#define TINTYPE_PASSES_FUSION_KERNEL_H

#include "dialects/graph/Graph.h"
#include "passes/graph/Contraction.h"
#include "passes/graph/Loss.h"

namespace tintype::fusion {

using graph::dimsIn;

/// The group a definition belongs to, an i32; set by graph-form-kernels.
inline constexpr llvm::StringLiteral groupAttr = "graph.group";

/// On a definition that graph-recompute made: a copy on purpose.
inline constexpr llvm::StringLiteral againAttr = "graph.again";

/// On a definition, then on its call: runs for at most so many rows at a time; set by graph-form-kernels.
inline constexpr llvm::StringLiteral rowsAttr = "graph.rows";

/// How many rows the chunk at hand has, as a runtime dim.
inline constexpr llvm::StringLiteral chunkSymbol = "_rows0";

/// `graph.compute` or `graph.scatter`.
bool isDefinition(mlir::Operation *op);
/// A compute without reducer.
bool isPointwise(mlir::Operation *op);
/// A compute with one.
bool isReduction(mlir::Operation *op);
/// A sum of a product of two factors, each read over a loop dim that the other
/// lacks, over more points than a register tile could hold anyway.
bool isContraction(mlir::Operation *op);

/// The read is of the element that the definition writes: `(d0, .., dn) -> (d0, .., dn)`.
bool isIdentityRead(graph::ReadOp read);
/// How many leading results of `map` are d0, d1, ..
unsigned numLeadingDims(mlir::AffineMap map);

/// Runs of definitions with one `graph.group`; a definition without it is alone.
llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> groupsOf(mlir::Block &block);
/// Tensors that the bodies and operands of `group` use but do not define, in
/// order of first use.
llvm::SmallVector<mlir::Value> inputsOf(llvm::ArrayRef<mlir::Operation *> group);
/// `contraction`, `row`, `pointwise` or `scatter`.
llvm::StringRef kindOf(llvm::ArrayRef<mlir::Operation *> group);
/// The op whose place in the source stands for the group: its contraction, else
/// its scatter, else its first reduction, else its last op.
mlir::Operation *mainOf(llvm::ArrayRef<mlir::Operation *> group);
/// `file:line:col` of the innermost place in `loc`, or "".
std::string labelOf(mlir::Location loc);

/// Makes a definition of the scalar `root` of `definition`, over the loop dims `dims`, in front of it; what used `root` reads that.
graph::ComputeOp outlineScalar(mlir::Operation *definition, mlir::Operation *root, const llvm::SmallBitVector &dims);

/// Moves constants and sizes that a body takes from outside into it, so that a
/// body uses tensors of the function and nothing else from it.
void sinkScalars(mlir::Operation *definition);
/// Makes equal scalar ops of a body one, and drops those that nothing uses.
void simplifyBody(mlir::Operation *definition);

/// Whether `func` is a program: it has a body and is no kernel.
bool isProgram(mlir::func::FuncOp func);

/// Erases ops of `func` whose results nothing uses.
void eraseDead(mlir::func::FuncOp func);

/// Calls the kernel function `k_` and a hash of its text; what that text is.
std::string nameByText(mlir::func::FuncOp kernel);

/// For each result of the kernel function the argument whose memory it may
/// reuse, or -1; `graph.inplace` in passes/README.md says when.
llvm::SmallVector<int32_t> inplaceOf(mlir::func::FuncOp kernel);

} // namespace tintype::fusion

#endif
