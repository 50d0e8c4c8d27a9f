//===- Populate.cpp - pages before their first use -----------------------===//
#include "runtime/Memory.h"
#include "runtime/Threads.h"
#include <algorithm>
#include <sys/mman.h>

namespace tintype::rt {

void populate(const void *data, size_t bytes, Threads &threads) {
#ifdef MADV_POPULATE_WRITE // Linux 5.14; without it pages come at their first use
  constexpr uintptr_t kPage = 4096, kPiece = uintptr_t(8) << 20;
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) / kPage * kPage, end = reinterpret_cast<uintptr_t>(data) + bytes;
  uintptr_t first = begin / kPiece, pieces = bytes ? (end - 1) / kPiece - first + 1 : 0;
  threads.parallelFor(static_cast<int64_t>(pieces), [&](int64_t i) {
    uintptr_t from = std::max(begin, (first + i) * kPiece), to = std::min(end, (first + i + 1) * kPiece);
    madvise(reinterpret_cast<void *>(from), to - from, MADV_POPULATE_WRITE);
  });
#endif
}

} // namespace tintype::rt
