//===- Timeline.h - what ran when, on which thread --------------*- C++ -*-===//
//
// While a timeline is active, every block of a kernel and every phase of a step
// leaves one event; written as the JSON that Perfetto and Chrome's
// about:tracing read:
//
//   Timeline timeline(threads.count());
//   timeline.start();
//   { Timeline::Phase phase("optimiser"); optimizer.step(..); }
//   timeline.stop(), timeline.write("trace.json", "GPT2");
//
// Without one, a block costs a comparison. Memory is bounded: what does not fit
// is counted and left out.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include "runtime/Threads.h"
#include <string>
#include <vector>

namespace tintype::rt {

class Timeline {
public:
  explicit Timeline(int threads);
  ~Timeline();
  Timeline(const Timeline &) = delete;

  /// The one that is recording, or null. Changes only while no job runs.
  static Timeline *active() { return current; }
  void start() { current = this; }
  void stop() { current = nullptr; }

  /// Nanoseconds of the clock of all events.
  static int64_t now();

  /// One block of a launch on the calling thread. `launch` must outlive this.
  void add(const Launch &launch, const Kernel &kernel, int64_t block, double flops, double bytes, int64_t start);
  /// Something that encloses others; `name` must outlive this.
  void addPhase(const char *name, int64_t step, int64_t start);

  /// Writes the file whole or not at all; throws Error.
  void write(const std::string &path, const std::string &model) const;

  /// Records its own lifetime, if a timeline is active at its beginning.
  class Phase {
  public:
    explicit Phase(const char *name, int64_t step = -1) : timeline(active()), name(name), step(step), begin(timeline ? now() : 0) {}
    ~Phase() {
      if (timeline && timeline == active())
        timeline->addPhase(name, step, begin);
    }
    Phase(const Phase &) = delete;

  private:
    Timeline *timeline;
    const char *name;
    int64_t step, begin;
  };

private:
  struct Event {
    const Launch *launch; // null: a phase
    const Kernel *kernel;
    const char *name;
    int64_t number, start, end; // number: of the block or step
    double flops, bytes;
  };
  void add(const Event &event);

  static Timeline *current;
  struct Lane {
    std::vector<Event> events;
    int64_t dropped = 0;
  };
  std::vector<Lane> lanes; // one for each thread, which alone writes it
};

} // namespace tintype::rt
