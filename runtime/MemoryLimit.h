//===- MemoryLimit.h - training within a given amount of memory -*- C++ -*-===//
// A binary holds two forms of a training program: one that keeps what the
// backward part reads, and ROLE_recompute, which computes cheap values again.
// In both, wide rows may exist for smaller chunks, which costs less time.
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Program.h"
#include <memory>

namespace tintype::rt {

/// "1.5g", "800M", "1000000" in bytes; K, M and G are powers of 1024. Anything
/// else is an Error that names --memory-limit.
double parseSize(const std::string &text);

/// `role` at `dims`, in smaller chunks or as ROLE_recompute when the arena and `fixed`
/// bytes would be over `limit` (0: none). Null when neither form fits; `need` then holds the
/// smaller of the two and `peak` what fills it.
std::unique_ptr<Executor> planWithin(const Manifest &manifest, const std::string &role, const DimValues &dims,
                                     ParameterStore *store, Threads &threads, Layout layout, double limit, double fixed,
                                     double *need = nullptr, std::string *peak = nullptr);

} // namespace tintype::rt
