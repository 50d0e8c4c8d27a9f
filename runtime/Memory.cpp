//===- Memory.cpp ---------------------------------------------------------===//
#include "runtime/Memory.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <sys/mman.h>

namespace tintype::rt {

constexpr size_t kHugePage = size_t(2) << 20;

uint8_t *mapHuge(size_t bytes) {
  size_t size = alignUp(bytes, kHugePage), padded = size + kHugePage;
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

Memory::Memory(size_t n, const std::string &what) : bytes(alignUp(std::max<size_t>(n, 1), kHugePage)) {
  base = mapHuge(n ? n : 1);
  if (!base)
    fail("not enough memory: ", what, " needs ", formatBytes(static_cast<double>(n)),
         "\nhint: a smaller batch or context needs less");
}

Memory::~Memory() {
  if (base)
    munmap(base, bytes);
}

/// Best fit: largest first, each into the smallest gap between those already
/// placed that live at the same time.
size_t placeLifetimes(std::vector<Lifetime> &buffers) {
  std::vector<int> order(buffers.size()), placed;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return buffers[a].bytes > buffers[b].bytes; });
  size_t total = 0;
  for (int i : order) {
    Lifetime &b = buffers[i];
    size_t need = alignUp(b.bytes), end = 0, best = SIZE_MAX, bestGap = SIZE_MAX;
    for (int j : placed) { // by offset
      const Lifetime &o = buffers[j];
      if (o.last < b.first || b.last < o.first)
        continue;
      if (o.offset > end && o.offset - end >= need && o.offset - end < bestGap) {
        best = end;
        bestGap = o.offset - end;
      }
      end = std::max(end, o.offset + alignUp(o.bytes));
    }
    b.offset = best == SIZE_MAX ? end : best;
    total = std::max(total, b.offset + need);
    auto at = std::upper_bound(placed.begin(), placed.end(), b.offset,
                               [&](size_t v, int j) { return v < buffers[j].offset; });
    placed.insert(at, i);
  }
  return total;
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
