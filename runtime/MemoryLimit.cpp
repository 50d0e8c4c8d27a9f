//===- MemoryLimit.cpp - training within a given amount of memory ---------===//
#include "runtime/MemoryLimit.h"
#include "runtime/Error.h"
#include <cmath>
#include <iostream>
#include <link.h>
#include <malloc.h>

namespace tintype::rt {

// Of wide rows. 124M, 4 x 256, one to eight times as many: 1, 1.01, 1.04 and 1.11 of the time.
constexpr int64_t kMostChunks = 4;
constexpr double kScratch = 4 << 20; ///< of a thread, for temporaries of kernels
constexpr double kSlack = 1 << 15; ///< the heap is not the same to the byte each time
constexpr double kStep = 0.95; ///< of the memory that one more try asks for

double parseSize(const std::string &text) {
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  std::string unit = end ? end : "";
  size_t power = unit.empty() ? 0 : std::string("kmgt").find(char(std::tolower(unit[0]))) + 1;
  bool tail = unit.size() <= 1 || unit.substr(1) == "B" || unit.substr(1) == "iB";
  if (end == text.c_str() || !(value > 0) || power > 4 || !tail)
    fail("--memory-limit: expected a size such as 800M or 2G, but got ", text);
  return value * std::pow(1024, double(power));
}

static double heapBytes() {
  struct mallinfo2 heap = mallinfo2();
  return double(heap.uordblks + heap.hblkhd);
}

/// What a process has beside parameters and plan: code, the heap, temporaries of kernels.
static double besideBytes(const Threads &threads) {
  double code = 0;
  dl_iterate_phdr([](dl_phdr_info *info, size_t, void *sum) {
    for (int i = 0; i < info->dlpi_phnum; ++i)
      if (info->dlpi_phdr[i].p_type == PT_LOAD)
        *static_cast<double *>(sum) += double(info->dlpi_phdr[i].p_memsz);
    return 0;
  }, &code);
  return code + heapBytes() + kScratch * threads.count();
}

std::unique_ptr<Executor> planWithin(const Manifest &manifest, const std::string &role, const DimValues &dims,
                                     ParameterStore *store, Threads &threads, Layout layout, double limit, double fixed,
                                     double *need, std::string *peak) {
  double least = 0, whole = 0, passing = 0; // passing: of the heap, what does not stay
  std::unique_ptr<Executor> executor;
  auto fits = [&] {
    executor.reset();
    executor = std::make_unique<Executor>(manifest, role, dims, store, threads, layout);
    malloc_trim(0); // of the manifest, and of forms that did not fit
    whole = fixed + double(executor->arenaBytes() + executor->boundaryBytes()) + besideBytes(threads) - passing;
    if (limit <= 0 || whole <= limit)
      return true;
    if (least == 0 || whole < least) {
      least = whole;
      if (peak)
        *peak = executor->explainPeak();
    }
    return false;
  };
  for (layout.chunks = 1; layout.chunks <= kMostChunks; layout.chunks *= 2) {
    if (fits()) {
      if (layout.chunks > 1)
        std::cerr << "note: " << layout.chunks << " times as many chunks of rows to stay within the limit: "
                  << int64_t(whole / 1e6) << " MB\n";
      return executor;
    }
    if (executor->program().sections_size() == 0)
      break; // no rows to cut
  }
  layout.chunks = std::min(layout.chunks, kMostChunks);
  double before = heapBytes();
  auto repeats = std::make_unique<Repeats>(executor->sized());
  while (repeats->lower(kStep * repeats->need())) {
    passing += heapBytes() - before;
    layout.form = repeats->program();
    if (!fits()) {
      before = heapBytes();
      continue;
    }
    std::cerr << "note: computing values again to stay within the limit: " << int64_t(whole / 1e6) << " MB, "
              << int64_t(std::ceil(repeats->work() * 100)) << " % more work\n";
    repeats.reset();
    malloc_trim(0);
    return executor;
  }
  if (need)
    *need = least + kSlack;
  return nullptr;
}

} // namespace tintype::rt
