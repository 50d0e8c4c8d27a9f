//===- Schedule.h - the learning rate of each step ------------------------===//
//
// All shapes begin with a linear warm-up to the peak. Then, of S steps in all:
//
//   constant   stays at the peak
//   linear     falls in a line to the floor at S
//   cosine     falls along half a cosine to the floor at S
//   wsd        stays, and falls in a line to the floor over the last `decay` steps
//
// Steps count from 1. Past S the rate stays at the floor.
//
//===----------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>

namespace tintype::rt {

struct Schedule {
  enum Kind { CONSTANT, LINEAR, COSINE, WSD };
  Kind kind = CONSTANT;
  double peak = 1e-3, floor = 0;
  int64_t warmup = 0;
  int64_t steps = 0; ///< S
  int64_t decay = 0; ///< of wsd; 0: a fifth of S

  double at(int64_t step) const;
  /// "cosine, peak 0.001, floor 0, warmup 100, over 1500 steps"
  std::string str() const;
  static const char *name(Kind kind);
  /// An unknown name is an Error.
  static Kind kindOf(const std::string &name);
};

} // namespace tintype::rt
