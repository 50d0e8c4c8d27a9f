//===- TextBatch.h - windows of tokens as a program's inputs --------------===//
//
// A window of T + 1 tokens gives `tokens` its first T and `targets` its last T.
// Besides these a text program may take `targets_keep` and `mask` (all ones
// here), `segments` (zero) and `rng` (seed, step).
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Program.h"
#include <vector>

namespace tintype::rt {

/// Ids that program `role` takes as tokens lie in [0, vocab); a binary without
/// such an input is an Error that says what the model takes instead.
int64_t vocabOf(const Manifest &manifest, const std::string &role);

/// An Error unless the model predicts the next token, as `what` needs: the targets
/// of other tasks cannot be read off a text.
void expectCausal(const Manifest &manifest, const char *what);

/// The dims of `program` for `batch` rows of `context` tokens, checked against their bounds.
DimValues textDims(const Manifest &manifest, const Program &program, int64_t batch, int64_t context);

/// The largest context that `program` takes; `otherwise` where it has no bound.
int64_t largestContext(const Manifest &manifest, const Program &program, int64_t otherwise);

/// What the context must be a multiple of.
int64_t contextMultiple(const Manifest &manifest, const Program &program);

/// Fills all inputs from `batch` windows of context + 1 ids one after the other.
void fillText(Executor &executor, const std::vector<int32_t> &windows, int64_t batch, int64_t context, uint64_t seed, uint64_t step);

} // namespace tintype::rt
