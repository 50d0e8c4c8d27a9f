//===- Parameters.cpp -----------------------------------------------------===//
#include "runtime/Parameters.h"
#include "runtime/Draw.h"
#include <algorithm>
#include <iterator>

namespace tintype::rt {

constexpr int64_t kPad = 16; // floats: one cache line, one vector of 512 bits

ParameterStore::ParameterStore(const Manifest &m, What what) : manifest(m) {
  for (const Parameter &p : m.parameters()) {
    if (p.dtype() != F32)
      fail(p.path(), ": expected a parameter of type F32, but got ", typeName(p.dtype()));
    int64_t n = elementCount({p.shape().begin(), p.shape().end()}, p.path());
    if (n > INT64_MAX / 8 - all)
      fail("the parameters of this model do not fit in memory");
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
    all += padded;
  }
  static const char *const names[] = {"the array of parameters", "the array of gradients", "the optimiser's first moment",
                                      "the optimiser's second moment"};
  int arrays = what == VALUES ? 1 : what == GRADIENTS ? 2 : 4;
  for (int i = 0; i < arrays; ++i)
    memory[i] = Memory(alignUp(all * sizeof(float)) + kAlign, names[i]);
}

void ParameterStore::initialise(uint64_t seed, int index, Threads &threads) {
  const Parameter &p = manifest.parameters(index);
  float *out = value(index), mean = static_cast<float>(p.mean()), scale = static_cast<float>(p.scale());
  int64_t n = size(index);
  uint64_t stream = drawStream(seed, p.path());
  constexpr int64_t kChunk = 1 << 16;
  static_assert(kChunk % kDrawBlock == 0);
  threads.parallelFor((n + kChunk - 1) / kChunk, [&](int64_t chunk) {
    int64_t first = chunk * kChunk, count = std::min(n - first, kChunk);
    if (scale == 0)
      std::fill(out + first, out + first + count, mean);
    else if (p.init() == Parameter::NORMAL)
      drawNormal(out + first, first, count, stream, mean, scale);
    else
      drawUniform(out + first, first, count, stream, mean, scale);
  });
}

void ParameterStore::populate(Threads &threads) const {
  rt::populate(values(), all * sizeof(float), threads);
  for (const Memory *array = &memory[1]; array != std::end(memory) && array->data(); ++array)
    for (const Segment &s : runs)
      rt::populate(array->as<float>() + s.offset, s.count * sizeof(float), threads);
}

void ParameterStore::initialise(uint64_t seed, Threads &threads) {
  populate(threads);
  for (int i = 0; i < manifest.parameters_size(); ++i)
    initialise(seed, i, threads);
}

} // namespace tintype::rt
