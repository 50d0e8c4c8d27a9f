//===- tintype-opt.cpp - runs any pass on any stage -----------------------===//
// Upstream's optimizer driver with the project's dialects and passes: pipelines,
// reproducers, remarks, timing, and every printing option.
//===----------------------------------------------------------------------===//
#include "tools/ToolMain.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/Passes.h"
#include "passes/schedule/Passes.h"

int main(int argc, char **argv) {
  tintype::hideForeignOptions();
  mlir::DialectRegistry registry;
  tintype::registerDialects(registry);
  mlir::registerTransformsPasses();
  tintype::registerGraphPasses();
  tintype::registerFusionPasses();
  tintype::schedule::registerSchedulePasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tintype optimizer driver\n", registry));
}
