//===- TrainLog.h - log.jsonl, the loss curve, and the progress line ------===//
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tintype::rt {

/// One optimiser step, one line of log.jsonl.
struct LogLine {
  int64_t step = 0;
  double loss = 0, gradNorm = 0, lr = 0, tokensPerSecond = 0, seconds = 0;
  double valLoss = 0;
  bool hasVal = false;
  std::string json() const;
};

/// Lines go to all of `paths`, whole and in order.
class TrainLog {
public:
  /// Keeps the lines of steps up to `step` and drops the rest, also a last line
  /// cut short by a crash. With `step` 0 it begins anew.
  TrainLog(std::vector<std::string> paths, int64_t step);
  ~TrainLog();
  TrainLog(const TrainLog &) = delete;
  void add(const LogLine &line); ///< throws Error when it cannot be written
  void replaceLast(const LogLine &line);
  void sync(); ///< to the disk
  /// The lines so far, also from before a resume.
  const std::vector<LogLine> &lines() const { return all; }

private:
  static int begin(const std::string &path, const std::vector<LogLine> &lines);

  std::vector<std::string> paths;
  std::vector<int> files;
  std::vector<LogLine> all;
};

/// A picture of the losses over the steps: training in a thin line and averaged,
/// validation with dots.
std::string lossCurve(const std::vector<LogLine> &lines, const std::string &title);

/// On a terminal one line, rewritten; in a pipe a line every few seconds.
class ProgressLine {
public:
  ProgressLine();
  void show(const LogLine &line, int64_t steps, double secondsPerStep, bool important);
  /// A line of its own.
  void say(const std::string &text);
  void end();

private:
  bool terminal, shown = false;
  double last = -1e9;
};

/// "1 h 20 min", "45 s"
std::string formatDuration(double seconds);

} // namespace tintype::rt
