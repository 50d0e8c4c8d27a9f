//===- Grid.cpp - where the blocks of a kernel lie ------------------------===//
#include "runtime/Grid.h"
#include <algorithm>
#include <cstring>

namespace tintype::rt {

bool Grid::add(Axis axis) {
  accumulates |= axis.isOrdered;
  int64_t &n = axis.isOrdered ? turns : blocks;
  const bool fits = !__builtin_mul_overflow(n, axis.count(), &n) && axes.size() < kMostAxes;
  axes.push_back(std::move(axis));
  return fits;
}

const Grid::Axis *Grid::axisOfSlices() const {
  const bool isMoved = std::any_of(ranges.begin(), ranges.end(), [](const Range &r) { return r.axis == 0 && (r.low || r.high); });
  return axes.empty() || axes[0].extent <= 0 || axes[0].isOrdered || isMoved ? nullptr : &axes[0];
}

void Grid::findBlock(int64_t block, int64_t turn, Place &place) const {
  for (size_t a = axes.size(); a-- > 0;) {
    const Axis &x = axes[a];
    int64_t &at = x.isOrdered ? turn : block;
    place.starts[a] = at % x.count() * x.block;
    place.counts[a] = std::min(x.block, x.extent - place.starts[a]);
    at /= x.count();
  }
}

bool Grid::find(int64_t block, int64_t turn, Place &place) const {
  findBlock(block, turn, place);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const Range &r = ranges[i];
    int64_t from = r.axis < 0 ? 0 : place.starts[r.axis], to = r.axis < 0 ? r.extent : from + place.counts[r.axis];
    if (r.low)
      from = std::max(from, (place.starts[r.over] + *r.low) & ~int64_t(15)); // results are cropped at whole vectors
    if (r.high)
      to = std::min(to, place.starts[r.over] + place.counts[r.over] + *r.high);
    if (to <= from && accumulates)
      return false;
    from = std::min(from, r.extent - 1);
    int64_t count = std::max<int64_t>(to - from, 1); // a filter leaves out what is not meant
    place.ranges[2 * i] = static_cast<int32_t>(from);
    place.ranges[2 * i + 1] = static_cast<int32_t>(count);
    if (r.axis >= 0) { // results too: what lies outside gets nothing
      place.starts[r.axis] = from;
      place.counts[r.axis] = count;
    }
  }
  return true;
}

static void cropDim(HalideBuffer &buffer, int dim, int64_t start, int64_t count) {
  HalideDim &d = buffer.dim[buffer.rank - 1 - dim];
  d.min = static_cast<int32_t>(start);
  d.extent = static_cast<int32_t>(count);
  buffer.host += start * d.stride * ((buffer.bits + 7) / 8);
}

void Grid::crop(HalideBuffer &buffer, int result, const Place &place) const {
  for (size_t a = 0; a < axes.size(); ++a)
    if (axes[a].dims[result] >= 0)
      cropDim(buffer, axes[a].dims[result], place.starts[a], place.counts[a]);
}

/// Zeroes what `buffer` shows of its dims from `h` inwards, from `data` on, as bytes.
static void clearDims(const HalideBuffer &buffer, uint8_t *data, int h) {
  const int64_t bytes = (buffer.bits + 7) / 8;
  bool isDense = true; // from here inwards
  int64_t inside = 1;
  for (int i = 0; i <= h; inside *= buffer.dim[i++].extent)
    isDense &= buffer.dim[i].stride == inside;
  if (isDense)
    std::memset(data, 0, inside * bytes);
  else
    for (int64_t i = 0; i < buffer.dim[h].extent; ++i)
      clearDims(buffer, data + i * buffer.dim[h].stride * bytes, h - 1);
}

void Grid::clear(const HalideBuffer &buffer, int result, int64_t block) const {
  Place place;
  findBlock(block, 0, place);
  HalideBuffer shown = buffer;
  HalideDim dims[kMostDims];
  std::memcpy(dims, buffer.dim, buffer.rank * sizeof(HalideDim));
  shown.dim = dims;
  for (size_t a = 0; a < axes.size(); ++a)
    if (!axes[a].isOrdered && axes[a].dims[result] >= 0)
      cropDim(shown, axes[a].dims[result], place.starts[a], place.counts[a]);
  clearDims(shown, shown.host, shown.rank - 1);
}

} // namespace tintype::rt
