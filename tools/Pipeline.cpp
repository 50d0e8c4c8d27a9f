//===- Pipeline.cpp - the way of the data, stage by stage -----------------===//
#include "tools/Pipeline.h"
#include "codegen/WholeFile.h"
#include "codegen/halide/Compile.h"
#include "codegen/host/Export.h"
#include "codegen/link/Link.h"
#include "codegen/manifest.pb.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/Passes.h"
#include "passes/schedule/Passes.h"
#include "tools/CompileApart.h"
#include "tools/Plan.h"
#include "tools/tune/Apply.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <functional>
#include <thread>

using namespace mlir;
using namespace tintype;

std::optional<Stage> tintype::parseStage(StringRef name) {
  return llvm::StringSwitch<std::optional<Stage>>(name)
      .Case("graph", Stage::graph)
      .Case("program", Stage::program)
      .Case("kernels", Stage::kernels)
      .Case("halide", Stage::halide)
      .Case("stmt", Stage::stmt)
      .Case("asm", Stage::asm_)
      .Case("llvm", Stage::llvm)
      .Case("manifest", Stage::manifest)
      .Case("exe", Stage::exe)
      .Default(std::nullopt);
}

static const char *stageName(Stage s) {
  const char *names[] = {"graph", "program", "kernels", "halide", "stmt", "asm", "llvm", "manifest", "exe"};
  return names[(int)s];
}

static LogicalResult fail(const Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return failure();
}

/// Whether there is something at `path` that is no file and no folder: renaming a
/// file to its name would replace it.
static bool isDevice(StringRef path) {
  llvm::sys::fs::file_status status;
  return !llvm::sys::fs::status(path, status) && llvm::sys::fs::is_other(status);
}

/// Whether files can be made in `folder`: known before the work rather than after it.
static std::error_code checkFolder(const Twine &folder) {
  if (auto ec = llvm::sys::fs::access(folder, llvm::sys::fs::AccessMode::Write))
    return ec;
  return llvm::sys::fs::is_directory(folder) ? std::error_code() : make_error_code(std::errc::not_a_directory);
}

static LogicalResult checkWritable(StringRef output) {
  StringRef folder = llvm::sys::path::parent_path(output);
  if (folder.empty())
    folder = ".";
  if (auto ec = checkFolder(folder))
    return fail(output + ": expected a folder that can be written, but got: " + ec.message());
  if (llvm::sys::fs::is_directory(output))
    return fail(output + ": expected a file name for the executable, but it is a folder");
  if (isDevice(output))
    return fail(output + ": expected a file name for the executable, but it is a device");
  return success();
}

LogicalResult tintype::writeText(StringRef path, function_ref<void(raw_ostream &)> print) {
  if (path.empty() || path == "-") {
    print(llvm::outs());
    return success();
  }
  removeLeftovers(path);
  // A device or a pipe stays what it is.
  if (std::error_code ec = isDevice(path) ? writeTo(path, print) : writeWhole(path, print))
    return fail(path + ": expected a writable file, but got: " + ec.message());
  return success();
}

/// Times what lies between its construction and its end, where that is asked for.
static TimingScope phase(const BuildOptions &options, const Twine &name) {
  return options.timing ? options.timing->nest(name.str()) : TimingScope();
}

std::string tintype::cacheFolder(const BuildOptions &options) {
  SmallString<128> dir(options.cacheDir);
  if (dir.empty()) {
    llvm::sys::path::cache_directory(dir);
    llvm::sys::path::append(dir, "tintype");
  }
  llvm::sys::fs::create_directories(dir);
  return std::string(dir);
}

LogicalResult tintype::checkCache(const BuildOptions &options) {
  std::string folder = cacheFolder(options);
  std::error_code ec = llvm::sys::fs::create_directories(folder), none;
  if (!ec && llvm::sys::fs::directory_iterator(folder, none) != llvm::sys::fs::directory_iterator())
    return success(); // all that it takes may be there
  if (ec = ec ? ec : checkFolder(folder); !ec)
    return success();
  return fail(folder + ": expected a folder for compiled kernels that can be written, but got: " + ec.message() +
              "\nhint: name another one with --cache DIR or the variable XDG_CACHE_HOME");
}

/// `lib/tintype_rt.rsp` beside the folder of this program.
static std::string runtimeList() {
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  SmallString<128> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(path, "lib", "tintype_rt.rsp");
  return std::string(path);
}

codegen::CompileOptions tintype::compileOptions(const BuildOptions &options) {
  codegen::CompileOptions o;
  o.target = options.target;
  o.cacheDir = cacheFolder(options);
  o.jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  return o;
}

//===-- passes ------------------------------------------------------------===//

