//===- Bench.cpp - the bench subcommand: how fast, and of what ------------===//
//
// Measures steps on random data for a while, and in the same run the machine's
// own limits, so that the fraction means something on a machine that drifts.
//
//===----------------------------------------------------------------------===//
#include "runtime/Clock.h"
#include "runtime/Commands.h"
#include "runtime/Files.h"
#include "runtime/Flags.h"
#include "runtime/MemoryLimit.h"
#include "runtime/Optimizer.h"
#include "runtime/Precision.h"
#include "runtime/Probe.h"
#include "runtime/Profile.h"
#include "runtime/Timeline.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

namespace tintype::rt {
namespace {

struct BenchOptions {
  int64_t batch = 0, context = 0;
  double seconds = 10;
  std::string dtype;
  std::string memoryLimit, trace;
  int64_t traceSteps = 3;
  bool json = false, profile = false, memory = false;
};

/// Of this program; getrusage would count what forked it as well.
int64_t peakRss() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.compare(0, 6, "VmHWM:") == 0)
      return std::strtoll(line.c_str() + 6, nullptr, 10) * int64_t(1024);
  return 0;
}

/// B and T from the flags; where they are free, a batch of 4 and a context of 256.
DimValues benchDims(const Manifest &m, const Program &p, const BenchOptions &o) {
  DimValues dims(m);
  std::vector<bool> used(m.symbols_size());
  for (const Input &in : p.inputs())
    for (const Size &s : in.dims())
      for (const Size::Op &op : s.ops())
        if (op.kind() == Size::SYMBOL)
          used[op.value()] = true;
  for (int i = 0; i < m.symbols_size(); ++i) {
    const Symbol &s = m.symbols(i);
    int64_t multiple = std::max<int64_t>(s.multiple(), 1), most = s.max() > 0 ? s.max() : INT32_MAX;
    int64_t typical = s.name() == "B" ? 4 : 256;
    int64_t v = std::max(s.min(), std::min(typical, most) / multiple * multiple);
    if (s.name() == "B" && o.batch)
      v = o.batch;
    if (s.name() == "T" && o.context)
      v = o.context;
    if (used[i])
      dims.set(i, v);
  }
  if ((o.batch && dims.get("B") != o.batch) || (o.context && dims.get("T") != o.context))
    fail("--", o.batch && dims.get("B") != o.batch ? "batch" : "context", ": this program has no such runtime dimension");
  return dims;
}

void fillRandom(Executor &e, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < e.program().inputs_size(); ++i) {
    const Input &in = e.program().inputs(i);
    void *data = e.input(in.role());
    int64_t n = elementCount(e.inputShape(i), in.name());
    for (int64_t k = 0; data && k < n; ++k) {
      if (in.dtype() == BOOL)
        static_cast<uint8_t *>(data)[k] = 1;
      else if (in.dtype() == I32)
        static_cast<int32_t *>(data)[k] = in.bound() > 0 ? static_cast<int32_t>(random() % in.bound()) : 0;
      else if (in.dtype() == F32)
        static_cast<float *>(data)[k] = static_cast<float>(static_cast<int64_t>(random() % 2001) - 1000) * 1e-3f;
    }
  }
}

/// Tokens of one step: B * T, or images (B) for models without T.
double unitsPerStep(const DimValues &dims) {
  return static_cast<double>(std::max<int64_t>(dims.get("B"), 1)) * static_cast<double>(std::max<int64_t>(dims.get("T"), 1));
}

