//===- TileLines.h - memory that is wanted next to tiles --------*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_TILELINES_H
#define TINTYPE_CODEGEN_HALIDE_TILELINES_H

#include "codegen/halide/TileNest.h"

namespace tintype::codegen {

/// Vectors of a buffer that are read or written where those of tiles are read: rows of it lie beside rows of a tile.
struct TileLines {
  std::string buffer;
  Place place, tile; ///< of the vector and of the one beside it, in the same loops
  int bytes;         ///< of the vector
  bool isResult;     ///< written without having been read
};

/// The lines that `consumer` wants beside what it reads of `func`, one place for each buffer from outside of the kernel.
std::vector<TileLines> linesBeside(const std::string &func, const Halide::Internal::Stmt &consumer);

/// Calls that have the runtime fetch `lines` while it computes the tile at `c`, `columns` wide, `cRow` bytes from row to
/// row (runtime/Tiles.h): those that follow the tile through the loops `around` it.
std::vector<Halide::Internal::Stmt> fetchBeside(const std::vector<TileLines> &lines, const Place &c, int cRow, int columns,
                                                const Loops &around);

} // namespace tintype::codegen

#endif
