//===- MaskedLoads.h - loads under a mask from a caller's buffer -*- C++ -*-===//
#ifndef TINTYPE_CODEGEN_HALIDE_MASKEDLOADS_H
#define TINTYPE_CODEGEN_HALIDE_MASKEDLOADS_H

#include "Halide.h"
#include <memory>

namespace tintype::codegen {

/// A pass over lowered code: loads under a mask from what the kernel does not allocate claim no alignment. Halide takes
/// that of their index for that of their address, but a buffer of the caller begins anywhere, a head of 12 features for one.
std::unique_ptr<Halide::Internal::IRMutator> alignNoMaskedLoads();

} // namespace tintype::codegen

#endif
