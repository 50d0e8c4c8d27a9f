//===- Sampler.h - the next token from logits -----------------------------===//
#pragma once
#include <cstdint>
#include <vector>

namespace tintype::rt {

struct SamplerSettings {
  double temperature = 1; ///< 0: the most likely token
  int64_t topK = 0;       ///< only the K most likely; 0: all
  double topP = 1;        ///< only the most likely that have this share together
  uint64_t seed = 0;
};

/// Draws tokens, the same ones for the same settings and logits. Of equal logits
/// the smaller id comes first.
class Sampler {
public:
  explicit Sampler(const SamplerSettings &settings) : settings(settings) {}
  /// A logit that is not finite is an Error.
  int32_t next(const float *logits, int64_t vocab);

private:
  double draw(); ///< in [0, 1)
  SamplerSettings settings;
  uint64_t drawn = 0;
  std::vector<int32_t> order;
  std::vector<double> weights;
};

} // namespace tintype::rt
