//===- Convert.h - 16-bit floats to and from f32 ----------------*- C++ -*-===//
#pragma once
#include <cstdint>
#include <cstring>

namespace tintype::rt {

inline float bitsToFloat(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline uint32_t floatToBits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

inline float bf16ToFloat(uint16_t v) { return bitsToFloat(uint32_t(v) << 16); }

/// Rounds to nearest, ties to even; NaN stays NaN.
inline uint16_t floatToBf16(float f) {
  uint32_t b = floatToBits(f);
  if ((b & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(b >> 16 | 0x40);
  return static_cast<uint16_t>((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

inline float f16ToFloat(uint16_t v) {
  uint32_t sign = uint32_t(v & 0x8000) << 16, exponent = v >> 10 & 31, mantissa = v & 1023;
  if (exponent == 31)
    return bitsToFloat(sign | 0x7f800000 | mantissa << 13);
  if (exponent != 0)
    return bitsToFloat(sign | (exponent + 112) << 23 | mantissa << 13);
  float tiny = static_cast<float>(mantissa) * 0x1p-24f; // subnormal or zero
  return sign ? -tiny : tiny;
}

} // namespace tintype::rt
