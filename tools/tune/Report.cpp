//===- Report.cpp - what a run found, and why no more ---------------------===//
#include "tools/tune/Tuner.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace tintype::tune {

std::vector<const Tuner::State *> Tuner::byPart() const {
  std::vector<const State *> order;
  for (const State &s : states)
    order.push_back(&s);
  std::stable_sort(order.begin(), order.end(), [&](auto *a, auto *b) { return a->part(*this) > b->part(*this); });
  return order;
}

bool Tuner::State::isFar() const { return row.roof * row.gain < 0.8 * before && row.gain < 1.15; }

/// How sure the numbers are; of a kernel far from its roof also why it stays there.
std::string Tuner::State::explain(const Tuner &t) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (isFar()) {
    os << kernel.boundBy(t.options.roof, before / row.gain) << "; ";
    if (part(t) < 0.005)
      os << llvm::format("%.2f %% of the step; ", 100 * part(t));
    if (!row.trials)
      os << (isExhausted ? "nothing to choose in its template; " : "not tried within the budget; ");
    else if (tries.empty())
      os << "none of " << row.trials << " candidates ran; ";
    else {
      os << (isExhausted ? "all " : "") << row.trials << (row.trials == 1 ? " candidate" : " candidates")
         << (isExhausted ? " there are" : "");
      const Try *best = nullptr;
      for (const Try &x : tries)
        if (x.setting != row.setting && (!best || x.gain > best->gain))
          best = &x;
      if (best)
        os << ", the best other " << llvm::format("%.3fx +- %.1f %%", best->gain, 100 * best->error);
      os << "; ";
    }
  }
  os << (row.setting.empty() ? "time" : "gain") << llvm::format(" +- %.1f %%", 100 * error);
  return text;
}

void Tuner::printTable() const {
  auto &os = llvm::outs();
  os << "kernel              kind         share      ms   of roof    tuned     gain  tried  schedule\n";
  for (const State *s : byPart()) {
    double roof = s->row.roof, before = s->before, after = before / s->row.gain;
    os << llvm::format("%-19s %-11s ", s->kernel.name.c_str(), s->kernel.kind.c_str());
    if (s->isMeasured)
      os << llvm::format("%5.1f %% %8.3f  %5.1f %%  %5.1f %%   %.3fx %6d  ", 100 * s->part(*this), before * 1e3,
                         std::min(100 * roof / before, 100.0), std::min(100 * roof / after, 100.0), s->row.gain, s->row.trials);
    else
      os << "      -        -        -        -        -      -  ";
    os << (s->row.setting.empty() ? "template" : schedule::printSetting(s->row.setting)) << "; "
       << (s->isMeasured        ? s->explain(*this)
           : s->row.why.empty() ? "not measured within the budget"
                                : s->row.why);
    if (s->failures)
      os << "; " << s->failures << " failed";
    os << "\n";
  }
  os << llvm::format("step: %.3fx (%.1f ms -> %.1f ms of kernels", stepSeconds(false) / stepSeconds(true), 1e3 * stepSeconds(false),
                     1e3 * stepSeconds(true))
     << ", " << options.machine.threads << (options.machine.threads == 1 ? " thread, " : " threads, ") << printDims(options.dims) << ")";
  if (size_t assumed = llvm::count_if(states, [](const State &s) { return !s.isMeasured; }))
    os << ", with twice the time of the roof for " << assumed << (assumed == 1 ? " kernel that was" : " kernels that were")
       << " not measured";
  os << "\n";
  printComparison();
  printShortage();
}

/// Where the budget, and nothing else, kept kernels from being measured.
void Tuner::printShortage() const {
  size_t missing = llvm::count_if(states, [](const State &s) { return !s.isMeasured && !s.isExhausted; });
  bool isAll = llvm::all_of(states, [](const State &s) { return s.isExhausted; });
  if (interrupted || tried >= options.most || isAll || (!missing && tried))
    return;
  llvm::outs() << "budget: " << llvm::format("%g s were not enough ", options.budget);
  if (missing)
    llvm::outs() << "to measure " << missing << " of " << states.size() << (states.size() == 1 ? " kernel" : " kernels");
  if (!tried)
    llvm::outs() << (missing ? " or " : "") << "to compare a candidate";
  llvm::outs() << "; a longer --budget, smaller --dims or --kernel helps\n";
}

/// How the winners compare with those of the last run on this machine at these dims.
void Tuner::printComparison() const {
  int same = 0, close = 0, better = 0, worse = 0;
  for (const State &s : states) {
    if (!s.last || !s.isStarted || (!s.row.trials && !s.last->setting.empty()))
      continue;
    // What the other setting gains here, beside the template like the winner.
    const Try *again = s.find(s.last->setting);
    double there = s.last->setting.empty() ? 1 : again ? again->gain : 0.01, noise = std::max({0.02, s.error, again ? again->error : 0});
    if (s.last->setting == s.row.setting)
      ++same;
    else if (std::abs(s.row.gain / there - 1) <= noise)
      ++close;
    else
      ++(s.row.gain > there ? better : worse);
  }
  if (same + close + better + worse)
    llvm::outs() << "beside the last run: " << same << " the same winner, " << close << " another within noise, " << better
                 << " a better one, " << worse << " a worse one\n";
}

} // namespace tintype::tune
