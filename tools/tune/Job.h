//===- Job.h - one measurement, as parent and child speak of it -*- C++ -*-===//
// The parent writes a job as JSON into a file; the child reads it, does what it
// says and prints its outcome as one JSON line. Everything that can go wrong
// with a candidate goes wrong in the child.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_TUNE_JOB_H
#define TINTYPE_TOOLS_TUNE_JOB_H

#include "passes/schedule/Tune.h"
#include "tools/tune/KernelData.h"

namespace tintype::tune {

using schedule::Setting;

struct Job {
  std::string file; ///< module with the kernel function, without a pipeline
  std::string target = "host", cacheDir;
  std::vector<Setting> settings; ///< the first is what the others are compared with
  bool isTrusted = false;        ///< they gave right results before
  Dims dims;
  int threads = 1;
  bool compileOnly = false; ///< of the last one
  double seconds = 0.3;     ///< for the measuring itself
  int64_t memoryBytes = 0;  ///< address space of the child
  double limitSeconds = 60; ///< for the whole child
  std::string fault;        ///< tests: what the candidate shall do wrong
};

/// One setting beside the first.
struct Timing {
  double seconds = 0; ///< median
  double ratio = 1;   ///< median of the first's time over its own, round by round
  double error = 0;   ///< half of the interval that holds the true median in 19 of 20 cases (of the first: of its time, as a part)
};

/// What came of it.
struct Outcome {
  std::string status; ///< ok, invalid, compile, wrong, overrun, crash, timeout, lost, stopped
  std::string message;
  std::vector<Timing> timings; ///< of each setting, when ok
};

std::string toJson(const Job &job);
std::string toJson(const Outcome &outcome);
bool fromJson(llvm::StringRef text, Job &job);
bool fromJson(llvm::StringRef text, Outcome &outcome);

/// The child: prints an Outcome, returns the exit status.
int runJob(const std::string &file);

/// The parent: runs `job` in a child process under its limits. It is `stopped`, which says nothing of it, when
/// `interrupted` becomes true or `seconds` by the clock are over.
Outcome runChild(const Job &job, double seconds, const volatile bool &interrupted);

} // namespace tintype::tune

#endif
