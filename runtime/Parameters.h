//===- Parameters.h - weights, gradients and moments ------------*- C++ -*-===//
//
// All parameters lie in one array of f32, in manifest order, each padded to 16
// floats; gradients and the two moments of AdamW have the same layout. So the
// optimiser is one pass over each segment:
//
//   | wte.weight | h.0.c_attn.weight | .. | ln_f.weight | ln_f.bias | .. |
//   |<------------ decay ----------->|    |<------- no decay ------->|
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Memory.h"
#include "runtime/Threads.h"

namespace tintype::rt {

/// A run of parameters that are updated alike, in floats.
struct Segment {
  int64_t offset, count;
  bool decay;
};

class ParameterStore {
public:
  enum What { VALUES = 0, GRADIENTS = 1, TRAINING = 2 }; ///< TRAINING: gradients and moments
  ParameterStore(const Manifest &manifest, What what);

  int64_t total() const { return all; } ///< floats, padding included
  int64_t offset(int parameter) const { return offsets[parameter]; }
  int64_t size(int parameter) const { return sizes[parameter]; } ///< elements without padding
  const std::vector<Segment> &segments() const { return runs; }  ///< what is trained; frozen ones are in none

  float *values() const { return memory[0].as<float>(); }
  float *gradients() const { return memory[1].as<float>(); }
  float *moment1() const { return memory[2].as<float>(); }
  float *moment2() const { return memory[3].as<float>(); }
  float *value(int parameter) const { return values() + offsets[parameter]; }
  float *gradient(int parameter) const { return gradients() + offsets[parameter]; }
  bool hasGradients() const { return memory[1].data() != nullptr; }

  /// The pages of all values, and of what training writes of the other arrays.
  void populate(Threads &threads) const;

  /// Draws initial values; the same for every number of threads and any order
  /// of parameters, since each element is a hash of (seed, path, position).
  void initialise(uint64_t seed, int parameter, Threads &threads);
  void initialise(uint64_t seed, Threads &threads);

  /// The names of the parameters in files: the model's, until weights are
  /// loaded from a file with other names.
  std::vector<std::string> fileNames;
  const Manifest &manifest;

private:
  int64_t all = 0;
  std::vector<int64_t> offsets, sizes;
  std::vector<Segment> runs;
  Memory memory[4];
};

} // namespace tintype::rt
