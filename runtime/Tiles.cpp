//===- Tiles.cpp - products on the machine's matrix tiles (AMX) -----------===//
// Intel SDM, volume 1, chapter 18. Eight registers of 16 rows by 64 bytes; one
// instruction adds 16 x 16 sums of 32 products of bf16 in f32. A result of two by
// two of them needs a load for each product, which is what the units can do; with
// factors in parts, of which six products are taken, half as many.
//===----------------------------------------------------------------------===//
#include "runtime/Tiles.h"
#include <algorithm>
#include <cmath>
#include <cstring>
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

struct TileStrides {
  int64_t cRow, aRow, aStep, bRow, bStep, bTile, aPart, bPart;
};

thread_local bool isConfigured = false;

/// What to fetch during a product, a few lines a step.
struct Fetches {
  static constexpr int most = 4;
  struct Rows {
    const char *at;
    int32_t row, bytes, isResult;
  } rows[most];
  int count = 0;

  /// Lines that are only written need not be read where stores come fast enough, so fetching them must come for free.
  void dropResultsBeyond(int64_t cycles, int height) {
    constexpr int64_t cyclesOfLine = 10;
    int kept = 0;
    for (int i = 0; i < count; ++i)
      if (!rows[i].isResult || (cycles -= cyclesOfLine * height * rows[i].bytes / 64) >= 0)
        rows[kept++] = rows[i];
    count = kept;
  }
};
thread_local Fetches requested;

__attribute__((target("amx-tile"), noinline)) void configure() {
  static const TileConfig config;
  _tile_loadconfig(&config);
  isConfigured = true;
}

/// 16 * ROWS by 16 * COLUMNS of the result in registers 0 to 3, A in 4 and 5, B in 6 and 7.
template <int ROWS, int COLUMNS> struct TileBlock {
#define TINTYPE_ON_TILES __attribute__((target("amx-tile,amx-bf16,prfchw"), always_inline)) static inline
  /// The first and the second half of the rows, of the columns.
  TINTYPE_ON_TILES void loadA0(const char *a, const TileStrides &s) { _tile_loadd(4, a, s.aRow); }
  TINTYPE_ON_TILES void loadA1(const char *a, const TileStrides &s) {
    if (ROWS > 1)
      _tile_loadd(5, a + 16 * s.aRow, s.aRow);
  }
  TINTYPE_ON_TILES void loadB0(const char *b, const TileStrides &s) { _tile_loadd(6, b, s.bRow); }
  TINTYPE_ON_TILES void loadB1(const char *b, const TileStrides &s) {
    if (COLUMNS > 1)
      _tile_loadd(7, b + s.bTile, s.bRow);
  }
  TINTYPE_ON_TILES void multiply00() { _tile_dpbf16ps(0, 4, 6); }
  TINTYPE_ON_TILES void multiply01() {
    if (COLUMNS > 1)
      _tile_dpbf16ps(1, 4, 7);
  }
  TINTYPE_ON_TILES void multiply10() {
    if (ROWS > 1)
      _tile_dpbf16ps(2, 5, 6);
  }
  TINTYPE_ON_TILES void multiply11() {
    if (ROWS > 1 && COLUMNS > 1)
      _tile_dpbf16ps(3, 5, 7);
  }
  TINTYPE_ON_TILES void multiplyStep(const char *a, const char *b, const TileStrides &s) {
    loadB0(b, s), loadB1(b, s), loadA0(a, s), loadA1(a, s);
    multiply00(), multiply01(), multiply10(), multiply11();
  }
  /// A register is loaded as soon as its last product is on its way.
  TINTYPE_ON_TILES void multiplyStepOfParts(const char *a, const char *b, const TileStrides &s) {
    const char *a1 = a + s.aPart, *a2 = a1 + s.aPart, *b1 = b + s.bPart, *b2 = b1 + s.bPart;
    loadB0(b, s), loadA0(a2, s), multiply00(), loadB1(b, s), multiply01(), loadA1(a2, s), multiply10(), loadA0(a1, s), multiply11();
    multiply00(), loadA1(a1, s), multiply01(), multiply10(), loadB0(b1, s), multiply11();
    multiply00(), loadB1(b1, s), multiply10(), multiply01(), loadA0(a, s), multiply11();
    multiply00(), loadA1(a, s), multiply01(), multiply10(), loadB0(b2, s), multiply11();
    multiply00(), loadB1(b2, s), multiply10(), multiply01(), loadB0(b, s), multiply11();
    multiply00(), loadB1(b, s), multiply10(), multiply01(), multiply11();
  }
  TINTYPE_ON_TILES void clear() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  TINTYPE_ON_TILES void load(const char *c, const TileStrides &s) {
    _tile_loadd(0, c, s.cRow);
    if (COLUMNS > 1)
      _tile_loadd(1, c + 64, s.cRow);
    if (ROWS > 1)
      _tile_loadd(2, c + 16 * s.cRow, s.cRow);
    if (ROWS > 1 && COLUMNS > 1)
      _tile_loadd(3, c + 16 * s.cRow + 64, s.cRow);
  }
  TINTYPE_ON_TILES void store(char *c, const TileStrides &s) {
    _tile_stored(0, c, s.cRow);
    if (COLUMNS > 1)
      _tile_stored(1, c + 64, s.cRow);
    if (ROWS > 1)
      _tile_stored(2, c + 16 * s.cRow, s.cRow);
    if (ROWS > 1 && COLUMNS > 1)
      _tile_stored(3, c + 16 * s.cRow + 64, s.cRow);
  }
  TINTYPE_ON_TILES void fetch(const Fetches &fetches, int64_t row, int64_t end) {
    for (int i = 0; i < fetches.count; ++i)
      for (int64_t at = row; at < end; ++at)
        for (int32_t line = 0; line < fetches.rows[i].bytes; line += 64)
          __builtin_prefetch(fetches.rows[i].at + at * fetches.rows[i].row + line, 1);
  }
#undef TINTYPE_ON_TILES

  __attribute__((target("amx-tile,amx-bf16,prfchw"))) static void run(char *c, const char *a, const char *b, const TileStrides &s,
                                                                      int64_t steps, bool adds, const Fetches &fetches) {
    adds ? load(c, s) : clear();
    const int64_t rows = fetches.count ? 16 * ROWS : 0, rowsInStep = steps ? (rows + steps - 1) / steps : 0;
    if (!s.aPart)
      for (int64_t i = 0; i < steps; ++i, a += s.aStep, b += s.bStep) {
        fetch(fetches, std::min(i * rowsInStep, rows), std::min((i + 1) * rowsInStep, rows));
        multiplyStep(a, b, s);
      }
    else
      for (int64_t i = 0; i < steps; ++i, a += s.aStep, b += s.bStep) {
        fetch(fetches, std::min(i * rowsInStep, rows), std::min((i + 1) * rowsInStep, rows));
        multiplyStepOfParts(a, b, s);
      }
    store(c, s);
  }
};

