//===- Tiles.cpp - products on the machine's matrix tiles (AMX) -----------===//
// Intel SDM, volume 1, chapter 18. Eight registers of 16 rows by 64 bytes; one
// instruction adds 16 x 16 sums of 32 products of bf16 in f32. A result of two by
// two of them needs a load for each product, which is what the units can do.
//===----------------------------------------------------------------------===//
#include "runtime/Tiles.h"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tintype::rt {
namespace {

/// What LDTILECFG reads: 16 rows of 64 bytes in each of the eight registers.
struct alignas(64) TileConfig {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

thread_local bool isConfigured = false;

__attribute__((target("amx-tile"), noinline)) void configure() {
  if (!allowTiles()) {
    fputs("error: expected a system that lets programs use AMX, but it refused\n", stderr);
    abort();
  }
  static const TileConfig config;
  _tile_loadconfig(&config);
  isConfigured = true;
}

/// 16 * ROWS by 16 * COLUMNS of the result in registers 0 to 3, A in 4 and 5, B in 6 and 7.
template <int ROWS, int COLUMNS>
__attribute__((target("amx-tile,amx-bf16"))) inline void multiply(char *c, const char *a, const char *b, const TileStrides &s,
                                                                  int64_t steps) {
  _tile_zero(0);
  if (COLUMNS > 1)
    _tile_zero(1);
  if (ROWS > 1)
    _tile_zero(2);
  if (ROWS > 1 && COLUMNS > 1)
    _tile_zero(3);
  for (int64_t i = 0; i < steps; ++i, a += s.aStep, b += s.bStep) {
    _tile_loadd(6, b, s.bRow);
    _tile_loadd(4, a, s.aRow);
    _tile_dpbf16ps(0, 4, 6);
    if (COLUMNS > 1) {
      _tile_loadd(7, b + s.bTile, s.bRow);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (ROWS > 1) {
      _tile_loadd(5, a + 16 * s.aRow, s.aRow);
      _tile_dpbf16ps(2, 5, 6);
    }
    if (ROWS > 1 && COLUMNS > 1)
      _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, s.cRow);
  if (COLUMNS > 1)
    _tile_stored(1, c + 64, s.cRow);
  if (ROWS > 1)
    _tile_stored(2, c + 16 * s.cRow, s.cRow);
  if (ROWS > 1 && COLUMNS > 1)
    _tile_stored(3, c + 16 * s.cRow + 64, s.cRow);
}

} // namespace

bool allowTiles() {
  constexpr int request = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool allowed = syscall(SYS_arch_prctl, request, tileData) == 0;
  return allowed;
}

} // namespace tintype::rt

using namespace tintype::rt;

extern "C" int tintype_tile_product(char *c, int64_t cAt, const char *a, int64_t aAt, const char *b, int64_t bAt, int32_t rows,
                                    int32_t columns, int32_t steps, int32_t cRow, int32_t aRow, int32_t aStep, int32_t bRow,
                                    int32_t bStep, int32_t bTile) {
  if (!isConfigured)
    configure();
  TileStrides s{cRow, aRow, aStep, bRow, bStep, bTile};
  auto *run = rows > 16 ? columns > 16 ? multiply<2, 2> : multiply<2, 1> : columns > 16 ? multiply<1, 2> : multiply<1, 1>;
  run(c + cAt, a + aAt, b + bAt, s, steps);
  return 0;
}
