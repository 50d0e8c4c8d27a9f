//===- Probe.cpp ----------------------------------------------------------===//
//
// 24 independent chains hide the latency of a fused multiply-add on every
// machine with up to six in flight per unit, and fit 32 registers.
//
//===----------------------------------------------------------------------===//
#include "runtime/Probe.h"
#include "runtime/Clock.h"
#include "runtime/Memory.h"
#include "runtime/Tiles.h"
#include <algorithm>
#include <cstring>
#include <ctime>
#include <immintrin.h>
#include <numeric>

namespace tintype::rt {
namespace {

constexpr int64_t kRounds = 100000;

typedef float V16 __attribute__((vector_size(64)));
typedef float V8 __attribute__((vector_size(32)));
typedef float V4 __attribute__((vector_size(16)));

// One function per instruction set. The empty statement holds an accumulator in
// a register, so that every round happens as written.
#define TINTYPE_CHAINS(NAME, ISA, V, COUNT, CONSTRAINT)                                                                                    \
  __attribute__((target(ISA), noinline)) float NAME(int64_t rounds) {                                                                      \
    V acc[COUNT], a = V{} + 0.999f, b = V{} + 1e-3f;                                                                                       \
    for (int c = 0; c < COUNT; ++c)                                                                                                        \
      acc[c] = V{} + static_cast<float>(c);                                                                                                \
    for (int64_t i = 0; i < rounds; ++i)                                                                                                   \
      _Pragma("clang loop unroll(full)") for (int c = 0; c < COUNT; ++c) {                                                                 \
        acc[c] = acc[c] * a + b;                                                                                                           \
        asm("" : CONSTRAINT(acc[c]));                                                                                                      \
      }                                                                                                                                    \
    V sum = acc[0];                                                                                                                        \
    for (int c = 1; c < COUNT; ++c)                                                                                                        \
      sum += acc[c];                                                                                                                       \
    return sum[0];                                                                                                                         \
  }
TINTYPE_CHAINS(chains512, "avx512f,fma", V16, 24, "+v")
TINTYPE_CHAINS(chains256, "avx2,fma", V8, 12, "+x")
TINTYPE_CHAINS(chains128, "sse2", V4, 12, "+x")

/// The same with dot products of bf16 pairs.
__attribute__((target("avx512f,avx512bf16"), noinline)) float chainsDot(int64_t rounds) {
  __m512 acc[24];
  __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f7f0000), b = (__m512bh)_mm512_set1_epi32(0x3f800000);
  for (int c = 0; c < 24; ++c)
    acc[c] = _mm512_set1_ps(static_cast<float>(c));
  for (int64_t i = 0; i < rounds; ++i)
    _Pragma("clang loop unroll(full)") for (int c = 0; c < 24; ++c) {
      acc[c] = _mm512_dpbf16_ps(acc[c], a, b);
      asm("" : "+v"(acc[c]));
    }
  for (int c = 1; c < 24; ++c)
    acc[0] = _mm512_add_ps(acc[0], acc[c]);
  return _mm512_cvtss_f32(acc[0]);
}

/// Products on matrix tiles, one step of two by two of them again and again; of f32 in parts six products a step.
constexpr int64_t kRoundsPerStep = 4, kProductsOfParts = 6;
float chainsTile(int64_t steps, int32_t part) {
  alignas(64) static thread_local char a[3 * 2048], b[3 * 2048];
  alignas(64) float c[1024];
  tintype_tile_product(reinterpret_cast<char *>(c), 0, a, 0, b, 0, 32, 32, static_cast<int32_t>(steps), 128, 64, 0, 128, 0, 64, part, part,
                       0);
  return c[0];
}
float chainsTileRounded(int64_t rounds) { return chainsTile(rounds / kRoundsPerStep, 0); }
float chainsTileParts(int64_t rounds) { return chainsTile(rounds / kRoundsPerStep / kProductsOfParts, 2048); }

double cpuSeconds() {
  struct timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

bool hasFeature(const Manifest &m, const char *name) {
  return std::find(m.features().begin(), m.features().end(), name) != m.features().end();
}

} // namespace

void probeFlops(Threads &threads, const Manifest &m, double seconds, PeakFlops &best, bool bf16) {
  __builtin_cpu_init();
  bool wide = __builtin_cpu_supports("avx512f") && (hasFeature(m, "avx512f") || m.features().empty());
  bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool tile = hasFeature(m, "amx_bf16") && hasTiles();
  bool dot = bf16 && hasFeature(m, "avx512_bf16") && __builtin_cpu_supports("avx512bf16");
  struct Chains {
    float (*run)(int64_t);
    double flops;            ///< of a round
    double PeakFlops::*seen; ///< where its rate goes besides the best
  };
  std::vector<Chains> kinds{wide  ? Chains{chains512, 24 * 16 * 2, &PeakFlops::fma}
                            : fma ? Chains{chains256, 12 * 8 * 2, &PeakFlops::fma}
                                  : Chains{chains128, 12 * 4 * 2, &PeakFlops::fma}};
  if (dot)
    kinds.push_back({chainsDot, 24 * 16 * 4, &PeakFlops::dots});
  if (tile)
    kinds.push_back({bf16 ? chainsTileRounded : chainsTileParts,
                     2.0 * 32 * 32 * 32 / static_cast<double>(kRoundsPerStep * (bf16 ? 1 : kProductsOfParts)), &PeakFlops::tiles});
  std::vector<double> core(threads.count());
  std::atomic<float> sink{0};
  for (Clock::time_point start = Clock::now(); since(start) < seconds;)
    for (const Chains &kind : kinds) {
      double work = kind.flops * static_cast<double>(kRounds) * 1e-9;
      Clock::time_point t = Clock::now();
      threads.parallelFor(threads.count(), [&](int64_t i) {
        double begin = cpuSeconds();
        sink.store(kind.run(kRounds));
        core[i] = work / (cpuSeconds() - begin);
      });
      double all = work * threads.count() / since(t);
      best.all = std::max(best.all, all);
      best.*kind.seen = std::max(best.*kind.seen, all);
      best.core = std::max(best.core, *std::max_element(core.begin(), core.end()));
    }
}

double probeRead(Threads &threads, double seconds) {
  constexpr size_t bytes = size_t(512) << 20, kPiece = size_t(4) << 20;
  Memory memory(bytes, "the bandwidth probe");
  std::fill(memory.as<uint64_t>(), memory.as<uint64_t>() + bytes / 8, 1);
  std::vector<double> spent(bytes / kPiece);
  std::atomic<uint64_t> sink{0};
  double best = 0;
  Clock::time_point start = Clock::now();
  do {
    threads.parallelFor(static_cast<int64_t>(spent.size()), [&](int64_t i) {
      double begin = cpuSeconds();
      const auto *p = reinterpret_cast<const uint64_t *>(memory.data() + i * kPiece);
      uint64_t sums[16] = {};
      for (size_t k = 0; k < kPiece / 8; k += 16)
        for (int s = 0; s < 16; ++s)
          sums[s] += p[k + s];
      sink.fetch_add(std::accumulate(sums, sums + 16, uint64_t(0)), std::memory_order_relaxed);
      spent[i] = cpuSeconds() - begin;
    });
    best = std::max(best, static_cast<double>(bytes) * threads.count() / std::accumulate(spent.begin(), spent.end(), 0.0));
  } while (since(start) < seconds);
  return best * 1e-9;
}

double probeCopy(Threads &threads, double seconds) {
  constexpr size_t kBytes = size_t(256) << 20, kPiece = size_t(1) << 20;
  Memory from(kBytes, "the bandwidth probe"), to(kBytes, "the bandwidth probe");
  for (Memory *m : {&from, &to})
    std::fill(m->as<uint64_t>(), m->as<uint64_t>() + kBytes / 8, 1);
  double best = 0;
  bool plain = true;
  for (Clock::time_point start = Clock::now(); since(start) < seconds; plain = !plain) {
    Clock::time_point t = Clock::now();
    threads.parallelFor(static_cast<int64_t>(kBytes / kPiece), [&](int64_t i) {
      if (plain) {
        const auto *p = reinterpret_cast<const V4 *>(from.data() + i * kPiece);
        auto *q = reinterpret_cast<V4 *>(to.data() + i * kPiece);
        for (size_t k = 0; k < kPiece / sizeof(V4); k += 4) {
          V4 a = p[k], b = p[k + 1], c = p[k + 2], d = p[k + 3];
          asm("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d)); // or it becomes a call of memcpy
          q[k] = a;
          q[k + 1] = b;
          q[k + 2] = c;
          q[k + 3] = d;
        }
      } else {
        std::memcpy(to.data() + i * kPiece, from.data() + i * kPiece, kPiece);
      }
    });
    best = std::max(best, 2 * static_cast<double>(kBytes) / since(t));
  }
  return best * 1e-9;
}

} // namespace tintype::rt
