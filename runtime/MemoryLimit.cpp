//===- MemoryLimit.cpp - training within a given amount of memory ---------===//
#include "runtime/MemoryLimit.h"
#include "runtime/Error.h"
#include <cmath>
#include <iostream>

namespace tintype::rt {

// Of wide rows. 124M, 4 x 256, one to eight times as many: 1, 1.01, 1.04 and 1.11 of the time; the last gained no memory.
constexpr int64_t kMostChunks = 4;

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

std::unique_ptr<Executor> planWithin(const Manifest &manifest, const std::string &role, const DimValues &dims,
                                     ParameterStore *store, Threads &threads, Layout layout, double limit, double fixed,
                                     double *need, std::string *peak) {
  double least = 0;
  for (const std::string &form : {role, role + "_recompute"})
    for (layout.chunks = 1; layout.chunks <= kMostChunks; layout.chunks *= 2) {
      const Program *program = findProgram(manifest, form);
      if (form != role && !program)
        break;
      auto executor = std::make_unique<Executor>(manifest, form, dims, store, threads, layout);
      double total = fixed + double(executor->arenaBytes());
      if (limit > 0 && total > limit) {
        if (least == 0 || total < least) {
          least = total;
          if (peak)
            *peak = executor->explainPeak();
        }
        if (executor->program().sections_size() == 0)
          break; // no rows to cut
        continue;
      }
      if (form != role)
        std::cerr << "note: computing values again to stay within the limit: " << int64_t(total / 1e6) << " MB\n";
      else if (layout.chunks > 1)
        std::cerr << "note: " << layout.chunks << " times as many chunks of rows to stay within the limit: "
                  << int64_t(total / 1e6) << " MB\n";
      return executor;
    }
  if (need)
    *need = least;
  return nullptr;
}

} // namespace tintype::rt
