//===- cmd_tune.cpp - tintype tune ----------------------------------------===//
#include "codegen/halide/Compile.h"
#include "runtime/Flags.h"
#include "runtime/Threads.h"
#include "tools/Commands.h"
#include "tools/Pipeline.h"
#include "tools/ToolMain.h"
#include "tools/tune/Apply.h"
#include "tools/tune/Tuner.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <csignal>
#include <unistd.h>

using namespace tintype;
using namespace tintype::tune;

namespace {
struct Options {
  std::string model, target = "host", db, budget = "10m", dims, exportTo, importFrom, fault, only, dtype;
  std::vector<double> roof;
  bool resume = false, show = false;
  int jobs = 0, threads = 0, most = 1 << 30;
  double limit = 0;
  frontend::LoadOptions load;
};
} // namespace

static volatile bool interrupted = false;

static int fail(const llvm::Twine &message, int status = 1) {
  llvm::errs() << "error: " << message << "\n";
  return status;
}

/// `90s`, `10m`, `1h` or a number of seconds; nothing for anything else.
static std::optional<double> parseTime(llvm::StringRef text) {
  double unit = text.consume_back("s") ? 1 : text.consume_back("m") ? 60 : text.consume_back("h") ? 3600 : 1, n;
  if (text.getAsDouble(n) || !(n > 0) || n * unit > 1e7)
    return {};
  return n * unit;
}

/// Folders of runs that are gone; each carries the id of its process.
static void removeLeftovers(const std::string &cache) {
  std::error_code ec;
  for (llvm::sys::fs::directory_iterator it(cache, ec), end; it != end && !ec; it.increment(ec)) {
    llvm::StringRef name = llvm::sys::path::filename(it->path());
    int pid;
    if (name.consume_front("tune-") && !name.getAsInteger(10, pid) && kill(pid, 0) != 0 && errno == ESRCH)
      llvm::sys::fs::remove_directories(it->path());
  }
}

static int show(Database &db) {
  auto rows = db.all();
  Machine here = thisMachine("", 1);
  std::string last;
  for (const Winner &w : rows) {
    std::string head = w.machine.cpu + ", " + std::to_string(w.machine.threads) + (w.machine.threads == 1 ? " thread, " : " threads, ") +
                       w.machine.target + ", tintype " + w.machine.compiler;
    if (head != last)
      llvm::outs() << head
                   << (w.machine.compiler != here.compiler ? " (another compiler: not used)"
                       : w.machine.cpu != here.cpu         ? " (another CPU: not used)"
                                                           : "")
                   << "\n";
    last = head;
    if (w.after > 0)
      llvm::outs() << llvm::format("  %-19s %9.3f ms  %.3fx  %4d tried  ", w.kernel.c_str(), w.after * 1e3, w.gain, w.trials);
    else
      llvm::outs() << llvm::format("  %-19s         - ms       -  %4d tried  ", w.kernel.c_str(), w.trials);
    llvm::outs() << (!w.foreign.empty()  ? w.foreign + " (not of this compiler: not used)"
                     : w.setting.empty() ? "template"
                                         : schedule::printSetting(w.setting))
                 << "  " << w.dims << "\n"
                 << "    ";
    if (w.after > 0)
      llvm::outs() << llvm::format("%5.1f %% of its roof; ", 100 * std::min(w.roof / w.after, 1.0));
    llvm::outs() << w.why << "\n";
  }
  if (rows.empty())
    llvm::outs() << "no schedules yet\n";
  return 0;
}

