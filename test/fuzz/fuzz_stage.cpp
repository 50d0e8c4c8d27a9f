//===- fuzz_stage.cpp - files of `tintype build --from` from anywhere -----===//
//
// The first byte is the stage that the text is of. Every input ends in a
// manifest that the runtime takes, or in an error. Text of MLIR is seldom still
// such text when bytes change: words and lines do.
//
//===----------------------------------------------------------------------===//
#include "codegen/host/Export.h"
#include "mlir/IR/Diagnostics.h"
#include "passes/fusion/Passes.h"
#include "passes/graph/Passes.h"
#include "passes/schedule/Lowering.h"
#include "passes/schedule/Passes.h"
#include "runtime/Manifest.h"
#include "tools/Plan.h"
#include "tools/StageFile.h"
#include "tools/ToolMain.h"
#include <cstdlib>
#include <random>

using namespace mlir;
using namespace tintype;

extern "C" {
/// Memory that our code gives LLVM's allocators is handed out by a library that is not instrumented, and
/// which leaves the counts of passes as they are found.
const char *__asan_default_options() { return "allow_user_poisoning=0:malloc_fill_byte=0"; }
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
extern const unsigned char tintype_manifest[] = {0};
extern const uint64_t tintype_manifest_size = 0;
int (*tintype_kernels[])(void **) = {nullptr};
}

enum { kGraph, kProgram, kKernels, kHalide };

static LogicalResult lower(ModuleOp module, int from) {
  PassManager pm(module.getContext());
  pm.enableVerifier(false); // as in tools/Pipeline.cpp
  if (from < kProgram)
    buildGraphPipeline(pm, false);
  if (from < kKernels)
    buildFusionPipeline(pm);
  schedule::buildPipeline(pm);
  pm.addPass(graph::createGraphVerify());
  return pm.run(module);
}

/// What follows the passes: the tables for the runtime, and the plan that remarks and pages show.
static void exportTo(ModuleOp module) {
  Manifest manifest;
  if (failed(exportManifest(module, "host", manifest)))
    return;
  std::string bytes = manifest.SerializeAsString();
  rt::parseManifest(bytes.data(), bytes.size());
  for (const Program &p : manifest.programs())
    Plan(manifest, p, typicalDims(manifest, p)).atPeak();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext ctx(registry, MLIRContext::Threading::DISABLED);
  bool isReported = false;
  ScopedDiagnosticHandler handler(&ctx, [&](Diagnostic &) { isReported = true; });
  llvm::SourceMgr sources;
  llvm::StringRef text(reinterpret_cast<const char *>(data) + 1, size - 1);
  OwningOpRef<ModuleOp> module = parseStageText(llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.mlir"), sources, ctx);
  int from = data[0] % 4;
  bool isGood = module && (from != kHalide || succeeded(schedule::markGiven(*module, {}))) && succeeded(lower(*module, from));
  if (isGood)
    exportTo(*module);
  else if (!isReported)
    abort(); // failed without a word
  return 0;
}

//===-- mutations ---------------------------------------------------------===//

/// Kinds of words that may stand for each other: by their first characters.
static char kindOf(llvm::StringRef word) {
  char c = word.empty() ? ' ' : word[0];
  return isdigit(c) ? '0' : isalpha(c) || c == '_' ? 'a' : c;
}

/// The pieces of `text` between places where words or lines begin.
static std::vector<llvm::StringRef> split(llvm::StringRef text, bool lines) {
  std::vector<llvm::StringRef> pieces;
  while (!text.empty()) {
    auto isWord = [](char c) { return isalnum(c) || c == '_' || c == '.' || c == '$'; };
    size_t n = lines ? std::min(text.find('\n'), text.size() - 1) + 1 : 1 + text.drop_front().take_while(isWord).size();
    pieces.push_back(text.take_front(n));
    text = text.drop_front(n);
  }
  return pieces;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
  static const llvm::StringRef kNumbers[] = {"0", "1", "-1", "2", "7", "64", "4294967296", "9223372036854775807", "-9223372036854775808"};
  std::minstd_rand random(seed);
  auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  size_t way = below(16);
  if (size < 3 || way == 0)
    return LLVMFuzzerMutate(data, size, most);
  std::string old(reinterpret_cast<char *>(data) + 1, size - 1);
  std::vector<llvm::StringRef> pieces = split(old, way < 6);
  size_t at = below(pieces.size());
  auto other = pieces.begin() + below(pieces.size());
  if (way < 3)
    pieces.erase(pieces.begin() + at);
  else if (way < 5)
    pieces.insert(other, llvm::StringRef(pieces[at]));
  else if (way < 6)
    std::swap(pieces[at], *other);
  else {
    while (at + 1 < pieces.size() && !strchr("0a%@\"#!", kindOf(pieces[at])))
      ++at;
    char kind = kindOf(pieces[at]);
    auto end = std::find_if(other, pieces.end(), [&](llvm::StringRef p) { return kindOf(p) == kind; });
    pieces[at] = kind == '0' && way < 13 ? kNumbers[below(std::size(kNumbers))] : end == pieces.end() ? "" : *end;
  }
  std::string text;
  for (llvm::StringRef piece : pieces)
    text += piece;
  text.resize(std::min(text.size(), most - 1));
  memcpy(data + 1, text.data(), text.size());
  return text.size() + 1;
}
