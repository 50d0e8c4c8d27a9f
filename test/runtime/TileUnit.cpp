//===- TileUnit.cpp - products on matrix tiles, or what stands for them ---===//
#include "RuntimeUnit.h"
#include "runtime/Tiles.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

/// Whole numbers, so that any order of adding gives the same; subnormals count as zeros.
void tileProducts() {
  auto bf16 = [](int i) {
    float x = static_cast<float>(i);
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return static_cast<uint16_t>(bits >> 16);
  };
  constexpr int steps = 3, depth = 32 * steps;
  std::vector<uint16_t> a(32 * depth), b(32 * depth);
  for (int m = 0; m < 32; ++m)
    for (int k = 0; k < depth; ++k) {
      a[k / 32 * 1024 + m * 32 + k % 32] = bf16((m * 7 + k * 3) % 15 - 7);
      b[k / 2 * 64 + m * 2 + k % 2] = bf16((m * 5 + k * 11) % 13 - 6);
    }
  a[0] = 0x7f, b[3] = 0x8001; // subnormal
  auto at = [](uint16_t bits) {
    uint32_t word = bits & 0x7f80 ? uint32_t(bits) << 16 : 0;
    float x;
    memcpy(&x, &word, 4);
    return x;
  };
  for (int rows : {16, 32})
    for (int columns : {16, 32})
      for (int n = 0; n <= steps; ++n) {
        std::vector<float> c(32 * 32 + 4, 1e30f);
        for (int i = 0; i < 6; ++i) // more than are taken, and beyond what there is
          tintype_tile_fetch(reinterpret_cast<char *>(c.data()), 64 * i, 1 << 20, 128, i % 2);
        tintype_tile_product(reinterpret_cast<char *>(c.data()), 16, reinterpret_cast<char *>(a.data()), 0,
                             reinterpret_cast<char *>(b.data()), 0, rows, columns, n, 128, 64, 2048, 128, 2048, 64, 0, 0, 0);
        for (int i = 0; i < rows; ++i)
          for (int j = 0; j < columns; ++j) {
            float sum = 0;
            for (int k = 0; k < 32 * n; ++k)
              sum += at(a[k / 32 * 1024 + i * 32 + k % 32]) * at(b[k / 2 * 64 + j * 2 + k % 2]);
            EXPECT(c[4 + i * 32 + j] == sum);
          }
        EXPECT(c[3] == 1e30f && (columns == 32 || c[4 + 16] == 1e30f) && (rows == 32 || c[4 + 16 * 32] == 1e30f));
      }
}

/// Factors of f32 as sums of three bf16: the sum of their products is as exact as f32, and is added to what is there.
void tileProductsOfParts() {
  constexpr int steps = 4, depth = 32 * steps, part = 1024; // elements from part to part
  std::mt19937 random(7);
  std::uniform_real_distribution<float> any(-2, 2);
  std::vector<float> x(32 * depth), y(32 * depth);
  std::vector<uint16_t> a(3 * x.size()), b(3 * x.size());
  auto takeApart = [](float v, uint16_t *at) {
    for (int p = 0; p < 3; ++p) {
      uint32_t word;
      memcpy(&word, &v, 4);
      at[p * part] = static_cast<uint16_t>(word >> 16);
      word &= 0xffff0000;
      float taken;
      memcpy(&taken, &word, 4);
      v -= taken;
    }
    EXPECT(v == 0);
  };
  for (int i = 0; i < 32; ++i)
    for (int k = 0; k < depth; ++k) {
      takeApart(x[i * depth + k] = any(random), &a[k / 32 * 3 * part + i * 32 + k % 32]);
      takeApart(y[i * depth + k] = any(random), &b[k / 32 * 3 * part + k % 32 / 2 * 64 + i * 2 + k % 2]);
    }
  double worst = 0;
  std::vector<float> c(32 * 32);
  for (int adds : {0, 1}) {
    tintype_tile_product(reinterpret_cast<char *>(c.data()), 0, reinterpret_cast<char *>(a.data()), 0, reinterpret_cast<char *>(b.data()),
                         0, 32, 32, steps, 128, 64, 3 * 2 * part, 128, 3 * 2 * part, 64, 2 * part, 2 * part, adds);
    for (int i = 0; i < 32; ++i)
      for (int j = 0; j < 32; ++j) {
        double sum = 0;
        for (int k = 0; k < depth; ++k)
          sum += double(x[i * depth + k]) * y[j * depth + k];
        worst = std::max(worst, std::fabs(c[i * 32 + j] - sum * (1 + adds)));
      }
  }
  EXPECT(worst < 2e-5); // sums of 128 products of 1.33 on average
}
