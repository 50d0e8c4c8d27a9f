//===- Measure.cpp - a run of the binary with its profile -----------------===//
#include "runtime/Depth.h"
#include "tools/explain/Report.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <sys/resource.h>

using namespace llvm;

namespace tintype::explain {

constexpr unsigned kMostSeconds = 600;
constexpr rlim_t kMostOutput = 64 << 20; ///< bytes; a profile takes some thousands
constexpr size_t kMostMessage = 2000;    ///< bytes of its messages that are shown

static double number(const json::Object &o, StringRef key) {
  double n = o.getNumber(key).value_or(0);
  return std::isfinite(n) ? n : 0; // the parser takes 1e999
}

static Measured measuredOf(const json::Object &o) {
  return {number(o, "calls"),
          number(o, "cpu_seconds"),
          number(o, "gflops"),
          number(o, "gbs"),
          number(o, "roof"),
          number(o, "share"),
          o.getString("bound").value_or("").str()};
}

static mlir::LogicalResult fail(const Twine &message) {
  errs() << "error: " << message << "\n";
  return mlir::failure();
}

mlir::LogicalResult takeProfile(StringRef text, const std::string &binary, Report &report) {
  auto value = tooDeep(text) ? json::Value(nullptr) : json::parse(text);
  const json::Object *o = value ? value->getAsObject() : nullptr;
  const json::Array *profile = o ? o->getArray("profile") : nullptr;
  if (!value)
    consumeError(value.takeError());
  if (!profile)
    return fail(binary + ": expected a profile from bench, but got none; hint: build it with this compiler");

  Run run;
  run.stepSeconds = number(*o, "step_seconds");
  run.tokensPerSecond = number(*o, "tokens_per_s");
  run.gflops = number(*o, "gflops");
  run.peakGflops = number(*o, "peak_gflops");
  run.fraction = number(*o, "fraction");
  run.coreGflops = number(*o, "core_gflops");
  run.coreGbs = number(*o, "core_read_gbs");
  run.arenaBytes = number(*o, "arena_bytes");
  run.rssBytes = number(*o, "peak_rss_bytes");
  run.threads = int(std::clamp(number(*o, "threads"), 0.0, 1e6));
  run.dims = o->getString("dims").value_or("").str();
  size_t missing = 0;
  for (const json::Value &v : *profile)
    if (auto *row = v.getAsObject())
      for (Kernel &k : report.kernels)
        if (k.name == row->getString("kernel").value_or(""))
          k.measured = measuredOf(*row);
  for (const Kernel &k : report.kernels)
    missing += k.launches && !k.measured;
  if (const json::Array *kinds = o->getArray("profile_by_kind"))
    for (const json::Value &v : *kinds)
      if (auto *row = v.getAsObject())
        run.byKind[row->getString("kind").value_or("").str()] = measuredOf(*row);
  if (missing)
    return fail(binary + ": expected the kernels of this model, but it was built from another or with other settings: " + Twine(missing) +
                " are not in it");
  report.run = run;
  return mlir::success();
}

mlir::LogicalResult measure(const std::string &binary, double seconds, Report &report) {
  SmallString<128> out, log;
  if (sys::fs::createTemporaryFile("tintype-bench", "json", out) || sys::fs::createTemporaryFile("tintype-bench", "log", log))
    return fail("expected a temporary file, but there is no room for one");
  bool training = !report.programs.empty() && StringRef(report.programs[0].role).starts_with("train_step");
  std::vector<std::string> words = {binary,      "bench",     training ? "train" : "prefill", "--json",
                                    "--profile", "--seconds", std::to_string(seconds)};
  if (training)
    words.insert(words.end(), {"--dtype", StringRef(report.programs[0].role).ends_with("_bf16") ? "bf16" : "f32"});
  // As the report has them: within the model's bounds, and only what the program has.
  for (auto [option, symbol] : {std::pair("--batch", "B = "), std::pair("--context", "T = ")}) {
    StringRef rest = StringRef(report.dims).split(symbol).second;
    std::string value = rest.take_while([](char c) { return c >= '0' && c <= '9'; }).str();
    if (!value.empty())
      words.insert(words.end(), {option, value});
  }
  std::vector<StringRef> args(words.begin(), words.end());
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(out), StringRef(log)};
  std::string error;
  // Any program may be given: it ends, and what it says has an end, too.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit most{std::min(kMostOutput, before.rlim_max), before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &most);
  sys::RemoveFileOnSignal(out);
  sys::RemoveFileOnSignal(log);
  int rc = sys::ExecuteAndWait(binary, args, std::nullopt, redirects, kMostSeconds, 0, &error);
  setrlimit(RLIMIT_FSIZE, &before);
  auto text = MemoryBuffer::getFile(out), messages = MemoryBuffer::getFile(log);
  sys::fs::remove(out);
  sys::fs::remove(log);
  if (rc != 0 || !text) {
    StringRef said = messages ? (*messages)->getBuffer().rtrim().take_back(kMostMessage) : "";
    return fail(binary + ": expected a measurement, but got: " +
                (!error.empty() ? error
                 : said.empty() ? "exit status " + Twine(rc).str()
                                : said.str()) +
                "\nhint: --no-measure leaves it out");
  }
  return takeProfile((*text)->getBuffer(), binary, report);
}

} // namespace tintype::explain
