//===- Search.cpp - candidates of a kernel, one after the other -----------===//
#include "tools/tune/Tuner.h"
#include <thread>

using namespace mlir;

namespace tintype::tune {

/// A candidate must be this much better than the incumbent, and then again than the template.
static constexpr double kFirst = 1.03, kAgain = 1.02;
/// Gains that are tried together, and of how many candidates.
static constexpr double kLittle = 1.005;
static constexpr int kTogether = 5;
/// The model keeps a candidate out that it thinks this much slower than the template's choice.
static constexpr double kHopeless = 1.3;

std::vector<Setting> Tuner::propose(State &s, size_t most) {
  std::vector<Setting> found;
  auto consider = [&](const Setting &setting) {
    if (!s.seen.insert(schedule::printSetting(setting)).second)
      return;
    auto plan = schedule::planKernel(s.kernel.fn, options.model, setting);
    if (failed(plan) || plan->cost > kHopeless * s.cost || !s.seen.insert(plan->text + plan->grid).second)
      return;
    found.push_back(setting);
  };
  while (!s.first.empty() && found.size() < most) {
    Setting next = s.first.front();
    s.first.erase(s.first.begin());
    consider(next);
  }
  if (s.queueOf != schedule::printSetting(s.row.setting) + ".")
    fillQueue(s);
  while (!s.queue.empty() && found.size() < most && left() > 0) {
    Setting next = s.queue.back();
    s.queue.pop_back();
    consider(next);
  }
  // When there are no more steps: two at once of the few that gained most, if only a little.
  if (found.empty() && s.queue.empty()) {
    std::vector<Try> best = s.best(kTogether);
    for (const Try &a : best)
      for (const Try &b : best)
        if (b.gain > kLittle && a.gain > kLittle && found.size() < most && left() > 0) {
          Setting both = a.setting;
          both.insert(b.setting.begin(), b.setting.end());
          consider(both);
        }
  }
  return found;
}

void Tuner::fillQueue(State &s) {
  s.queue.clear();
  s.queueOf = schedule::printSetting(s.row.setting) + "."; // not equal to the empty text of the start
  auto here = schedule::planKernel(s.kernel.fn, options.model, s.row.setting);
  if (failed(here))
    return;
  std::vector<std::vector<Setting>> groups = schedule::stepsFrom(s.row.setting, here->parameters, options.model.vectorWidth);
  for (auto &group : groups) {
    std::vector<std::pair<double, Setting>> byCost;
    for (Setting &step : group)
      if (!s.seen.count(schedule::printSetting(step)))
        if (auto plan = schedule::planKernel(s.kernel.fn, options.model, step); succeeded(plan) && plan->cost <= kHopeless * s.cost)
          byCost.push_back({plan->cost, step});
    std::stable_sort(byCost.begin(), byCost.end(), [](auto &a, auto &b) { return a.first > b.first; });
    group.clear();
    for (auto &p : byCost)
      group.push_back(p.second);
  }
  std::vector<Setting> order;
  for (bool any = true; any;) {
    any = false;
    for (auto &group : groups)
      if (!group.empty()) {
        order.push_back(group.back());
        group.pop_back();
        any = true;
      }
  }
  s.queue.assign(order.rbegin(), order.rend());
}

void Tuner::compileAhead(const State &s, const std::vector<Setting> &settings) const {
  std::vector<std::thread> threads;
  for (const Setting &setting : settings)
    threads.emplace_back([&, setting] {
      Job j = jobFor(s, {setting}, 0.1);
      j.compileOnly = true;
      measure(j);
    });
  for (std::thread &t : threads)
    t.join();
}

llvm::Error Tuner::attempt(State &s, const Setting &candidate) {
  double seconds = std::clamp(options.budget / 2000, 0.03, 0.25);
  Outcome o = measure(jobFor(s, {s.row.setting, candidate}, seconds));
  if (o.status == "stopped")
    return llvm::Error::success();
  bool ran = o.status == "ok", wins = ran && o.timings[1].ratio >= kFirst;
  ++tried;
  ++s.row.trials;
  s.failures += !ran;
  Trial t{schedule::printSetting(candidate), o.status, o.message, 1, 0};
  if (ran) {
    s.put({candidate, o.timings[1].ratio * s.row.gain, o.timings[1].error});
    t.seconds = o.timings[1].seconds;
    if (s.row.setting.empty())
      s.before = o.timings[0].seconds;
  }
  if (wins) {
    // A second process, beside the template's own choice, for longer.
    Outcome again = measure(jobFor(s, {{}, candidate}, 3 * seconds));
    if (again.status == "stopped")
      return llvm::Error::success();
    Timing sure = again.status == "ok" ? again.timings[1] : Timing{};
    s.put({candidate, sure.ratio, sure.error});
    wins = sure.ratio >= std::max(kAgain, 0.99 * s.row.gain) && sure.ratio - sure.error > 1;
    if (wins) {
      s.before = again.timings[0].seconds;
      s.row.setting = candidate;
      s.row.gain = sure.ratio;
      s.error = sure.error;
    }
  }
  if (ran)
    t.ratio = s.find(candidate)->gain;
  if (llvm::Error e = db.putTrial(s.kernel.name, s.row.dims, options.machine, t))
    return e;
  return wins ? save(s) : llvm::Error::success();
}

llvm::Error Tuner::begin(State &s) {
  s.isStarted = true;
  ++done;
  auto plain = schedule::planKernel(s.kernel.fn, options.model, {});
  if (failed(plain)) {
    s.isExhausted = true;
    return llvm::Error::success();
  }
  s.cost = plain->cost;
  s.seen = {"", plain->text + plain->grid};
  auto stored = db.find(s.kernel.name, options.machine);
  if (stored && !stored->foreign.empty())
    stored.reset();
  bool isSame = stored && stored->machine.threads == options.machine.threads && stored->dims == s.row.dims;
  if (options.resume && isSame) {
    s.row.setting = stored->setting;
    s.row.gain = stored->gain;
  } else if (stored && !stored->setting.empty()) {
    s.first.push_back(stored->setting); // a winner of before has to win again
  }
  if (isSame && !options.resume && stored->trials)
    s.last = stored;
  if (!options.resume)
    return db.forgetTrials(s.kernel.name, s.row.dims, options.machine);
  for (const Trial &t : db.trials(s.kernel.name, s.row.dims, options.machine)) {
    s.seen.insert(t.setting);
    ++s.row.trials;
    auto setting = schedule::parseSetting(t.setting);
    if (t.status == "ok" && succeeded(setting))
      s.put({*setting, t.ratio, 0.02});
    else
      ++s.failures;
  }
  return llvm::Error::success();
}

llvm::Error Tuner::search(State &s, double until) {
  double deadline = spent() + until;
  if (!s.isStarted)
    if (llvm::Error e = begin(s))
      return e;
  do {
    auto batch = propose(s, options.jobs);
    if (batch.empty()) {
      s.isExhausted = !interrupted && left() > 0;
      break;
    }
    if (options.jobs > 1)
      compileAhead(s, batch);
    for (const Setting &setting : batch) {
      if (llvm::Error e = attempt(s, setting))
        return e;
      progress(&s);
      if (left() <= 0)
        break;
    }
  } while (spent() < deadline && left() > 0);
  return save(s);
}

} // namespace tintype::tune
