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
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <google/protobuf/message_lite.h>
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

static LogicalResult fail(ModuleOp module, const Twine &message) {
  return emitError(UnknownLoc::get(module.getContext())) << message;
}

/// Writes text to `path`, or to standard output; a file appears whole or not at all.
static LogicalResult writeText(ModuleOp module, StringRef path, function_ref<void(raw_ostream &)> print) {
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
    return fail(module, path + ": expected a writable file, but got: " + ec.message());
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
  LogicalResult emit(Stage stage);
  LogicalResult emitKernels(Stage stage);
  LogicalResult link();
};
} // namespace

LogicalResult Run::passes(function_ref<void(OpPassManager &)> add) {
  PassManager pm(module.getContext());
  if (options.timing)
    pm.enableTiming();
  add(pm);
  return pm.run(module);
}

/// The module's text, for stages that are MLIR.
LogicalResult Run::emit(Stage stage) {
  OpPrintingFlags flags;
  return writeText(module, options.output, [&](raw_ostream &os) {
    module.print(os, flags);
    os << "\n";
  });
}

LogicalResult Run::emitKernels(Stage stage) {
  std::string text;
  KernelText kind = stage == Stage::stmt ? KernelText::stmt : stage == Stage::asm_ ? KernelText::assembly : KernelText::llvm;
  if (failed(printKernels(module, {options.target, "", options.jobs}, kind, text)))
    return failure();
  return writeText(module, options.output, [&](raw_ostream &os) { os << text; });
}

LogicalResult Run::link() {
  int jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  CompileOptions compile{options.target, cacheFolder(options), jobs};
  llvm::StringMap<std::string> objects;
  if (failed(compileKernels(module, compile, objects)))
    return failure();
  Manifest manifest;
  if (failed(exportManifest(module, resolveTarget(options.target), manifest)))
    return failure();

  SmallString<128> host;
  if (auto ec = llvm::sys::fs::createTemporaryFile("tintype-host", "o", host))
    return fail(module, "expected a temporary file, but got: " + ec.message());
  std::vector<std::string> list{std::string(host)};
  for (const auto &k : manifest.kernels())
    list.push_back(objects[k.name()]);
  LogicalResult result = writeHostObject(manifest, *module.getContext(), host);
  if (succeeded(result))
    if (llvm::Error e = linkExecutable(list, runtimeList(), options.output))
      result = fail(module, llvm::toString(std::move(e)));
  llvm::sys::fs::remove(host);
  return result;
}

LogicalResult tintype::runPipeline(ModuleOp module, Stage from, const BuildOptions &options) {
  Run run{module, options};
  struct Step {
    Stage stage;
    std::function<void(OpPassManager &)> add;
  };
  const Step steps[] = {
      {Stage::program, [](OpPassManager &pm) { buildGraphPipeline(pm); }},
      {Stage::kernels, [](OpPassManager &pm) { buildFusionPipeline(pm); }},
      {Stage::halide, [&](OpPassManager &pm) { buildSchedulePipeline(pm, options.target); }},
  };
  if (options.until == from)
    return run.emit(from);
  for (const Step &step : steps) {
    if (step.stage <= from)
      continue;
    if (failed(run.passes(step.add)))
      return failure();
    if (!options.saveTemps.empty()) {
      llvm::sys::fs::create_directories(options.saveTemps);
      BuildOptions kept = options;
      kept.output = options.saveTemps + "/" + stageName(step.stage) + ".mlir";
      if (failed(Run{module, kept}.emit(step.stage)))
        return failure();
    }
    if (options.until == step.stage)
      return run.emit(step.stage);
  }
  if (options.until == Stage::manifest) {
    Manifest manifest;
    if (failed(exportManifest(module, resolveTarget(options.target), manifest)))
      return failure();
    return writeText(module, options.output, [&](raw_ostream &os) { os << printManifest(manifest); });
  }
  return options.until == Stage::exe ? run.link() : run.emitKernels(options.until);
}
