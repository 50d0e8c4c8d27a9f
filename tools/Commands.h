//===- Commands.h - the subcommands of tintype ------------------*- C++ -*-===//
// One file per subcommand. Each adds itself to the command line and leaves its
// exit status in `status` when it ran: 0 done, 1 the input is at fault,
// 2 the command line is at fault.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_COMMANDS_H
#define TINTYPE_TOOLS_COMMANDS_H

#include "frontend/Load.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/Timing.h"
#include <CLI/CLI.hpp>

namespace tintype::tools {

void addBuildCommand(CLI::App &app, int &status);
void addCheckCommand(CLI::App &app, int &status);
void addExplainCommand(CLI::App &app, int &status);
void addFmtCommand(CLI::App &app, int &status);
void addTuneCommand(CLI::App &app, int &status);

/// `--config`, `--set` and `--std`, which every command on models takes.
void addModelOptions(CLI::App &command, frontend::LoadOptions &options);

/// The graph of a .tin file, or nothing after an error that has been printed.
mlir::OwningOpRef<mlir::ModuleOp> elaborateFile(const std::string &file, const frontend::LoadOptions &options, mlir::MLIRContext &ctx,
                                                mlir::TimingScope timing = {});

} // namespace tintype::tools

#endif
