//===- tintype-lsp-server.cpp - editor support ----------------------------===//
// The language server protocol on standard input and output, for `.tin` and
// `.mlir` files in one session.
//===----------------------------------------------------------------------===//
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/ToolMain.h"
#include "tools/lsp/MlirProcess.h"
#include <csignal>
#include <mutex>

static constexpr char kHelp[] = "Speaks the language server protocol on standard input and output, for .tin and .mlir files.\n"
                                "\n"
                                "usage: tintype-lsp-server\n"
                                "\n"
                                "  --mlir  only .mlir files, by MLIR's own server; more options with --mlir --help\n"
                                "\n"
                                "Editors start it; tools/editors.md says how.\n";

/// MLIR's server for the project's dialects.
static int mlirServer(int argc, char **argv) {
  tintype::hideForeignOptions();
  mlir::DialectRegistry registry;
  tintype::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}

int main(int argc, char **argv) {
  if (argc > 1 && llvm::StringRef(argv[1]) == "--mlir") {
    argv[1] = argv[0];
    return mlirServer(argc - 1, argv + 1);
  }
  bool wantsHelp = argc > 1 && (llvm::StringRef(argv[1]) == "--help" || llvm::StringRef(argv[1]) == "-h");
  if (argc > 1 && llvm::StringRef(argv[1]) != "--stdio") { // some editors say it
    (wantsHelp ? llvm::outs() : llvm::errs()) << (wantsHelp ? ""
                                                            : "tintype-lsp-server: error: expected no arguments, but got " +
                                                                  std::string(argv[1]) + "\n")
                                              << (wantsHelp ? kHelp : "");
    return wantsHelp ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN); // an end of the other process shows when writing
  std::mutex writing;
  auto send = [&](const llvm::json::Value &message) {
    std::string text = tintype::lsp::frame(message);
    std::lock_guard<std::mutex> lock(writing);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  tintype::lsp::Server server(
      send, [&](const llvm::json::Value &initialize) { return tintype::lsp::startMlirProcess("/proc/self/exe", initialize, send); });
  // Checking waits until the client is silent.
  std::setvbuf(stdin, nullptr, _IONBF, 0);
  while (true) {
    while (!tintype::lsp::isWaiting(stdin) && server.work())
      ;
    auto message = tintype::lsp::readMessage(stdin);
    if (!message || !server.handle(*message))
      break;
  }
  return server.exitStatus();
}
