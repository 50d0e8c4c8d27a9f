//===- RunTokenizer.h - which tokenizer goes with which weights -----------===//
#pragma once
#include "runtime/Tokenizer.h"
#include <cstdint>
#include <memory>
#include <string>

namespace tintype::rt {

/// What later commands need to know of a run folder; empty for other weights.
struct RunInfo {
  int64_t context = 0;
  std::string tokenizer; ///< "bytes", or the hash of RUN/tokenizer.json
};
/// Reads RUN/run.json if there is one; a damaged one is an Error.
RunInfo readRunInfo(const std::string &weights);

/// `flag` ("bytes", a file, or empty) first; then what the run folder says, a
/// tokenizer.json beside the weights, bytes when the vocabulary is 256. Null when
/// there is none and none is `needed`; an Error when there is none, or when it
/// has more tokens than the model.
std::unique_ptr<Tokenizer> tokenizerFor(const std::string &weights, const std::string &flag, int64_t vocab, bool needed);

/// An Error that names `name` when some id of the tokenizer is no id of the model.
void checkVocab(const Tokenizer &tokenizer, int64_t vocab, const std::string &name);

} // namespace tintype::rt
