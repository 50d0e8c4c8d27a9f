//===- Recipe.h - a model's sections as JSON --------------------*- C++ -*-===//
//   task causal_lm { logits = logits, tokenizer = "bytes" }
//   train { B = 12, T = ctx, lr = cosine(peak = 6e-4, warmup = 2000) }
//
//   {"task": {"kind": "causal_lm", "logits": "logits", "tokenizer": "bytes"},
//    "tasks": [the same, for every task section],
//    "train": {"B": 12, "T": 1024, "lr": {"call": "cosine", "peak": 6e-4, "warmup": 2000}}}
//
// "task" is the one that `train.task` names, else the first. Calls carry every
// argument by name. Settings that take one thing or a list are always lists:
// "optimizer", "lora", "augment", "quantize", and everything of patterns.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_RECIPE_H
#define TINTYPE_FRONTEND_RECIPE_H

#include "frontend/Load.h"
#include "llvm/Support/JSON.h"

namespace tintype::frontend {

/// Where and as what a pattern stands in the sections.
struct PatternUse {
  bool overBlocks; ///< else over parameters
  bool mustMatch;
  std::string text; ///< of a rename: its right side
  Loc loc;
};

struct Recipe {
  llvm::json::Object json;
  std::vector<PatternUse> patterns;

  /// What goes into `graph.recipe`; keys in alphabetical order.
  std::string text() const;
};

/// The value of an expression over configs as a JSON number, string, flag or
/// list; nothing after an error, which the callee reports.
using EvaluateSetting = llvm::function_ref<std::optional<llvm::json::Value>(const Expr &)>;

/// Checks the main file's sections (with `--set` overrides) against their
/// schema. `functions` are the model's named functions. Nothing after an error.
std::optional<Recipe> buildRecipe(const Program &program, llvm::ArrayRef<std::string> functions, EvaluateSetting evaluate,
                                  Diagnostics &diag);

/// Every pattern against the model's parameter and block paths. False after
/// an error; patterns that need not match leave a remark.
bool checkPatterns(const Recipe &recipe, llvm::ArrayRef<std::string> parameters, llvm::ArrayRef<std::string> blocks, Diagnostics &diag);

/// Whether weight decay applies: with `no_decay`, to all parameters but its
/// matches; without, to those of rank 2 and more. With several optimizers the
/// first whose `on` matches (or that has none) decides.
bool decays(llvm::StringRef path, unsigned rank, const Recipe &recipe);

} // namespace tintype::frontend

#endif
