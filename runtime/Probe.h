//===- Probe.h - what this machine can do, measured -------------*- C++ -*-===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Threads.h"

namespace tintype::rt {

/// Best GFLOP/s of f32 fused multiply-adds on all threads in about `seconds`.
/// The vector width is the widest of the machine that the kernels may use too.
double probeFlops(Threads &threads, const Manifest &manifest, double seconds);

/// Best GB/s of reading memory far larger than the caches.
double probeRead(Threads &threads, double seconds);

} // namespace tintype::rt
