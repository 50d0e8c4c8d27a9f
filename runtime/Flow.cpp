//===- Flow.cpp -----------------------------------------------------------===//
#include "runtime/Flow.h"
#include <algorithm>
#include <sched.h>

namespace tintype::rt {

static bool conflict(const std::vector<Flow::Use> &a, const std::vector<Flow::Use> &b) {
  for (const Flow::Use &x : a)
    for (const Flow::Use &y : b)
      if ((x.isWritten || y.isWritten) && x.begin < y.end && y.begin < x.end)
        return true;
  return false;
}

Flow::Flow(std::vector<Launch> launches) : nodes(launches.size()) {
  // covered[i]: the launch looked at waits for i, or for one that does.
  std::vector<std::vector<bool>> before(launches.size());
  for (size_t j = 0; j < launches.size(); ++j) {
    nodes[j].blocks = launches[j].blocks;
    before[j].resize(j);
    for (size_t i = j; i-- > 0;) {
      if (before[j][i] || !conflict(launches[i].uses, launches[j].uses))
        continue;
      nodes[i].successors.push_back(static_cast<int>(j));
      ++nodes[j].predecessors;
      before[j][i] = true;
      for (size_t k = 0; k < i; ++k)
        if (before[i][k])
          before[j][k] = true;
    }
  }
}

/// A launch with blocks to claim, or -1.
int Flow::claim() {
  std::lock_guard<std::mutex> lock(mutex);
  while (!ready.empty()) {
    int launch = ready.front();
    if (nodes[launch].blocks == 0) {
      ready.erase(ready.begin());
      complete(launch);
      continue;
    }
    if (nodes[launch].next.load(std::memory_order_relaxed) < nodes[launch].blocks)
      return launch;
    ready.erase(ready.begin());
  }
  return -1;
}

/// With the lock held: those that waited for `launch` alone may run.
void Flow::complete(int launch) {
  for (int s : nodes[launch].successors)
    if (--nodes[s].waitsFor == 0)
      ready.insert(std::upper_bound(ready.begin(), ready.end(), s), s);
  left.fetch_sub(1, std::memory_order_release);
  changes.fetch_add(1, std::memory_order_release);
}

void Flow::run(Threads &threads, const std::function<void(int, int64_t)> &block) {
  ready.clear();
  for (size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].waitsFor = nodes[i].predecessors;
    nodes[i].next.store(0, std::memory_order_relaxed);
    nodes[i].done.store(0, std::memory_order_relaxed);
    if (!nodes[i].predecessors)
      ready.push_back(static_cast<int>(i));
  }
  left.store(static_cast<int>(nodes.size()));
  threads.parallelFor(threads.count(), [&](int64_t) {
    while (left.load(std::memory_order_acquire) > 0) {
      uint32_t seen = changes.load(std::memory_order_acquire);
      int launch = claim();
      if (launch < 0) { // until some launch is done
        for (int spins = 0; changes.load(std::memory_order_acquire) == seen && left.load(std::memory_order_acquire) > 0; ++spins)
          if (spins < 20000)
            __builtin_ia32_pause();
          else
            sched_yield(); // more threads than free cores
        continue;
      }
      Node &n = nodes[launch];
      for (int64_t b; (b = n.next.fetch_add(1, std::memory_order_relaxed)) < n.blocks;) {
        block(launch, b);
        if (n.done.fetch_add(1, std::memory_order_acq_rel) + 1 == n.blocks) {
          std::lock_guard<std::mutex> lock(mutex);
          complete(launch);
        }
        // A launch that comes earlier in the program goes first.
        if (changes.load(std::memory_order_relaxed) != seen)
          break;
      }
    }
  });
}

} // namespace tintype::rt
