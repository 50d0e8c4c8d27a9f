//===- Pipeline.cpp - the way of the data, stage by stage -----------------===//
#include "tools/Pipeline.h"
#include "codegen/halide/Compile.h"
#include "codegen/host/Export.h"
#include "codegen/link/Link.h"
#include "codegen/manifest.pb.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/Passes.h"
#include "passes/schedule/Passes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
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

/// Known before the work rather than after it.
static LogicalResult checkWritable(StringRef output) {
  StringRef folder = llvm::sys::path::parent_path(output);
  if (folder.empty())
    folder = ".";
  if (auto ec = llvm::sys::fs::access(folder, llvm::sys::fs::AccessMode::Write))
    return fail(output + ": expected a folder that can be written, but got: " + ec.message());
  if (llvm::sys::fs::is_directory(output))
    return fail(output + ": expected a file name for the executable, but it is a folder");
  return success();
}

/// Writes text to `path`, or to standard output; a file appears whole or not at all.
static LogicalResult writeText(StringRef path, function_ref<void(raw_ostream &)> print) {
  if (path.empty() || path == "-") {
    print(llvm::outs());
    return success();
  }
  std::string partial = (path + ".partial").str();
  std::error_code ec;
  {
    llvm::raw_fd_ostream os(partial, ec);
    if (!ec) {
      print(os);
      os.close();
      ec = os.error();
      os.clear_error();
    }
  }
  if (!ec)
    ec = llvm::sys::fs::rename(partial, path);
  if (ec)
    return fail(path + ": expected a writable file, but got: " + ec.message());
  return success();
}

static std::string cacheFolder(const BuildOptions &options) {
  SmallString<128> dir(options.cacheDir);
  if (dir.empty()) {
    llvm::sys::path::cache_directory(dir);
    llvm::sys::path::append(dir, "tintype");
  }
  llvm::sys::fs::create_directories(dir);
  return std::string(dir);
}

/// `lib/tintype_rt.rsp` beside the folder of this program.
static std::string runtimeList() {
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  SmallString<128> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(path, "lib", "tintype_rt.rsp");
  return std::string(path);
}

namespace {
struct Run {
  ModuleOp module;
  const BuildOptions &options;

  LogicalResult passes(function_ref<void(OpPassManager &)> add);
  LogicalResult emit();
  LogicalResult emitKernels(Stage stage);
  LogicalResult fill(Manifest &manifest);
  LogicalResult link();
  codegen::CompileOptions compileOptions() const;
  void report(StringRef what, std::chrono::steady_clock::time_point start) const;
};
} // namespace

codegen::CompileOptions Run::compileOptions() const {
  codegen::CompileOptions o;
  o.target = options.target;
  o.cacheDir = cacheFolder(options);
  o.jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  return o;
}

/// One line of `--timing` for what is no pass.
void Run::report(StringRef what, std::chrono::steady_clock::time_point start) const {
  if (!options.timing)
    return;
  std::chrono::duration<double> d = std::chrono::steady_clock::now() - start;
  llvm::errs() << llvm::format("%8.3f s  ", d.count()) << what << "\n";
}

LogicalResult Run::fill(Manifest &manifest) {
  codegen::CompileOptions compile = compileOptions();
  manifest.set_version(TINTYPE_VERSION);
  for (const std::string &feature : codegen::cpuFeatures(compile))
    manifest.add_features(feature);
  return exportManifest(module, codegen::targetString(compile), manifest);
}

LogicalResult Run::passes(function_ref<void(OpPassManager &)> add) {
  PassManager pm(module.getContext());
  if (options.timing)
    pm.enableTiming();
  add(pm);
  return pm.run(module);
}

/// The module's text, for stages that are MLIR.
LogicalResult Run::emit() {
  return writeText(options.output, [&](raw_ostream &os) {
    module.print(os);
    os << "\n";
  });
}

LogicalResult Run::emitKernels(Stage stage) {
  std::string text;
  for (auto pipeline : module.getOps<halide::PipelineOp>()) {
    auto part = codegen::emitKernel(module, pipeline.getKernel(), stageName(stage), compileOptions());
    if (failed(part))
      return failure();
    text += *part;
  }
  return writeText(options.output, [&](raw_ostream &os) { os << text; });
}

LogicalResult Run::link() {
  llvm::StringMap<std::string> objects;
  auto start = std::chrono::steady_clock::now();
  if (failed(codegen::compileKernels(module, compileOptions(), objects)))
    return failure();
  report("kernels to objects", start);
  Manifest manifest;
  if (failed(fill(manifest)))
    return failure();
  start = std::chrono::steady_clock::now();

  SmallString<128> host;
  if (auto ec = llvm::sys::fs::createTemporaryFile("tintype-host", "o", host))
    return fail("expected a temporary file, but got: " + ec.message());
  std::vector<std::string> list{std::string(host)};
  for (const auto &k : manifest.kernels())
    list.push_back(objects[k.name()]);
  LogicalResult result = writeHostObject(manifest, *module.getContext(), host);
  if (succeeded(result))
    if (llvm::Error e = linkExecutable(list, runtimeList(), options.output))
      result = fail(llvm::toString(std::move(e)));
  llvm::sys::fs::remove(host);
  report("host object and link", start);
  return result;
}

LogicalResult tintype::runPipeline(ModuleOp module, Stage from, const BuildOptions &options) {
  Run run{module, options};
  if (options.until == Stage::exe && failed(checkWritable(options.output)))
    return failure();
  struct Step {
    Stage stage;
    std::function<void(OpPassManager &)> add;
  };
  const Step steps[] = {
      {Stage::program, [](OpPassManager &pm) { buildGraphPipeline(pm); }},
      {Stage::kernels, [&](OpPassManager &pm) { buildFusionPipeline(pm, options.remarks); }},
      {Stage::halide, [&](OpPassManager &pm) {
         schedule::ScheduleKernelsOptions o;
         o.vectorWidth = codegen::vectorWidth(run.compileOptions());
         schedule::buildPipeline(pm, o);
       }},
  };
  if (options.until == from)
    return run.emit();
  for (const Step &step : steps) {
    if (step.stage <= from)
      continue;
    if (failed(run.passes(step.add)))
      return failure();
    if (!options.saveTemps.empty()) {
      llvm::sys::fs::create_directories(options.saveTemps);
      BuildOptions kept = options;
      kept.output = options.saveTemps + "/" + stageName(step.stage) + ".mlir";
      if (failed(Run{module, kept}.emit()))
        return failure();
    }
    if (options.until == step.stage)
      return run.emit();
  }
  if (options.until == Stage::manifest) {
    Manifest manifest;
    if (failed(run.fill(manifest)))
      return failure();
    return writeText(options.output, [&](raw_ostream &os) { os << printManifest(manifest); });
  }
  return options.until == Stage::exe ? run.link() : run.emitKernels(options.until);
}
