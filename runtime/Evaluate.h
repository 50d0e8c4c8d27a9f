//===- Evaluate.h - the loss of a model on text ---------------------------===//
#pragma once
#include "runtime/Data.h"
#include "runtime/Program.h"
#include <functional>

namespace tintype::rt {

struct EvalResult {
  double loss = 0; ///< nats per token
  uint64_t tokens = 0;
  uint64_t bytes = 0; ///< of text that these tokens stand for; 0 without a tokenizer
};

/// Runs the `loss` program over the windows in their order, at most `most` of
/// them (0: all), evenly spaced. `tick` (may be empty) hears how many are done
/// and may end the evaluation by returning false.
EvalResult evaluateText(const Manifest &manifest, ParameterStore &store, Threads &threads, const Windows &windows, int64_t batch,
                        int64_t context, uint64_t most, const Tokenizer *tokenizer,
                        const std::function<bool(uint64_t done, uint64_t of)> &tick = {});

} // namespace tintype::rt
