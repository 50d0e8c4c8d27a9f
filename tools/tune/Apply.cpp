//===- Apply.cpp - measured schedules in a build --------------------------===//
#include "tools/tune/Apply.h"
#include "runtime/Threads.h"
#include "tools/tune/Database.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

void applyWinners(ModuleOp module, const std::string &database, const std::string &target) {
  std::string path = database.empty() ? defaultDatabase() : database;
  if (database.empty() && !llvm::sys::fs::exists(path))
    return;
  auto db = Database::openForReading(path);
  if (!db) {
    llvm::errs() << "warning: " << llvm::toString(db.takeError()) << "\nhint: built with the schedules of the templates\n";
    return;
  }
  Machine machine = thisMachine(target, rt::Threads::physicalCores());
  for (auto f : module.getOps<func::FuncOp>()) {
    if (!f->hasAttr("graph.kernel") || f->hasAttr("graph.tune"))
      continue;
    auto winner = db->find(f.getName().str(), machine);
    if (!winner || winner->setting.empty())
      continue;
    schedule::setTune(f, winner->setting);
    f->setAttr("graph.tuned", UnitAttr::get(f.getContext()));
  }
}

} // namespace tintype::tune
