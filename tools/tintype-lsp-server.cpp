//===- tintype-lsp-server.cpp - editor support for the dialects -----------===//
// The language server protocol on standard input and output for `.mlir` files:
// diagnostics, definitions, references, hover and completion.
//===----------------------------------------------------------------------===//
#include "tools/ToolMain.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  tintype::hideForeignOptions();
  mlir::DialectRegistry registry;
  tintype::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
