//===- Compile.cpp - from halide.pipeline ops to objects ------------------===//
#include "codegen/halide/Compile.h"
#include "codegen/WholeFile.h"
#include "codegen/halide/Translate.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include <atomic>
#include <chrono>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

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

/// Options for the LLVM inside of Halide, which has no call for them. Its vectorizer of straight-line code turns the
/// addresses of an unrolled loop into vectors and takes them apart again: a tenth of the speed of a product.
static constexpr const char *llvmOptions = "HL_LLVM_ARGS";

static void prepareHalide() {
  static Reporter reporter;
  static std::once_flag once;
  std::call_once(once, [] {
    H::set_custom_compile_time_error_reporter(&reporter);
    setenv(llvmOptions, "-vectorize-slp=false", /*overwrite=*/0);
  });
}

static FailureOr<H::Target> makeTarget(const CompileOptions &options, llvm::function_ref<InFlightDiagnostic()> error) {
  prepareHalide();
  llvm::Expected<std::string> text = resolveTarget(options.target);
  if (!text)
    return error() << llvm::toString(text.takeError());
  H::Target t = H::Target(halideTarget(*text)).with_feature(H::Target::NoRuntime);
  return options.asserts ? t : t.with_feature(H::Target::NoAsserts).with_feature(H::Target::NoBoundsQuery);
}

/// The target for one pipeline.
static H::Target targetOf(PipelineOp pipeline, const H::Target &target) {
  return pipeline->hasAttr(halide::checkedAttr) ? target.without_feature(H::Target::NoAsserts).without_feature(H::Target::NoBoundsQuery)
                                                : target;
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
  os << target.to_string() << " Halide " << HALIDE_VERSION_MAJOR << "." << HALIDE_VERSION_MINOR << "." << HALIDE_VERSION_PATCH
     << " " TINTYPE_TRANSLATOR << " " << getenv(llvmOptions);
  llvm::SHA256 hash;
  hash.update(text);
  return llvm::toHex(hash.final(), true).substr(0, 40);
}

namespace {
/// A file in memory. Halide ends the process where a file cannot be written.
class MemoryFile {
public:
  MemoryFile() : descriptor(memfd_create("tintype-kernel", MFD_CLOEXEC)) {}
  MemoryFile(MemoryFile &&other) : descriptor(std::exchange(other.descriptor, -1)) {}
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> read() const { return llvm::MemoryBuffer::getFile(path()); }

private:
  int descriptor;
};
} // namespace

static LogicalResult compileOne(PipelineOp pipeline, const H::Target &target, const std::string &path) {
  auto m = translate(pipeline, target);
  if (failed(m))
    return failure();
  MemoryFile file;
  try {
    m->compile({{H::OutputFileType::object, file.path()}});
  } catch (const H::Error &e) {
    return pipeline.emitError() << messageOf(e);
  }
  auto object = file.read();
  if (std::error_code ec = object ? writeWhole(path, [&](raw_ostream &os) { os << (*object)->getBuffer(); }) : object.getError())
    return pipeline.emitError() << "cannot write " << path << ": " << ec.message();
  return success();
}

/// Calls `body` with 0 .. count - 1 on up to `jobs` threads.
static LogicalResult forEach(size_t count, int jobs, llvm::function_ref<LogicalResult(size_t)> body) {
  std::atomic<size_t> next{0};
  std::atomic<bool> bad{false};
  auto work = [&] {
    for (size_t i; (i = next++) < count;)
      if (failed(body(i)))
        bad = true;
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < jobs && t < (int)count; ++t)
    threads.emplace_back(work);
  work();
  for (auto &t : threads)
    t.join();
  return failure(bad);
}

LogicalResult compileKernels(ModuleOp module, const CompileOptions &options, llvm::StringMap<std::string> &paths) {
  auto target = makeTarget(options, [&] { return module.emitError(); });
  if (failed(target))
    return failure();
  if (std::error_code ec = llvm::sys::fs::create_directories(options.cacheDir))
    return module.emitError() << "cannot make " << options.cacheDir << ": " << ec.message();
  std::vector<std::pair<PipelineOp, std::string>> missing;
  std::mutex reporting;
  auto report = [&](StringRef kernel, std::optional<double> seconds) {
    std::lock_guard<std::mutex> lock(reporting);
    if (options.onKernel)
      options.onKernel(kernel, seconds);
  };
  for (auto p : module.getOps<PipelineOp>()) {
    SmallString<128> path(options.cacheDir);
    llvm::sys::path::append(path, contentKey(p, targetOf(p, *target)) + ".o");
    paths[p.getKernel()] = std::string(path);
    if (!llvm::sys::fs::exists(path))
      missing.push_back({p, std::string(path)});
    else
      report(p.getKernel(), std::nullopt);
  }
  if (std::error_code ec; !missing.empty() && (ec = llvm::sys::fs::access(options.cacheDir, llvm::sys::fs::AccessMode::Write)))
    return module.emitError() << options.cacheDir << ": expected a folder for compiled kernels that can be written, since it lacks "
                              << missing.size() << " of " << paths.size() << ", but got: " << ec.message();
  return forEach(missing.size(), options.jobs, [&](size_t i) {
    auto start = std::chrono::steady_clock::now();
    LogicalResult result = compileOne(missing[i].first, targetOf(missing[i].first, *target), missing[i].second);
    report(missing[i].first.getKernel(), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return result;
  });
}

static FailureOr<std::vector<std::string>> emitOne(PipelineOp pipeline, ArrayRef<StringRef> stages, const H::Target &target) {
  auto m = translate(pipeline, target);
  if (failed(m))
    return failure();
  std::map<H::OutputFileType, std::string> files;
  std::vector<H::OutputFileType> types;
  std::vector<MemoryFile> inMemory(stages.size());
  for (auto [stage, file] : llvm::zip(stages, inMemory)) {
    types.push_back(stage == "stmt"  ? H::OutputFileType::stmt
                    : stage == "asm" ? H::OutputFileType::assembly
                                     : H::OutputFileType::llvm_assembly);
    files[types.back()] = file.path();
  }
  try {
    m->compile(files);
  } catch (const H::Error &e) {
    return pipeline.emitError() << messageOf(e);
  }
  std::vector<std::string> texts;
  for (H::OutputFileType type : types) {
    auto text = llvm::MemoryBuffer::getFile(files[type]);
    if (!text)
      return pipeline.emitError() << "cannot read " << files[type] << ": " << text.getError().message();
    texts.push_back((*text)->getBuffer().str());
  }
  return texts;
}

FailureOr<llvm::StringMap<std::vector<std::string>>> emitKernels(ModuleOp module, ArrayRef<StringRef> stages,
                                                                 const CompileOptions &options) {
  auto target = makeTarget(options, [&] { return module.emitError(); });
  if (failed(target))
    return failure();
  SmallVector<PipelineOp> pipelines(module.getOps<PipelineOp>());
  llvm::StringMap<std::vector<std::string>> all;
  std::mutex mutex;
  LogicalResult result = forEach(pipelines.size(), options.jobs, [&](size_t i) -> LogicalResult {
    auto texts = emitOne(pipelines[i], stages, targetOf(pipelines[i], *target));
    if (failed(texts))
      return failure();
    std::lock_guard<std::mutex> lock(mutex);
    all[pipelines[i].getKernel()] = std::move(*texts);
    return success();
  });
  if (failed(result))
    return failure();
  return all;
}
} // namespace tintype::codegen