/// Where a failing pass leaves its input and its pipeline.
static std::string reproducerPath(const BuildOptions &options, Stage stage) {
  SmallString<128> path(options.saveTemps);
  if (path.empty())
    llvm::sys::path::system_temp_directory(/*erasedOnReboot=*/true, path);
  SmallString<16> own; // apart from the names, in which % stands for itself
  llvm::sys::fs::createUniquePath("%%%%%%", own, /*MakeAbsolute=*/false);
  llvm::sys::path::append(path, "tintype-" + llvm::sys::path::stem(options.input) + "-" + stageName(stage) + "-" + own + ".mlir");
  return std::string(path);
}

static LogicalResult runPasses(ModuleOp module, const BuildOptions &options, Stage stage, function_ref<void(OpPassManager &)> add) {
  TimingScope scope = phase(options, Twine("passes to ") + stageName(stage));
  PassManager pm(module.getContext());
  std::string reproducer = reproducerPath(options, stage);
  pm.enableCrashReproducerGeneration(reproducer);
  if (options.timing)
    pm.enableTiming(scope);
  pm.enableVerifier(false); // once at the end instead of after each pass: a fifth of the time
  add(pm);
  pm.addPass(graph::createGraphVerify());
  if (succeeded(pm.run(module)))
    return success();
  if (llvm::sys::fs::exists(reproducer))
    llvm::errs() << "note: the input of the pass that failed is in " << reproducer << "\nhint: tintype-opt " << reproducer
                 << " --run-reproducer fails in the same way\n";
  return failure();
}

/// Of stages before kernels, with the places of the source: labels come from these.
static void printStage(ModuleOp module, Stage stage, raw_ostream &os) {
  OpPrintingFlags flags;
  flags.enableDebugInfo(stage < Stage::kernels, /*prettyForm=*/false);
  module.print(os, flags);
  os << "\n";
}

LogicalResult tintype::lowerTo(ModuleOp module, Stage from, Stage until, const BuildOptions &options) {
  struct Step {
    Stage stage;
    std::function<void(OpPassManager &)> add;
  };
  // Each run starts with a copy of the module, for a reproducer, and ends with a check of it: programs, the largest, only
  // get these where someone looks at them.
  bool isOneRun = from < Stage::program && until > Stage::program && options.saveTemps.empty();
  const Step steps[] = {
      {Stage::program, [&](OpPassManager &pm) { buildGraphPipeline(pm, options.bf16); }},
      {Stage::kernels,
       [&](OpPassManager &pm) {
         if (isOneRun)
           buildGraphPipeline(pm, options.bf16);
         buildFusionPipeline(pm);
       }},
      {Stage::halide, [&](OpPassManager &pm) { schedule::buildPipeline(pm, tune::scheduleOptions(compileOptions(options))); }},
  };
  for (const Step &step : steps) {
    // Kernels that lack a schedule in a file of stage halide get one; the others keep theirs.
    bool isDone = step.stage < from || (step.stage == from && from != Stage::halide);
    if (isDone || step.stage > until || (step.stage == Stage::program && isOneRun))
      continue;
    if (step.stage == Stage::halide && options.useDb)
      tune::applyWinners(module, options.db, compileOptions(options));
    if (failed(runPasses(module, options, step.stage, step.add)))
      return failure();
    if (options.saveTemps.empty())
      continue;
    llvm::sys::fs::create_directories(options.saveTemps);
    std::string path = options.saveTemps + "/" + stageName(step.stage) + ".mlir";
    if (failed(writeText(path, [&](raw_ostream &os) { printStage(module, step.stage, os); })))
      return failure();
  }
  return success();
}

//===-- what comes out ----------------------------------------------------===//

LogicalResult tintype::fillManifest(ModuleOp module, const BuildOptions &options, Manifest &manifest) {
  codegen::CompileOptions compile = compileOptions(options);
  manifest.set_version(TINTYPE_VERSION);
  for (const std::string &feature : codegen::cpuFeatures(compile))
    manifest.add_features(feature);
  return exportManifest(module, codegen::targetString(compile), manifest);
}

static Location placeOf(MLIRContext *ctx, StringRef label) {
  auto [front, column] = label.rsplit(':');
  auto [file, line] = front.rsplit(':');
  unsigned l, c;
  if (line.getAsInteger(10, l) || column.getAsInteger(10, c))
    return UnknownLoc::get(ctx);
  return FileLineColLoc::get(ctx, file, l, c);
}