static int exchange(Database &db, const Options &o) {
  if (!o.importFrom.empty()) {
    auto text = llvm::MemoryBuffer::getFileOrSTDIN(o.importFrom);
    if (!text)
      return fail(o.importFrom + ": expected a readable file, but got: " + text.getError().message());
    auto rows = importJson((*text)->getBuffer());
    if (!rows)
      return fail(o.importFrom + ": " + llvm::toString(rows.takeError()));
    for (const Winner &w : *rows)
      if (llvm::Error e = db.put(w))
        return fail(llvm::toString(std::move(e)));
    llvm::errs() << rows->size() << " schedules imported\n";
  }
  if (!o.exportTo.empty()) {
    std::string text = exportJson(db.all());
    if (failed(writeText(o.exportTo, [&](llvm::raw_ostream &os) { os << text; })))
      return 1;
  }
  return 0;
}

static int run(const Options &o) {
  auto budget = parseTime(o.budget);
  if (!budget)
    return fail("expected --budget as 90s, 10m or 1h, but got " + o.budget, 2);
  TuneOptions t;
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(o.dims).split(parts, ',', -1, false);
  for (llvm::StringRef part : parts) {
    auto [name, number] = part.split('=');
    int64_t n;
    if (name.empty() || number.getAsInteger(10, n) || n < 1 || n > 1 << 24)
      return fail("expected --dims as B=8,T=256, but got " + o.dims, 2);
    if (!t.dims.insert({name.str(), n}).second)
      return fail("expected each dim once in --dims, but got " + o.dims, 2);
  }
  // What only reads makes no file and needs no leave to write.
  std::string path = o.db.empty() ? defaultDatabase() : o.db;
  const bool onlyReads = o.importFrom.empty() && (o.show || !o.exportTo.empty());
  auto db = !onlyReads ? Database::open(path) : llvm::sys::fs::exists(path) ? Database::openForReading(path) : Database::open(":memory:");
  if (!db)
    return fail(llvm::toString(db.takeError()));
  if (!o.exportTo.empty() || !o.importFrom.empty())
    return exchange(*db, o);
  if (o.show)
    return show(*db);
  if (o.model.empty())
    return fail("expected a model to tune, or one of --show, --export, --import", 2);

  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext ctx(registry);
  ctx.printOpOnDiagnostic(false);
  ctx.loadAllAvailableDialects(); // kernels are scheduled outside of a pass, too
  auto module = tools::elaborateFile(o.model, o.load, ctx);
  BuildOptions build;
  build.target = o.target;
  if (!module)
    return 1;
  if (llvm::Error e = checkDims(*module, t.dims))
    return fail("--dims: " + llvm::toString(std::move(e)), 2);
  if (failed(lowerTo(*module, Stage::graph, Stage::kernels, build)))
    return 1;
  codegen::CompileOptions compile;
  compile.target = o.target;
  if (auto target = codegen::resolveTarget(o.target))
    compile.target = *target;
  else
    return fail("--target: " + llvm::toString(target.takeError()), 2);
  std::string cache = cacheFolder(build);
  removeLeftovers(cache);
  t.folder = cache + "/tune-" + std::to_string(getpid());
  t.budget = *budget;
  t.resume = o.resume;
  t.jobs = o.jobs > 0 ? o.jobs : rt::Threads::physicalCores();
  t.fault = o.fault;
  t.most = o.most;
  t.limit = o.limit;
  t.target = compile.target;
  int threads = o.threads > 0 ? o.threads : rt::Threads::physicalCores();
  t.machine = thisMachine(codegen::targetString(compile), threads);
  t.model = modelOf(scheduleOptions(compile));
  t.dims = tune::dimsOf(*module, t.dims);
  t.roof = o.roof.size() == 3 ? Roof{o.roof[0], o.roof[1], o.roof[2]}
                              : probeRoof(codegen::cpuFeatures(compile), threads, std::clamp(*budget / 300, 0.05, 0.5));

  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = true; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::string dtype = o.dtype.empty() ? dtypeOf(*module) : o.dtype;
  std::vector<Kernel> kernels = kernelsOf(*module, dtype, t.dims, t.roof, t.model);
  if (!o.only.empty())
    llvm::erase_if(kernels, [&](const Kernel &k) { return k.name != o.only; });
  if (kernels.empty())
    return fail(o.only.empty()
                    ? "expected a model that is trained in " + dtype + ", but there is no such program"
                    : "expected --kernel to name a kernel of training, as `tintype build --emit kernels` prints them, but got " + o.only);
  if (auto ec = llvm::sys::fs::create_directories(t.folder))
    return fail(t.folder + ": expected a folder that can be made, but got: " + ec.message() +
                "\nhint: name another place with the variable XDG_CACHE_HOME");
  Tuner tuner(std::move(kernels), *db, t, interrupted);
  llvm::Error error = tuner.run();
  llvm::sys::fs::remove_directories(t.folder);
  tuner.printTable();
  if (error)
    return fail(llvm::toString(std::move(error)));
  if (interrupted)
    llvm::errs() << "stopped; what was measured is kept, --resume goes on from here\n";
  return 0;
}

