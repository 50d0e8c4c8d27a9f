//===- CompileApart.cpp - edited schedules, compiled at a distance --------===//
#include "tools/CompileApart.h"
#include "dialects/halide/Halide.h"
#include "mlir/Parser/Parser.h"
#include "tools/ToolMain.h"
#include "tools/tune/Apply.h"
#include "tools/tune/Child.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SourceMgr.h"
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace mlir;

namespace tintype {

/// Longer than any schedule of ours takes by far (0.2 s).
static constexpr int kSeconds = 60;

int runCompileChild(const std::string &file, const BuildOptions &options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit none{0, 0}, time{kSeconds, kSeconds + 1}, memory{rlim_t(4) << 30, rlim_t(4) << 30};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &time);
  setrlimit(RLIMIT_AS, &memory);
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext ctx(registry, MLIRContext::Threading::DISABLED);
  ctx.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &ctx);
  auto module = parseSourceFile<ModuleOp>(file, sources, &ctx);
  if (!module)
    return 1;
  codegen::CompileOptions compile = compileOptions(options);
  if (failed(schedule::markGiven(*module, tune::modelOf(tune::scheduleOptions(compile)))))
    return 1;
  compile.jobs = 1; // in order, so that the first one that is not reported is the one at work
  compile.onKernel = [](StringRef kernel, std::optional<double>) {
    llvm::outs() << kernel << "\n";
    llvm::outs().flush();
  };
  llvm::StringMap<std::string> objects;
  return failed(codegen::compileKernels(*module, compile, objects));
}

LogicalResult compileApart(ModuleOp module, const BuildOptions &options) {
  if (module.getOps<halide::PipelineOp>().empty())
    return success();
  if (failed(schedule::markGiven(module, tune::modelOf(tune::scheduleOptions(compileOptions(options))))))
    return failure();
  bool never = false;
  std::vector<std::string> arguments{"compile-schedules", options.input, "--target", options.target, "--cache", cacheFolder(options)};
  tune::Ended child = tune::runSelf(arguments, 10 * kSeconds, never);
  if (child.started && child.byItself && WIFEXITED(child.status)) {
    llvm::errs() << child.err;
    return success(WEXITSTATUS(child.status) == 0);
  }
  llvm::StringSet<> done;
  for (StringRef name : llvm::split(child.out, '\n'))
    done.insert(name);
  for (auto pipeline : module.getOps<halide::PipelineOp>()) {
    if (done.contains(pipeline.getKernel()))
      continue;
    InFlightDiagnostic d = pipeline.emitError() << "expected a schedule that can be compiled, but the compiler ";
    if (!child.started)
      return d << "could not be started: " << child.err;
    if (!child.byItself || WTERMSIG(child.status) == SIGXCPU)
      d << "did not end within " << kSeconds << " s";
    else
      d << "was ended by a signal: " << strsignal(WTERMSIG(child.status));
    if (std::string line = tune::lastLine(child.err); !line.empty())
      d.attachNote() << line;
    return d;
  }
  return success();
}

} // namespace tintype