/// Remarks of `memory-plan`: what is alive where a program needs most.
static void remarkOnMemory(MLIRContext *ctx, const Manifest &manifest) {
  for (const Program &program : manifest.programs()) {
    Dims dims = typicalDims(manifest, program);
    Plan plan(manifest, program, dims);
    if (plan.tensors.empty())
      continue;
    auto options = remark::RemarkOpts::name("peak").category("memory-plan").function(program.role());
    int64_t most = plan.alive[plan.peak];
    remark::analysis(placeOf(ctx, program.launches(plan.peak).label()), options)
        << remark::add("peak: {0} of temporaries are alive at launch {1} of {2}, at {3}", formatBytes(double(most)), plan.peak,
                       program.launches_size(), toString(manifest, dims))
        << remark::metric("bytes", most) << remark::metric("launch", plan.peak);
    auto here = plan.atPeak();
    for (const Plan::Tensor &t : ArrayRef(here).take_front(8))
      remark::analysis(placeOf(ctx, program.buffers(t.buffer).label()),
                       remark::RemarkOpts::name("alive").category("memory-plan").function(program.role()))
          << remark::add("alive at the peak: {0} from launch {1} to {2} ({3})", formatBytes(double(t.bytes)), t.first, t.last, t.shape)
          << remark::metric("bytes", t.bytes) << remark::metric("first", t.first) << remark::metric("last", t.last);
  }
}

static LogicalResult emitKernelTexts(ModuleOp module, Stage stage, const BuildOptions &options) {
  TimingScope scope = phase(options, Twine("kernels to ") + stageName(stage));
  auto texts = codegen::emitKernels(module, {stageName(stage)}, compileOptions(options));
  if (failed(texts))
    return failure();
  return writeText(options.output, [&](raw_ostream &os) {
    for (auto pipeline : module.getOps<halide::PipelineOp>())
      os << (*texts)[pipeline.getKernel()].front();
  });
}

/// One line for `--timing`: how many kernels were compiled, and the slowest.
static void reportKernels(std::vector<std::pair<double, std::string>> seconds, unsigned cached) {
  llvm::sort(seconds, std::greater<>());
  double sum = 0;
  for (auto &k : seconds)
    sum += k.first;
  llvm::errs() << llvm::format("kernels: %zu compiled in %.2f s of CPU time, %u from the cache", seconds.size(), sum, cached);
  for (auto &k : ArrayRef(seconds).take_front(3))
    llvm::errs() << (&k == seconds.data() ? "; slowest " : ", ") << k.second << llvm::format(" %.2f s", k.first);
  llvm::errs() << "\n";
}

LogicalResult tintype::linkModule(ModuleOp module, const BuildOptions &options) {
  llvm::StringMap<std::string> objects;
  {
    TimingScope scope = phase(options, "kernels to objects");
    codegen::CompileOptions compile = compileOptions(options);
    std::vector<std::pair<double, std::string>> seconds;
    unsigned cached = 0;
    compile.onKernel = [&](StringRef kernel, std::optional<double> s) {
      if (s)
        seconds.push_back({*s, kernel.str()});
      else
        ++cached;
    };
    if (failed(codegen::compileKernels(module, compile, objects)))
      return failure();
    if (options.timing)
      reportKernels(seconds, cached);
  }
  google::protobuf::Arena arena; // for thousands of small messages
  Manifest &manifest = *google::protobuf::Arena::CreateMessage<Manifest>(&arena);
  SmallString<128> host;
  if (failed(fillManifest(module, options, manifest)))
    return failure();
  if (auto ec = llvm::sys::fs::createTemporaryFile("tintype-host", "o", host))
    return fail("expected a temporary file, but got: " + ec.message());
  llvm::sys::RemoveFileOnSignal(host);
  std::vector<std::string> list{std::string(host)};
  for (const auto &k : manifest.kernels())
    list.push_back(objects[k.name()]);
  TimingScope scope = phase(options, "host object");
  LogicalResult result = writeHostObject(manifest, *module.getContext(), host);
  scope.stop();
  scope = phase(options, "link");
  if (succeeded(result))
    if (llvm::Error e = linkExecutable(list, runtimeList(), options.output))
      result = fail(llvm::toString(std::move(e)));
  llvm::sys::fs::remove(host);
  llvm::sys::DontRemoveFileOnSignal(host);
  return result;
}

LogicalResult tintype::runPipeline(ModuleOp module, Stage from, const BuildOptions &options) {
  const bool isGiven = from == Stage::halide && options.until > Stage::halide;
  if (options.until == Stage::exe && failed(checkWritable(options.output)))
    return failure();
  if ((options.until == Stage::exe || isGiven) && failed(checkCache(options)))
    return failure();
  if (isGiven && failed(compileApart(module, options)))
    return failure();
  if (failed(lowerTo(module, from, options.until, options)))
    return failure();
  if (options.until <= Stage::halide)
    return writeText(options.output, [&](raw_ostream &os) { printStage(module, options.until, os); });
  if (options.remarks || options.until == Stage::manifest) {
    google::protobuf::Arena arena;
    Manifest &manifest = *google::protobuf::Arena::CreateMessage<Manifest>(&arena);
    if (failed(fillManifest(module, options, manifest)))
      return failure();
    if (options.remarks)
      remarkOnMemory(module.getContext(), manifest);
    if (options.until == Stage::manifest)
      return writeText(options.output, [&](raw_ostream &os) { os << printManifest(manifest); });
  }
  return options.until == Stage::exe ? linkModule(module, options) : emitKernelTexts(module, options.until, options);
}
