//===- Cpu.h - what this machine has and what a binary needs ----*- C++ -*-===//
#pragma once
#include "runtime/Manifest.h"
#include <set>

namespace tintype::rt {

/// Flags of this machine's processor, as in /proc/cpuinfo; empty if it cannot
/// be read.
const std::set<std::string> &machineFeatures();

/// CPU features in `manifest` that this machine lacks.
std::vector<std::string> missingFeatures(const Manifest &manifest);

/// The vector instructions that a set of features amounts to: "AVX-512 with
/// BF16", "AVX-512", "AVX2", "AVX" or "SSE".
std::string instructionSet(const std::set<std::string> &features);
/// What the kernels were compiled for.
std::string instructionSet(const Manifest &manifest);
/// What this machine has beyond that, in the same words; empty if nothing.
std::string betterInstructionSet(const Manifest &manifest);

} // namespace tintype::rt
