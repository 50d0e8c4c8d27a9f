//===- Weights.h - weight files to and from the parameters ------*- C++ -*-===//
//
// Matches a checkpoint's tensors with the model's parameters by name, after the
// rules of the recipe's `checkpoint` section:
//
//   rename ["transformer.** -> **"]   file name -> parameter path, first match
//   ignore ["**.attn.bias"]           may be extra in the file
//   fresh  ["cls.**"]                 may be absent; drawn anew
//
// `*` stays inside one path segment, `**` crosses dots.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Parameters.h"
#include "runtime/Safetensors.h"

namespace tintype::rt {

/// Matches `pattern`; what each star stood for goes to `stars` if not null.
bool matchPattern(const std::string &pattern, const std::string &name, std::vector<std::string> *stars = nullptr);

struct CheckpointRules {
  std::vector<std::pair<std::string, std::string>> rename;
  std::vector<std::string> ignore, fresh;

  /// From the recipe's JSON, {"checkpoint": {..}}; absent is empty.
  static CheckpointRules fromRecipe(const std::string &recipe);
  std::string renamed(const std::string &fileName) const;
  bool ignores(const std::string &fileName) const; ///< by either of its names
  bool isFresh(const std::string &path) const;
};

struct LoadOptions {
  bool allowExtra = false; ///< tensors that are no parameter are no fault (trace files hold much else)
  uint64_t seed = 0;       ///< for parameters that are drawn anew
};

/// Fills store.values() and store.fileNames. Every parameter that is missing,
/// has another shape or type, or holds a NaN or infinity, and every extra
/// tensor, is listed in one Error.
void loadWeights(ParameterStore &store, const TensorSource &source, Threads &threads, const LoadOptions &options = {});

/// The parameters as tensors under their file names, `prefix` before each;
/// `values` has the store's layout (values, gradients or a moment).
std::vector<TensorToWrite> parameterTensors(const ParameterStore &store, const float *values, const std::string &prefix = "");

} // namespace tintype::rt
