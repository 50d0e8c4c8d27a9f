//===- MlirProcess.h - MLIR's language server beside this one ---*- C++ -*-===//
// MLIR's server can only be had as a whole main function over standard input
// and output. It therefore runs in a process of its own, which is this program
// again with `--mlir`; its messages go on to the client. A crash of MLIR's
// parser on half a file ends that process only, and the next message about a
// `.mlir` file starts another.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_MLIRPROCESS_H
#define TINTYPE_TOOLS_LSP_MLIRPROCESS_H

#include "tools/lsp/Server.h"

namespace tintype::lsp {

/// Starts `program --mlir`; null when that fails. `toClient` is called from a
/// thread of its own.
std::unique_ptr<OtherServer> startMlirProcess(const std::string &program, const llvm::json::Value &initialize, Server::Send toClient);

} // namespace tintype::lsp

#endif
