//===- Probe.h - what this machine can do, measured -------------*- C++ -*-===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Threads.h"

namespace tintype::rt {

/// GFLOP/s of what products run on: fused multiply-adds, or what is faster of it, matrix tiles of f32 in three parts, in
/// bf16 dot products and matrix tiles.
struct PeakFlops {
  double all = 0;   ///< all threads together, by the wall clock
  double core = 0;  ///< one thread, by its CPU time
  double fma = 0;   ///< all threads together with fused multiply-adds of f32
  double dots = 0;  ///< the same with dot products of bf16; 0 when they were not asked for or there are none
  double tiles = 0; ///< the same with matrix tiles
};

/// Raises `best` to the best seen in about `seconds`. The vector width is the
/// widest of the machine that the kernels may use too; matrix tiles, and with `bf16` dot
/// products, count where kernels and machine have them.
void probeFlops(Threads &threads, const Manifest &manifest, double seconds, PeakFlops &best, bool bf16 = false);

/// Best GB/s of all threads together, by their CPU time, of reading memory far larger than the caches.
double probeRead(Threads &threads, double seconds);

/// Best GB/s of copying memory far larger than the caches, the bytes read and the
/// bytes written added up. The better of a plain loop and memcpy.
double probeCopy(Threads &threads, double seconds);

} // namespace tintype::rt
