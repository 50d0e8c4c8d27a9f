//===- Memory.cpp ---------------------------------------------------------===//
#include "runtime/Memory.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <sys/mman.h>

namespace tintype::rt {

constexpr size_t kPage = 4096, kHugePage = size_t(2) << 20;

uint8_t *mapHuge(size_t bytes) {
  size_t size = alignUp(bytes, kPage), padded = size + kHugePage; // the tail in small pages: what is not used is not there
  if (padded < bytes)
    return nullptr;
  void *p = mmap(nullptr, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return nullptr;
  auto *raw = static_cast<uint8_t *>(p);
  auto *base = reinterpret_cast<uint8_t *>(alignUp(reinterpret_cast<uintptr_t>(raw), kHugePage));
  if (base != raw)
    munmap(raw, base - raw);
  if (size_t tail = raw + padded - (base + size))
    munmap(base + size, tail);
  madvise(base, size, MADV_HUGEPAGE);
  return base;
}

Memory::Memory(size_t n, const std::string &what) : bytes(alignUp(std::max<size_t>(n, 1), kPage)) {
  base = mapHuge(n ? n : 1);
  if (!base)
    fail("not enough memory: ", what, " needs ", formatBytes(static_cast<double>(n)), "\nhint: a smaller batch or context needs less");
}

Memory::~Memory() {
  if (base)
    munmap(base, bytes);
}

namespace {
/// What lies in a block, by offset.
class Block {
public:
  /// The smallest gap for `b` between those that live at the same time, or the
  /// end of all of them.
  size_t gapFor(const Lifetime &b) const {
    size_t need = alignUp(b.bytes), end = 0, best = SIZE_MAX, bestGap = SIZE_MAX;
    for (const Lifetime &o : placed) {
      if (o.last < b.first || b.last < o.first)
        continue;
      if (o.offset > end && o.offset - end >= need && o.offset - end < bestGap) {
        best = end;
        bestGap = o.offset - end;
      }
      end = std::max(end, alignUp(o.offset + o.bytes));
    }
    return best == SIZE_MAX ? end : best;
  }
  void add(const Lifetime &b) {
    auto at = std::upper_bound(placed.begin(), placed.end(), b.offset, [](size_t offset, const Lifetime &o) { return offset < o.offset; });
    placed.insert(at, b);
  }

private:
  std::vector<Lifetime> placed;
};

std::vector<int> largestFirst(const std::vector<Lifetime> &buffers) {
  std::vector<int> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return buffers[a].bytes > buffers[b].bytes; });
  return order;
}
} // namespace

size_t placeLifetimes(std::vector<Lifetime> &buffers) {
  Block block;
  size_t total = 0;
  for (int i : largestFirst(buffers)) {
    Lifetime &b = buffers[i];
    if (b.isElsewhere)
      continue;
    b.offset = block.gapFor(b);
    total = std::max(total, b.offset + alignUp(b.bytes));
    block.add(b);
  }
  return total;
}

namespace {
/// In the given order, those that fit; the rest is elsewhere.
void placeInOrder(std::vector<Lifetime> &buffers, const std::vector<Lifetime> &taken, size_t bytes, const std::vector<int> &order) {
  Block block;
  for (const Lifetime &t : taken)
    block.add(t);
  for (int i : order) {
    Lifetime &b = buffers[i];
    size_t offset = block.gapFor(b);
    b.isElsewhere = offset + alignUp(b.bytes) <= bytes;
    if (!b.isElsewhere)
      continue;
    b.offset = offset;
    block.add(b);
  }
}

/// When most of what is not elsewhere is alive.
int fullest(const std::vector<Lifetime> &buffers) {
  std::map<int, int64_t> change;
  for (const Lifetime &b : buffers)
    if (!b.isElsewhere) {
      change[b.first] += b.bytes;
      change[b.last + 1] -= b.bytes;
    }
  int64_t alive = 0, most = 0;
  int at = 0;
  for (auto [launch, bytes] : change)
    if ((alive += bytes) > most) {
      most = alive;
      at = launch;
    }
  return at;
}
} // namespace

/// Longest first: a short one finds a gap between launches anywhere. What then fills the rest most goes
/// first in another try.
size_t placeAmong(std::vector<Lifetime> &buffers, const std::vector<Lifetime> &taken, size_t bytes) {
  constexpr int kTries = 40;
  std::vector<int> order = largestFirst(buffers);
  auto span = [&](int i) { return buffers[i].last - buffers[i].first; };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return span(a) > span(b); });
  std::vector<Lifetime> best;
  size_t least = SIZE_MAX;
  for (int t = 0; t < kTries && least > 0; ++t) {
    placeInOrder(buffers, taken, bytes, order);
    size_t rest = placeLifetimes(buffers);
    if (rest < least) {
      least = rest;
      best = buffers;
    }
    int at = fullest(buffers);
    std::stable_partition(order.begin(), order.end(), [&](int i) {
      const Lifetime &b = buffers[i];
      return !b.isElsewhere && b.first <= at && at <= b.last;
    });
  }
  buffers = std::move(best);
  return least;
}

std::string formatBytes(double bytes) {
  const char *units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  int u = 0;
  for (; bytes >= 1024 && u < 4; ++u)
    bytes /= 1024;
  char text[32];
  snprintf(text, sizeof(text), u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return text;
}

} // namespace tintype::rt
