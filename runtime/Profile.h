//===- Profile.h - kernels against the roof ---------------------*- C++ -*-===//
//
// A kernel that does F operations on at least D bytes takes no less time than
//
//   max(F / operations per second, D / bytes per second)
//
// on one core, both rates as probed in the same run. The share of that time in
// the CPU time it took is its `roof`: 1 is the machine's best. It may be more
// where the bytes come from a cache.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Program.h"
#include <nlohmann/json.hpp>

namespace tintype::rt {

/// What one core can do: GFLOP/s, and GB/s while the others read too.
struct Roof {
  double gflops = 0, gbs = 0;
};

/// Share of the roof of `flops` on `bytes` in `seconds` of one core.
double roofShare(const Roof &roof, double flops, double bytes, double seconds);

/// `profile`: one entry for each kernel, slowest first, numbers of one step;
/// `profile_by_kind`: the same summed; `core_gflops`, `core_read_gbs`: the roof.
void addProfile(nlohmann::ordered_json &out, const std::vector<KernelProfile> &rows, double steps, const Roof &roof);

/// The same as a table on standard error. Rates are per core by CPU time, which
/// holds on a busy machine too.
void printProfile(const std::vector<KernelProfile> &rows, double steps, const Roof &roof);

} // namespace tintype::rt