/// A number of bf16, with subnormals as zeros.
float widened(uint16_t bits) {
  uint32_t word = uint32_t(bits & 0x7f80 ? bits : bits & 0x8000) << 16;
  float x;
  memcpy(&x, &word, 4);
  return x;
}

/// The same without the instruction, its pairs in its order.
void multiplyPlain(char *c, const char *a, const char *b, const TileStrides &s, int rows, int columns, int64_t steps, bool adds) {
  static constexpr int parts[][2] = {{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}};
  for (int m = 0; m < rows; ++m)
    for (int n = 0; n < columns; ++n) {
      float sum = 0;
      if (adds)
        memcpy(&sum, c + m * s.cRow + n * 4, 4);
      for (int64_t i = 0; i < steps; ++i)
        for (auto &[pa, pb] : parts) {
          if (!s.aPart && pa + pb)
            continue;
          const char *row = a + m * s.aRow + i * s.aStep + pa * s.aPart;
          const char *column = b + n / 16 * s.bTile + n % 16 * 4 + i * s.bStep + pb * s.bPart;
          for (int k = 0; k < 16; ++k) {
            uint16_t x[2], y[2];
            memcpy(x, row + 4 * k, 4);
            memcpy(y, column + k * s.bRow, 4);
            sum = std::fma(widened(x[0]), widened(y[0]), sum);
            sum = std::fma(widened(x[1]), widened(y[1]), sum);
          }
        }
      memcpy(c + m * s.cRow + n * 4, &sum, 4);
    }
}

} // namespace

bool hasTiles() {
  static const bool has = [] {
    constexpr int request = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    __builtin_cpu_init();
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") && syscall(SYS_arch_prctl, request, tileData) == 0;
  }();
  return has;
}

} // namespace tintype::rt

using namespace tintype::rt;

extern "C" int tintype_tile_product(char *c, int64_t cAt, const char *a, int64_t aAt, const char *b, int64_t bAt, int32_t rows,
                                    int32_t columns, int32_t steps, int32_t cRow, int32_t aRow, int32_t aStep, int32_t bRow, int32_t bStep,
                                    int32_t bTile, int32_t aPart, int32_t bPart, int32_t adds) {
  TileStrides s{cRow, aRow, aStep, bRow, bStep, bTile, aPart, bPart};
  Fetches fetches = requested;
  requested.count = 0;
  if (!isConfigured) {
    if (!hasTiles()) {
      multiplyPlain(c + cAt, a + aAt, b + bAt, s, rows, columns, steps, adds);
      return 0;
    }
    configure();
  }
  constexpr int cyclesOfTile = 16;
  fetches.dropResultsBeyond(cyclesOfTile * (rows / 16) * (columns / 16) * steps * (aPart ? 6 : 1), rows);
  auto *run = rows > 16      ? columns > 16 ? TileBlock<2, 2>::run : TileBlock<2, 1>::run
              : columns > 16 ? TileBlock<1, 2>::run
                             : TileBlock<1, 1>::run;
  run(c + cAt, a + aAt, b + bAt, s, steps, adds, fetches);
  return 0;
}

extern "C" int tintype_tile_fetch(const char *p, int64_t at, int32_t row, int32_t bytes, int32_t isResult) {
  if (requested.count < Fetches::most)
    requested.rows[requested.count++] = {p + at, row, bytes, isResult};
  return 0;
}
