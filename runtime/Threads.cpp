//===- Threads.cpp --------------------------------------------------------===//
#include "runtime/Threads.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <linux/futex.h>
#include <sched.h>
#include <set>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace tintype::rt {

static void futexWait(std::atomic<uint32_t> &word, uint32_t seen) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}
static void futexWakeAll(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}
static void pause() { __builtin_ia32_pause(); }

/// One logical CPU of each physical core in this process's affinity mask.
static std::vector<int> coreList() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0)
    return {0};
  std::set<std::string> seen;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask))
      continue;
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(in, siblings))
      siblings = std::to_string(cpu);
    if (seen.insert(siblings).second)
      cores.push_back(cpu);
  }
  return cores.empty() ? std::vector<int>{0} : cores;
}

/// Cores' worth of time that the cgroup grants, or a large number.
static int quota() {
  std::ifstream in("/sys/fs/cgroup/cpu.max");
  std::string max;
  double period = 0;
  if (!(in >> max >> period) || max == "max" || period <= 0)
    return INT32_MAX;
  return std::max(1, static_cast<int>(std::strtod(max.c_str(), nullptr) / period + 0.5));
}

int Threads::physicalCores() { return std::min<int>(static_cast<int>(coreList().size()), quota()); }

static void pin(int cpu) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(cpu, &mask);
  sched_setaffinity(0, sizeof(mask), &mask);
}

static thread_local bool insideJob = false;
static thread_local int numberInPool = 0;

int Threads::self() { return numberInPool; }

Threads::Threads(int count) {
  std::vector<int> cores = coreList();
  if (count <= 0)
    count = physicalCores();
  // Pinned only when the pool takes every core: two processes with one thread
  // each must not end on the same core.
  bool pinned = count == static_cast<int>(cores.size()) && count > 1;
  try {
    for (int i = 1; i < count; ++i)
      workers.emplace_back([this, i, cpu = pinned ? cores[i] : -1] { work(i, cpu); });
  } catch (const std::system_error &error) {
    stop();
    fail("expected ", count, " threads, but the system refuses number ", workers.size() + 2, ": ", error.code().message(),
         "\nhint: fewer --threads");
  }
  if (pinned)
    pin(cores[0]);
}

Threads::~Threads() { stop(); }

void Threads::stop() {
  stopping = true;
  wakeups.fetch_add(1);
  futexWakeAll(wakeups);
  for (std::thread &t : workers)
    t.join();
}

/// Claims and runs one block; false when none is left.
bool Threads::runOne() {
  uint64_t t = ticket.load(std::memory_order_acquire);
  for (;;) {
    uint32_t left = static_cast<uint32_t>(t);
    if (left == 0)
      return false;
    if (ticket.compare_exchange_weak(t, t - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      body(data, static_cast<int64_t>(total) - left);
      done.fetch_add(1, std::memory_order_release);
      return true;
    }
  }
}

void Threads::work(int number, int cpu) {
  numberInPool = number;
  if (cpu >= 0)
    pin(cpu);
  insideJob = true;
  constexpr int kSpins = 4000; // about 100 us, twice the usual gap between two jobs
  for (;;) {
    int spins = 0;
    while (!runOne()) {
      if (stopping.load(std::memory_order_relaxed))
        return;
      if (++spins < kSpins) {
        pause();
        continue;
      }
      // Announce the sleep, then look once more: run() publishes the ticket
      // before it looks at `sleepers`, so one of the two sees the other.
      uint32_t seen = wakeups.load();
      sleepers.fetch_add(1);
      if (static_cast<uint32_t>(ticket.load()) == 0 && !stopping)
        futexWait(wakeups, seen);
      sleepers.fetch_sub(1);
      spins = 0;
    }
  }
}

void Threads::run(int64_t n, Body fn, void *arg) {
  if (n <= 0)
    return;
  if (n == 1 || workers.empty() || insideJob) {
    for (int64_t i = 0; i < n; ++i)
      fn(arg, i);
    return;
  }
  insideJob = true;
  constexpr int64_t kMost = UINT32_MAX; // blocks in one ticket
  for (int64_t first = 0; first < n; first += kMost) {
    struct Shifted {
      Body fn;
      void *arg;
      int64_t first;
    } shifted{fn, arg, first};
    if (first == 0) {
      body = fn;
      data = arg;
    } else {
      body = [](void *s, int64_t i) {
        static_cast<Shifted *>(s)->fn(static_cast<Shifted *>(s)->arg, static_cast<Shifted *>(s)->first + i);
      };
      data = &shifted;
    }
    total = static_cast<uint32_t>(std::min(n - first, kMost));
    done.store(0, std::memory_order_relaxed);
    uint64_t epoch = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
    ticket.store(epoch << 32 | total);
    if (sleepers.load() > 0) {
      wakeups.fetch_add(1);
      futexWakeAll(wakeups);
    }
    while (runOne()) {
    }
    for (int spins = 0; done.load(std::memory_order_acquire) != total; ++spins) {
      if (spins < 20000)
        pause();
      else
        sched_yield(); // more threads than free cores: let the last block finish
    }
  }
  insideJob = false;
}

} // namespace tintype::rt
