//===- Flow.h - launches in the order of their data -------------*- C++ -*-===//
//
// A program lists its launches one after the other. What one must wait for is
// only whom it shares memory with: a launch starts when every earlier one that
// touches its memory (one of the two writing) is done. So a thread that finds no
// block left in a launch goes on with the next that is free to run, instead of
// waiting for the last block of the others; products for weight gradients fill
// such gaps through the whole backward pass. Blocks write disjoint memory and
// the order of conflicting launches stays, so results are the same bytes.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Threads.h"
#include <functional>
#include <mutex>

namespace tintype::rt {

class Flow {
public:
  /// Bytes [begin, end) that a launch reads or writes.
  struct Use {
    uintptr_t begin, end;
    bool isWritten;
  };
  struct Launch {
    int64_t blocks;
    std::vector<Use> uses;
  };
  explicit Flow(std::vector<Launch> launches);

  /// Calls block(launch, index) for every block of every launch; returns when all are done.
  void run(Threads &threads, const std::function<void(int, int64_t)> &block);

  /// Launches that wait for `launch`, without those that follow from others.
  const std::vector<int> &successors(int launch) const { return nodes[launch].successors; }

private:
  struct Node {
    int64_t blocks;
    std::vector<int> successors;
    int predecessors = 0;
    // Of the current run:
    int waitsFor = 0;
    std::atomic<int64_t> next{0}, done{0};
  };
  int claim();
  void complete(int launch);

  std::vector<Node> nodes;
  std::mutex mutex;
  std::vector<int> ready; ///< free to run with blocks to claim, in program order
  std::atomic<uint32_t> changes{0};
  std::atomic<int> left{0};
};

} // namespace tintype::rt
