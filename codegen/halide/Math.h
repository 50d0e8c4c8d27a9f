//===- Math.h - scalar functions as vector code -----------------*- C++ -*-===//
// f32 functions out of Halide arithmetic, so that they vectorise; Halide's own
// sin, cos, tanh and pow are one libm call a lane. The bounds are those that
// test/codegen/math.test measures. Nothing here relies on infinities or NaN.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_CODEGEN_HALIDE_MATH_H
#define TINTYPE_CODEGEN_HALIDE_MATH_H

#include "Halide.h"

namespace tintype::codegen {
/// e^x; 0 below about -87, largest finite values above 88. 2 ulp.
Halide::Expr vectorExp(Halide::Expr x);
/// 2^x, x in [-126, 127]. 2 ulp.
Halide::Expr vectorExp2(Halide::Expr x);
/// Natural logarithm of a positive number. 3 ulp.
Halide::Expr vectorLog(Halide::Expr x);
/// 5 ulp, also near 0.
Halide::Expr vectorTanh(Halide::Expr x);
/// 6 ulp.
Halide::Expr vectorErf(Halide::Expr x);
/// |x| < 1e5: absolute error 1e-7 and a few ulp.
Halide::Expr vectorSin(Halide::Expr x);
Halide::Expr vectorCos(Halide::Expr x);
/// x^y for x > 0, and for x <= 0 with integer y.
Halide::Expr vectorPow(Halide::Expr x, Halide::Expr y);
/// e^x - 1 and log(1 + x) without cancellation near 0.
Halide::Expr vectorExpm1(Halide::Expr x);
Halide::Expr vectorLog1p(Halide::Expr x);
/// `c ? a : b` with the condition hidden from bounds inference, which would
/// otherwise shrink regions by it and then disagree with fixed extents.
Halide::Expr hiddenSelect(Halide::Expr c, Halide::Expr a, Halide::Expr b);
/// The two words of Philox2x32-10 (Salmon et al., SC 2011), all UInt(32).
std::pair<Halide::Expr, Halide::Expr> philox(Halide::Expr key, Halide::Expr c0, Halide::Expr c1);
} // namespace tintype::codegen

#endif
