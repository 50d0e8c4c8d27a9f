//===- Profile.cpp --------------------------------------------------------===//
#include "runtime/Profile.h"
#include <algorithm>
#include <cstdio>

namespace tintype::rt {

double roofShare(const Roof &roof, double flops, double bytes, double seconds) {
  double least = std::max(roof.gflops > 0 ? flops / roof.gflops : 0, roof.gbs > 0 ? bytes / roof.gbs : 0) * 1e-9;
  return seconds > 0 ? least / seconds : 0;
}

static KernelProfile &operator+=(KernelProfile &sum, const KernelProfile &k) {
  sum.calls += k.calls;
  sum.blocks += k.blocks;
  sum.seconds += k.seconds;
  sum.cpuSeconds += k.cpuSeconds;
  sum.flops += k.flops;
  sum.bytes += k.bytes;
  return sum;
}

/// The rows summed by kind, slowest first; `name` counts the kernels.
static std::vector<KernelProfile> byKind(const std::vector<KernelProfile> &rows) {
  std::vector<KernelProfile> kinds;
  for (const KernelProfile &k : rows) {
    auto at = std::find_if(kinds.begin(), kinds.end(), [&](const KernelProfile &o) { return o.kind == k.kind; });
    if (at == kinds.end()) {
      kinds.push_back({"0", k.kind, ""});
      at = kinds.end() - 1;
    }
    *at += k;
    at->name = std::to_string(std::stoi(at->name) + 1);
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const KernelProfile &a, const KernelProfile &b) { return a.cpuSeconds > b.cpuSeconds; });
  return kinds;
}

static nlohmann::ordered_json numbersOf(const KernelProfile &k, double steps, double allSeconds, const Roof &roof) {
  nlohmann::ordered_json o;
  o["calls"] = double(k.calls) / steps;
  o["blocks"] = double(k.blocks) / steps;
  o["wall_seconds"] = k.seconds / steps;
  o["cpu_seconds"] = k.cpuSeconds / steps;
  o["share"] = allSeconds > 0 ? k.cpuSeconds / allSeconds : 0;
  o["flops"] = k.flops / steps;
  o["bytes"] = k.bytes / steps;
  o["gflops"] = k.cpuSeconds > 0 ? k.flops / k.cpuSeconds * 1e-9 : 0;
  o["gbs"] = k.cpuSeconds > 0 ? k.bytes / k.cpuSeconds * 1e-9 : 0;
  o["bound"] = k.flops * roof.gbs > k.bytes * roof.gflops ? "compute" : "memory";
  o["roof"] = roofShare(roof, k.flops, k.bytes, k.cpuSeconds);
  return o;
}

void addProfile(nlohmann::ordered_json &out, const std::vector<KernelProfile> &rows, double steps, const Roof &roof) {
  double all = 0;
  for (const KernelProfile &k : rows)
    all += k.cpuSeconds;
  out["core_gflops"] = roof.gflops;
  out["core_read_gbs"] = roof.gbs;
  out["profile"] = nlohmann::ordered_json::array();
  for (const KernelProfile &k : rows) {
    nlohmann::ordered_json o = {{"kernel", k.name}, {"kind", k.kind}, {"label", k.label}};
    o.update(numbersOf(k, steps, all, roof));
    out["profile"].push_back(o);
  }
  out["profile_by_kind"] = nlohmann::ordered_json::array();
  for (const KernelProfile &k : byKind(rows)) {
    nlohmann::ordered_json o = {{"kind", k.kind}, {"kernels", std::stoi(k.name)}};
    o.update(numbersOf(k, steps, all, roof));
    out["profile_by_kind"].push_back(o);
  }
}

static void printRow(const KernelProfile &k, double steps, double allSeconds, const Roof &roof, const std::string &what) {
  double gflops = k.flops / k.cpuSeconds * 1e-9;
  fprintf(stderr, "%7.0f %8.0f %9.3f %9.3f %6.1f %8.1f %4.0f%% %6.1f %4.0f%%  %-12s %s\n", double(k.calls) / steps,
          double(k.blocks) / steps, k.seconds / steps * 1e3, k.cpuSeconds / steps * 1e3, k.cpuSeconds / allSeconds * 100, gflops,
          gflops / roof.gflops * 100, k.bytes / k.cpuSeconds * 1e-9, roofShare(roof, k.flops, k.bytes, k.cpuSeconds) * 100, k.kind.c_str(),
          what.c_str());
}

void printProfile(const std::vector<KernelProfile> &rows, double steps, const Roof &roof) {
  KernelProfile all;
  for (const KernelProfile &k : rows)
    all += k;
  fprintf(stderr, "%7s %8s %9s %9s %6s %8s %5s %6s %5s  %-12s kernel\n", "calls", "blocks", "wall ms", "cpu ms", "% cpu", "GFLOP/s", "peak",
          "GB/s", "roof", "kind");
  for (const KernelProfile &k : rows)
    printRow(k, steps, all.cpuSeconds, roof, k.name + "  " + k.label);
  for (const KernelProfile &k : byKind(rows))
    printRow(k, steps, all.cpuSeconds, roof, k.name + (k.name == "1" ? " kernel" : " kernels"));
  double gflops = all.flops / all.cpuSeconds * 1e-9;
  fprintf(stderr, "%7s %8s %9.3f %9.3f %6s %8.1f %4.0f%%  per core by CPU time; the roof is %.0f GFLOP/s or %.1f GB/s a core\n", "all", "",
          all.seconds / steps * 1e3, all.cpuSeconds / steps * 1e3, "", gflops, gflops / roof.gflops * 100, roof.gflops, roof.gbs);
}

} // namespace tintype::rt
