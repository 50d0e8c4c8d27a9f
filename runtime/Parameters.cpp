//===- Parameters.cpp -----------------------------------------------------===//
#include "runtime/Parameters.h"
#include <algorithm>
#include <cmath>

namespace tintype::rt {

constexpr int64_t kPad = 16; // floats: one cache line, one vector of 512 bits

ParameterStore::ParameterStore(const Manifest &m, What what) : manifest(m) {
  for (const Parameter &p : m.parameters()) {
    if (p.dtype() != F32)
      fail(p.path(), ": expected a parameter of type F32, but got ", typeName(p.dtype()));
    int64_t n = elementCount({p.shape().begin(), p.shape().end()}, p.path());
    int64_t padded = (n + kPad - 1) / kPad * kPad;
    if (!p.frozen()) {
      bool joins = !runs.empty() && runs.back().decay == p.decay() && runs.back().offset + runs.back().count == all;
      if (joins)
        runs.back().count += padded;
      else
        runs.push_back({all, padded, p.decay()});
    }
    offsets.push_back(all);
    sizes.push_back(n);
    fileNames.push_back(p.path());
    if (__builtin_add_overflow(all, padded, &all) || all > INT64_MAX / 8)
      fail("the parameters of this model do not fit in memory");
  }
  static const char *const names[] = {"the array of parameters", "the array of gradients",
                                      "the optimiser's first moment", "the optimiser's second moment"};
  int arrays = what == VALUES ? 1 : what == GRADIENTS ? 2 : 4;
  for (int i = 0; i < arrays; ++i)
    memory[i] = Memory(alignUp(all * sizeof(float)) + kAlign, names[i]);
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t hashText(const std::string &text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (unsigned char c : text)
    h = (h ^ c) * 0x100000001b3u;
  return h;
}

/// In (0, 1): never 0, so that its logarithm is finite.
static float unit(uint64_t bits) { return (static_cast<float>(bits >> 41) + 0.5f) * 0x1p-23f; }

/// Two independent draws (Box and Muller, 1958) for elements 2i and 2i + 1.
static void drawPair(const Parameter &p, uint64_t stream, int64_t pair, float out[2]) {
  float u = unit(mix(stream + 2 * pair)), v = unit(mix(stream + 2 * pair + 1));
  if (p.init() == Parameter::NORMAL) {
    float radius = std::sqrt(-2 * std::log(u)), angle = 2 * static_cast<float>(M_PI) * v;
    u = radius * std::cos(angle);
    v = radius * std::sin(angle);
  }
  out[0] = static_cast<float>(p.mean() + p.scale() * u);
  out[1] = static_cast<float>(p.mean() + p.scale() * v);
}

void ParameterStore::initialise(uint64_t seed, int index, Threads &threads) {
  const Parameter &p = manifest.parameters(index);
  float *out = value(index);
  int64_t n = size(index);
  uint64_t stream = mix(seed ^ mix(hashText(p.path())));
  constexpr int64_t kChunk = 1 << 16; // even: a pair never straddles two chunks
  threads.parallelFor((n + kChunk - 1) / kChunk, [&](int64_t chunk) {
    int64_t end = std::min(n, (chunk + 1) * kChunk);
    for (int64_t i = chunk * kChunk; i < end; i += 2) {
      float two[2] = {static_cast<float>(p.mean()), static_cast<float>(p.mean())};
      if (p.scale() != 0)
        drawPair(p, stream, i / 2, two);
      out[i] = two[0];
      if (i + 1 < end)
        out[i + 1] = two[1];
    }
  });
}

void ParameterStore::initialise(uint64_t seed, Threads &threads) {
  for (int i = 0; i < manifest.parameters_size(); ++i)
    initialise(seed, i, threads);
}

} // namespace tintype::rt
