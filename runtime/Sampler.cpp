//===- Sampler.cpp - the next token from logits ---------------------------===//
#include "runtime/Sampler.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace tintype::rt {

double Sampler::draw() {
  // SplitMix64 (Steele, Lea and Flood, 2014), counted from the seed.
  uint64_t x = settings.seed * 0xd1342543de82ef95 + ++drawn * 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return double((x ^ x >> 31) >> 11) * 0x1p-53;
}

int32_t Sampler::next(const float *logits, int64_t vocab) {
  for (int64_t i = 0; i < vocab; ++i)
    if (!std::isfinite(logits[i]))
      fail("the logit of token ", i, " is ", logits[i], "\nhint: the weights may be damaged");
  auto likelier = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  if (settings.temperature <= 0) {
    int32_t best = 0;
    for (int32_t i = 1; i < vocab; ++i)
      if (likelier(i, best))
        best = i;
    return best;
  }
  order.resize(size_t(vocab));
  std::iota(order.begin(), order.end(), 0);
  size_t kept = settings.topK > 0 ? size_t(std::min(settings.topK, vocab)) : size_t(vocab);
  std::partial_sort(order.begin(), order.begin() + long(kept), order.end(), likelier);
  weights.resize(kept);
  double sum = 0, top = logits[order[0]];
  for (size_t i = 0; i < kept; ++i)
    sum += weights[i] = std::exp((double(logits[order[i]]) - top) / settings.temperature);
  if (settings.topP < 1) {
    double share = 0;
    size_t i = 0;
    while (i < kept && share < settings.topP * sum)
      share += weights[i++];
    kept = std::max<size_t>(1, i);
    sum = std::accumulate(weights.begin(), weights.begin() + long(kept), 0.0);
  }
  double at = draw() * sum;
  for (size_t i = 0; i < kept; ++i)
    if ((at -= weights[i]) < 0)
      return order[i];
  return order[kept - 1]; // rounding
}

} // namespace tintype::rt
