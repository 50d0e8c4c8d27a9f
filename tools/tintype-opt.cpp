//===- tintype-opt.cpp - runs any pass on any stage -----------------------===//
// Upstream's optimizer driver with the project's dialects and passes: pipelines,
// reproducers, remarks, timing, and every printing option.
//===----------------------------------------------------------------------===//
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/Passes.h"
#include "passes/schedule/Passes.h"
#include "tools/MlirText.h"
#include "tools/ToolMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// Upstream's driver, but for text that its parser has no stack for.
static LogicalResult run(int argc, char **argv, StringRef inputName, StringRef outputName, DialectRegistry &registry) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return MlirOptMain(argc, argv, inputName, outputName, registry);
  llvm::InitLLVM init(argc, argv);
  std::string error;
  auto input = openInputFile(inputName, &error);
  auto output = input ? openOutputFile(outputName, &error) : nullptr;
  if (!output) {
    llvm::errs() << "error: " << error << "\n";
    return failure();
  }
  llvm::SourceMgr sources;
  unsigned buffer = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(*input), llvm::SMLoc());
  if ((!isBytecode(*input) && !tintype::checkText(sources, buffer)) ||
      failed(MlirOptMain(output->os(), std::move(input), registry, config)))
    return failure();
  output->keep();
  return success();
}

int main(int argc, char **argv) {
  tintype::hideForeignOptions();
  DialectRegistry registry;
  tintype::registerDialects(registry);
  registerTransformsPasses();
  tintype::registerGraphPasses();
  tintype::registerFusionPasses();
  tintype::schedule::registerSchedulePasses();
  auto [input, output] = registerAndParseCLIOptions(argc, argv, "Tintype optimizer driver\n", registry);
  return asMainReturnCode(run(argc, argv, input, output, registry));
}