void tools::addTuneCommand(CLI::App &app, int &status) {
  auto *command = app.add_subcommand("tune", "Measures schedules for a model's kernels; later builds use the winners.");
  auto o = std::make_shared<Options>();
  command->add_option("MODEL", o->model, "the .tin file")->type_name("FILE");
  addModelOptions(*command, o->load);
  command->add_option("--budget", o->budget, "time to spend, as 90s, 10m or 1h (default: 10m)")->type_name("TIME");
  command->add_option("--db", o->db, "database of schedules (default: ~/.cache/tintype/tune.db)")->type_name("FILE");
  command->add_option("--target", o->target, "Halide target (default: this machine)")->type_name("T");
  command->add_option("--dims", o->dims, "runtime dims to measure at, as B=8,T=256 (default: the recipe's)")->type_name("DIMS");
  command->add_option("--threads", o->threads, "threads that run a kernel (default: physical cores)")
      ->type_name("N")
      ->check(rt::inRange(0, 1024));
  command->add_option("--jobs", o->jobs, "candidates compiled at once, then measured one by one (default: physical cores)")
      ->type_name("N")
      ->check(rt::inRange(0, 1024));
  command->add_option("--dtype", o->dtype, "which training is tuned: f32 or bf16 (default: the recipe's)")
      ->type_name("DTYPE")
      ->check(CLI::IsMember({"f32", "bf16"}));
  command->add_flag("--resume", o->resume, "go on where a run was stopped: only what it has not tried");
  auto *show = command->add_flag("--show", o->show, "print the schedules of the database");
  show->excludes(command->add_option("--export", o->exportTo, "write the database's schedules as JSON")->type_name("FILE"));
  show->excludes(command->add_option("--import", o->importFrom, "add schedules from such a file")->type_name("FILE"));
  command->add_option("--kernel", o->only, "tune this kernel only")->type_name("NAME");
  command->add_option("--trials", o->most, "stop after so many candidates")->group("");
  command->add_option("--limit", o->limit, "seconds that a candidate may take in all")->group("");
  command->add_option("--roof", o->roof, "what the machine can do, not probed: FLOPs of f32, of bf16, and bytes a second")
      ->delimiter(',')
      ->group("");
  command
      ->add_option("--fault", o->fault, "let every candidate go wrong: crash, hang, overrun, far, exit, wrong; or seem good: lucky, equal")
      ->group("");
  command->footer("Examples:\n"
                  "  tintype tune gpt2.tin --budget 10m\n"
                  "  tintype tune gpt2.tin --set layers=6 --resume\n"
                  "  tintype tune gpt2.tin --dtype bf16\n"
                  "  tintype tune --show");
  command->callback([o, &status] { status = run(*o); });

  auto *child = app.add_subcommand("measure-candidate", "Does one measurement for `tintype tune`.");
  child->group("");
  auto file = std::make_shared<std::string>();
  child->add_option("JOB", *file)->required();
  child->callback([file, &status] { status = runJob(*file); });
}
