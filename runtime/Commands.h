//===- Commands.h - the subcommands of a built binary -----------*- C++ -*-===//
//
// One function and one file per subcommand: it registers flags, and a callback
// that does the work and throws Error. A subcommand reads --threads and --seed
// from the context.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Threads.h"
#include <CLI/App.hpp>
#include <chrono>
#include <memory>

namespace tintype::rt {

class Context {
public:
  Context(const Manifest &manifest, std::string program) : manifest(manifest), program(std::move(program)) {}
  const Manifest &manifest;
  int threadCount = 0; ///< 0: one per physical core
  uint64_t seed = 0;
  const std::string program; ///< argv[0]

  /// The pool, started at the first call, once the machine is known to have
  /// the instructions that kernels use.
  Threads &threads();

private:
  std::unique_ptr<Threads> pool;
};

/// Seconds since the process was started by exec.
double secondsSinceExec();

void addInfo(CLI::App &app, Context &context);
void addInit(CLI::App &app, Context &context);
void addTrain(CLI::App &app, Context &context);
void addEval(CLI::App &app, Context &context);
void addGenerate(CLI::App &app, Context &context);
void addTrace(CLI::App &app, Context &context);
void addBench(CLI::App &app, Context &context);

} // namespace tintype::rt
