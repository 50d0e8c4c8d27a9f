//===- Tiles.h - products on the machine's matrix tiles (AMX) ---*- C++ -*-===//
#ifndef TINTYPE_RUNTIME_TILES_H
#define TINTYPE_RUNTIME_TILES_H

#include <cstdint>

namespace tintype::rt {

/// Whether this machine multiplies tiles of bf16 and the system lets this process do it.
bool hasTiles();

} // namespace tintype::rt

/// C[rows][columns] (f32) = sum over 32 * steps of A[rows][..] * B: rows and columns are 16 or 32. Rows of A hold 32
/// bf16 for each step; a row of B a pair of them for each column, 16 of them for each step: the two that stand in A side
/// by side. As the instruction does, subnormals are zeros. `At` are offsets in bytes, and what follows `steps` bytes from
/// row to row, from one step of K to the next, from 16 columns of B to the next, and from part to part: where `aPart` is
/// not 0, a factor is the sum of three bf16, and of their nine products the six greatest are added up, which is as exact
/// as f32. `adds`: to what C holds. Without AMX the same one by one, slowly.
extern "C" int tintype_tile_product(char *c, int64_t cAt, const char *a, int64_t aAt, const char *b, int64_t bAt, int32_t rows,
                                    int32_t columns, int32_t steps, int32_t cRow, int32_t aRow, int32_t aStep, int32_t bRow, int32_t bStep,
                                    int32_t bTile, int32_t aPart, int32_t bPart, int32_t adds);

/// The next product of this thread fetches the lines of `bytes` from p + at, and as many each `row` bytes further, for as
/// many rows as it has, while it computes: they are read next, or all of them written (`isResult`), which are left out
/// where the product is too short for that. Up to four such requests a product.
extern "C" int tintype_tile_fetch(const char *p, int64_t at, int32_t row, int32_t bytes, int32_t isResult);

#endif
