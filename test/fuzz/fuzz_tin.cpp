//===- fuzz_tin.cpp - model files from anywhere ---------------------------===//
//
// Every input ends in a tree or in an error. What parses keeps its tree when
// it is formatted, and a second formatting changes nothing. What elaborates
// verifies. After a NUL byte follow `--set` arguments, one a line, and after
// another one the text of a config.json.
//
//===----------------------------------------------------------------------===//
#include "frontend/Elaborate.h"
#include "frontend/Format.h"
#include "frontend/Load.h"
#include "frontend/Parser.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace tintype::frontend;

static void checkFormat(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diag(sources);
  auto once = format(sources.add("fuzz.tin", text.str()), sources, diag);
  if (!once) {
    if (!diag.hasErrors())
      abort();
    for (const Diagnostic &d : diag.all())
      if (llvm::StringRef(d.messages.front().text).contains("please report"))
        abort();
    return;
  }
  auto twice = format(sources.add("again.tin", *once), sources, diag);
  if (!twice || *twice != *once)
    abort();
}

/// A file that holds `text`.
static std::string configFile(llvm::StringRef text) {
  static const std::string path = std::filesystem::temp_directory_path() / ("fuzz-config-" + std::to_string(getpid()) + ".json");
  std::ofstream(path, std::ios::binary).write(text.data(), std::streamsize(text.size()));
  return path;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto [text, rest] = llvm::StringRef(reinterpret_cast<const char *>(data), size).split('\0');
  checkFormat(text);
  SourceManager sources;
  Diagnostics diag(sources);
  LoadOptions options;
  llvm::SmallVector<llvm::StringRef> sets;
  auto [arguments, config] = rest.split('\0');
  arguments.split(sets, '\n', -1, false);
  for (llvm::StringRef set : sets)
    options.sets.push_back(set.str());
  if (!config.empty())
    options.config = configFile(config);
  auto program = loadText("fuzz.tin", text.str(), options, sources, diag);
  if (program) {
    mlir::MLIRContext ctx;
    auto result = elaborate(*program, sources, &ctx, diag);
    if (result && failed(mlir::verify(*result->module)))
      abort();
    if (!result && !diag.hasErrors())
      abort();
  }
  std::string out;
  llvm::raw_string_ostream os(out);
  diag.print(os);
  return 0;
}
