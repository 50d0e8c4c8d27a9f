//===- Tuner.cpp - candidates against the incumbent, kernel by kernel -----===//
#include "tools/tune/Tuner.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <thread>
#include <unistd.h>

using namespace mlir;

namespace tintype::tune {

/// A candidate must be this much better than the incumbent, and then again than the template.
static constexpr double kFirst = 1.03, kAgain = 1.02;
/// The model keeps a candidate out that it thinks this much slower than the template's choice.
static constexpr double kHopeless = 1.3;

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Tuner::Tuner(std::vector<Kernel> kernels, Database &db, const TuneOptions &options, const volatile bool &interrupted)
    : db(db), options(options), interrupted(interrupted), start(now()) {
  for (Kernel &k : kernels) {
    State s;
    s.file = options.folder + "/" + k.name + ".mlir";
    std::error_code ec;
    llvm::raw_fd_ostream os(s.file, ec);
    k.fn->print(os, OpPrintingFlags().useLocalScope());
    s.kernel = std::move(k);
    s.before = s.kernel.roof(options.roof) / 0.5; // until it is measured
    s.row.kernel = s.kernel.name;
    s.row.machine = options.machine;
    s.row.dims = printDims(options.dims);
    s.row.launches = s.kernel.launches;
    s.row.roof = s.kernel.roof(options.roof);
    states.push_back(std::move(s));
  }
}

double Tuner::left() const { return interrupted || tried >= options.most ? 0 : options.budget - (now() - start); }
double Tuner::State::part(const Tuner &t) const { return kernel.launches * before / t.stepSeconds(false); }
double Tuner::stepSeconds(bool after) const {
  double sum = 1e-12;
  for (const State &s : states)
    sum += s.kernel.launches * s.before / (after ? s.row.gain : 1);
  return sum;
}

Job Tuner::jobFor(const State &s, double seconds) const {
  Job j;
  j.file = s.file;
  j.target = options.target;
  j.cacheDir = options.folder;
  j.incumbent = s.row.setting;
  j.candidate = s.row.setting;
  j.dims = options.dims;
  j.threads = options.machine.threads;
  // A few times what the template takes, and time to compile; a tenth of that would do on an idle machine.
  j.seconds = seconds;
  j.limitSeconds = options.limit > 0 ? options.limit : 15 + 20 * seconds + 60 * s.before;
  // Halide's and LLVM's libraries take 2 GB of addresses by themselves.
  j.memoryBytes = (int64_t(6) << 30) + 4 * dataBytes(s.kernel.fn, options.dims);
  j.fault = options.fault;
  return j;
}

void Tuner::baseline(State &s, double until) {
  Job j = jobFor(s, std::min(0.1, until / 4));
  j.incumbent = j.candidate = {};
  Outcome o = runChild(j, interrupted);
  if (o.status == "ok") {
    s.before = o.incumbent;
    s.spread = std::max(s.spread, o.spread);
    s.isMeasured = true;
  } else if (o.status != "stopped") {
    // The template's own schedule fails here: nothing to compare with.
    s.row.why = "not measured: " + o.status + " " + o.message;
    s.isExhausted = true;
  }
}

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
      Job j = jobFor(s, 0.1);
      j.candidate = setting;
      j.compileOnly = true;
      runChild(j, interrupted);
    });
  for (std::thread &t : threads)
    t.join();
}

llvm::Error Tuner::save(State &s) {
  s.row.before = s.before;
  s.row.after = s.before / s.row.gain;
  s.row.why = s.isMeasured ? s.explain(options.roof) : s.row.why;
  return db.put(s.row);
}

bool Tuner::State::isFar() const { return row.roof * row.gain < 0.8 * before && row.gain < 1.15; }

