//===- Train.h - the training loop ----------------------------------------===//
//
// One step: `accumulate` micro-batches of train_step, whose gradients add up in
// the parameter store, then the norm, then one update. All randomness is a
// function of (seed, step), all data of a cursor, so that a run that stops after
// any step and goes on gives the bytes of one that never stopped.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Checkpoint.h"
#include "runtime/Commands.h"
#include "runtime/Data.h"
#include "runtime/Settings.h"
#include "runtime/TrainLog.h"
#include <nlohmann/json.hpp>
#include <optional>

namespace tintype::rt {

/// What the command line of `train` says; what it does not say is empty.
struct TrainFlags {
  std::vector<std::string> data;
  std::string out, val, init, log, tokenizer, memoryLimit, dtype;
  std::optional<std::string> schedule;
  std::optional<int64_t> steps, batch, context, accumulate, warmup, scheduleSteps, saveEvery, keep, evalEvery;
  std::optional<double> lr, floor, beta1, beta2, eps, weightDecay, clip;
  std::optional<uint64_t> seed;
  std::string trace; ///< file for a timeline
  int64_t traceSteps = 3;
  bool resume = false;
};

class Trainer {
public:
  Trainer(Context &context, TrainFlags flags);
  void train();

private:
  void readRun();
  void settle();
  void openData();
  void openVal();
  void openTokenizer(const DataSet &data);
  void loadState();
  int64_t partsBefore() const;
  void plan();
  void writeRun() const;
  LogLine step();
  bool isValidated(int64_t step) const;
  void validate(LogLine &line);
  bool owesValidation() const;
  void catchUp();
  void save();
  void drawCurve() const;
  [[noreturn]] void stopNotFinite(const char *what, double value);
  [[noreturn]] void stopUnwritten(const Error &error);
  std::string lastSaved() const;
  std::string howToGoOn() const;

  Context &context;
  const Manifest &manifest;
  TrainFlags flags;
  RunFolder folder;
  nlohmann::json run; // RUN/run.json
  TrainSettings settings;
  std::string dtype;       ///< f32 or bf16
  bool isLimitNew = false; ///< the memory limit, not of the run before
  int64_t saveEvery = 500, keep = 1, evalEvery = 250;
  int64_t microBatch = 0, microBatches = 0;

  std::unique_ptr<Tokenizer> tokenizer;
  Tokens tokens, valTokens;
  std::unique_ptr<Windows> windows, valWindows;
  ParameterStore store;
  RunState state;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<TrainLog> log;
  ProgressLine progress;
  std::vector<int32_t> ids;
  double secondsBefore = 0; // of earlier processes, from the log
};

} // namespace tintype::rt
