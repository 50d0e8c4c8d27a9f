//===- Schedule.cpp - the learning rate of each step ----------------------===//
#include "runtime/Schedule.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cmath>

namespace tintype::rt {

double Schedule::at(int64_t step) const {
  double done = double(step - 1);
  if (step <= warmup)
    return peak * double(step) / double(warmup);
  double from = double(warmup);
  if (kind == WSD) {
    int64_t falling = decay > 0 ? decay : std::max<int64_t>(1, steps / 5);
    from = double(std::max(warmup, steps - falling));
  }
  if (kind == CONSTANT || done < from)
    return peak;
  double share = double(steps) > from ? std::min(1.0, (done - from) / (double(steps) - from)) : 1.0;
  double height = kind == COSINE ? 0.5 * (1 + std::cos(M_PI * share)) : 1 - share;
  return floor + (peak - floor) * height;
}

const char *Schedule::name(Kind kind) {
  static const char *const names[] = {"constant", "linear", "cosine", "wsd"};
  return names[kind];
}

Schedule::Kind Schedule::kindOf(const std::string &text) {
  for (Kind kind : {CONSTANT, LINEAR, COSINE, WSD})
    if (text == name(kind))
      return kind;
  fail("expected a schedule constant, linear, cosine or wsd, but got ", text);
}

std::string Schedule::str() const {
  std::ostringstream out;
  out << name(kind) << ", peak " << peak;
  if (kind != CONSTANT)
    out << ", floor " << floor;
  if (warmup)
    out << ", warmup " << warmup;
  if (kind == WSD)
    out << ", decay " << (decay > 0 ? decay : steps / 5);
  if (kind != CONSTANT)
    out << ", over " << steps << " steps";
  return out.str();
}

} // namespace tintype::rt
