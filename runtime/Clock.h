//===- Clock.h - seconds since a moment -------------------------*- C++ -*-===//
#pragma once
#include <chrono>

namespace tintype::rt {

using Clock = std::chrono::steady_clock;
inline double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

} // namespace tintype::rt
