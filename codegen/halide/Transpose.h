//===- Transpose.h - square blocks turned in registers ----------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_TRANSPOSE_H
#define TINTYPE_CODEGEN_HALIDE_TRANSPOSE_H

#include "Halide.h"
#include <memory>

namespace tintype::codegen {

/// A pass over lowered code: the store of N interleaved vectors of N words (N = 8 or 16), which is a
/// block of N x N turned, becomes N * log2(N) shuffles of two vectors and N stores.
std::unique_ptr<Halide::Internal::IRMutator> turnSquares();

} // namespace tintype::codegen

#endif
