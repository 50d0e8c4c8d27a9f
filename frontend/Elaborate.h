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
    std::string spelled; ///< `[vocab, width]`
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
    std::string file; ///< where the name is defined
    unsigned line = 0, column = 0;
  };
  /// A runtime dim of the model's functions, by their `where` clauses.
  struct Bound {
    std::string name;
    int64_t min = 1, max = 0, multiple = 1; ///< max 0: no bound
  };
  std::string model;
  std::vector<Param> params;
  int64_t paramCount = 0;
  std::vector<Function> functions;
  std::vector<std::string> tasks;
  std::vector<std::string> programs;
  std::vector<State> state;
  std::vector<Bound> bounds;
  std::string stateNote; ///< why no state can be derived, or empty
  double flopsPerToken = 0;
  int64_t length = 1; ///< positions that costs per token are taken over
};

struct Elaborated {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Summary summary;
};

class Observer;

/// Nothing after an error in `diag`. `sources` holds the texts of `program`
/// and takes those of the library's task functions. What cannot be lowered yet
/// (`scan`) is an error when programs are wanted, else a warning. With an
/// observer calls that must come out alike are evaluated once: messages are the
/// same, but the programs are only good for their types.
std::optional<Elaborated> elaborate(const Program &program, SourceManager &sources, mlir::MLIRContext *ctx, Diagnostics &diag,
                                    bool wantsPrograms = true, Observer *observer = nullptr);

} // namespace tintype::frontend

#endif
