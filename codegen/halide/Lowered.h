//===- Lowered.h - passes over Halide's lowered statements ------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_LOWERED_H
#define TINTYPE_CODEGEN_HALIDE_LOWERED_H

#include "Halide.h"
#include <memory>
#include <set>

namespace tintype::codegen {

/// The store of N interleaved vectors of N words (N = 8 or 16), which is a block of N x N turned, becomes N * log2(N)
/// shuffles of two vectors and N stores.
std::unique_ptr<Halide::Internal::IRMutator> turnSquares();

/// Loads from what the kernel does not allocate claim no alignment. Halide takes that of their index for that
/// of their address, but a buffer of the caller begins anywhere, a head of 12 features for one.
std::unique_ptr<Halide::Internal::IRMutator> alignNoCallersLoads();

/// Each of `funcs` becomes one call of the runtime's product on matrix tiles (runtime/Tiles.h). Such a func starts from
/// zeros and has one update with the loops kk (2), ki (16), columns, rows and steps of K, innermost first, that adds
/// A(rows, K) * B(K, columns) of bf16. Any other is an error. What is read and written beside its tiles is fetched meanwhile.
std::unique_ptr<Halide::Internal::IRMutator> useTiles(const std::set<std::string> &funcs);

} // namespace tintype::codegen

#endif
