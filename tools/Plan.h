//===- Plan.h - programs of a manifest at fixed runtime dims ----*- C++ -*-===//
// What the runtime will decide at start, for reports: sizes, and which buffers
// of the arena are alive at which launch.
//
//   Dims dims = typicalDims(manifest, program, 4, 256);
//   Plan plan(manifest, program, dims);
//   plan.alive[plan.peak];                    // bytes at the fullest launch
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_PLAN_H
#define TINTYPE_TOOLS_PLAN_H

#include "codegen/manifest.pb.h"
#include "runtime/Memory.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tintype {

/// A value for each symbol of the manifest; 0 where a program does not use it.
using Dims = std::vector<int64_t>;

/// `batch` and `context` for the symbols B and T, as far as their bounds allow,
/// 256 for others: what `bench` of a built binary takes.
Dims typicalDims(const Manifest &manifest, const Program &program, int64_t batch = 4, int64_t context = 256);
std::string toString(const Manifest &manifest, const Dims &dims);
int64_t evaluate(const Size &size, const Dims &dims);
int64_t bytesOf(DType type);
using rt::formatBytes;

struct Plan {
  Plan(const Manifest &manifest, const Program &program, const Dims &dims);

  /// A buffer of the arena.
  struct Tensor {
    int buffer, first, last; ///< launches, inclusive
    int64_t bytes;
    std::string shape; ///< as the launch that makes it sees it
  };
  std::vector<Tensor> tensors;
  std::vector<int64_t> alive; ///< bytes, for each launch
  int peak = 0;               ///< the launch where most is alive
  /// Of the peak, largest first.
  std::vector<Tensor> atPeak() const;
};

/// The program a report is about: the training step with products of `dtype` (f32, bf16), else the
/// forward pass; null where bf16 is asked for and the model is not trained in it.
const Program *mainProgram(const Manifest &manifest, const std::string &dtype = "f32");

} // namespace tintype

#endif
