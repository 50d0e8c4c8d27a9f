//===- Tuner.h - candidates against the incumbent, kernel by kernel -*- C++ -*-===//
// For each kernel, the largest part of the step first and with time by that part:
//
//   take a step from the incumbent that is new (by the text of its schedule) and not hopeless (by the model)
//   measure it beside the incumbent; better by 3 %?  measure it again, beside the template's own choice;
//   better by 2 % there?  then it is the incumbent
//
// and with the last part of the time a final round: the best few and the template's choice in turn, in five
// processes. The winner is the simplest of those that cannot be told from the best, and it must beat the template
// by more than its error; so a run that follows finds the same one, and the result is never slower.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_TUNE_TUNER_H
#define TINTYPE_TOOLS_TUNE_TUNER_H

#include "passes/schedule/Lowering.h"
#include "tools/tune/Database.h"
#include "tools/tune/Job.h"
#include "tools/tune/Kernels.h"
#include <set>

namespace tintype::tune {

struct TuneOptions {
  double budget = 600; ///< seconds
  bool resume = false;
  int jobs = 1;       ///< candidates compiled at once
  int most = 1 << 30; ///< candidates to try
  double limit = 0;   ///< seconds for a child instead of what its kernel should take
  std::string folder; ///< for objects and jobs; exists
  std::string target = "host", fault;
  Roof roof;
  schedule::Machine model;
  Machine machine;
  Dims dims;
};

class Tuner {
public:
  Tuner(std::vector<Kernel> kernels, Database &db, const TuneOptions &options, const volatile bool &interrupted);
  /// Whether the database could be written to the end.
  llvm::Error run();
  void printTable() const;

private:
  /// A candidate that ran right.
  struct Try {
    Setting setting;
    double gain, error; ///< over the template's choice
  };
  struct State {
    Kernel kernel;
    std::string file;
    Winner row;                 ///< what the database holds, or shall
    double before = 0;          ///< seconds of a launch as the template schedules it
    double cost = 1;            ///< the model's estimate for that
    std::set<std::string> seen; ///< settings and schedules that need no measuring
    std::vector<Setting> first; ///< to try before anything else
    std::vector<Setting> queue; ///< steps from the incumbent, the next at the end
    std::string queueOf;        ///< that incumbent
    bool isMeasured = false, isStarted = false, isExhausted = false;
    int failures = 0;
    std::vector<Try> tries;
    double error = 0;           ///< of the gain, or of the time where nothing was compared
    std::optional<Winner> last; ///< of an earlier run like this one
    double part(const Tuner &t) const;
    bool isFar() const; ///< from its roof, without having gained much
    std::string explain(const Tuner &t) const;
    const Try *find(const Setting &setting) const;
    std::vector<Try> best(size_t most) const; ///< the best first
    void put(const Try &next);                ///< in place of what was known of its setting
  };
  double spent() const;
  /// Seconds for trying candidates, none once no more are wanted; the last part of the budget is not for that.
  double left() const;
  /// Runs `job` for as long as the budget for candidates lasts, and long enough for one comparison.
  Outcome measure(const Job &job) const;
  void baseline(State &s, double until);
  llvm::Error search(State &s, double until);
  llvm::Error begin(State &s);
  /// Steps from the incumbent: what is to change in turn, each by the model's estimate.
  void fillQueue(State &s);
  /// New steps from the incumbent of `s`, planned; at most `most`.
  std::vector<Setting> propose(State &s, size_t most);
  Job jobFor(const State &s, std::vector<Setting> settings, double seconds) const;
  void compileAhead(const State &s, const std::vector<Setting> &settings) const;
  llvm::Error attempt(State &s, const Setting &candidate);
  /// The final round for every kernel that has a candidate.
  llvm::Error decideAll();
  void decide(State &s);
  llvm::Error save(State &s);
  void progress(const State *now, bool isLast = false);
  void printComparison() const;
  void printShortage() const;
  double stepSeconds(bool after) const;
  std::vector<const State *> byPart() const;

  std::vector<State> states;
  Database &db;
  const TuneOptions &options;
  const volatile bool &interrupted;
  double start, lastLine = 0;
  int tried = 0, done = 0;
};

} // namespace tintype::tune

#endif
