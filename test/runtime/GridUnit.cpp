//===- GridUnit.cpp - where blocks lie, what they see and clear -----------===//
#include "RuntimeUnit.h"
#include "runtime/Grid.h"
#include <algorithm>

using namespace tintype::rt;

/// A tensor [2][40][3][2] of f32, blocks of 16 rows one after the other that add up columns, a head at a time.
static Grid bandedGrid() {
  Grid grid;
  EXPECT(grid.add({2, 1, false, {0}}));
  EXPECT(grid.add({40, 16, true, {-1}})); // summed
  EXPECT(grid.add({40, 32, true, {1}}));
  EXPECT(grid.add({3, 1, false, {2}}));
  grid.ranges = {{40, 1, 0, {}, {}}, {40, 2, 1, -19, 0}, {40, -1, 0, {}, {}}};
  return grid;
}

void gridPlaces() {
  Grid grid = bandedGrid(), huge;
  EXPECT(grid.blocks == 6 && grid.turns == 6 && grid.accumulates);
  Grid::Place p;
  EXPECT(grid.find(4, 0, p)); // head 1 of batch 1, rows 0 to 15, columns 0 to 31 of which the band leaves 16
  EXPECT(p.starts[0] == 1 && p.starts[3] == 1 && p.ranges[0] == 0 && p.ranges[1] == 16);
  EXPECT(p.ranges[2] == 0 && p.ranges[3] == 16 && p.starts[2] == 0 && p.counts[2] == 16);
  EXPECT(p.ranges[4] == 0 && p.ranges[5] == 40);
  EXPECT(!grid.find(4, 1, p)); // columns from 32 on lie behind the band of these rows
  EXPECT(grid.find(0, 4, p));  // rows 32 to 39: from column 13 on, at a whole vector
  EXPECT(p.ranges[0] == 32 && p.ranges[1] == 8 && p.ranges[2] == 0 && p.ranges[3] == 32);
  grid.ranges[1].low = -15; // 17 becomes 16
  EXPECT(grid.find(0, 4, p) && p.ranges[2] == 16 && p.ranges[3] == 16);
  EXPECT(grid.find(0, 5, p) && p.ranges[2] == 32 && p.ranges[3] == 8);
  EXPECT(huge.add({int64_t(1) << 40, 1, false, {}}) && !huge.add({int64_t(1) << 40, 1, false, {}}));
}

void gridViews() {
  Grid grid = bandedGrid();
  constexpr int count = 2 * 40 * 3 * 2;
  float data[count];
  std::fill_n(data, count, 1.f);
  HalideDim dims[] = {{0, 2, 1, 0}, {0, 3, 2, 0}, {0, 40, 6, 0}, {0, 2, 240, 0}}, mine[4];
  HalideBuffer buffer{};
  buffer.host = reinterpret_cast<uint8_t *>(data);
  buffer.rank = 4;
  buffer.bits = 32;
  buffer.dim = dims;
  grid.clear(buffer, 0, 4); // batch 1, head 1: every column, nothing else
  for (int i = 0; i < count; ++i)
    EXPECT(data[i] == (i / 240 == 1 && i / 2 % 3 == 1 ? 0 : 1));
  EXPECT(grid.startsAtZero());
  grid.firstWrites = true;
  EXPECT(!grid.startsAtZero());
  Grid::Place p;
  EXPECT(!grid.find(4, 3, p)); // rows 16 to 31, columns 32 and on: none
  std::copy(dims, dims + 4, mine);
  HalideBuffer shown = buffer;
  shown.dim = mine;
  EXPECT(grid.find(4, 2, p)); // rows 16 to 31, columns 0 to 31
  grid.crop(shown, 0, p);
  EXPECT(shown.host == buffer.host + 4 * (240 + 2) && mine[3].min == 1 && mine[3].extent == 1 && mine[1].min == 1 && mine[1].extent == 1);
  EXPECT(mine[2].min == 0 && mine[2].extent == 32 && mine[0].extent == 2 && dims[2].extent == 40);
}
