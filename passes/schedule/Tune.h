//===- Tune.h - parameters of schedules, kernel by kernel -------*- C++ -*-===//
// A template asks for its parameters by name (`machine.value("mb", 384)`), and
// gets what the kernel function says, else its own choice:
//
//   func.func private @k_1f(..) attributes {graph.kernel, graph.tune = {mb = 192 : i64, nb = 96 : i64}}
//
// So the parameters of a kernel are those that its lowering asks for, and a
// setting can be judged before it is compiled: lower a copy, look at the text
// (equal to one seen: nothing to measure) and at the estimate of its cost.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_SCHEDULE_TUNE_H
#define TINTYPE_PASSES_SCHEDULE_TUNE_H

#include "dialects/halide/Halide.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <string>
#include <vector>

namespace tintype::schedule {

struct Machine;
/// Parameters by name.
using Setting = std::map<std::string, int>;

/// `mb=192,nb=96` or empty text; names are of letters, values in [0, 2^24].
mlir::FailureOr<Setting> parseSetting(llvm::StringRef text);
std::string printSetting(const Setting &setting);
/// The setting on a kernel function; empty without one.
Setting tuneOf(mlir::func::FuncOp kernel);
/// Puts `setting` on the kernel function, or takes it off when it is empty.
void setTune(mlir::func::FuncOp kernel, const Setting &setting);

/// A kernel as a setting would schedule it.
struct Plan {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< the kernel function and its pipeline
  std::string text;                         ///< the pipeline; equal texts are equal objects
  Setting parameters;                       ///< every parameter that was asked for, with its value
  double cost = 1;                          ///< the model's estimate, comparable between settings
  std::string grid;
};
/// Failure (without a message) where the setting gives no valid pipeline.
mlir::FailureOr<Plan> planKernel(mlir::func::FuncOp kernel, const Machine &machine, const Setting &setting);

/// Settings one step from `from`, by what they change: register tiles, blocks, and
/// each other parameter that the plan of `from` asked for.
std::vector<std::vector<Setting>> stepsFrom(const Setting &from, const Setting &parameters, int vectorWidth);

/// Whether every value of `setting` is one that `stepsFrom` offers: what comes from
/// outside can then be slow at worst.
bool isOffered(const Setting &setting);

/// Hash of the sources of the templates: results measured with others are stale.
llvm::StringRef templatesVersion();

} // namespace tintype::schedule

#endif
