//===- Settings.h - what a training run is told to do ---------------------===//
//
// Three sources, each over the one before: the recipe in the binary, what the
// run folder remembers (--resume), the command line.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Optimizer.h"
#include "runtime/Schedule.h"
#include <nlohmann/json_fwd.hpp>

namespace tintype::rt {

/// A call in the recipe, such as cosine(peak = 6e-4, warmup = 2000).
struct RecipeCall {
  std::string name;
  std::string args; ///< a JSON object
  double number(const char *key, double otherwise) const;
};

struct TrainSettings {
  int64_t batch = 8, context = 256, accumulate = 1, steps = 1000;
  uint64_t seed = 0;
  Schedule schedule; // its steps are 0 where nothing says how many: those of the run then
  AdamW optimizer;   // its lr comes from the schedule

  /// From the recipe's `train` section, within the bounds of the runtime dims.
  static TrainSettings fromRecipe(const Manifest &manifest);
  nlohmann::json toJson() const;
  /// Takes over what `json` holds; a wrong type is an Error that names `where`.
  void takeJson(const nlohmann::json &json, const std::string &where);
  /// Values that make no sense are Errors.
  void check() const;
};

/// What the recipe asks of training that no program here does, as "train.ema, adapt.freeze"; empty when it does all.
std::string unsupportedSettings(const Manifest &manifest);

/// The recipe's section `name` as a JSON object; empty when there is none.
nlohmann::json recipeSection(const Manifest &manifest, const std::string &name);

} // namespace tintype::rt
