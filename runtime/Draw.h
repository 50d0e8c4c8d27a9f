//===- Draw.h - random numbers for weights ----------------------*- C++ -*-===//
#pragma once
#include <cstdint>
#include <string>

namespace tintype::rt {

/// Where the numbers of one tensor come from, by the seed of the run and the
/// tensor's name.
uint64_t drawStream(uint64_t seed, const std::string &name);

/// Elements [first, first + count) of the tensor's numbers: mean + scale * draw.
/// `first` is a multiple of kDrawBlock. They depend on the stream and their place
/// only: the same in any cut, on any machine.
void drawUniform(float *out, int64_t first, int64_t count, uint64_t stream, float mean, float scale);
void drawNormal(float *out, int64_t first, int64_t count, uint64_t stream, float mean, float scale);

constexpr int64_t kDrawBlock = 16;

} // namespace tintype::rt
