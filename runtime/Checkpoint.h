//===- Checkpoint.h - a run folder that is valid at every moment ----------===//
//
//   RUN/checkpoints/step-1500/    model.safetensors state.safetensors checksums.json
//   RUN/checkpoint                -> checkpoints/step-1500
//   RUN/model.safetensors         -> checkpoint/model.safetensors
//   RUN/state.safetensors         -> checkpoint/state.safetensors
//   RUN/run.json, tokenizer.json, log.jsonl, loss.svg
//
// A checkpoint is written into a folder with another name, synced, renamed, and
// only then does the one link `checkpoint` move to it, by rename(2). So weights
// and state are always of the same step, whenever the process is killed and
// wherever the disk is full; older checkpoints go after that. Where something
// copied the folder and made links into what they led to, the newest checkpoint
// is the current one.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Parameters.h"
#include "runtime/Threads.h"
#include <string>
#include <vector>

namespace tintype::rt {

/// Where a run stands between two steps.
struct RunState {
  int64_t step = 0;    ///< optimiser steps done
  uint64_t cursor = 0; ///< windows of data used
  uint64_t seed = 0;
};

class RunFolder {
public:
  /// Makes the folder if need be, and keeps other processes from training in it
  /// as long as this object lives.
  explicit RunFolder(const std::string &path);
  ~RunFolder();
  RunFolder(const RunFolder &) = delete;

  const std::string &path() const { return root; }
  std::string file(const std::string &name) const { return root + "/" + name; }
  /// The step of the current checkpoint; -1 when there is none.
  int64_t savedStep() const;

  /// Saves a checkpoint and lets all but the newest `keep` go. Throws Error when
  /// it cannot be written whole; the current one stays current then.
  void save(const ParameterStore &store, const RunState &state, int64_t keep);
  /// Loads the current checkpoint; if that is damaged, the newest whole one, and
  /// says so on standard error.
  RunState load(ParameterStore &store, Threads &threads);

private:
  void removeLeftovers();
  void pointTo(const std::string &name);
  std::string root;
  int lock = -1;
};

/// Reads `folder`/checksums.json and checks the files against it; an empty
/// string, or what is wrong.
std::string checkpointFault(const std::string &folder);

/// What `--weights PATH` names: of a run folder its current checkpoint (checked
/// against its checksums), everything else as it is.
std::string resolveWeights(const std::string &path);

} // namespace tintype::rt
