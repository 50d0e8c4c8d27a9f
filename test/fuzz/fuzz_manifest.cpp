//===- fuzz_manifest.cpp - the table of a binary, damaged -----------------===//
//
// Every input ends in programs that are planned, or in an Error. The table is
// beside code that runs: this is about damage, not about malice.
//
//===----------------------------------------------------------------------===//
#include "runtime/Commands.h"
#include "runtime/Program.h"
#include "runtime/Repeat.h"
#include "runtime/Settings.h"
#include "runtime/Weights.h"
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <iostream>

using namespace tintype;
using namespace tintype::rt;

template <typename F> static void attempt(F f) {
  try {
    f();
  } catch (const Error &) {
  }
}

static void info(const Manifest &m, const char *command) {
  Context context(m, "fuzz");
  CLI::App app;
  addInfo(app, context);
  app.parse(command);
}

static void plan(const Manifest &m, const Program &p, ParameterStore &store, Threads &threads) {
  DimValues dims(m);
  for (int i = 0; i < m.symbols_size(); ++i)
    attempt([&] { dims.set(i, std::max<int64_t>(m.symbols(i).min(), std::max<int64_t>(m.symbols(i).multiple(), 1))); });
  for (bool isBegin : {false, true}) {
    Executor executor(m, p.role(), dims, &store, threads, {Boundary::OWN, isBegin});
    executor.explainPeak();
    Repeats repeats(executor.sized());
    if (repeats.lower(repeats.need() / 2)) // what it then does can be planned, too
      Executor(m, p.role(), dims, &store, threads, {Boundary::OWN, isBegin, 1, repeats.program()});
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Threads threads(1);
  static const int kernels =
      (std::freopen("/dev/null", "w", stdout), std::cerr.setstate(std::ios::failbit), linkedManifest().kernels_size());
  Manifest m;
  attempt([&] { m = parseManifest(data, size); });
  attempt([&] { info(m, "info"); });
  attempt([&] { info(m, "info --json"); });
  attempt([&] { TrainSettings::fromRecipe(m).check(); });
  attempt([&] { CheckpointRules::fromRecipe(m.recipe()).renamed("h.0.weight"); });
  attempt([&] {
    ParameterStore store(m, ParameterStore::GRADIENTS);
    for (const Program &p : m.programs())
      if (m.kernels_size() <= kernels) // as many as are linked
        attempt([&] { plan(m, p, store, threads); });
  });
  return 0;
}
