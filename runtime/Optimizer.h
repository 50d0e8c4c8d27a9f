//===- Optimizer.h - AdamW over all parameters ------------------*- C++ -*-===//
//
// Runs the binary's own `update` and `grad_norm` programs over the segments of
// the parameter store. After a step the gradients are zero.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Program.h"
#include <map>
#include <tuple>

namespace tintype::rt {

/// Settings of AdamW (Loshchilov and Hutter, 2019) as torch.optim.AdamW has them.
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weightDecay = 0.1;
  double clip = 1.0; ///< global gradient norm; 0: none
};

class Optimizer {
public:
  /// `store` must hold moments. Programs run in pieces of a fixed size, so the
  /// result does not depend on the number of threads.
  Optimizer(ParameterStore &store, Threads &threads);
  ~Optimizer();

  /// Norm of all gradients times `scale` (1 / accumulated micro-batches).
  double gradientNorm(double scale = 1);

  /// Step number `t` (from 1): clips by `norm` as clip_grad_norm_ does, updates
  /// values and moments, zeroes the gradients.
  void step(int64_t t, const AdamW &settings, double norm, double scale = 1);

  double bytesPerStep() const; ///< what both programs read and write at least

  /// Profiling of its programs: on before the first step, or after it.
  void setProfiling(bool on);
  /// Adds what its kernels did since to `rows`, and sorts these by time again.
  void addProfile(std::vector<KernelProfile> &rows) const;

private:
  Executor &programFor(const std::string &role, int64_t count, int lane);
  ParameterStore &store;
  Threads &threads;
  std::map<std::tuple<std::string, int64_t, int>, std::unique_ptr<Executor>> programs;
  std::vector<std::pair<int64_t, int64_t>> normPieces; // offset and count of each run of grad_norm
  bool profiling = false;
  float hyper[8] = {};
};

} // namespace tintype::rt
