//===- ScheduleKernels.cpp - pass: pipelines and grids for kernels --------===//
#include "passes/schedule/Lowering.h"
#include "passes/schedule/Passes.h"

using namespace mlir;

namespace tintype::schedule {
#define GEN_PASS_DEF_SCHEDULEKERNELS
#include "passes/schedule/Passes.h.inc"

namespace {
struct ScheduleKernels : impl::ScheduleKernelsBase<ScheduleKernels> {
  using ScheduleKernelsBase::ScheduleKernelsBase;
  void runOnOperation() override {
    Machine machine;
    machine.vectorWidth = vectorWidth;
    machine.l2Bytes = l2Bytes;
    machine.threads = threads;
    auto overrides = parseSetting(tune);
    if (failed(overrides)) {
      getOperation().emitError() << "expected name=number,.. in tune, but got " << tune;
      return signalPassFailure();
    }
    machine.tune = *overrides;
    machine.hasDot = dotBf16;
    machine.hasTiles = tileBf16;
    SmallVector<func::FuncOp> kernels;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("graph.kernel") && !f.isExternal()) {
        if (failed(checkInplace(f)))
          return signalPassFailure();
        if (auto given = halide::pipelineOf(f)) {
          if (failed(checkGiven(f, given)))
            return signalPassFailure();
          remarkOnSchedule(f, given, /*isGiven=*/true, getArgument());
        } else {
          kernels.push_back(f);
        }
      }
    for (func::FuncOp f : kernels) {
      Lowering lowering(f, machine);
      if (failed(checkTune(f, {})) || failed(lowering.run()) || failed(checkTune(f, lowering.machine.asked)))
        return signalPassFailure();
      numContractions += lowering.numContractions;
      remarkOnSchedule(f, lowering.pipeline, /*isGiven=*/false, getArgument());
    }
  }
};
} // namespace

void buildPipeline(OpPassManager &pm, const ScheduleKernelsOptions &options) { pm.addPass(createScheduleKernels(options)); }
} // namespace tintype::schedule
