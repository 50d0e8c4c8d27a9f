//===- Job.h - one measurement, as parent and child speak of it -*- C++ -*-===//
// The parent writes a job as JSON into a file; the child reads it, does what it
// says and prints its outcome as one JSON line. Everything that can go wrong
// with a candidate goes wrong in the child.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_TUNE_JOB_H
#define TINTYPE_TOOLS_TUNE_JOB_H

#include "tools/tune/KernelData.h"
#include "passes/schedule/Tune.h"

namespace tintype::tune {

using schedule::Setting;

struct Job {
  std::string file;               ///< module with the kernel function, without a pipeline
  std::string target = "host", cacheDir;
  Setting incumbent, candidate;   ///< candidate equal to incumbent: only it is measured
  Dims dims;
  int threads = 1;
  bool compileOnly = false;
  double seconds = 0.3;           ///< for the measuring itself
  int64_t memoryBytes = 0;        ///< address space of the child
  double limitSeconds = 60;       ///< for the whole child
  std::string fault;              ///< tests: what the candidate shall do wrong
};

/// What came of it.
struct Outcome {
  std::string status;   ///< ok, invalid, compile, wrong, overrun, crash, timeout, lost, stopped
  std::string message;
  double incumbent = 0; ///< seconds, medians
  double candidate = 0;
  double ratio = 1;     ///< median of incumbent over candidate, pair by pair
  double spread = 0;    ///< half the pairs lie this close to it (or, of one, to its median time), as a part of it
};

std::string toJson(const Job &job);
std::string toJson(const Outcome &outcome);
bool fromJson(llvm::StringRef text, Job &job);
bool fromJson(llvm::StringRef text, Outcome &outcome);

/// The child: prints an Outcome, returns the exit status.
int runJob(const std::string &file);

/// The parent: runs `job` in a child process under its limits, until it ends or
/// `interrupted` becomes true.
Outcome runChild(const Job &job, const volatile bool &interrupted);

} // namespace tintype::tune

#endif