/// How sure the numbers are; of a kernel far from its roof also why it stays there.
std::string Tuner::State::explain(const Roof &roof) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (isFar()) {
    os << kernel.boundBy(roof, before / row.gain) << "; ";
    if (!row.trials)
      os << (isExhausted ? "nothing to choose in its template; " : "no time to try another; ");
    else if (failures == row.trials)
      os << "none of " << row.trials << " candidates ran; ";
    else {
      os << (isExhausted ? "all " : "") << row.trials << (row.trials == 1 ? " candidate" : " candidates") << (isExhausted ? " there are" : "");
      if (best > 0)
        os << ", the best other " << llvm::format("%.3fx", best) << (best <= 1 ? "" : best <= 1 + spread ? " within noise" : best < kFirst ? "" : " once, not again");
      os << "; ";
    }
  }
  os << "spread " << llvm::format("%.1f %%", 100 * spread);
  return text;
}

llvm::Error Tuner::attempt(State &s, const Setting &candidate) {
  double seconds = std::clamp(options.budget / 2000, 0.03, 0.25);
  Job j = jobFor(s, seconds);
  j.candidate = candidate;
  Outcome o = runChild(j, interrupted);
  Trial t{schedule::printSetting(candidate), o.status, o.message, o.ratio * s.row.gain, o.candidate};
  if (o.status == "stopped")
    return llvm::Error::success();
  ++tried;
  ++s.row.trials;
  s.failures += o.status != "ok";
  if (o.status == "ok" && s.row.setting.empty())
    s.before = o.incumbent;
  bool wins = o.status == "ok" && o.ratio >= kFirst;
  if (o.status == "ok")
    s.spread = std::max(s.spread, o.spread);
  if (wins) {
    // A second process, beside the template's own choice, for longer.
    j.incumbent = {};
    j.seconds = 3 * seconds;
    Outcome again = runChild(j, interrupted);
    wins = again.status == "ok" && again.ratio >= kAgain && again.ratio >= 0.99 * s.row.gain;
    if (again.status == "stopped")
      return llvm::Error::success();
    t.ratio = again.status == "ok" ? again.ratio : 1;
    if (wins) {
      s.before = again.incumbent;
      s.row.setting = candidate;
      s.row.gain = again.ratio;
    }
  }
  if (o.status == "ok" && !wins)
    s.best = std::max(s.best, o.ratio);
  if (o.status == "ok" && s.last && s.last->setting == candidate)
    s.lastAgain = t.ratio;
  if (llvm::Error e = db.putTrial(s.kernel.name, s.row.dims, options.machine, t))
    return e;
  return wins ? save(s) : llvm::Error::success();
}

llvm::Error Tuner::search(State &s, double until) {
  double deadline = now() + until;
  if (!s.isStarted) {
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
    bool isSame = stored && stored->machine.threads == options.machine.threads && stored->dims == s.row.dims;
    if (options.resume && isSame) {
      s.row.setting = stored->setting;
      s.row.gain = stored->gain;
      s.row.trials = stored->trials;
    } else if (stored && !stored->setting.empty()) {
      s.first.push_back(stored->setting); // a winner of before has to win again
    }
    if (isSame && !options.resume && stored->trials)
      s.last = stored;
    if (options.resume) {
      auto trials = db.trials(s.kernel.name, s.row.dims, options.machine);
      for (const Trial &t : trials)
        s.seen.insert(t.setting);
      s.row.trials = trials.size();
    } else if (llvm::Error e = db.forgetTrials(s.kernel.name, s.row.dims, options.machine)) {
      return e;
    }
  }
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
  } while (now() < deadline && left() > 0);
  return save(s);
}

