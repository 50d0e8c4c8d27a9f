//===- Target.cpp - which machine the kernels are for ---------------------===//
#include "codegen/halide/Target.h"
#include "Halide.h"
#include "llvm/ADT/StringSwitch.h"
#include <set>
#include <sys/syscall.h>
#include <unistd.h>

using llvm::StringRef;
using F = Halide::Target::Feature;
using Target = Halide::Target;

namespace tintype::codegen {

namespace {
/// One instruction set: what it brings along, and its flags in /proc/cpuinfo.
struct InstructionSet {
  F feature;
  std::vector<F> brings;
  std::vector<const char *> flags;
};
} // namespace

/// Later ones bring earlier ones only, so that one pass from the end completes.
static const std::vector<InstructionSet> &instructionSets() {
  static const std::vector<InstructionSet> sets = {
      {Target::SSE41, {}, {"sse4_1"}},
      {Target::AVX, {Target::SSE41}, {"avx"}},
      {Target::F16C, {Target::AVX}, {"f16c"}},
      {Target::FMA, {Target::AVX}, {"fma"}},
      {Target::AVX2, {Target::AVX, Target::FMA, Target::F16C}, {"avx2"}},
      {Target::AVXVNNI, {Target::AVX2}, {"avx_vnni"}},
      {Target::AVX512, {Target::AVX2}, {"avx512f", "avx512cd"}},
      {Target::AVX512_Skylake, {Target::AVX512}, {"avx512bw", "avx512dq", "avx512vl"}},
      {Target::AVX512_Cannonlake, {Target::AVX512_Skylake}, {"avx512ifma", "avx512vbmi"}},
      {Target::AVX512_Zen4,
       {Target::AVX512_Cannonlake},
       {"avx512_vnni", "avx512_bf16", "avx512_bitalg", "avx512_vbmi2", "avx512_vpopcntdq"}},
      {Target::AVX512_Zen5, {Target::AVX512_Zen4}, {"avx_vnni"}},
      {Target::AVX512_SapphireRapids, {Target::AVX512_Zen4}, {"avx_vnni"}},
  };
  return sets;
}

static constexpr StringRef tiles = "-amx";

std::string halideTarget(StringRef resolved) {
  resolved.consume_back(tiles);
  return resolved.str();
}
bool multipliesTiles(StringRef resolved) { return resolved.ends_with(tiles); }

/// Whether this machine has tiles of bf16 and its system lets a process use them (ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA).
static bool hostHasTiles() {
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

llvm::Expected<std::string> resolveTarget(StringRef name) {
  StringRef plain = name;
  bool hasTiles = plain.consume_back(tiles);
  std::string text = llvm::StringSwitch<std::string>(plain)
                         .Cases({"avx2", "x86-64-v3"}, "x86-64-linux-avx2")
                         .Cases({"avx512", "x86-64-v4"}, "x86-64-linux-avx512_skylake")
                         .Case("avx512-bf16", "x86-64-linux-avx512_zen4")
                         .Default(plain.str());
  if (hasTiles && plain == "avx512")
    text = "x86-64-linux-avx512_sapphirerapids";
  bool isHost = text == "host";
  if (!isHost && !Target::validate_target_string(text))
    return llvm::createStringError("expected a target, but got " + name +
                                   "\nhint: host, avx2, avx512, avx512-bf16, avx512-amx, or Halide's own such as x86-64-linux-avx2-fma");
  Target t = isHost ? Halide::get_host_target() : Target(text);
  if (t.os != Target::Linux || t.arch != Target::X86 || t.bits != 64)
    return llvm::createStringError("expected a target that is x86-64-linux, but got " + name +
                                   "\nhint: executables hold this compiler's runtime, which is for x86-64-linux");
  for (const InstructionSet &set : llvm::reverse(instructionSets()))
    if (t.has_feature(set.feature))
      for (F feature : set.brings)
        t.set_feature(feature);
  if (hasTiles && !t.has_feature(Target::AVX512_SapphireRapids))
    return llvm::createStringError("expected a target with avx512_sapphirerapids before -amx, but got " + name);
  if (isHost && t.has_feature(Target::AVX512_SapphireRapids)) {
    bool isAsked = hasTiles;
    hasTiles = hostHasTiles();
    if (isAsked && !hasTiles)
      return llvm::createStringError("expected a machine whose matrix tiles (AMX) the system allows for " + name + ", but this is none");
  }
  return t.to_string() + (hasTiles ? tiles.str() : "");
}

std::vector<std::string> cpuFeatures(StringRef resolved) {
  Target t(halideTarget(resolved));
  std::vector<std::string> flags;
  for (const InstructionSet &set : instructionSets())
    if (t.has_feature(set.feature))
      for (const char *flag : set.flags)
        if (!llvm::is_contained(flags, flag))
          flags.push_back(flag);
  if (multipliesTiles(resolved))
    flags.insert(flags.end(), {"amx_tile", "amx_bf16"});
  return flags;
}

bool hasBf16(StringRef resolved) {
  Target t(halideTarget(resolved));
  return t.has_feature(Target::AVX512_Zen4) || t.has_feature(Target::AVX512_SapphireRapids);
}
bool multipliesPairs(StringRef resolved) {
  return hasBf16(resolved) && !Target(halideTarget(resolved)).has_feature(Target::AVX512_SapphireRapids);
}
int vectorWidth(StringRef resolved) { return Target(halideTarget(resolved)).natural_vector_size<float>(); }

} // namespace tintype::codegen
