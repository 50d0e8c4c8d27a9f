//===- Job.cpp - the child that does one measurement ----------------------===//
#include "tools/tune/Job.h"
#include "codegen/halide/Compile.h"
#include "mlir/Parser/Parser.h"
#include "passes/schedule/Passes.h"
#include "tools/ToolMain.h"
#include "tools/tune/Apply.h"
#include "tools/tune/KernelCode.h"
#include "llvm/Support/MemoryBuffer.h"
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace mlir;

namespace tintype::tune {

namespace {
/// The work of one child.
struct Child {
  Job job;
  MLIRContext ctx;
  OwningOpRef<ModuleOp> source;
  func::FuncOp kernel;
  codegen::CompileOptions compile;
  schedule::Machine machine;

  int say(StringRef status, StringRef message = "") { return say(Outcome{status.str(), message.str(), {}}); }
  int say(const Outcome &o) {
    llvm::outs() << toJson(o) << "\n";
    llvm::outs().flush();
    return o.status == "ok" ? 0 : 1;
  }
  explicit Child(MLIRContext::Threading threading) : ctx(threading) {}
  int run();
  /// The kernel as `setting` schedules it: its function (with the grid) and its code.
  std::unique_ptr<KernelCode> build(const Setting &setting, schedule::Plan &plan, std::string &error);
  void planFault(KernelCode &code);
  std::pair<double, double> range{-1, 1}; ///< of the kernel's arguments
  /// Results of `code` on arguments of `range`.
  std::vector<std::vector<char>> results(KernelCode &code, KernelData &data, rt::Threads &threads);
  /// Finds a range in which `plain` gives numbers, if it can; what it gives there.
  std::vector<std::vector<char>> reference(KernelCode &plain, KernelData &data, rt::Threads &threads);
  /// What `code` does wrong, or ok.
  Outcome check(KernelCode &code, KernelData &data, const std::vector<std::vector<char>> &want, rt::Threads &threads);
  std::vector<Timing> measure(std::vector<std::unique_ptr<KernelCode>> &codes, KernelData &data, rt::Threads &threads);
};
} // namespace

/// What a broken candidate would do, for tests of how that is found out.
void Child::planFault(KernelCode &code) {
  if (job.fault == "crash")
    code.before = [](char *, int64_t) { raise(SIGSEGV); };
  else if (job.fault == "hang")
    code.before = [](char *, int64_t) {
      for (volatile bool forever = true; forever;)
        ;
    };
  else if (job.fault == "overrun")
    code.before = [](char *p, int64_t n) { p[n + 3] = 1; };
  else if (job.fault == "far")
    code.before = [](char *p, int64_t n) { p[n + 20000] = 1; };
  else if (job.fault == "exit")
    code.before = [](char *, int64_t) { _exit(7); };
}

std::unique_ptr<KernelCode> Child::build(const Setting &setting, schedule::Plan &plan, std::string &error) {
  auto planned = schedule::planKernel(kernel, machine, setting);
  if (failed(planned)) {
    error = "the setting gives no valid schedule";
    return nullptr;
  }
  plan = std::move(*planned);
  llvm::StringMap<std::string> objects;
  ScopedDiagnosticHandler handler(&ctx, [&](Diagnostic &d) { return error += d.str() + " ", success(); });
  if (failed(codegen::compileKernels(*plan.module, compile, objects)))
    return nullptr;
  if (job.compileOnly)
    return nullptr;
  auto fn = *plan.module->getOps<func::FuncOp>().begin();
  auto code = KernelCode::load(fn, objects[fn.getName()], job.dims);
  if (!code) {
    error = llvm::toString(code.takeError());
    return nullptr;
  }
  return std::move(*code);
}

std::vector<std::vector<char>> Child::results(KernelCode &code, KernelData &data, rt::Threads &threads) {
  data.fill(1, range.first, range.second);
  data.clearResults();
  code.run(data, threads);
  return data.results();
}

std::vector<std::vector<char>> Child::reference(KernelCode &plain, KernelData &data, rt::Threads &threads) {
  std::pair<double, double> best = range;
  std::vector<std::vector<char>> want;
  double least = 2;
  for (std::pair<double, double> next : {std::pair{-1.0, 1.0}, {0.1, 1.0}, {0.01, 0.1}}) {
    range = next;
    auto got = results(plain, data, threads);
    if (double bad = data.partNotFinite(got); bad < least)
      least = bad, best = next, want = std::move(got);
    if (least == 0)
      break;
  }
  range = best;
  return want;
}

Outcome Child::check(KernelCode &code, KernelData &data, const std::vector<std::vector<char>> &want, rt::Threads &threads) {
  data.fill(1, range.first, range.second);
  data.clearResults();
  data.protectArguments(true);
  checkTemporaries(true);
  code.run(data, threads);
  checkTemporaries(false);
  data.protectArguments(false);
  if (std::string damage = data.damage(); !damage.empty())
    return {"overrun", damage, {}};
  if (temporariesDamaged())
    return {"overrun", "wrote beside a temporary", {}};
  if (std::string d = data.difference(want, data.results()); !d.empty() || job.fault == "wrong")
    return {"wrong", d, {}};
  return {"ok", "", {}};
}

/// The middle of `v` and half of the interval that holds the true one in 19 of 20 cases (all of it for a few).
static std::pair<double, double> medianOf(std::vector<double> v) {
  llvm::sort(v);
  size_t n = v.size(), out = std::max(n / 2.0 - 0.98 * std::sqrt(double(n)), 0.0);
  return {n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2, (v[n - 1 - out] - v[out]) / 2};
}

/// In turn, each in front once, so that a drifting clock or a busy machine meets all alike.
std::vector<Timing> Child::measure(std::vector<std::unique_ptr<KernelCode>> &codes, KernelData &data, rt::Threads &threads) {
  size_t n = codes.size();
  std::vector<std::vector<double>> seconds(n), ratios(n);
  data.fill(1, range.first, range.second);
  for (auto &code : codes)
    code->run(data, threads);
  auto start = std::chrono::steady_clock::now();
  auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (size_t round = 0; round < 200 && (round < 3 || spent() < job.seconds); ++round) {
    for (size_t i = 0; i < n; ++i)
      seconds[(round + i) % n].push_back(codes[(round + i) % n]->run(data, threads));
    if (job.fault == "lucky" && !job.isTrusted) // as other programs can have it
      seconds[0].back() *= 4;
    for (size_t i = 1; i < n; ++i)
      ratios[i].push_back(seconds[0].back() / std::max(seconds[i].back(), 1e-9));
    // A clear loser needs no more runs.
    if (n == 2 && !job.isTrusted && round >= 2) {
      auto [middle, error] = medianOf(ratios[1]);
      if (middle + error < (round < 5 ? 0.85 : 0.99))
        break;
    }
  }
  std::vector<Timing> list;
  for (size_t i = 0; i < n; ++i) {
    auto [middle, error] = medianOf(seconds[i]);
    auto [ratio, apart] = i ? medianOf(ratios[i]) : std::pair{1.0, error / middle};
    list.push_back({middle, ratio, apart});
    if (i && job.fault == "equal")
      list.back() = {middle, 1.2 + 0.01 * i, 0.05};
  }
  return list;
}

int Child::run() {
  DialectRegistry registry;
  registerDialects(registry);
  ctx.appendDialectRegistry(registry);
  ctx.loadAllAvailableDialects();
  source = parseSourceFile<ModuleOp>(job.file, &ctx);
  if (!source || source->getOps<func::FuncOp>().empty())
    return say("lost", "no kernel in the job's file");
  kernel = *source->getOps<func::FuncOp>().begin();
  compile.target = job.target;
  compile.cacheDir = job.cacheDir;
  machine = modelOf(scheduleOptions(compile));

  std::string error;
  schedule::Plan plainPlan, plan;
  if (job.compileOnly) {
    build(job.settings.back(), plan, error);
    return error.empty() ? say("ok") : say("compile", error);
  }
  std::unique_ptr<KernelCode> plain = build({}, plainPlan, error);
  std::vector<std::unique_ptr<KernelCode>> codes;
  for (const Setting &setting : job.settings) {
    codes.push_back(plain ? build(setting, plan, error) : nullptr);
    if (!codes.back())
      return say(codes.size() == 1 ? "lost" : "compile", error);
    if (codes.size() > 1)
      planFault(*codes.back());
  }
  KernelData data(*plainPlan.module->getOps<func::FuncOp>().begin(), job.dims);
  for (auto *list : {&data.arguments, &data.outputs})
    for (auto &t : *list)
      if (t.memory && !t.memory->data())
        return say("lost", "not enough memory for the kernel's data");
  rt::Threads threads(job.threads);
  auto want = reference(*plain, data, threads);
  for (size_t i = 1; i < codes.size() && !job.isTrusted; ++i)
    if (Outcome o = check(*codes[i], data, want, threads); o.status != "ok")
      return say(o);
  Outcome o{"ok", "", measure(codes, data, threads)};
  if (std::string damage = data.damage(); !damage.empty())
    return say("overrun", damage);
  return say(o);
}

int runJob(const std::string &file) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing is left behind by a parent that was killed
  auto buffer = llvm::MemoryBuffer::getFile(file);
  Child child(MLIRContext::Threading::DISABLED);
  if (!buffer || !fromJson((*buffer)->getBuffer(), child.job)) {
    llvm::errs() << "error: expected a job as `tintype tune` writes it, but got " << file << "\n";
    return 2;
  }
  auto limit = [](int what, int64_t value) {
    rlimit l{(rlim_t)value, (rlim_t)value + (what == RLIMIT_CPU)};
    setrlimit((__rlimit_resource)what, &l);
  };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, std::max<int64_t>(child.job.limitSeconds * child.job.threads, 1));
  if (child.job.memoryBytes > 0)
    limit(RLIMIT_AS, child.job.memoryBytes);
  return child.run();
}

} // namespace tintype::tune
