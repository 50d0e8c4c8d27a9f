//===- Target.h - which machine the kernels are for -------------*- C++ -*-===//
// A target is a short name or a string of Halide's:
//
//   host          this machine
//   avx2          x86-64 with AVX2, FMA and F16C            (also x86-64-v3)
//   avx512        x86-64 with AVX-512 F, CD, BW, DQ and VL  (also x86-64-v4)
//   avx512-bf16   the same with BF16, VNNI and what came between
//   avx512-amx    the same with matrix tiles of bf16 (Sapphire Rapids)
//   x86-64-linux-avx2-fma, ..                               Halide's own
//
// An instruction set brings along what every machine with it has, so that
// x86-64-linux-avx2 has fused multiply-adds too.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_CODEGEN_HALIDE_TARGET_H
#define TINTYPE_CODEGEN_HALIDE_TARGET_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace tintype::codegen {

/// The complete string for the target `name`: Halide's, and `-amx` behind it. The error of any other name
/// says what is expected.
llvm::Expected<std::string> resolveTarget(llvm::StringRef name);
/// Features that kernels for a resolved target may use, in the words of
/// /proc/cpuinfo.
std::vector<std::string> cpuFeatures(llvm::StringRef resolved);
/// Floats in one vector register of a resolved target: 16, 8 or 4.
int vectorWidth(llvm::StringRef resolved);
/// Whether a resolved target has instructions for bf16 (AVX512_BF16): rounding, and
/// products of pairs that are added in f32.
bool hasBf16(llvm::StringRef resolved);
/// Whether such products of pairs beat fused multiply-adds on rounded values. Not on Sapphire
/// Rapids and its kind, which do half as many a second (RATIONALE.md).
bool multipliesPairs(llvm::StringRef resolved);
/// Whether a resolved target multiplies matrix tiles of bf16 (AMX).
bool multipliesTiles(llvm::StringRef resolved);
/// What of a resolved target Halide knows: AMX, which virtual machines often hide, stands behind it as `-amx`.
std::string halideTarget(llvm::StringRef resolved);

} // namespace tintype::codegen

#endif
