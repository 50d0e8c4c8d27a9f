//===- Flow.h - blocks in the order of their data ---------------*- C++ -*-===//
//
// A program lists its launches one after the other. What one must wait for is
// only whom it shares memory with: a block starts when all blocks of earlier
// launches that touch its memory (one of the two writing) are done. Where blocks
// read and write slices, rows that follow each other, that is a few of them. So a
// thread that finds no block left in a launch goes on with the next that is free
// to run, instead of waiting for the last block of the others: with the rows that
// are there, or with products for weight gradients, which fill such gaps through
// the whole backward pass. Blocks write disjoint memory and the order of what
// conflicts stays, so results are the same bytes.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Threads.h"
#include <functional>
#include <mutex>

namespace tintype::rt {

class Flow {
public:
  /// Bytes [begin, end) that a launch reads or writes: all of them each block, or slice s of the blocks
  /// `slice` bytes from begin + s * slice.
  struct Use {
    uintptr_t begin, end;
    bool isWritten;
    uintptr_t slice = 0;
  };
  struct Launch {
    int64_t blocks;
    std::vector<Use> uses;
    int64_t inSlice = 1; ///< blocks that follow each other and lie in one slice
  };
  explicit Flow(std::vector<Launch> launches);

  /// Calls block(launch, index) for every block of every launch; returns when all are done.
  void run(Threads &threads, const std::function<void(int, int64_t)> &block);

private:
  struct Edge {
    int from, to;
    bool waits = false; ///< in the current run, the next block of `to` for one of `from`
  };
  struct Node {
    Launch launch;
    std::vector<int> in, out; ///< edges
    // Of the current run:
    int64_t next = 0, done = 0; ///< claimed, and done of those before them all
    int waits = 0;              ///< edges
    std::vector<bool> isDone;
  };
  static int64_t needed(const Launch &from, const Launch &to, int64_t slice);
  void start();
  void admit(int launch);
  bool claim(int &launch, int64_t &block);
  void complete(int launch, int64_t block);

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::mutex mutex;
  std::vector<int> ready; ///< whose next block is free to run, in program order
  std::atomic<uint32_t> changes{0};
  std::atomic<int64_t> left{0}; ///< blocks not done
};

} // namespace tintype::rt
