//===- Train.cpp - the training loop, and the train command ---------------===//
#include "runtime/Train.h"
#include "runtime/Clock.h"
#include "runtime/Evaluate.h"
#include "runtime/Flags.h"
#include "runtime/MemoryLimit.h"
#include "runtime/TextBatch.h"
#include "runtime/Timeline.h"
#include <cmath>
#include <csignal>
#include <cstdio>
#include <unistd.h>

namespace tintype::rt {
namespace {

volatile std::sig_atomic_t stopSignal = 0;

/// The first SIGINT or SIGTERM asks for an end after the step; a second one ends at once.
void onStop(int signal) {
  stopSignal = signal;
  std::signal(signal, SIG_DFL);
}

constexpr double kSaveSeconds = 600;     // slow steps are saved by the clock as well
constexpr uint64_t kSampledWindows = 64; // of a validation between saves
constexpr uint64_t kMostWindows = 2048;  // of the one at the end

} // namespace

std::string Trainer::lastSaved() const {
  int64_t saved = folder.savedStep();
  return saved < 0 ? "nothing was saved yet" : "last saved: step " + std::to_string(saved) + " in " + folder.path();
}

std::string Trainer::howToGoOn() const { return "go on with: " + context.program + " train --resume --out " + folder.path(); }

void Trainer::stopNotFinite(const char *what, double value) {
  progress.end();
  fail("step ", state.step + 1, ": the ", what, " is ", std::isnan(value) ? "NaN" : "infinite",
       ", so the step was not taken\nnote: ", lastSaved(), "\nhint: a lower --lr, a longer --warmup or a smaller --clip usually helps");
}

LogLine Trainer::step() {
  Clock::time_point start = Clock::now();
  int64_t length = settings.context, number = state.step + 1;
  Timeline::Phase whole("step", number);
  uint64_t cursor = state.cursor;
  double sum = 0;
  for (int64_t k = 0; k < microBatches; ++k) {
    {
      Timeline::Phase phase("data");
      for (int64_t row = 0; row < microBatch; ++row)
        windows->readShuffled(cursor++, settings.seed, ids.data() + row * (length + 1));
      fillText(*executor, ids, microBatch, length, settings.seed, uint64_t(state.step * microBatches + k));
    }
    Timeline::Phase phase("train_step");
    executor->run();
    sum += *executor->output<float>("loss"); // micro-batches have equally many tokens
  }
  LogLine line;
  line.step = number;
  line.loss = sum / double(microBatches);
  if (!std::isfinite(line.loss))
    stopNotFinite("loss", line.loss);
  Timeline::Phase phase("optimiser");
  double scale = 1 / double(microBatches);
  line.gradNorm = optimizer->gradientNorm(scale);
  if (!std::isfinite(line.gradNorm))
    stopNotFinite("gradient norm", line.gradNorm);
  AdamW now = settings.optimizer;
  line.lr = now.lr = settings.schedule.at(number);
  optimizer->step(number, now, line.gradNorm, scale);
  state.step = number;
  state.cursor = cursor;
  double seconds = since(start);
  line.tokensPerSecond = double(microBatches * microBatch * length) / std::max(seconds, 1e-9);
  return line;
}

/// The log or a checkpoint has no room.
void Trainer::stopUnwritten(const Error &error) {
  progress.end();
  fail(error.what(), "\nnote: step ", state.step, " could not be saved; ", lastSaved(), "\nhint: make room, then ", howToGoOn());
}

bool Trainer::isValidated(int64_t step) const { return valWindows && (step == settings.steps || step % evalEvery == 0); }

/// The validation that is due after the step of `line`, if any: of a fixed sample of the windows, at the end of (nearly) all.
void Trainer::validate(LogLine &line) {
  if (!isValidated(line.step) || stopSignal)
    return;
  Timeline::Phase phase("validation");
  uint64_t most = line.step == settings.steps ? kMostWindows : kSampledWindows;
  line.valLoss =
      evaluateText(manifest, store, context.threads(), *valWindows, microBatch, settings.context, most, nullptr, [](uint64_t, uint64_t) {
        return !stopSignal;
      }).loss;
  line.hasVal = !stopSignal; // cut short, it would not be comparable
}

/// Whether the validation after the last step is still to be done, since a signal came before its end.
bool Trainer::owesValidation() const {
  const std::vector<LogLine> &lines = log->lines();
  return !lines.empty() && lines.back().step == state.step && !lines.back().hasVal && isValidated(state.step);
}

/// Does what the process before this one owes, so that the log is that of a run which never stopped.
void Trainer::catchUp() {
  if (!owesValidation())
    return;
  LogLine line = log->lines().back();
  validate(line);
  if (!line.hasVal)
    return;
  log->replaceLast(line);
  drawCurve();
  progress.say("validated after step " + std::to_string(line.step) + ", where the run was stopped: " + std::to_string(line.valLoss));
}

void Trainer::save() {
  if (folder.savedStep() == state.step)
    return;
  Timeline::Phase phase("checkpoint");
  try {
    log->sync();
    folder.save(store, state, keep);
  } catch (const Error &error) {
    stopUnwritten(error);
  }
}

void Trainer::drawCurve() const {
  try {
    writeTextWhole(folder.file("loss.svg"), lossCurve(log->lines(), manifest.model() + ": " + folder.path()));
  } catch (const Error &error) { // only a picture
    std::fprintf(stderr, "warning: %s\n", error.what());
  }
}

void Trainer::train() {
  std::vector<std::string> logs = {folder.file("log.jsonl")};
  if (!flags.log.empty())
    logs.push_back(flags.log);
  log = std::make_unique<TrainLog>(logs, state.step);
  secondsBefore = log->lines().empty() ? 0 : log->lines().back().seconds;
  std::signal(SIGXFSZ, SIG_IGN); // a file size limit is a failed write like any other
  std::signal(SIGPIPE, SIG_IGN); // Ctrl-C ends what reads our messages, too, before the step that is to be saved
  std::signal(SIGINT, onStop);   // also where a script starts us with & and so has it ignored
  std::signal(SIGTERM, onStop);
  if (std::signal(SIGHUP, onStop) == SIG_IGN) // as nohup asks for
    std::signal(SIGHUP, SIG_IGN);

  progress.say(manifest.model() + ": " + std::to_string(settings.accumulate) + " x " + std::to_string(settings.batch) + " windows of " +
               std::to_string(settings.context) + " tokens a step, " + std::to_string(windows->perEpoch()) + " in an epoch; lr " +
               settings.schedule.str());
  if (state.step > 0)
    progress.say("resumed at step " + std::to_string(state.step));
  catchUp();
  if (state.step >= settings.steps)
    progress.say("nothing to do: step " + std::to_string(state.step) + " of " + std::to_string(settings.steps) +
                 " is done; --steps N goes further");

  // The first step touches memory for the first time; a timeline leaves it out if it can.
  int64_t traceFrom = state.step + (settings.steps - state.step > flags.traceSteps);
  std::unique_ptr<Timeline> timeline;
  if (!flags.trace.empty())
    timeline = std::make_unique<Timeline>(context.threads().count());
  auto writeTimeline = [&] {
    timeline->stop();
    timeline->write(flags.trace, manifest.model());
    timeline.reset();
    progress.say("a timeline is in " + flags.trace + " (open it in Perfetto or about:tracing)");
  };

  Clock::time_point start = Clock::now(), saved = start;
  int64_t first = state.step;
  double trained = 0; // seconds in steps: what is left does not count validation or start-up twice
  while (state.step < settings.steps && !stopSignal) {
    if (timeline && state.step == traceFrom)
      timeline->start();
    Clock::time_point begin = Clock::now();
    LogLine line = step();
    trained += since(begin);
    bool last = state.step == settings.steps;
    validate(line);
    line.seconds = secondsBefore + since(start);
    try {
      log->add(line);
    } catch (const Error &error) {
      stopUnwritten(error);
    }
    progress.show(line, settings.steps, trained / double(state.step - first), last || stopSignal || line.hasVal || state.step == first + 1);
    if (last || stopSignal || state.step % saveEvery == 0 || since(saved) > kSaveSeconds) {
      save();
      saved = Clock::now();
      drawCurve();
    }
    if (timeline && state.step == traceFrom + flags.traceSteps)
      writeTimeline();
  }
  progress.end();
  if (timeline) // ended early
    writeTimeline();
  if (state.step < settings.steps || owesValidation()) {
    save();
    progress.say("stopped by signal " + std::to_string(int(stopSignal)) + " after step " + std::to_string(state.step) +
                 ", which is saved; " + howToGoOn());
  } else {
    progress.say("done: step " + std::to_string(state.step) + " in " + folder.path() + " (loss.svg shows the losses)");
  }
}

void addTrain(CLI::App &app, Context &context) {
  auto flags = std::make_shared<TrainFlags>();
  auto *sub = app.add_subcommand("train", "train on text; settings not given come from the model's train section");
  sub->add_option("--data", flags->data, "text or token files (.u16 .u32 .npy), or folders of them");
  sub->add_option("--out", flags->out, "run folder: checkpoints, log.jsonl, loss.svg");
  sub->add_flag("--resume", flags->resume, "go on with the run in --out; its settings are the defaults");
  sub->add_option("--val", flags->val, "validation: a fraction taken off the end of the data, or a path");
  sub->add_option("--init", flags->init, "begin with these weights: file, folder or run");
  sub->add_option("--tokenizer", flags->tokenizer, "bytes, train, or a tokenizer.json (default: by the vocabulary)");
  sub->add_option("--steps", flags->steps, "optimiser steps in all")->check(inRange(int64_t(1), int64_t(1) << 48));
  sub->add_option("--batch", flags->batch, "windows in a micro-batch")->check(inRange(1, 1 << 24));
  sub->add_option("--context", flags->context, "tokens in a window")->check(inRange(1, 1 << 30));
  sub->add_option("--accumulate", flags->accumulate, "micro-batches in a step")->check(inRange(1, 1 << 24));
  sub->add_option("--lr", flags->lr, "learning rate; without --schedule a constant one")->check(inRange(0.0));
  sub->add_option("--schedule", flags->schedule, "constant, linear, cosine or wsd, over --steps")
      ->check(CLI::IsMember({"constant", "linear", "cosine", "wsd"}));
  sub->add_option("--warmup", flags->warmup, "steps of linear warm-up")->check(inRange<int64_t>(0));
  sub->add_option("--lr-floor", flags->floor, "rate at the end of the schedule")->check(inRange(0.0));
  sub->add_option("--schedule-steps", flags->scheduleSteps, "steps over which the schedule falls");
  sub->add_option("--beta1", flags->beta1, "AdamW")->check(inRange(0.0, 0.9999999));
  sub->add_option("--beta2", flags->beta2, "AdamW")->check(inRange(0.0, 0.9999999));
  sub->add_option("--eps", flags->eps, "AdamW")->check(inRange(0.0));
  sub->add_option("--weight-decay", flags->weightDecay, "AdamW")->check(inRange(0.0));
  sub->add_option("--clip", flags->clip, "global gradient norm to clip at; 0: never")->check(inRange(0.0));
  sub->add_option("--dtype", flags->dtype, "type that products are computed in (default: the model's precision, else f32)")
      ->check(CLI::IsMember({"f32", "bf16"}));
  sub->add_option("--save-every", flags->saveEvery, "steps between checkpoints (default: 500)")
      ->check(inRange(int64_t(1), int64_t(1) << 48));
  sub->add_option("--keep", flags->keep, "checkpoints to keep (default: 1)")->check(inRange(1, 1 << 24));
  sub->add_option("--eval-every", flags->evalEvery, "steps between validations (default: 250)")
      ->check(inRange(int64_t(1), int64_t(1) << 48));
  sub->add_option("--memory-limit", flags->memoryLimit,
                  "what the process may take: smaller chunks, values computed again or smaller micro-batches, e.g. 2G")
      ->check(checkSize);
  sub->add_option("--log", flags->log, "a second place for the lines of log.jsonl");
  sub->add_option("--trace", flags->trace, "write a timeline of kernels and threads for Perfetto or about:tracing")->type_name("FILE");
  sub->add_option("--trace-steps", flags->traceSteps, "steps of the timeline (default: 3)")->check(inRange(1, 1000));
  sub->callback([&app, &context, flags] {
    if (flags->out.empty())
      throw CLI::RequiredError("--out"); // not before a wrong flag is named
    if (app.get_option("--seed")->count())
      flags->seed = context.seed;
    Trainer(context, *flags).train();
  });
}

} // namespace tintype::rt
