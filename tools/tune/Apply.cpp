//===- Apply.cpp - measured schedules in a build --------------------------===//
#include "tools/tune/Apply.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/Threads.h"
#include "tools/tune/Database.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace tintype::tune {

schedule::ScheduleKernelsOptions scheduleOptions(const codegen::CompileOptions &options) {
  schedule::ScheduleKernelsOptions o;
  o.vectorWidth = codegen::vectorWidth(options);
  o.dotBf16 = codegen::multipliesPairs(options);
  o.tileBf16 = codegen::multipliesTiles(options);
  return o;
}

schedule::Machine modelOf(const schedule::ScheduleKernelsOptions &options) {
  schedule::Machine m;
  m.vectorWidth = options.vectorWidth;
  m.hasDot = options.dotBf16;
  m.hasTiles = options.tileBf16;
  m.l2Bytes = options.l2Bytes;
  m.threads = options.threads;
  return m;
}

/// What of the row's setting the templates of `kernel` do not offer; empty when it can be used.
static std::string whyNotUsed(func::FuncOp kernel, const Winner &row, const schedule::Machine &machine) {
  if (!row.foreign.empty())
    return "expected parameters with values that tuning offers, but got " + row.foreign;
  auto plan = schedule::planKernel(kernel, machine, row.setting);
  if (failed(plan))
    return "expected a setting that gives a valid schedule, but got " + schedule::printSetting(row.setting);
  for (auto &[name, value] : row.setting)
    if (!plan->parameters.count(name))
      return "expected parameters that the kernel's templates ask for, but got " + name;
  return "";
}

void applyWinners(ModuleOp module, const std::string &database, const codegen::CompileOptions &options) {
  std::string path = database.empty() ? defaultDatabase() : database;
  if (database.empty() && !llvm::sys::fs::exists(path))
    return;
  auto db = Database::openForReading(path);
  if (!db) {
    llvm::errs() << "warning: " << llvm::toString(db.takeError()) << "\nhint: built with the schedules of the templates\n";
    return;
  }
  Machine machine = thisMachine(codegen::targetString(options), rt::Threads::physicalCores());
  schedule::Machine model = modelOf(scheduleOptions(options));
  module.getContext()->loadAllAvailableDialects(); // kernels are scheduled outside of a pass, too
  for (auto f : module.getOps<func::FuncOp>()) {
    if (!f->hasAttr("graph.kernel") || f->hasAttr("graph.tune"))
      continue;
    auto winner = db->find(f.getName().str(), machine);
    if (!winner || (winner->setting.empty() && winner->foreign.empty()))
      continue;
    if (std::string why = whyNotUsed(f, *winner, model); !why.empty()) {
      llvm::errs() << "warning: " << path << ": " << f.getName() << ": " << why
                   << "\nnote: the row was edited, or written by another version of the compiler\n"
                      "hint: built with the template's schedule; `tintype tune` measures one anew\n";
      continue;
    }
    schedule::setTune(f, winner->setting);
    f->setAttr("graph.tuned", UnitAttr::get(f.getContext()));
  }
}

} // namespace tintype::tune