/// Runs one program (and the optimiser after it, when training) for a while and reports.
void bench(Context &context, const BenchOptions &o, bool training) {
  const Manifest &m = context.manifest;
  if (!o.trace.empty())
    checkWritable(o.trace); // before the work rather than after it
  std::string dtype = training ? chooseDtype(m, o.dtype) : o.dtype.empty() ? "f32" : o.dtype;
  std::string role = roleIn(dtype, m, training ? "train_step" : "forward");
  ParameterStore store(m, training ? ParameterStore::TRAINING : ParameterStore::VALUES);
  store.initialise(context.seed, context.threads());
  double limit = o.memoryLimit.empty() ? 0 : parseSize(o.memoryLimit), need = 0;
  double fixed = double(store.total()) * (training ? 4 : 1) * sizeof(float);
  std::unique_ptr<Executor> plan =
      planWithin(m, role, benchDims(m, getProgram(m, role), o), &store, context.threads(), {Boundary::OWN, true}, limit, fixed, &need);
  if (!plan)
    fail("--memory-limit: expected at least ", int64_t(need), " bytes at these dims, but got ", o.memoryLimit);
  Executor &program = *plan;
  std::unique_ptr<Optimizer> optimizer = training ? std::make_unique<Optimizer>(store, context.threads()) : nullptr;
  fillRandom(program, context.seed);

  std::vector<double> times, programTimes, optimizerTimes;
  PeakFlops peak;
  const double ready = secondsSinceExec();
  double firstStep = 0, spent = 0, nextProbe = 0, loss = 0;
  Timeline timeline(context.threads().count());
  int64_t traced = o.trace.empty() ? 0 : o.traceSteps;
  for (int64_t t = 1; t <= std::max<int64_t>(3, traced + 1) || spent < o.seconds; ++t) {
    if (t == 2) {
      program.setProfiling(o.profile);
      if (optimizer)
        optimizer->setProfiling(o.profile);
      if (traced)
        timeline.start();
    }
    if (t == traced + 2)
      timeline.stop();
    Clock::time_point start = Clock::now();
    std::optional<Timeline::Phase> step(std::in_place, "step", t), phase(std::in_place, role.c_str());
    program.run();
    phase.reset();
    double inProgram = since(start);
    if (training) {
      phase.emplace("optimiser");
      loss = *program.output<float>("loss");
      double norm = optimizer->gradientNorm();
      if (!std::isfinite(loss) || !std::isfinite(norm))
        fail("step ", t, ": the ", std::isfinite(loss) ? "gradient norm" : "loss", " is not finite");
      optimizer->step(t, AdamW(), norm);
    }
    phase.reset();
    step.reset();
    double seconds = since(start);
    if (t == 1) {
      firstStep = secondsSinceExec();
      continue; // memory is touched for the first time
    }
    times.push_back(seconds);
    programTimes.push_back(inProgram);
    optimizerTimes.push_back(seconds - inProgram);
    spent += seconds;
    if (spent >= nextProbe) { // the machine drifts: probe as it goes
      probeFlops(context.threads(), m, 0.01, peak, dtype == "bf16");
      nextProbe = spent + 0.1;
    }
  }
  timeline.stop();
  if (traced)
    timeline.write(o.trace, m.model());
  int64_t rss = peakRss(); // before the bandwidth probe takes memory of its own
  double read = probeRead(context.threads(), 0.3), steps = static_cast<double>(times.size());
  for (std::vector<double> *list : {&times, &programTimes, &optimizerTimes})
    std::sort(list->begin(), list->end());
  double median = times[times.size() / 2], gflops = program.flops() / median * 1e-9;

  nlohmann::ordered_json out;
  out["tokens_per_s"] = unitsPerStep(program.dims()) / median;
  out["step_seconds"] = median;
  out["best_step_seconds"] = times.front();
  out["ready_seconds"] = ready;
  out["first_step_seconds"] = firstStep;
  out["peak_rss_bytes"] = rss;
  out["gflops"] = gflops;
  out["peak_gflops"] = peak.all;
  out["fma_gflops"] = peak.fma;
  if (peak.dots > 0)
    out["dot_gflops"] = peak.dots;
  if (peak.tiles > 0)
    out["tile_gflops"] = peak.tiles;
  out["read_gbs"] = read;
  out["fraction"] = gflops / peak.all;
  out["steps"] = times.size();
  out["threads"] = context.threads().count();
  out["dims"] = program.dims().str();
  out["dtype"] = dtype;
  out["arena_bytes"] = program.arenaBytes();
  if (training) {
    double seconds = optimizerTimes[optimizerTimes.size() / 2];
    out["program_seconds"] = programTimes[programTimes.size() / 2];
    out["optimizer_seconds"] = seconds;
    out["optimizer_gbs"] = optimizer->bytesPerStep() / seconds * 1e-9;
    out["copy_gbs"] = probeCopy(context.threads(), 0.3);
    out["loss"] = loss;
  }
  Roof roof{peak.core, read / context.threads().count()};
  std::vector<KernelProfile> rows;
  if (o.profile) {
    rows = program.profile();
    if (optimizer)
      optimizer->addProfile(rows);
    if (o.json)
      addProfile(out, rows, steps, roof);
  }
  if (o.json)
    std::cout << out.dump(2) << "\n";
  else
    for (auto &[key, value] : out.items())
      std::cout << key << " " << value << "\n";
  if (o.profile)
    printProfile(rows, steps, roof);
  if (o.profile && training) {
    double seconds = optimizerTimes[optimizerTimes.size() / 2];
    fprintf(stderr, "%7s %8s %9.3f %32s %6.1f  optimiser\n", "", "", seconds * 1e3, "", optimizer->bytesPerStep() / seconds * 1e-9);
  }
  if (o.memory)
    fprintf(stderr, "%s\ntemporaries of kernels %s\n", program.explainPeak().c_str(), formatBytes(scratchBytes()).c_str());
}

