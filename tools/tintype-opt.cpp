//===- tintype-opt.cpp - run any pass on any stage ------------------------===//
#include "dialects/graph/Graph.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/fusion/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<tintype::graph::GraphDialect>();
  mlir::registerTransformsPasses();
  tintype::registerFusionPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tintype optimizer driver\n", registry));
}
