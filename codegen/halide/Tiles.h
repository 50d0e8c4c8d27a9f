//===- Tiles.h - sums of products on matrix tiles ---------------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_TILES_H
#define TINTYPE_CODEGEN_HALIDE_TILES_H

#include "Halide.h"
#include <memory>
#include <set>

namespace tintype::codegen {

/// A pass over lowered statements: each of `funcs` becomes one call of the runtime's product on matrix tiles
/// (runtime/Tiles.h). Such a func starts from zeros and has one update with the loops kk (2), ki (16), columns, rows and
/// steps of K, innermost first, that adds A(rows, K) * B(K, columns) of bf16. Any other is an error.
std::unique_ptr<Halide::Internal::IRMutator> useTiles(const std::set<std::string> &funcs);

} // namespace tintype::codegen

#endif
