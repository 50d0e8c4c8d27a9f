//===- Halide.h - what compiled kernels expect ------------------*- C++ -*-===//
//
// The buffer descriptor of Halide 21 kernels, declared here because the runtime
// does not use Halide's headers. Halide.cpp defines the few functions that
// kernels call. Dimension 0 is the innermost.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "codegen/manifest.pb.h"
#include <cstddef>
#include <cstdint>

namespace tintype::rt {

struct HalideDim {
  int32_t min, extent, stride;
  uint32_t flags;
};

struct HalideBuffer {
  uint64_t device;
  const void *deviceInterface;
  uint8_t *host;
  uint64_t flags;
  uint8_t code, bits; ///< code: 0 int, 1 uint, 2 float, 4 bfloat
  uint16_t lanes;
  int32_t rank;
  HalideDim *dim;
  void *padding;
};
static_assert(sizeof(HalideBuffer) == 56 && offsetof(HalideBuffer, dim) == 40, "Halide 21's halide_buffer_t");

/// Sets the element type; a bool is an unsigned of one bit in one byte.
void setType(HalideBuffer &buffer, DType type);

/// Names the kernel that this thread runs, for messages from inside it.
void setCurrentKernel(const char *name);

/// Bytes that the temporaries of kernels have taken at most, all threads together.
size_t scratchBytes();

} // namespace tintype::rt
