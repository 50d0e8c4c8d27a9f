//===- fuzz_tin.cpp - model files from anywhere ---------------------------===//
//
// Every input ends in a tree or in an error. What parses keeps its tree when
// it is formatted, and a second formatting changes nothing. After a NUL byte
// follow `--set` arguments, one a line.
//
//===----------------------------------------------------------------------===//
#include "frontend/Format.h"
#include "frontend/Load.h"
#include "frontend/Parser.h"
#include "frontend/Pattern.h"
#include "frontend/Recipe.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdlib>

using namespace tintype::frontend;

/// Literals only, as a stand-in for the elaborator.
static std::optional<llvm::json::Value> evaluate(const Expr &e, Diagnostics &diag) {
  if (auto *n = llvm::dyn_cast<NumberExpr>(&e))
    return n->isInteger ? llvm::json::Value(n->integer) : llvm::json::Value(n->value);
  if (auto *s = llvm::dyn_cast<StringExpr>(&e))
    return llvm::json::Value(s->value);
  if (auto *b = llvm::dyn_cast<BoolExpr>(&e))
    return llvm::json::Value(b->value);
  diag.error(e.loc) << "expected a literal, but got " << toString(e);
  return std::nullopt;
}

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

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto [text, rest] = llvm::StringRef(reinterpret_cast<const char *>(data), size).split('\0');
  checkFormat(text);
  SourceManager sources;
  Diagnostics diag(sources);
  LoadOptions options;
  llvm::SmallVector<llvm::StringRef> sets;
  rest.split(sets, '\n', -1, false);
  for (llvm::StringRef set : sets)
    options.sets.push_back(set.str());
  auto program = loadText("fuzz.tin", text.str(), options, sources, diag);
  if (program) {
    auto recipe = buildRecipe(*program, {"logits", "loss", "encode"}, [&](const Expr &e) { return evaluate(e, diag); }, diag);
    std::vector<std::string> paths = {"h.0.weight", "h.1.weight", "h.0.bias", "norm.weight"};
    if (recipe && checkPatterns(*recipe, paths, {"h.0", "h.1", "norm"}, diag)) {
      recipe->text();
      for (const std::string &p : paths)
        decays(p, 2, *recipe);
    }
  }
  std::string out;
  llvm::raw_string_ostream os(out);
  diag.print(os);
  return 0;
}
