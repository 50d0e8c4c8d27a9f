//===- MemoryLimit.cpp - training within a given amount of memory ---------===//
#include "runtime/MemoryLimit.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <link.h>
#include <malloc.h>

namespace tintype::rt {

// Of wide rows. 124M, 4 x 256, one to eight times as many: 1, 1.01, 1.04 and 1.11 of the time.
constexpr int64_t kMostChunks = 4;
constexpr double kLittleWork = 0.08; ///< of a step: no dearer than twice as many chunks
constexpr double kScratch = 4 << 20; ///< of a thread, for temporaries of kernels
constexpr double kSlack = 1 << 15;   ///< the heap is not the same to the byte each time
constexpr double kStep = 0.95;       ///< of the memory that one more try asks for

double parseSize(const std::string &text) {
  size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  char *end = nullptr;
  double value = std::strtod(text.substr(0, digits).c_str(), &end);
  std::string unit = end && !*end ? text.substr(digits) : "?";
  if (unit == "B")
    unit.clear();
  size_t power = unit.empty() ? 0 : std::min<size_t>(std::string("kmgt").find(char(std::tolower(unit[0]))), 4) + 1;
  bool tail = unit.size() <= 1 || unit.substr(1) == "B" || unit.substr(1) == "iB";
  if (!(value > 0 && value < 1e15) || power > 4 || !tail)
    fail("--memory-limit: expected a size such as 800M or 2G, but got ", text.empty() ? "nothing" : text);
  return value * std::pow(1024, double(power));
}

static double heapBytes() {
  struct mallinfo2 heap = mallinfo2();
  return double(heap.uordblks + heap.hblkhd);
}

/// What a process has beside parameters and plan: code, the heap, temporaries of kernels.
static double besideBytes(const Threads &threads) {
  double code = 0;
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *sum) {
        for (int i = 0; i < info->dlpi_phnum; ++i)
          if (info->dlpi_phdr[i].p_type == PT_LOAD)
            *static_cast<double *>(sum) += double(info->dlpi_phdr[i].p_memsz);
        return 0;
      },
      &code);
  return code + heapBytes() + kScratch * threads.count();
}

namespace {
class Planner {
public:
  Planner(std::function<std::unique_ptr<Executor>(const Layout &)> plan, Threads &threads, Layout layout, double limit, double fixed)
      : plan(std::move(plan)), threads(threads), layout(std::move(layout)), limit(limit), fixed(fixed) {}

  /// The first form within the limit, of more and more chunks and values made again, and a note of what it does.
  std::unique_ptr<Executor> find() {
    for (double most : {kLittleWork, double(INFINITY)})
      for (layout.chunks = 1; layout.chunks <= kMostChunks; layout.chunks *= 2) {
        layout.form = nullptr;
        if (fits()) {
          if (layout.chunks > 1)
            std::cerr << "note: " << layout.chunks << " times as many chunks of rows to stay within the limit: " << int64_t(whole / 1e6)
                      << " MB\n";
          return std::move(executor);
        }
        if (fitsAgain(most))
          return std::move(executor);
        if (executor->program().sections_size() == 0)
          break; // no rows to cut
      }
    return nullptr;
  }

  double least = INFINITY; ///< bytes of the smallest form
  std::string peak;        ///< what fills it

private:
  bool fits() {
    executor.reset();
    executor = plan(layout);
    malloc_trim(0); // of the manifest, and of forms that did not fit
    whole = fixed + double(executor->arenaBytes() + executor->boundaryBytes()) + besideBytes(threads) - passing;
    if (limit <= 0 || whole <= limit)
      return true;
    if (whole < least) {
      least = whole;
      peak = executor->explainPeak();
    }
    return false;
  }

  /// With values made again, as long as that is no more than `most` of the step's work.
  bool fitsAgain(double most) {
    double before = heapBytes();
    auto repeats = std::make_unique<Repeats>(executor->sized());
    bool isFound = false;
    while (!isFound && repeats->lower(kStep * repeats->need()) && repeats->work() <= most) {
      passing = heapBytes() - before;
      layout.form = repeats->program();
      isFound = fits();
      if (!isFound)
        before = heapBytes() - passing;
    }
    if (isFound)
      std::cerr << "note: computing values again to stay within the limit: " << int64_t(whole / 1e6) << " MB, "
                << int64_t(std::ceil(repeats->work() * 100)) << " % more work\n";
    repeats.reset();
    passing = 0;
    malloc_trim(0);
    return isFound;
  }

  std::function<std::unique_ptr<Executor>(const Layout &)> plan;
  Threads &threads;
  Layout layout;
  double limit, fixed, whole = 0;
  double passing = 0; ///< of the heap, what does not stay
  std::unique_ptr<Executor> executor;
};
} // namespace

std::unique_ptr<Executor> planWithin(const Manifest &manifest, const std::string &role, const DimValues &dims, ParameterStore *store,
                                     Threads &threads, Layout layout, double limit, double fixed, double *need, std::string *peak) {
  Planner planner([&](const Layout &l) { return std::make_unique<Executor>(manifest, role, dims, store, threads, l); }, threads,
                  std::move(layout), limit, fixed);
  std::unique_ptr<Executor> executor = planner.find();
  if (!executor && need)
    *need = planner.least + kSlack;
  if (!executor && peak)
    *peak = planner.peak;
  return executor;
}

} // namespace tintype::rt
