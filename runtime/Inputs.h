//===- Inputs.h - recorded tensors as a program's inputs --------*- C++ -*-===//
#pragma once
#include "runtime/Program.h"
#include "runtime/Safetensors.h"

namespace tintype::rt {

/// Reads the runtime dims off the tensors `batch.ROLE` that a program takes.
DimValues dimsOfBatch(const Manifest &manifest, const Program &program, const TensorSource &source);

/// Fills every input of `executor` from `batch.ROLE` (or `batch.NAME`), converted to the
/// input's type; ids are checked against their bound. Targets of -100 become 0
/// with `targets_keep` off. Absent: `mask` is all ones, `segments` zero, `rng`
/// (seed, 0), `targets` of a causal model the next token.
void fillInputs(Executor &executor, const Manifest &manifest, const TensorSource &source, uint64_t seed);

} // namespace tintype::rt
