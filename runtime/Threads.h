//===- Threads.h - the pool that runs kernels -------------------*- C++ -*-===//
//
// A fixed set of threads, started once. A step calls parallelFor a few thousand
// times with blocks of 50 us and more, so a job costs a few hundred
// nanoseconds: workers spin a while before they sleep, blocks are claimed from
// one atomic word, and nothing is allocated. Which thread runs a block never
// changes a result, since blocks write disjoint memory.
//
//===----------------------------------------------------------------------===//
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace tintype::rt {

class Threads {
public:
  /// `count` threads, the caller included; 0 means one per physical core that
  /// this process may use. Throws an Error where the system refuses so many.
  explicit Threads(int count = 0);
  ~Threads();
  Threads(const Threads &) = delete;
  Threads &operator=(const Threads &) = delete;

  int count() const { return static_cast<int>(workers.size()) + 1; }
  /// Physical cores this process may use (affinity and cgroup quota).
  static int physicalCores();
  /// Number of the calling thread in its pool; the one that owns the pool is 0.
  static int self();

  /// Calls fn(i) for every i in [0, n), in any order; returns when all are
  /// done. Inside another parallelFor it is a plain loop. `fn` must not throw.
  template <typename Fn> void parallelFor(int64_t n, Fn &&fn) {
    using F = std::remove_reference_t<Fn>;
    run(n, [](void *f, int64_t i) { (*static_cast<F *>(f))(i); }, const_cast<void *>(static_cast<const void *>(&fn)));
  }

private:
  using Body = void (*)(void *, int64_t);
  void run(int64_t n, Body body, void *data);
  bool runOne();
  void work(int number, int cpu);
  void stop();

  // A ticket is (epoch << 32 | blocks left). A block is claimed by decrementing
  // it; while a claimed block is not done the job cannot end, so `body`, `data`
  // and `total` belong to the epoch of the claimed ticket.
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<int64_t> done{0};
  alignas(64) std::atomic<uint32_t> wakeups{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};
  Body body = nullptr;
  void *data = nullptr;
  uint32_t total = 0;
  std::vector<std::thread> workers;
};

} // namespace tintype::rt
