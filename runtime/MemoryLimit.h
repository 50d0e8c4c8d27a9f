//===- MemoryLimit.h - training within a given amount of memory -*- C++ -*-===//
// What a process takes: parameters, gradients and moments; the arena of the plan and
// its inputs and outputs; and beside them code, the heap and temporaries of kernels,
// which are counted too. First wide rows exist for smaller chunks, which costs less
// time; then values are computed again (Repeat.h), no more than the limit asks for.
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Program.h"
#include <memory>

namespace tintype::rt {

/// "1.5g", "800M", "1000000" in bytes; K, M and G are powers of 1024. Anything
/// else is an Error that names --memory-limit.
double parseSize(const std::string &text);
/// That, as a check of a flag: empty for a size.
inline std::string checkSize(const std::string &text) { return parseSize(text), std::string(); }

/// `role` at `dims`, in smaller chunks or with launches that run again where the process, with `fixed`
/// bytes of parameters, would be over `limit` (0: none). Null when no form fits; `need` then holds what the
/// smallest takes and `peak` what fills it.
std::unique_ptr<Executor> planWithin(const Manifest &manifest, const std::string &role, const DimValues &dims, ParameterStore *store,
                                     Threads &threads, Layout layout, double limit, double fixed, double *need = nullptr,
                                     std::string *peak = nullptr);

} // namespace tintype::rt
