//===- Repeat.h - running launches again instead of keeping results -*- C++ -*-===//
//
// What the forward part makes and the backward part reads waits in memory in between.
// The launch that made it can run again just before the second reader instead:
//
//   h = product(x, w)   ..                       d = adjoint(h, dy)     h waits
//   h = product(x, w)   ..   h' = product(x, w), d = adjoint(h', dy)
//
// Which values, is decided at the dims of the run, where it is known how much lies in
// gradients that are not written yet: only the rest counts, launch by launch.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include <memory>
#include <vector>

namespace tintype::rt {

/// A program with sizes.
struct SizedProgram {
  const Program *program;
  std::vector<double> bytes; ///< per buffer; 0 where it is not of the arena
  std::vector<double> cost;  ///< per launch: operations, or bytes moved where these take longer
  std::vector<double> room;  ///< per launch: gradients that are first written after it, in bytes
};

class Repeats {
public:
  explicit Repeats(SizedProgram sized);

  /// Bytes beyond the room, at the launch where they are most: the arena has at least as many.
  double need() const { return now.need; }
  /// What runs again, as a part of the cost of the program.
  double work() const { return now.cost / whole; }

  /// Has more launches run again, those first that cost least for each byte above `target` that goes,
  /// until the need is at most that. False when nothing lowers it.
  bool lower(double target);

  /// The program in its present form.
  std::shared_ptr<const Program> program() const;

private:
  /// What a launch leaves in a buffer of the arena, until another overwrites it.
  struct Value {
    int buffer, def, end; ///< end: the launch that overwrites it
    bool isRepeatable;
    int lastEarly = -1; ///< if it is made again: the last launch that reads what was made first
  };
  /// A launch of the new order. Buffers from bytes.size() on are those of copies.
  struct Item {
    int launch, slot; ///< slot: the launch of the old order that it is, or stands before
    bool isAgain;
    std::vector<int> ins, outs;
  };
  struct Plan {
    bool isValid = true; ///< all that it reads is there or can be made again
    double need = 0, excess = 0, cost = 0;
    std::vector<Item> items;
    std::vector<double> above;              ///< per item: bytes above room and target
    std::vector<int> origins;               ///< per copy: the buffer it is a copy of
    std::vector<std::pair<int, int>> lives; ///< per buffer: first and last item
    std::vector<int> places;                ///< per value: its buffer
    std::vector<std::vector<int>> readAt;   ///< per value: the slots that read it as first made
  };

  void findValues();
  Plan plan(double target) const;
  int require(Plan &p, std::vector<int> &copies, int value, int slot) const;
  void measure(Plan &p, double target) const;
  std::pair<int, int> longestWait(int value) const;
  int cheapest(double target, int but, int &lastEarly);
  bool add(double target, int but);
  bool exchange(double target);
  bool isInSection(int launch) const { return sectionOf[launch] >= 0; }

  SizedProgram sized;
  double whole = 0;
  std::vector<int> sectionOf; // per launch, or -1
  std::vector<Value> values;
  std::vector<std::vector<int>> reads, makes; // per launch and argument: a value, or -1
  Plan now;
};

} // namespace tintype::rt
