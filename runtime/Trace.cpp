//===- Trace.cpp - the trace subcommand: numbers to compare with others ---===//
//
// Takes weights and a batch from one safetensors file and writes outputs, loss,
// every gradient and some steps of AdamW, all under the file's own names.
//
//===----------------------------------------------------------------------===//
#include "runtime/Commands.h"
#include "runtime/Flags.h"
#include "runtime/Inputs.h"
#include "runtime/MemoryLimit.h"
#include "runtime/Optimizer.h"
#include "runtime/Precision.h"
#include "runtime/Weights.h"
#include <cmath>
#include <cstring>
#include <iostream>

namespace tintype::rt {
namespace {

struct TraceOptions {
  std::string in, out, memoryLimit, dtype = "f32"; // exact unless asked: the numbers are to be compared
  int steps = 0;
  AdamW adamw;
};

/// Keeps what is to be written; the executor's own memory changes with each run.
class Collected {
public:
  void add(const std::string &name, const std::vector<int64_t> &shape, const float *data) {
    copies.emplace_back(data, data + elementCount(shape, name));
    tensors.push_back({name, StoredType::F32, shape, copies.back().data()});
  }
  void addParameters(const ParameterStore &store, const float *values, const std::string &prefix) {
    for (const TensorToWrite &t : parameterTensors(store, values, prefix))
      add(t.name, t.shape, static_cast<const float *>(t.data));
  }
  void write(const std::string &path) const { writeSafetensors(path, tensors, {{"format", "pt"}}); }

private:
  std::vector<std::vector<float>> copies; // moving a vector keeps its data in place
  std::vector<TensorToWrite> tensors;
};

void trace(Context &context, const TraceOptions &o) {
  const Manifest &m = context.manifest;
  TensorSource source(o.in);
  ParameterStore store(m, o.steps ? ParameterStore::TRAINING : ParameterStore::GRADIENTS);
  loadWeights(store, source, context.threads(), {true, context.seed});
  const std::string role = roleIn(o.dtype, m, "trace_step");
  double limit = o.memoryLimit.empty() ? 0 : parseSize(o.memoryLimit), need = 0;
  double fixed = double(store.total()) * (o.steps ? 4 : 2) * sizeof(float);
  std::unique_ptr<Executor> plan = planWithin(m, role, dimsOfBatch(m, getProgram(m, role), source), &store, context.threads(),
                                              {Boundary::OWN, true}, limit, fixed, &need);
  if (!plan)
    fail("--memory-limit: expected at least ", int64_t(need), " bytes for this batch, but got ", o.memoryLimit);
  Executor &step = *plan;
  fillInputs(step, m, source, context.seed);
  step.run();

  Collected out;
  for (int i = 0; i < step.program().outputs_size(); ++i) {
    const Output &output = step.program().outputs(i);
    if (output.dtype() == F32)
      out.add("out." + output.name(), step.outputShape(i), step.output<float>(output.name()));
  }
  out.addParameters(store, store.gradients(), "grad.");
  if (o.steps > 0) {
    const float *loss = step.output<float>("loss");
    if (!loss)
      fail("the program trace_step of this binary has no output loss");
    Optimizer optimizer(store, context.threads());
    std::vector<float> losses, norms;
    for (int t = 1; t <= o.steps; ++t) {
      if (t > 1)
        step.run(); // gradients are zero after a step
      double norm = optimizer.gradientNorm();
      losses.push_back(*loss);
      norms.push_back(static_cast<float>(norm));
      if (!std::isfinite(*loss) || !std::isfinite(norm))
        fail("step ", t, ": the ", std::isfinite(*loss) ? "gradient norm" : "loss", " is not finite");
      optimizer.step(t, o.adamw, norm);
    }
    out.add("out.losses", {o.steps}, losses.data());
    out.add("out.grad_norms", {o.steps}, norms.data());
    out.addParameters(store, store.values(), "final.");
  }
  out.write(o.out);
}

} // namespace

void addTrace(CLI::App &app, Context &context) {
  auto o = std::make_shared<TraceOptions>();
  auto *sub = app.add_subcommand("trace", "write outputs, gradients and training steps for one recorded batch");
  sub->add_option("--in", o->in, "safetensors with the weights and batch.ROLE")->required();
  sub->add_option("--out", o->out, "safetensors to write")->required();
  sub->add_option("--steps", o->steps, "steps of AdamW on the batch")->check(inRange(0, 1000000));
  sub->add_option("--lr", o->adamw.lr, "learning rate")->capture_default_str();
  sub->add_option("--beta1", o->adamw.beta1, "decay of the first moment")->capture_default_str();
  sub->add_option("--beta2", o->adamw.beta2, "decay of the second moment")->capture_default_str();
  sub->add_option("--eps", o->adamw.eps, "added to the root of the second moment")->capture_default_str();
  sub->add_option("--weight-decay", o->adamw.weightDecay, "where the recipe decays")->capture_default_str();
  sub->add_option("--clip", o->adamw.clip, "global gradient norm, 0 for none")->capture_default_str();
  sub->add_option("--dtype", o->dtype, "type that products are computed in")->capture_default_str()->check(CLI::IsMember({"f32", "bf16"}));
  sub->add_option("--memory-limit", o->memoryLimit, "what the process may take: smaller chunks, values computed again, e.g. 800M")
      ->check(checkSize);
  sub->callback([&context, o] { trace(context, *o); });
}

} // namespace tintype::rt
