//===- TrainLog.cpp - log.jsonl and the progress line ---------------------===//
#include "runtime/TrainLog.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <utility>

namespace tintype::rt {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kLargestLog = size_t(1) << 32;

/// Reads the whole lines of steps 1 .. `step`.
std::vector<LogLine> readLines(const std::string &text, int64_t step) {
  std::vector<LogLine> lines;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    Json json = Json::parse(text.begin() + long(at), text.begin() + long(end), nullptr, false);
    if (!json.is_object())
      continue;
    LogLine line;
    auto take = [&](const char *key, double &to) {
      bool has = json.contains(key) && json[key].is_number();
      to = has ? json[key].get<double>() : 0;
      return has;
    };
    double number;
    if (!take("step", number) || !(number >= 1 && number <= double(step)))
      continue;
    line.step = int64_t(number);
    take("loss", line.loss);
    take("grad_norm", line.gradNorm);
    take("lr", line.lr);
    take("tokens_per_s", line.tokensPerSecond);
    take("seconds", line.seconds);
    line.hasVal = take("val_loss", line.valLoss);
    lines.push_back(line);
  }
  return lines;
}

double rounded(double value, int digits) {
  double unit = std::pow(10, digits);
  return std::round(value * unit) / unit;
}

} // namespace

std::string LogLine::json() const {
  Json json = {{"step", step},
               {"loss", loss},
               {"grad_norm", gradNorm},
               {"lr", lr},
               {"tokens_per_s", rounded(tokensPerSecond, 1)},
               {"seconds", rounded(seconds, 3)}};
  if (hasVal)
    json["val_loss"] = valLoss;
  return json.dump();
}

/// Writes `lines` as the whole of a log, to which others can be added: returns its file.
int TrainLog::begin(const std::string &path, const std::vector<LogLine> &lines) {
  std::string text;
  for (const LogLine &line : lines)
    text += line.json() + "\n";
  writeTextWhole(path, text);
  int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0)
    fail(path, ": cannot write: ", std::strerror(errno));
  return file;
}

TrainLog::TrainLog(std::vector<std::string> where, int64_t step) : paths(std::move(where)) {
  for (const std::string &path : paths) {
    std::error_code error;
    std::vector<LogLine> kept;
    std::filesystem::file_status status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      fail(path, ": expected a file for the log, but it is none");
    if (step > 0 && std::filesystem::exists(status))
      kept = readLines(readFile(path, kLargestLog), step);
    files.push_back(begin(path, kept));
    if (files.size() == 1)
      all = std::move(kept);
  }
}

void TrainLog::replaceLast(const LogLine &line) {
  all.back() = line;
  for (size_t i = 0; i < files.size(); ++i) {
    std::vector<LogLine> lines = readLines(readFile(paths[i], kLargestLog), line.step);
    if (lines.empty() || lines.back().step != line.step)
      continue; // a second log that begins later
    lines.back() = line;
    int file = begin(paths[i], lines);
    close(std::exchange(files[i], file));
  }
}

TrainLog::~TrainLog() {
  for (int file : files)
    close(file);
}

void TrainLog::add(const LogLine &line) {
  all.push_back(line);
  std::string text = line.json() + "\n";
  for (size_t i = 0; i < files.size(); ++i) {
    ssize_t put;
    do
      put = write(files[i], text.data(), text.size());
    while (put < 0 && errno == EINTR);
    if (put != ssize_t(text.size()))
      fail(paths[i], ": cannot write: ", put < 0 ? std::strerror(errno) : "no room for the whole line");
  }
}

void TrainLog::sync() {
  for (size_t i = 0; i < files.size(); ++i)
    if (fsync(files[i]) != 0 && errno != EINVAL) // EINVAL: no file but a pipe
      fail(paths[i], ": cannot sync: ", std::strerror(errno));
}

//===----------------------------------------------------------------------===//
// ProgressLine
//===----------------------------------------------------------------------===//

std::string formatDuration(double seconds) {
  auto whole = int64_t(std::max(0.0, std::min(seconds, 1e12)) + 0.5);
  if (whole < 60)
    return std::to_string(whole) + " s";
  if (whole < 3600)
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

ProgressLine::ProgressLine() : terminal(isatty(2)) {}

void ProgressLine::show(const LogLine &line, int64_t steps, double secondsPerStep, bool important) {
  constexpr double terminalEvery = 0.1, pipeEvery = 10;
  double now = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (!important && now - last < (terminal ? terminalEvery : pipeEvery))
    return;
  last = now;
  char text[256], val[40] = "";
  if (line.hasVal)
    std::snprintf(val, sizeof val, "  val %.4f", line.valLoss);
  std::snprintf(text, sizeof text, "step %lld/%lld  loss %.4f%s  lr %.2e  %.0f tokens/s  %s left", (long long)line.step, (long long)steps,
                line.loss, val, line.lr, line.tokensPerSecond, formatDuration(secondsPerStep * double(steps - line.step)).c_str());
  std::fprintf(stderr, terminal ? "\r\x1b[K%s" : "%s\n", text);
  shown = terminal;
  if (line.hasVal && terminal)
    end();
}

void ProgressLine::say(const std::string &text) {
  end();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void ProgressLine::end() {
  if (shown)
    std::fprintf(stderr, "\n");
  shown = false;
}

} // namespace tintype::rt
