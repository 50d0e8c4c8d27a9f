//===- Elaborate.h - a loaded model to graph IR -----------------*- C++ -*-===//
// Checks a model and lowers it in one evaluation. `graph` functions of the
// model's task come out (passes/README.md says which), beside a summary of what
// `tintype check` prints.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_ELABORATE_H
#define TINTYPE_FRONTEND_ELABORATE_H

#include "frontend/Load.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace tintype::frontend {

/// What elaboration found, for people and tools.
struct Summary {
  struct Param {
    std::string path;
    std::string spelled;        ///< `[vocab, width]`
    std::vector<int64_t> shape;
    std::string dtype;
    int64_t count = 0;
    std::vector<std::string> tiedTo; ///< the statements that read it, when there are several
  };
  struct Function {
    std::string name, signature;
  };
  struct State {
    std::string kind; ///< `cache`, `last 3`, `carry`
    std::string name, type, where;
  };
  std::string model;
  std::vector<Param> params;
  int64_t paramCount = 0;
  std::vector<Function> functions;
  std::vector<std::string> tasks;
  std::vector<std::string> programs;
  std::vector<State> state;
  std::string stateNote; ///< why no state can be derived, or empty
  double flopsPerToken = 0;
  int64_t length = 1; ///< positions that costs per token are taken over
};

struct Elaborated {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Summary summary;
};

/// Nothing after an error in `diag`. `sources` holds the texts of `program`
/// and takes those of the library's task functions. What cannot be lowered yet
/// (`scan`) is an error when programs are wanted, else a warning.
std::optional<Elaborated> elaborate(const Program &program, SourceManager &sources, mlir::MLIRContext *ctx,
                                    Diagnostics &diag, bool wantsPrograms = true);

} // namespace tintype::frontend

#endif
