//===- Cpu.cpp ------------------------------------------------------------===//
#include "runtime/Cpu.h"
#include "runtime/Tiles.h"
#include <fstream>
#include <sstream>

namespace tintype::rt {

const std::set<std::string> &machineFeatures() {
  static const std::set<std::string> have = [] {
    std::set<std::string> flags;
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
      if (line.rfind("flags", 0) == 0) {
        std::istringstream words(line.substr(line.find(':') + 1));
        for (std::string word; words >> word;)
          flags.insert(word);
        break;
      }
    return flags;
  }();
  return have;
}

std::vector<std::string> missingFeatures(const Manifest &m) {
  const std::set<std::string> &have = machineFeatures();
  std::vector<std::string> missing;
  for (const std::string &f : m.features())
    if (!have.empty() && (!have.count(f) || (f.rfind("amx", 0) == 0 && !hasTiles())))
      missing.push_back(f);
  return missing;
}

/// In rising order; each needs all its flags.
static const struct {
  const char *name;
  std::vector<const char *> flags;
} kSets[] = {{"SSE", {}},
             {"AVX", {"avx"}},
             {"AVX2", {"avx2", "fma", "f16c"}},
             {"AVX-512", {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}},
             {"AVX-512 with BF16", {"avx512f", "avx512bw", "avx512vl", "avx512_bf16"}},
             {"AVX-512 with BF16 and AMX", {"avx512f", "avx512bw", "avx512vl", "avx512_bf16", "amx_tile", "amx_bf16"}}};

static size_t levelOf(const std::set<std::string> &features) {
  size_t level = 0;
  for (size_t i = 1; i < std::size(kSets); ++i) {
    bool all = true;
    for (const char *flag : kSets[i].flags)
      all &= features.count(flag) > 0;
    if (all)
      level = i;
  }
  return level;
}

static std::set<std::string> featuresOf(const Manifest &m) { return {m.features().begin(), m.features().end()}; }

std::string instructionSet(const std::set<std::string> &features) { return kSets[levelOf(features)].name; }
std::string instructionSet(const Manifest &m) { return instructionSet(featuresOf(m)); }

std::string betterInstructionSet(const Manifest &m) {
  size_t machine = levelOf(machineFeatures());
  return machine > levelOf(featuresOf(m)) ? kSets[machine].name : "";
}

} // namespace tintype::rt