void addMode(CLI::App *bench, Context &context, const char *name, const char *help, void (*run)(Context &, const BenchOptions &)) {
  auto o = std::make_shared<BenchOptions>();
  auto *sub = bench->add_subcommand(name, help);
  sub->add_option("--batch", o->batch, "sequences or images in a step (default: 4)")->check(inRange<int64_t>(1));
  sub->add_option("--context", o->context, "tokens in a sequence (default: 256, if the model takes them)")->check(inRange<int64_t>(1));
  sub->add_option("--dtype", o->dtype, "type that products are computed in (default: the model's precision, else f32)")
      ->check(CLI::IsMember({"f32", "bf16"}));
  sub->add_option("--memory-limit", o->memoryLimit, "what the process may take: smaller chunks, values computed again, e.g. 2G")
      ->check(checkSize);
  sub->add_option("--seconds", o->seconds, "how long to measure")->capture_default_str()->check(moreThan(0.0));
  sub->add_flag("--json", o->json, "one JSON object on standard output");
  sub->add_flag("--profile", o->profile, "time, rate and share of the roof of each kernel, on standard error and in --json");
  sub->add_option("--trace", o->trace, "write a timeline of kernels and threads for Perfetto or about:tracing")->type_name("FILE");
  sub->add_option("--trace-steps", o->traceSteps, "steps of the timeline, from the second on")
      ->capture_default_str()
      ->check(inRange(1, 1000));
  sub->add_flag("--memory", o->memory, "what is alive at the peak on standard error");
  sub->fallthrough();
  sub->callback([&context, o, run] { run(context, *o); });
}

} // namespace

void addBench(CLI::App &app, Context &context) {
  auto *sub = app.add_subcommand("bench", "measure speed on random data");
  sub->require_subcommand(1);
  addMode(sub, context, "train", "training steps: forward, backward, AdamW", [](Context &c, const BenchOptions &o) { bench(c, o, true); });
  addMode(sub, context, "prefill", "the forward program over whole sequences",
          [](Context &c, const BenchOptions &o) { bench(c, o, false); });
  addMode(sub, context, "decode", "one token after another", [](Context &c, const BenchOptions &) {
    getProgram(c.manifest, "decode");
    fail("bench decode: not in this runtime");
  });
  addMode(sub, context, "sample", "images by a sampler", [](Context &c, const BenchOptions &) {
    getProgram(c.manifest, "sample_step");
    fail("bench sample: not in this runtime");
  });
}

} // namespace tintype::rt
