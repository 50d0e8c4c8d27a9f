//===- Optimizer.cpp ------------------------------------------------------===//
#include "runtime/Optimizer.h"
#include <algorithm>
#include <cmath>

namespace tintype::rt {

// Elements of one run of grad_norm: small enough that threads share the work,
// a multiple of every padding.
constexpr int64_t kNormPiece = 1 << 20;
constexpr int64_t kUpdatePiece = 1 << 30; // below the 2^31 elements a kernel can address

Optimizer::Optimizer(ParameterStore &store, Threads &threads) : store(store), threads(threads) {
  for (auto [role, inputs] : {std::pair("update", "p g m v hyper"), std::pair("grad_norm", "g")}) {
    std::istringstream words(inputs);
    for (std::string input; words >> input;)
      if (findInput(getProgram(store.manifest, role), input) < 0)
        fail("program ", role, " of this binary has no input ", input);
  }
  for (const Segment &s : store.segments())
    for (int64_t at = 0; at < s.count; at += kNormPiece)
      normPieces.emplace_back(s.offset + at, std::min(kNormPiece, s.count - at));
}
Optimizer::~Optimizer() = default;

/// An executor for `count` elements, planned at first use; there are few sizes.
Executor &Optimizer::programFor(const std::string &role, int64_t count, int lane) {
  std::unique_ptr<Executor> &e = programs[{role, count, lane}];
  if (!e) {
    DimValues dims(store.manifest);
    dims.set("N", count);
    e = std::make_unique<Executor>(store.manifest, role, dims, nullptr, threads, Layout{Boundary::CALLER});
    e->setProfiling(profiling);
  }
  return *e;
}

double Optimizer::gradientNorm(double scale) {
  // A reduction to one number has no grid, so the pieces are what runs in
  // parallel, each lane with executors of its own; the sum runs in their order.
  int lanes = threads.count();
  std::vector<float> sums(normPieces.size());
  for (auto [offset, count] : normPieces)
    for (int lane = 0; lane < lanes; ++lane)
      programFor("grad_norm", count, lane);
  threads.parallelFor(lanes, [&](int64_t lane) {
    for (size_t i = lane; i < normPieces.size(); i += lanes) {
      Executor &e = *programs.find({"grad_norm", normPieces[i].second, static_cast<int>(lane)})->second;
      e.bindInput("g", store.gradients() + normPieces[i].first);
      e.bindOutput(0, &sums[i]);
      e.run();
    }
  });
  double sum = 0;
  for (float s : sums)
    sum += s;
  return std::sqrt(sum) * scale;
}

void Optimizer::step(int64_t t, const AdamW &o, double norm, double scale) {
  double clip = o.clip > 0 ? std::min(1.0, o.clip / (norm + 1e-6)) : 1.0;
  for (const Segment &s : store.segments()) {
    const float values[8] = {static_cast<float>(o.lr),
                             static_cast<float>(o.beta1),
                             static_cast<float>(o.beta2),
                             static_cast<float>(o.eps),
                             static_cast<float>(s.decay ? o.weightDecay : 0),
                             static_cast<float>(1 / (1 - std::pow(o.beta1, static_cast<double>(t)))),
                             static_cast<float>(1 / (1 - std::pow(o.beta2, static_cast<double>(t)))),
                             static_cast<float>(clip * scale)};
    std::copy(values, values + 8, hyper);
    for (int64_t at = 0; at < s.count; at += kUpdatePiece) {
      Executor &e = programFor("update", std::min(kUpdatePiece, s.count - at), 0);
      // Inputs p, g, m, v; outputs in the order p, m, v, g, in place.
      const struct {
        const char *role;
        float *array;
        int output;
      } bindings[] = {{"p", store.values(), 0}, {"g", store.gradients(), 3}, {"m", store.moment1(), 1}, {"v", store.moment2(), 2}};
      for (auto &b : bindings) {
        e.bindInput(b.role, b.array + s.offset + at);
        e.bindOutput(b.output, b.array + s.offset + at);
      }
      e.bindInput("hyper", hyper);
      e.run();
    }
  }
}

void Optimizer::setProfiling(bool on) {
  profiling = on;
  for (auto &entry : programs)
    entry.second->setProfiling(on);
}

void Optimizer::addProfile(std::vector<KernelProfile> &rows) const {
  for (auto &entry : programs)
    for (const KernelProfile &k : entry.second->profile()) {
      auto at = std::find_if(rows.begin(), rows.end(), [&](const KernelProfile &o) { return o.name == k.name; });
      if (at == rows.end()) {
        rows.push_back(k);
        continue;
      }
      at->calls += k.calls;
      at->blocks += k.blocks;
      at->seconds += k.seconds;
      at->cpuSeconds += k.cpuSeconds;
      at->flops += k.flops;
      at->bytes += k.bytes;
    }
  std::sort(rows.begin(), rows.end(), [](const KernelProfile &a, const KernelProfile &b) { return a.cpuSeconds > b.cpuSeconds; });
}

double Optimizer::bytesPerStep() const {
  double n = 0;
  for (const Segment &s : store.segments())
    n += static_cast<double>(s.count);
  return n * 4 * 9; // norm reads g; update reads and writes p, g, m, v
}

} // namespace tintype::rt
