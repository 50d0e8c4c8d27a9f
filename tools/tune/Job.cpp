//===- Job.cpp - jobs as JSON, and the child that does one ----------------===//
#include "tools/tune/Job.h"
#include "codegen/halide/Compile.h"
#include "passes/schedule/Passes.h"
#include "tools/ToolMain.h"
#include "tools/tune/Apply.h"
#include "tools/tune/KernelCode.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace mlir;
namespace json = llvm::json;

namespace tintype::tune {

static std::string text(json::Object o) {
  std::string s;
  llvm::raw_string_ostream(s) << json::Value(std::move(o));
  return s;
}
std::string toJson(const Job &j) {
  json::Object dims;
  for (auto &[name, n] : j.dims)
    dims[name] = n;
  return text(json::Object{{"file", j.file}, {"target", j.target}, {"cache", j.cacheDir}, {"incumbent", schedule::printSetting(j.incumbent)},
               {"candidate", schedule::printSetting(j.candidate)}, {"dims", std::move(dims)}, {"threads", j.threads},
               {"compile_only", j.compileOnly}, {"seconds", j.seconds}, {"memory", j.memoryBytes}, {"limit", j.limitSeconds},
               {"fault", j.fault}});
}
std::string toJson(const Outcome &o) {
  return text(json::Object{{"status", o.status}, {"message", json::fixUTF8(o.message)}, {"incumbent", o.incumbent}, {"candidate", o.candidate}, {"ratio", o.ratio},
                           {"spread", o.spread}});
}
bool fromJson(StringRef text, Job &j) {
  auto value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  json::Object *o = value->getAsObject();
  if (!o)
    return false;
  json::Path::Root root;
  auto setting = [&](StringRef name, Setting &s) {
    auto parsed = schedule::parseSetting(o->getString(name).value_or(""));
    if (succeeded(parsed))
      s = *parsed;
    return succeeded(parsed);
  };
  j.file = o->getString("file").value_or("").str();
  j.target = o->getString("target").value_or("host").str();
  j.cacheDir = o->getString("cache").value_or("").str();
  j.threads = o->getInteger("threads").value_or(1);
  j.compileOnly = o->getBoolean("compile_only").value_or(false);
  j.seconds = o->getNumber("seconds").value_or(0.3);
  j.memoryBytes = o->getInteger("memory").value_or(0);
  j.limitSeconds = o->getNumber("limit").value_or(60);
  j.fault = o->getString("fault").value_or("").str();
  if (json::Object *dims = o->getObject("dims"))
    for (auto &[name, n] : *dims)
      j.dims[name.str()] = n.getAsInteger().value_or(64);
  return !j.file.empty() && setting("incumbent", j.incumbent) && setting("candidate", j.candidate);
}
bool fromJson(StringRef text, Outcome &out) {
  auto value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  json::Object *o = value->getAsObject();
  if (!o || !o->getString("status"))
    return false;
  out.status = o->getString("status")->str();
  out.message = o->getString("message").value_or("").str();
  out.incumbent = o->getNumber("incumbent").value_or(0);
  out.candidate = o->getNumber("candidate").value_or(0);
  out.ratio = o->getNumber("ratio").value_or(1);
  out.spread = o->getNumber("spread").value_or(0);
  return true;
}

namespace {
/// The work of one child.
struct Child {
  Job job;
  MLIRContext ctx;
  OwningOpRef<ModuleOp> source;
  func::FuncOp kernel;
  codegen::CompileOptions compile;
  schedule::Machine machine;

  int say(StringRef status, StringRef message = "") {
    Outcome o;
    o.status = status.str(), o.message = message.str();
    return say(o);
  }
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
  bool compares = job.candidate != job.incumbent;

  std::string error;
  schedule::Plan plainPlan, incumbentPlan, candidatePlan;
  if (job.compileOnly) {
    build(job.candidate, candidatePlan, error);
    return error.empty() ? say("ok") : say("compile", error);
  }
  std::unique_ptr<KernelCode> plain = build({}, plainPlan, error);
  std::unique_ptr<KernelCode> incumbent = plain ? build(job.incumbent, incumbentPlan, error) : nullptr;
  if (!incumbent)
    return say("lost", error);
  std::unique_ptr<KernelCode> candidate = compares ? build(job.candidate, candidatePlan, error) : nullptr;
  if (compares && !candidate)
    return say("compile", error);
  if (candidate)
    planFault(*candidate);

  // Data on which the plain schedule gives numbers, if there is such.
  auto scheduled = *plainPlan.module->getOps<func::FuncOp>().begin();
  KernelData data(scheduled, job.dims);
  for (auto *list : {&data.arguments, &data.outputs})
    for (auto &t : *list)
      if (t.memory && !t.memory->data())
        return say("lost", "not enough memory for the kernel's data");
  rt::Threads threads(job.threads);
  auto once = [&](KernelCode &code, std::pair<double, double> range, uint64_t seed) {
    data.fill(seed, range.first, range.second);
    data.clearResults();
    code.run(data, threads);
    return data.results();
  };
  const std::pair<double, double> ranges[] = {{-1, 1}, {0.1, 1}, {0.01, 0.1}};
  std::pair<double, double> range = ranges[0];
  std::vector<std::vector<char>> want;
  double least = 2;
  for (auto &r : ranges) {
    auto got = once(*plain, r, 1);
    double bad = data.partNotFinite(got);
    if (bad >= least)
      continue;
    least = bad, range = r, want = std::move(got);
    if (bad == 0)
      break;
  }
  Outcome o;
  o.status = "ok";
  if (compares) {
    data.fill(1, range.first, range.second);
    data.clearResults();
    data.protectArguments(true);
    checkTemporaries(true);
    candidate->run(data, threads);
    checkTemporaries(false);
    data.protectArguments(false);
    std::string damage = data.damage();
    if (damage.empty() && temporariesDamaged())
      damage = "wrote beside a temporary";
    if (!damage.empty())
      return say("overrun", damage);
    if (std::string d = data.difference(want, data.results()); !d.empty() || job.fault == "wrong")
      return say("wrong", d);
  }

  // In turn, first one then the other in front, so that a drifting clock or a busy machine meets both alike.
  std::vector<double> a, b, ratios;
  data.fill(1, range.first, range.second);
  double spent = 0;
  incumbent->run(data, threads);
  if (candidate)
    candidate->run(data, threads);
  timespec t0{}, t1{};
  clock_gettime(CLOCK_MONOTONIC, &t0);
  for (int i = 0; i < 200 && (i < 3 || spent < job.seconds); ++i) {
    double x = 0, y = 0;
    for (int side : {i & 1, 1 - (i & 1)}) {
      if (side == 0)
        x = incumbent->run(data, threads);
      else if (candidate)
        y = candidate->run(data, threads);
    }
    a.push_back(x);
    b.push_back(y);
    ratios.push_back(y > 0 ? x / y : 1);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    spent = t1.tv_sec - t0.tv_sec + 1e-9 * (t1.tv_nsec - t0.tv_nsec);
    // A clear loser needs no more runs.
    if (i == 2 && candidate && *std::max_element(ratios.begin(), ratios.end()) < 0.85)
      break;
  }
  auto median = [](std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
    return v[v.size() / 2];
  };
  auto spreadOf = [&](std::vector<double> v) {
    double middle = median(v);
    for (double &x : v)
      x = std::abs(x - middle) / middle;
    return median(v);
  };
  o.incumbent = median(a);
  o.candidate = candidate ? median(b) : o.incumbent;
  o.ratio = median(ratios);
  o.spread = spreadOf(candidate ? ratios : a);
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