llvm::Error Tuner::run() {
  for (State &s : states) {
    if (now() - start > 0.3 * options.budget || left() <= 0)
      break;
    baseline(s, 0.3 * options.budget);
    progress(&s);
  }
  // Rounds: time by what a kernel takes of the step; what one leaves goes to the others.
  for (int round = 0; round < 100 && left() > 0; ++round) {
    std::vector<State *> open;
    double parts = 0;
    for (State &s : states)
      if (!s.isExhausted) {
        open.push_back(&s);
        parts += s.part(*this);
      }
    if (open.empty())
      break;
    std::stable_sort(open.begin(), open.end(), [&](State *a, State *b) { return a->part(*this) > b->part(*this); });
    for (State *s : open) {
      if (left() <= 0)
        break;
      double share = s->part(*this), slice = left() * share / std::max(parts, 1e-9);
      parts -= share;
      if (!s->isMeasured)
        baseline(*s, left());
      if (left() > 0 && !s->isExhausted)
        if (llvm::Error e = search(*s, slice))
          return e;
    }
  }
  progress(nullptr, true);
  return llvm::Error::success();
}

void Tuner::progress(const State *current, bool isLast) {
  bool isTerminal = isatty(2);
  // In a pipe a line now and then, and one at the end.
  if (!isTerminal && !isLast && now() - lastLine < 10)
    return;
  lastLine = now();
  double gain = stepSeconds(false) / stepSeconds(true);
  llvm::errs() << (isTerminal ? "\r" : "") << llvm::format("%d of %zu kernels, %d candidates, %.0f s left, step %.3fx", done, states.size(), tried,
                                                          std::max(options.budget - (now() - start), 0.0), gain);
  if (current && isTerminal)
    llvm::errs() << "  " << current->kernel.name;
  llvm::errs() << (isTerminal && !isLast ? "\033[K" : "\n");
}

void Tuner::printTable() const {
  auto &os = llvm::outs();
  std::vector<const State *> order;
  for (const State &s : states)
    order.push_back(&s);
  std::stable_sort(order.begin(), order.end(), [&](auto *a, auto *b) { return a->part(*this) > b->part(*this); });
  os << "kernel              kind         share      ms   of roof    tuned     gain  tried  schedule\n";
  for (const State *s : order) {
    double roof = s->row.roof, before = s->before, after = before / s->row.gain;
    os << llvm::format("%-19s %-11s %5.1f %% %8.3f", s->kernel.name.c_str(), s->kernel.kind.c_str(), 100 * s->part(*this), before * 1e3);
    if (s->isMeasured)
      os << llvm::format("  %5.1f %%  %5.1f %%   %.3fx %6d  ", std::min(100 * roof / before, 100.0), std::min(100 * roof / after, 100.0), s->row.gain, s->row.trials);
    else
      os << "        -        -        -      -  ";
    if (s->isStarted)
      os << (s->row.setting.empty() ? "template" : schedule::printSetting(s->row.setting)) << "; " << s->row.why;
    else
      os << (s->row.why.empty() ? "not tried" : s->row.why);
    if (s->failures)
      os << "; " << s->failures << " failed";
    os << "\n";
  }
  os << llvm::format("step: %.3fx (%.1f ms -> %.1f ms of kernels", stepSeconds(false) / stepSeconds(true), 1e3 * stepSeconds(false),
                     1e3 * stepSeconds(true))
     << ", " << options.machine.threads << (options.machine.threads == 1 ? " thread, " : " threads, ") << printDims(options.dims) << ")\n";
  printComparison();
}

/// How the winners compare with those of the last run on this machine at these dims.
void Tuner::printComparison() const {
  int same = 0, close = 0, better = 0, worse = 0;
  for (const State &s : states) {
    if (!s.last || !s.isStarted || (!s.row.trials && !s.last->setting.empty()))
      continue;
    // What the other setting gains here, beside the template like the winner.
    double there = s.last->setting.empty() ? 1 : s.lastAgain, noise = std::max(0.03, s.spread);
    if (s.last->setting == s.row.setting)
      ++same;
    else if (std::abs(s.row.gain / std::max(there, 0.01) - 1) <= noise)
      ++close;
    else
      ++(s.row.gain > there ? better : worse);
  }
  if (same + close + better + worse)
    llvm::outs() << "beside the last run: " << same << " the same winner, " << close << " another within noise, " << better << " a better one, " << worse
                 << " a worse one\n";
}

} // namespace tintype::tune
