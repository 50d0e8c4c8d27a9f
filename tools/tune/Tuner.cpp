//===- Tuner.cpp - a budget of time, dealt out to kernels -----------------===//
#include "tools/tune/Tuner.h"
#include "codegen/WholeFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <unistd.h>

using namespace mlir;

namespace tintype::tune {

/// The part of the budget that the final round may take.
static constexpr double kFinal = 0.15;
/// Seconds: what two schedules of attention's backward pass take to be compiled, and beside that little.
static constexpr double kComparison = 5;

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Where candidates read the kernel.
static std::error_code writeKernel(const Kernel &kernel, const std::string &file) {
  return writeTo(file, [&](llvm::raw_ostream &os) { kernel.fn->print(os, OpPrintingFlags().useLocalScope()); });
}

Tuner::Tuner(std::vector<Kernel> kernels, Database &db, const TuneOptions &options, const volatile bool &interrupted)
    : db(db), options(options), interrupted(interrupted), start(now()) {
  for (Kernel &k : kernels) {
    State s;
    s.file = options.folder + "/" + k.name + ".mlir";
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

double Tuner::spent() const { return now() - start; }
double Tuner::left() const { return interrupted || tried >= options.most ? 0 : (1 - kFinal) * options.budget - spent(); }
Outcome Tuner::measure(const Job &job) const {
  return runChild(job, std::max((1 - kFinal) * options.budget - spent(), kComparison), interrupted);
}
double Tuner::State::part(const Tuner &t) const { return kernel.launches * before / t.stepSeconds(false); }
double Tuner::stepSeconds(bool after) const {
  double sum = 1e-12;
  for (const State &s : states)
    sum += s.kernel.launches * s.before / (after ? s.row.gain : 1);
  return sum;
}

const Tuner::Try *Tuner::State::find(const Setting &setting) const {
  auto it = llvm::find_if(tries, [&](const Try &t) { return t.setting == setting; });
  return it == tries.end() ? nullptr : &*it;
}
std::vector<Tuner::Try> Tuner::State::best(size_t most) const {
  std::vector<Try> list = tries;
  llvm::stable_sort(list, [](const Try &a, const Try &b) { return a.gain > b.gain; });
  list.erase(list.begin() + std::min(most, list.size()), list.end());
  return list;
}
void Tuner::State::put(const Try &next) {
  llvm::erase_if(tries, [&](const Try &t) { return t.setting == next.setting; });
  tries.push_back(next);
}

Job Tuner::jobFor(const State &s, std::vector<Setting> settings, double seconds) const {
  Job j;
  j.file = s.file;
  j.target = options.target;
  j.cacheDir = options.folder;
  j.settings = std::move(settings);
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
  Outcome o = measure(jobFor(s, {{}}, std::min(0.1, until / 4)));
  if (o.status == "ok") {
    s.before = o.timings[0].seconds;
    s.error = o.timings[0].error;
    s.isMeasured = true;
  } else if (o.status != "stopped") {
    // The template's own schedule fails here: nothing to compare with.
    s.row.why = "not measured: " + o.status + " " + o.message;
    s.isExhausted = true;
  }
}

llvm::Error Tuner::save(State &s) {
  s.row.before = s.isMeasured ? s.before : 0; // what is assumed until then is no measurement
  s.row.after = s.row.before / s.row.gain;
  s.row.why = s.isMeasured ? s.explain(*this) : s.row.why.empty() ? "not measured within the budget" : s.row.why;
  return db.put(s.row);
}

llvm::Error Tuner::run() {
  for (State &s : states)
    if (std::error_code ec = writeKernel(s.kernel, s.file))
      return llvm::createStringError(s.file + ": expected a writable file, but got: " + ec.message());
  for (State &s : states) {
    if (spent() > 0.3 * options.budget || left() <= 0)
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
  if (llvm::Error e = decideAll())
    return e;
  // Kernels that had no turn have a row too, unless an earlier run knows more.
  for (State &s : states) {
    auto stored = db.find(s.kernel.name, options.machine);
    if (s.isStarted || interrupted || (stored && stored->foreign.empty() && stored->machine.threads == options.machine.threads))
      continue;
    if (llvm::Error e = save(s))
      return e;
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
  llvm::errs() << (isTerminal ? "\r" : "")
               << llvm::format("%d of %zu kernels, %d candidates, %.0f s left, step %.3fx", done, states.size(), tried,
                               std::max(options.budget - spent(), 0.0), gain);
  if (current && isTerminal)
    llvm::errs() << "  " << current->kernel.name;
  llvm::errs() << (isTerminal && !isLast ? "\033[K" : "\n");
}

} // namespace tintype::tune
