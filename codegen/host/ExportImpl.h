//===- ExportImpl.h - the walk that makes a manifest -----------*- C++ -*-===//
// Nothing outside Export.cpp, ExportFunction.cpp and RowReads.cpp includes this header.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_CODEGEN_HOST_EXPORTIMPL_H
#define TINTYPE_CODEGEN_HOST_EXPORTIMPL_H

#include "codegen/manifest.pb.h"
#include "dialects/graph/Graph.h"
#include "llvm/ADT/BitVector.h"

namespace tintype {

/// Turns one module into a manifest; one `FunctionExport` for each host function.
struct ModuleExport {
  mlir::ModuleOp module;
  Manifest &out;
  graph::GraphDialect &dialect;
  /// A kernel's function and its place in the manifest.
  struct Kernel {
    mlir::func::FuncOp function;
    int place;
  };
  llvm::StringMap<int> symbols, parameters;
  llvm::StringMap<Kernel> kernels;

  int symbol(mlir::StringRef name);
  mlir::LogicalResult size(mlir::AffineExpr e, Size *s);
  mlir::LogicalResult sizes(mlir::ArrayRef<mlir::AffineExpr> dims, google::protobuf::RepeatedPtrField<Size> *out);
  mlir::FailureOr<DType> dtype(mlir::Type t, mlir::Operation *at);
  void addSymbols();
  mlir::LogicalResult addParameters();
  mlir::LogicalResult addKernels();
  mlir::LogicalResult run();
};

/// For each argument of `kernel`, whether a block reads of its outermost dim only what the first axis of graph.grid gives
/// the block: then it need not wait for the others.
llvm::BitVector argumentsReadByBlocks(mlir::func::FuncOp kernel);

/// Where a value lives, while a function is walked.
struct FunctionExport {
  FunctionExport(ModuleExport &m, mlir::func::FuncOp fn, Program &program) : m(m), fn(fn), program(program) {}
  mlir::LogicalResult run();

private:
  int addBuffer(Buffer::Kind kind, int index, mlir::Type type, mlir::StringRef label);
  mlir::FailureOr<int> parameterBuffer(Buffer::Kind kind, mlir::StringRef name, mlir::Type type, mlir::Operation *at);
  mlir::LogicalResult addInputs();
  /// The value must end in the buffer.
  mlir::LogicalResult want(mlir::Value v, int buffer, mlir::Operation *at);
  mlir::LogicalResult placeResults();
  mlir::LogicalResult addLaunch(mlir::func::CallOp call);
  mlir::LogicalResult addArg(Arg *arg, mlir::Value v, int buffer, mlir::func::CallOp call);
  /// The buffer of a call's result; `reuse` is the argument whose memory it may take, or -1.
  mlir::FailureOr<int> bufferOfResult(mlir::func::CallOp call, unsigned result, int reuse, mlir::StringRef label);
  mlir::LogicalResult addGrid(mlir::func::FuncOp kernel, Launch *launch);
  mlir::LogicalResult addRanges(mlir::func::FuncOp kernel, Launch *launch);
  mlir::LogicalResult addSection();

  ModuleExport &m;
  mlir::func::FuncOp fn;
  Program &program;
  llvm::DenseMap<mlir::Value, int> bufferOf;
  llvm::DenseMap<mlir::Value, int> wanted; ///< value -> buffer it must end in
  llvm::DenseSet<int> ofOneChunk;          ///< buffers with the rows of the chunk at hand only
  std::map<std::pair<int, int>, int> parameterBuffers;
};

} // namespace tintype

#endif
