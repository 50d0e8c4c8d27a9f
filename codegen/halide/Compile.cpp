//===- Compile.cpp - from halide.pipeline ops to objects ------------------===//
#include "codegen/halide/Compile.h"
#include "codegen/halide/Translate.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using tintype::halide::PipelineOp;
namespace H = Halide;

namespace tintype::codegen {

namespace {
/// Turns Halide's messages into exceptions. A warning that something will fail
/// at run time is an error: without asserts it would write out of bounds.
struct Reporter : H::CompileTimeErrorReporter {
  void warning(const char *message) override {
    if (StringRef(message).contains("guaranteed to fail"))
      throw H::CompileError(message);
  }
  [[noreturn]] void error(const char *message) override { throw H::CompileError(message); }
};
} // namespace

static void installReporter() {
  static Reporter reporter;
  static std::once_flag once;
  std::call_once(once, [] { H::set_custom_compile_time_error_reporter(&reporter); });
}

static FailureOr<H::Target> makeTarget(const CompileOptions &options, llvm::function_ref<InFlightDiagnostic()> error) {
  installReporter();
  llvm::Expected<std::string> text = resolveTarget(options.target);
  if (!text)
    return error() << llvm::toString(text.takeError());
  H::Target t = H::Target(*text).with_feature(H::Target::NoRuntime);
  if (!options.asserts)
    t = t.with_feature(H::Target::NoAsserts).with_feature(H::Target::NoBoundsQuery);
  return t;
}

std::string targetString(const CompileOptions &options) {
  llvm::Expected<std::string> text = resolveTarget(options.target);
  if (text)
    return *text;
  llvm::consumeError(text.takeError());
  return cantFail(resolveTarget("host"));
}

/// The text an object depends on, hashed: pipeline, target, version of Halide, the translator's sources.
static std::string contentKey(PipelineOp pipeline, const H::Target &target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  pipeline->print(os, OpPrintingFlags().useLocalScope());
  os << target.to_string() << " Halide " << HALIDE_VERSION_MAJOR << "." << HALIDE_VERSION_MINOR << "."
     << HALIDE_VERSION_PATCH << " " TINTYPE_TRANSLATOR;
  llvm::SHA256 hash;
  hash.update(text);
  return llvm::toHex(hash.final(), true).substr(0, 40);
}

static LogicalResult compileOne(PipelineOp pipeline, const H::Target &target, const std::string &path) {
  auto m = translate(pipeline, target);
  if (failed(m))
    return failure();
  SmallString<128> temporary;
  llvm::sys::fs::createUniquePath(path + "-%%%%%%%%.o", temporary, false);
  try {
    m->compile({{H::OutputFileType::object, std::string(temporary)}});
  } catch (const H::Error &e) {
    llvm::sys::fs::remove(temporary);
    return pipeline.emitError() << messageOf(e);
  }
  if (std::error_code ec = llvm::sys::fs::rename(temporary, path))
    return pipeline.emitError() << "cannot write " << path << ": " << ec.message();
  return success();
}

LogicalResult compileKernels(ModuleOp module, const CompileOptions &options, llvm::StringMap<std::string> &paths) {
  auto target = makeTarget(options, [&] { return module.emitError(); });
  if (failed(target))
    return failure();
  if (std::error_code ec = llvm::sys::fs::create_directories(options.cacheDir))
    return module.emitError() << "cannot make " << options.cacheDir << ": " << ec.message();
  std::vector<std::pair<PipelineOp, std::string>> missing;
  for (auto p : module.getOps<PipelineOp>()) {
    SmallString<128> path(options.cacheDir);
    llvm::sys::path::append(path, contentKey(p, *target) + ".o");
    paths[p.getKernel()] = std::string(path);
    if (!llvm::sys::fs::exists(path))
      missing.push_back({p, std::string(path)});
  }
  std::atomic<size_t> next{0};
  std::atomic<bool> bad{false};
  auto work = [&] {
    for (size_t i; (i = next++) < missing.size();)
      if (failed(compileOne(missing[i].first, *target, missing[i].second)))
        bad = true;
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < options.jobs && t < (int)missing.size(); ++t)
    threads.emplace_back(work);
  work();
  for (auto &t : threads)
    t.join();
  return failure(bad);
}

FailureOr<std::string> emitKernel(ModuleOp module, StringRef kernel, StringRef stage, const CompileOptions &options) {
  auto target = makeTarget(options, [&] { return module.emitError(); });
  if (failed(target))
    return failure();
  PipelineOp pipeline;
  for (auto p : module.getOps<PipelineOp>())
    if (p.getKernel() == kernel)
      pipeline = p;
  if (!pipeline)
    return module.emitError() << "expected the name of a scheduled kernel, but got " << kernel;
  auto type = stage == "stmt"   ? H::OutputFileType::stmt
              : stage == "asm"  ? H::OutputFileType::assembly
                                : H::OutputFileType::llvm_assembly;
  auto m = translate(pipeline, *target);
  if (failed(m))
    return failure();
  SmallString<128> path;
  if (std::error_code ec = llvm::sys::fs::createTemporaryFile("kernel", stage == "asm" ? "s" : stage, path))
    return pipeline.emitError() << "cannot make a temporary file: " << ec.message();
  try {
    m->compile({{type, std::string(path)}});
  } catch (const H::Error &e) {
    return pipeline.emitError() << messageOf(e);
  }
  auto text = llvm::MemoryBuffer::getFile(path);
  llvm::sys::fs::remove(path);
  if (!text)
    return pipeline.emitError() << "cannot read " << path << ": " << text.getError().message();
  return (*text)->getBuffer().str();
}
} // namespace tintype::codegen
