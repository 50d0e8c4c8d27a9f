//===- Loss.cpp -----------------------------------------------------------===//
#include "passes/graph/Loss.h"

using namespace mlir;

namespace tintype::graph {

Operation *lossOf(func::FuncOp func) {
  auto names = func->getAttrOfType<ArrayAttr>("graph.results");
  Operation *ret = func.getBody().front().getTerminator();
  if (!names || names.size() != ret->getNumOperands())
    return nullptr;
  for (auto [name, value] : llvm::zip(names, ret->getOperands()))
    if (cast<StringAttr>(name).getValue() == "loss")
      return value.getDefiningOp();
  return nullptr;
}

} // namespace tintype::graph
