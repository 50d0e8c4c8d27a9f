//===- Math.cpp - scalar functions as vector code -------------------------===//
#include "codegen/halide/Math.h"
#include <initializer_list>

using namespace Halide;
namespace tintype::codegen {

/// c0 + x (c1 + x (..)).
static Expr horner(std::initializer_list<double> coefficients, Expr x) {
  Expr p;
  for (auto it = std::rbegin(coefficients); it != std::rend(coefficients); ++it)
    p = p.defined() ? p * x + float(*it) : Expr(float(*it));
  return p;
}
/// Nearest integer of |x| < 2^20 without a rounding instruction.
static Expr nearest(Expr x) { return cast<int>(x + 1048576.5f) - 1048576; }
/// Unsigned: the simplifier would move a constant through a signed shift and overflow.
static Expr scaleByPowerOfTwo(Expr x, Expr n) { return x * reinterpret<float>(cast<uint32_t>(n + 127) << 23); }
/// 2^f, |f| <= 0.5; coefficients: least-squares on Chebyshev points.
static Expr exp2Fraction(Expr f, Expr first = 1.0f) {
  return std::move(first) + f * horner({0.6931471824645996, 0.24022647738456726, 0.055503323674201965, 0.00961843691766262,
                                        0.0013398875016719103, 0.00015353360504377633},
                                       f);
}

Expr hiddenSelect(Expr c, Expr a, Expr b) { return select(cast<uint8_t>(std::move(c)) > cast<uint8_t>(0), std::move(a), std::move(b)); }

/// |x| < 2^22 as an integer in the low bits of a float, and as a float.
static std::pair<Expr, Expr> roundedBits(Expr x) {
  Expr bits = reinterpret<uint32_t>(std::move(x) + 12582912.0f); // 1.5 * 2^23
  return {bits, cast<float>(reinterpret<int>(bits) - 0x4b400000)};
}
/// x * 2^n, both of them and the result normal: `bits` has n in the low ones.
static Expr addToExponent(Expr x, Expr bits) { return reinterpret<float>(reinterpret<uint32_t>(std::move(x)) + (std::move(bits) << 23)); }

Expr vectorExp2(Expr x) {
  x = clamp(x, -126.0f, 127.0f);
  auto [bits, n] = roundedBits(x);
  return addToExponent(exp2Fraction(x - n), bits);
}

Expr vectorExp(Expr x) {
  x = clamp(x, -87.3f, 88.3f);
  auto [bits, n] = roundedBits(x * 1.44269502f);
  // The float is below log2(e) by 1.335e-8 of it; the first coefficient makes up for most of that.
  Expr p = exp2Fraction(x * 1.44269502f - n, x * 1.33454e-8f + 1.0f);
  return addToExponent(p, bits);
}

Expr vectorLog(Expr x) { return log(std::move(x)); }

Expr vectorTanh(Expr x) {
  x = clamp(x, -7.99881172180175781f, 7.99881172180175781f);
  Expr y = x * x;
  Expr p = horner({4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08, -8.60467152213735e-11,
                   2.00018790482477e-13, -2.76076847742355e-16},
                  y);
  Expr q = horner({4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06}, y);
  return x * p / q;
}

Expr vectorErf(Expr x) {
  x = clamp(x, -4.0f, 4.0f);
  Expr y = x * x;
  Expr p = horner({-1.60960333262415e-02, -2.95459980854025e-03, -7.34990630326855e-04, -5.69250639462346e-05, -2.10102402082508e-06,
                   2.77068142495902e-08, -2.72614225801306e-10},
                  y);
  Expr q = horner({-1.42647390514189e-02, -7.37332916720468e-03, -1.68282697438203e-03, -2.13374055278905e-04, -1.45660718464996e-05}, y);
  return x * p / q;
}

/// sin(x + quarter * pi / 2).
static Expr sine(Expr x, int quarter) {
  Expr k = round(x * 0.636619772f), n = cast<int>(clamp(k, -1e6f, 1e6f));
  // x - k pi / 2, pi / 2 in three parts of few bits so that the first products
  // are exact; strict, since any other order of the sums loses all bits.
  Expr f = strict_float(((x - k * 1.5703125f) - k * 4.837512969970703125e-4f) - k * 7.549789948768648e-8f);
  Expr y = f * f, q = n + quarter;
  Expr s = f + f * y * horner({-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4}, y);
  Expr c = 1.0f - 0.5f * y + y * y * horner({4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5}, y);
  Expr r = select((q & 1) == 0, s, c);
  return reinterpret<float>(reinterpret<uint32_t>(r) ^ (cast<uint32_t>(q & 2) << 30));
}
Expr vectorSin(Expr x) { return sine(std::move(x), 0); }
Expr vectorCos(Expr x) { return sine(std::move(x), 1); }

Expr vectorPow(Expr x, Expr y) {
  // log2 |x| as exponent plus a short remainder keeps the error of y log2 |x| small.
  // Unsigned, since Halide's signed integers do not wrap.
  Expr a = max(abs(x), 1.17549435e-38f), bits = reinterpret<uint32_t>(a);
  Expr e = cast<int>((bits + cast<uint32_t>(Expr(0x3f800000 - 0x3f3504f3))) >> 23) - 127;
  Expr m = reinterpret<float>(bits - (cast<uint32_t>(e) << 23)), fe = cast<float>(e);
  Expr l = vectorLog(m) * 1.44269504f;
  // y (e + l) = whole + fraction, each product kept apart.
  Expr whole = y * fe, n = nearest(clamp(whole, -1e4f, 1e4f));
  Expr t = clamp((whole - cast<float>(n)) + y * l, -300.0f, 300.0f), n2 = nearest(t);
  Expr sum = clamp(n + n2, -126, 127);
  Expr r = scaleByPowerOfTwo(exp2Fraction(t - cast<float>(n2)), sum);
  r = select(n + n2 < -126, 0.0f, r);
  Expr yi = cast<int>(y), odd = (yi & 1) != 0;
  r = select(x < 0.0f && odd, -r, r);
  return select(y == 0.0f, 1.0f, x == 0.0f, select(y > 0.0f, 0.0f, 3.0e38f), r);
}

Expr vectorExpm1(Expr x) {
  Expr small = x + x * x * horner({0.5, 0.16666667, 0.041666667, 0.0083333333, 0.0013888889, 0.00019841270}, x);
  return select(abs(x) < 0.5f, small, vectorExp(x) - 1.0f);
}
Expr vectorLog1p(Expr x) {
  // 2 atanh(x / (x + 2))
  Expr s = x / (x + 2.0f), y = s * s;
  Expr small = 2.0f * s + 2.0f * s * y * horner({0.33333333, 0.2, 0.14285714, 0.11111111, 0.09090909}, y);
  return select(abs(x) < 0.4f, small, vectorLog(1.0f + x));
}

std::pair<Expr, Expr> philox(Expr key, Expr c0, Expr c1) {
  Expr factor = cast<uint32_t>(Expr(0xD256D193u));
  for (int round = 0; round < 10; ++round) {
    // The two halves apart: the upper one alone is a multiply-high of 32-bit lanes.
    Expr hi = cast<uint32_t>((cast<uint64_t>(c0) * cast<uint64_t>(factor)) >> 32), lo = c0 * factor;
    c0 = hi ^ key ^ c1;
    c1 = lo;
    key = key + cast<uint32_t>(Expr(0x9E3779B9u));
  }
  return {c0, c1};
}
} // namespace tintype::codegen
