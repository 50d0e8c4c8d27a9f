//===- Final.cpp - which of a kernel's best candidates wins ---------------===//
// Each of a few processes runs the template's choice and the finalists in turn. Pages and their places in a
// cache differ between processes, and so does what a ratio comes to: the error is the larger of half the range of
// the processes' medians and what the rounds of one leave open.
//===----------------------------------------------------------------------===//
#include "tools/tune/Tuner.h"

namespace tintype::tune {

static constexpr int kProcesses = 5, kFinalists = 3, kRounds = 12;
/// Less than this is no gain, and no difference between two finalists.
static constexpr double kLeast = 0.01;

static double median(std::vector<double> v) {
  llvm::sort(v);
  return v[v.size() / 2];
}

void Tuner::decide(State &s) {
  std::vector<Setting> settings{{}};
  for (const Try &t : s.best(s.tries.size()))
    if (t.setting == s.row.setting || (t.gain > 1 + kLeast && (int)settings.size() <= kFinalists))
      settings.push_back(t.setting);
  if (settings.size() == 1)
    return;
  Job job = jobFor(s, settings, std::clamp(kRounds * settings.size() * s.before, 0.05, options.budget / 100));
  job.isTrusted = true;
  std::vector<std::vector<double>> gains(settings.size()), errors(settings.size());
  std::vector<double> before;
  for (int process = 0; process < kProcesses; ++process) {
    Outcome o = runChild(job, options.budget - spent(), interrupted);
    if (o.status != "ok")
      return; // what was confirmed stays
    before.push_back(o.timings[0].seconds);
    for (size_t i = 0; i < settings.size(); ++i) {
      gains[i].push_back(o.timings[i].ratio);
      errors[i].push_back(o.timings[i].error);
    }
  }
  s.before = median(before);
  std::vector<Try> sure; // better than the template
  for (size_t i = 1; i < settings.size(); ++i) {
    auto [low, high] = std::minmax_element(gains[i].begin(), gains[i].end());
    Try t{settings[i], median(gains[i]), std::max((*high - *low) / 2, median(errors[i]))};
    s.put(t);
    if (t.gain >= 1 + kLeast && t.gain - t.error > 1)
      sure.push_back(t);
  }
  Try winner{{}, 1, s.error};
  if (!sure.empty()) {
    Try top = *llvm::max_element(sure, [](const Try &a, const Try &b) { return a.gain < b.gain; });
    llvm::erase_if(sure, [&](const Try &t) { return t.gain < top.gain - std::max({kLeast, t.error, top.error}); });
    winner = *llvm::min_element(
        sure, [](const Try &a, const Try &b) { return std::pair(a.setting.size(), a.setting) < std::pair(b.setting.size(), b.setting); });
  }
  s.row.setting = winner.setting;
  s.row.gain = winner.gain;
  s.error = winner.error;
}

llvm::Error Tuner::decideAll() {
  for (const State *next : byPart()) {
    State &s = states[next - states.data()];
    if (interrupted || spent() > options.budget)
      break;
    if (!s.isStarted)
      continue;
    decide(s);
    if (llvm::Error e = save(s))
      return e;
    progress(&s);
  }
  return llvm::Error::success();
}

} // namespace tintype::tune
