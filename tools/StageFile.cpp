//===- StageFile.cpp ------------------------------------------------------===//
#include "tools/StageFile.h"
#include "dialects/graph/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "tools/MlirText.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace tintype {

/// Whether `type` is a tensor whose extents are known by name or number.
static bool isSized(mlir::Type type) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return tensor && (tensor.hasStaticShape() || llvm::isa_and_nonnull<graph::DimsAttr>(tensor.getEncoding()));
}

/// What every stage has in common, and every pass relies on: functions are one block, and work on tensors with extents.
static mlir::LogicalResult checkForm(mlir::ModuleOp module) {
  for (auto f : module.getOps<mlir::func::FuncOp>()) {
    if (!f.getBody().hasOneBlock())
      return f.emitError() << "expected a function of one block, but got " << f.getBody().getBlocks().size();
    for (auto types : {f.getArgumentTypes(), f.getResultTypes()})
      for (mlir::Type type : types)
        if (!isSized(type))
          return f.emitError() << "expected a function on tensors with extents, but got " << type;
  }
  auto walk = module.walk([](mlir::Operation *op) {
    for (mlir::Type type : op->getResultTypes())
      if (llvm::isa<mlir::ShapedType>(type) && !isSized(type)) {
        op->emitError() << "expected a tensor with extents, but got " << type;
        return mlir::WalkResult::interrupt();
      }
    return mlir::WalkResult::advance();
  });
  return mlir::failure(walk.wasInterrupted());
}

mlir::OwningOpRef<mlir::ModuleOp> parseStageText(std::unique_ptr<llvm::MemoryBuffer> text, llvm::SourceMgr &sources,
                                                 mlir::MLIRContext &ctx) {
  unsigned buffer = sources.AddNewSourceBuffer(std::move(text), llvm::SMLoc());
  if (!checkText(sources, buffer))
    return nullptr;
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &ctx);
  return module && succeeded(checkForm(*module)) ? std::move(module) : nullptr;
}

mlir::OwningOpRef<mlir::ModuleOp> parseStageFile(const std::string &path, llvm::SourceMgr &sources, mlir::MLIRContext &ctx) {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file) {
    llvm::errs() << "error: " << path << ": cannot read: " << file.getError().message() << "\n";
    return nullptr;
  }
  return parseStageText(std::move(*file), sources, ctx);
}

} // namespace tintype
