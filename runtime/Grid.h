//===- Grid.h - the blocks that a kernel runs in ----------------*- C++ -*-===//
#ifndef TINTYPE_RUNTIME_GRID_H
#define TINTYPE_RUNTIME_GRID_H

#include "runtime/Halide.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace tintype::rt {

/// The launch grid of a kernel at given dims (`Axis` and `Range` of the manifest, graph.grid of a kernel function).
struct Grid {
  static constexpr int kMostAxes = 16, kMostRanges = 16, kMostDims = 16; ///< the last of a result
  struct Axis {
    int64_t extent, block;
    bool isOrdered;        ///< one block after the other: results without a dim of it add up
    std::vector<int> dims; ///< of each result, the dim (outermost 0) that is cropped, or -1
    int64_t count() const { return (extent + block - 1) / block; }
  };
  struct Range {
    int64_t extent;
    int axis, over; ///< -1: all of `extent`; the bounds count from the block of axis `over`
    std::optional<int64_t> low, high;
  };
  /// Where a block lies: start and count along each axis, and of each range.
  struct Place {
    int64_t starts[kMostAxes], counts[kMostAxes];
    int32_t ranges[2 * kMostRanges];
  };

  std::vector<Axis> axes; ///< the last runs fastest
  std::vector<Range> ranges;
  int64_t blocks = 1;       ///< in any order
  int64_t turns = 1;        ///< of each block, in order
  bool accumulates = false; ///< results add up
  bool firstWrites = false; ///< the first block to reach an element writes it

  /// The first axis, where each of its blocks is a slice of blocks that follow each other and of the results it cuts; else null.
  const Axis *axisOfSlices() const;
  bool startsAtZero() const { return accumulates && !firstWrites; }

  /// False where there are more axes than `kMostAxes`, or more blocks than fit 64 bits.
  bool add(Axis axis);
  /// False where that turn of `block` has nothing to add.
  bool find(int64_t block, int64_t turn, Place &place) const;
  /// Leaves of `buffer`, result number `result`, what lies at `place`; its dims are the caller's own.
  void crop(HalideBuffer &buffer, int result, const Place &place) const;
  /// Zeroes what the turns of `block` add to of such a result.
  void clear(const HalideBuffer &buffer, int result, int64_t block) const;

private:
  void findBlock(int64_t block, int64_t turn, Place &place) const;
};

} // namespace tintype::rt

#endif
