//===- Flow.cpp -----------------------------------------------------------===//
#include "runtime/Flow.h"
#include <algorithm>
#include <sched.h>

namespace tintype::rt {

/// Whether some blocks of the two share memory that one writes.
static bool conflict(const Flow::Launch &a, const Flow::Launch &b) {
  for (const Flow::Use &x : a.uses)
    for (const Flow::Use &y : b.uses)
      if ((x.isWritten || y.isWritten) && x.begin < y.end && y.begin < x.end)
        return true;
  return false;
}

/// How many of the first blocks of `from` must be done before those of `slice` of `to` start.
int64_t Flow::needed(const Launch &from, const Launch &to, int64_t slice) {
  int64_t blocks = 0;
  for (const Use &y : to.uses) {
    const uintptr_t begin = y.begin + slice * y.slice, end = y.slice ? std::min(begin + y.slice, y.end) : y.end;
    for (const Use &x : from.uses) {
      if (!(x.isWritten || y.isWritten) || x.begin >= end || begin >= x.end)
        continue;
      const int64_t slices = x.slice ? int64_t((end - 1 - x.begin) / x.slice) + 1 : from.blocks;
      blocks = std::max(blocks, std::min(slices * from.inSlice, from.blocks));
    }
  }
  return blocks;
}

Flow::Flow(std::vector<Launch> launches) : nodes(launches.size()) {
  for (size_t i = 0; i < launches.size(); ++i) {
    nodes[i].launch = std::move(launches[i]);
    nodes[i].isDone.resize(nodes[i].launch.blocks);
  }
  // ended[j]: launches that have ended when the first block of j starts.
  std::vector<std::vector<bool>> ended(nodes.size(), std::vector<bool>(nodes.size()));
  for (int j = 0; j < int(nodes.size()); ++j) {
    const Launch &to = nodes[j].launch;
    for (int i = j; to.blocks && i-- > 0;) {
      const Launch &from = nodes[i].launch;
      if (!from.blocks || ended[j][i] || !conflict(from, to))
        continue;
      nodes[i].out.push_back(int(edges.size()));
      nodes[j].in.push_back(int(edges.size()));
      edges.push_back({i, j});
      const int64_t first = needed(from, to, 0);
      if (first == 0)
        continue;
      ended[j][i] = first == from.blocks;
      for (int k = 0; k < i; ++k)
        ended[j][k] = ended[j][k] || ended[i][k];
    }
  }
}

void Flow::start() {
  ready.clear();
  int64_t blocks = 0;
  for (Node &n : nodes) {
    n.next = n.done = 0;
    n.isDone.assign(n.isDone.size(), false);
    blocks += n.launch.blocks;
  }
  left.store(blocks);
  for (size_t i = 0; i < nodes.size(); ++i)
    admit(int(i));
}

/// Counts what the next block of `launch` waits for; it is ready where that is nothing.
void Flow::admit(int launch) {
  Node &n = nodes[launch];
  if (n.next == n.launch.blocks)
    return;
  n.waits = 0;
  for (int e : n.in) {
    const Node &from = nodes[edges[e].from];
    edges[e].waits = from.done < from.launch.blocks && from.done < needed(from.launch, n.launch, n.next / n.launch.inSlice);
    n.waits += edges[e].waits;
  }
  if (n.waits == 0)
    ready.insert(std::upper_bound(ready.begin(), ready.end(), launch), launch);
}

/// The next block of the earliest launch that has one which is free to run.
bool Flow::claim(int &launch, int64_t &block) {
  std::lock_guard<std::mutex> lock(mutex);
  if (ready.empty())
    return false;
  launch = ready.front();
  Node &n = nodes[launch];
  block = n.next++;
  if (n.next == n.launch.blocks || n.next % n.launch.inSlice == 0) { // another slice waits for others
    ready.erase(ready.begin());
    admit(launch);
  }
  return true;
}

void Flow::complete(int launch, int64_t block) {
  std::lock_guard<std::mutex> lock(mutex);
  Node &n = nodes[launch];
  n.isDone[block] = true;
  const int64_t before = n.done;
  while (n.done < n.launch.blocks && n.isDone[n.done])
    ++n.done;
  if (n.done > before)
    for (int e : n.out) {
      Node &to = nodes[edges[e].to];
      if (!edges[e].waits || n.done < needed(n.launch, to.launch, to.next / to.launch.inSlice))
        continue;
      edges[e].waits = false;
      if (--to.waits == 0)
        ready.insert(std::upper_bound(ready.begin(), ready.end(), edges[e].to), edges[e].to);
    }
  left.fetch_sub(1, std::memory_order_release);
  changes.fetch_add(1, std::memory_order_release);
}

void Flow::run(Threads &threads, const std::function<void(int, int64_t)> &block) {
  start();
  threads.parallelFor(threads.count(), [&](int64_t) {
    while (left.load(std::memory_order_acquire) > 0) {
      const uint32_t seen = changes.load(std::memory_order_acquire);
      int launch;
      int64_t index;
      if (claim(launch, index)) {
        block(launch, index);
        complete(launch, index);
        continue;
      }
      for (int spins = 0; changes.load(std::memory_order_acquire) == seen && left.load(std::memory_order_acquire) > 0; ++spins)
        if (spins < 20000)
          __builtin_ia32_pause();
        else
          sched_yield(); // more threads than free cores
    }
  });
}

} // namespace tintype::rt
