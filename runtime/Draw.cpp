//===- Draw.cpp -----------------------------------------------------------===//
//
// Blocks of 16 numbers from 8 words of 64 bits: word i gives numbers i and i + 8;
// two blocks at a time. All in vector types of the compiler, which it cuts to
// the registers of each target; without contraction to fused multiply-adds
// every machine gives the same bits. A normal number costs half a nanosecond to two; by
// log, sin and cos of libm the weights of a model of 124M took longer to draw
// than all else before the first step.
//
//===----------------------------------------------------------------------===//
#include "runtime/Draw.h"
#include <cstring>

#pragma clang fp contract(off)

/// The widest form that the machine has.
#define TARGETS __attribute__((target_clones("avx512dq", "avx2", "default")))

namespace tintype::rt {
namespace {

constexpr int kHalf = kDrawBlock / 2, kLanes = 2 * kHalf;
typedef float F __attribute__((vector_size(4 * kLanes)));
typedef int32_t I __attribute__((vector_size(4 * kLanes)));
typedef uint32_t U __attribute__((vector_size(4 * kLanes)));
typedef uint64_t W __attribute__((vector_size(8 * kLanes)));

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
template <typename T> T mix(T x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

template <typename To, typename From> To bitsOf(From x) {
  To y;
  static_assert(sizeof(x) == sizeof(y));
  std::memcpy(&y, &x, sizeof(y));
  return y;
}

/// In (0, 1), from the upper 23 bits: never 0, so that its logarithm is finite.
F unit(U bits) { return (__builtin_convertvector(bitsOf<I>(bits >> 9), F) + 0.5f) * 0x1p-23f; }

/// Natural logarithm of a normal number above 0: exponent and 2 atanh of the rest.
F logarithm(F x) {
  U bits = bitsOf<U>(x);
  U shifted = (bits + (0x3f800000 - 0x3f3504f3)) >> 23; // the rest lies in [sqrt(1/2), sqrt(2))
  F e = __builtin_convertvector(bitsOf<I>(shifted) - 127, F);
  F m = bitsOf<F>(bits - ((shifted - 127) << 23));
  F s = (m - 1.0f) / (m + 1.0f), y = s * s;
  F p = 2.0f + y * (0.66666667f + y * (0.4f + y * (0.28571429f + y * 0.22222222f)));
  return e * 0.69314718f + s * p;
}

/// Cosine and sine of 2 pi v for v in [0, 1), by quarters of the circle.
void circle(F v, F &cosine, F &sine) {
  I quarter = __builtin_convertvector(v * 4.0f + 0.5f, I);
  F a = (v * 4.0f - __builtin_convertvector(quarter, F)) * 1.57079633f, y = a * a;
  F s = a * (1.0f + y * (-0.16666667f + y * (8.3333333e-3f + y * (-1.9841270e-4f + y * 2.7557319e-6f))));
  F c = 1.0f + y * (-0.5f + y * (4.1666667e-2f + y * (-1.3888889e-3f + y * 2.4801587e-5f)));
  U q = bitsOf<U>(quarter), isOdd = U{} - (q & 1);
  U cosBits = (bitsOf<U>(c) & ~isOdd) | (bitsOf<U>(s) & isOdd), sinBits = (bitsOf<U>(s) & ~isOdd) | (bitsOf<U>(c) & isOdd);
  cosine = bitsOf<F>(cosBits ^ (((q + 1) & 2) << 30)); // minus in quarters 1 and 2
  sine = bitsOf<F>(sinBits ^ ((q & 2) << 30));         // and in 2 and 3
}

/// The first and second halves of two blocks, uniform in (0, 1).
void uniform(uint64_t stream, int64_t block, F &u, F &v) {
  W w;
  for (int i = 0; i < kLanes; ++i)
    w[i] = stream + static_cast<uint64_t>(block * kHalf + i);
  w = mix(w);
  u = unit(__builtin_convertvector(w >> 32, U));
  v = unit(__builtin_convertvector(w, U));
}

/// Two independent vectors (Box and Muller, 1958).
void normal(uint64_t stream, int64_t block, F &a, F &b) {
  F u, v, cosine, sine;
  uniform(stream, block, u, v);
  F radius = __builtin_elementwise_sqrt(-2.0f * logarithm(u));
  circle(v, cosine, sine);
  a = radius * cosine;
  b = radius * sine;
}

template <typename Draw> inline void fill(float *out, int64_t first, int64_t count, uint64_t stream, float mean, float scale, Draw draw) {
  for (int64_t at = 0; at < count; at += 2 * kDrawBlock) {
    F a, b;
    draw(stream, (first + at) / kDrawBlock, a, b);
    a = mean + scale * a;
    b = mean + scale * b;
    const F two[2] = {__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
                      __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)};
    if (count - at >= 2 * kDrawBlock)
      std::memcpy(out + at, two, sizeof(two));
    else
      std::memcpy(out + at, two, (count - at) * sizeof(float));
  }
}

} // namespace

uint64_t drawStream(uint64_t seed, const std::string &name) {
  uint64_t h = 0xcbf29ce484222325u; // FNV-1a
  for (unsigned char c : name)
    h = (h ^ c) * 0x100000001b3u;
  return mix(seed ^ mix(h));
}

TARGETS void drawUniform(float *out, int64_t first, int64_t count, uint64_t stream, float mean, float scale) {
  fill(out, first, count, stream, mean, scale, uniform);
}
TARGETS void drawNormal(float *out, int64_t first, int64_t count, uint64_t stream, float mean, float scale) {
  fill(out, first, count, stream, mean, scale, normal);
}

} // namespace tintype::rt
