//===- Timeline.cpp -------------------------------------------------------===//
#include "runtime/Timeline.h"
#include "runtime/Files.h"
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace tintype::rt {

/// Events a thread may leave: 16 MB of them, ten steps and more of a model with 12 layers.
constexpr size_t kMostEvents = size_t(1) << 18;

Timeline *Timeline::current = nullptr;

Timeline::Timeline(int threads) : lanes(std::max(threads, 1)) {}

Timeline::~Timeline() {
  if (current == this)
    stop();
}

int64_t Timeline::now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Timeline::add(const Event &event) {
  size_t thread = static_cast<size_t>(Threads::self());
  if (thread >= lanes.size())
    return;
  Lane &lane = lanes[thread];
  if (lane.events.size() >= kMostEvents)
    ++lane.dropped;
  else
    lane.events.push_back(event);
}

void Timeline::add(const Launch &launch, const Kernel &kernel, int64_t block, double flops, double bytes, int64_t start) {
  add({&launch, &kernel, nullptr, block, start, now(), flops, bytes});
}

void Timeline::addPhase(const char *name, int64_t step, int64_t start) { add({nullptr, nullptr, name, step, start, now(), 0, 0}); }

void Timeline::write(const std::string &path, const std::string &model) const {
  using Json = nlohmann::ordered_json;
  int64_t origin = INT64_MAX, dropped = 0;
  for (const Lane &lane : lanes) {
    dropped += lane.dropped;
    for (const Event &e : lane.events)
      origin = std::min(origin, e.start);
  }
  std::string text = "{\"displayTimeUnit\": \"ms\", \"otherData\": " + Json({{"model", model}, {"dropped_events", dropped}}).dump() +
                     ",\n\"traceEvents\": [\n" +
                     Json({{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"tid", 0}, {"args", {{"name", model}}}}).dump();
  for (size_t t = 0; t < lanes.size(); ++t) {
    std::string name = t ? "thread " + std::to_string(t) : "main thread";
    text += ",\n" + Json({{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", t}, {"args", {{"name", name}}}}).dump();
    std::vector<Event> events = lanes[t].events;
    // What encloses comes before what it encloses.
    std::stable_sort(events.begin(), events.end(),
                     [](const Event &a, const Event &b) { return a.start != b.start ? a.start < b.start : a.end > b.end; });
    for (const Event &e : events) {
      Json o;
      // What has no place in the model, as an optimiser's kernels, goes by its own name.
      o["name"] = !e.launch ? e.name : e.launch->label().empty() ? e.kernel->name() : e.launch->label();
      o["cat"] = e.launch ? e.kernel->kind() : "phase";
      o["ph"] = "X";
      o["ts"] = static_cast<double>(e.start - origin) * 1e-3;
      o["dur"] = static_cast<double>(e.end - e.start) * 1e-3;
      o["pid"] = 1;
      o["tid"] = t;
      if (e.launch)
        o["args"] = {{"kernel", e.kernel->name()}, {"block", e.number}, {"flops", e.flops}, {"bytes", e.bytes}};
      else if (e.number >= 0)
        o["args"] = {{"step", e.number}};
      text += ",\n" + o.dump();
    }
  }
  writeTextWhole(path, text + "\n]}\n");
}

} // namespace tintype::rt
