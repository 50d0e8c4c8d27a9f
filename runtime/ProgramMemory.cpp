//===- ProgramMemory.cpp - where the buffers of a program lie -------------===//
//
// Temporaries lie in the arena by lifetime. Where a run begins the gradients, it
// needs no memory for one before it writes it: what the backward part of layer i
// reads lies in the gradients of the layers before, which it writes later.
//
//   launch        0 .. 9: forward      10 .. 14: layer 1   15 .. 19: layer 0
//   gradient 0    | activations of layer 1              |  | gradient 0
//   arena         | activations of layer 0                           |
//
//===----------------------------------------------------------------------===//
#include "runtime/Program.h"
#include <algorithm>
#include <map>

namespace tintype::rt {

/// Chunks of equal size but for the last, in steps of 16 rows.
int64_t Executor::rowsOfChunk(const Section &s) const {
  int64_t extent = std::max<int64_t>(1, evaluate(s.extent(), values, manifest));
  if (extent > INT32_MAX)
    fail("at ", values.str(), " there are ", extent, " rows, more than the ", INT32_MAX, " that a kernel can address");
  int64_t chunks = (extent - 1) / s.most() * layout.chunks + layout.chunks;
  int64_t rows = (extent + chunks - 1) / chunks;
  return std::min(extent, (rows + 15) / 16 * 16);
}

/// Per parameter: the first launch that touches its gradient, or -1. A chunk's launches run again after its last one.
std::vector<int> Executor::firstWrites() const {
  std::vector<int> first(manifest.parameters_size(), -1);
  for (int l = 0; l < prog.launches_size(); ++l) {
    int from = l;
    for (const Section &s : prog.sections())
      if (s.first() <= l && l <= s.last())
        from = s.first();
    for (const auto *args : {&prog.launches(l).inputs(), &prog.launches(l).results()})
      for (const Arg &a : *args)
        if (const Buffer &b = prog.buffers(a.buffer()); b.kind() == Buffer::GRADIENT && first[b.index()] < 0)
          first[b.index()] = from;
  }
  return first;
}

/// Where the gradient of `parameter` ends in the array of them, padding included.
int64_t Executor::gradientEnd(int parameter) const {
  return parameter + 1 < manifest.parameters_size() ? store->offset(parameter + 1) : store->total();
}

/// Places temporaries, where it can in the gradients that are written after their last use.
void Executor::shareGradients() {
  constexpr int64_t kLeast = 1 << 12; // floats: a small one is not worth a launch that clears it
  std::vector<int> first = firstWrites();
  std::vector<Lifetime> taken;
  for (int p = 0; p < manifest.parameters_size(); ++p) {
    bool isFree = first[p] > 0 && store->size(p) >= kLeast;
    taken.push_back(
        {(gradientEnd(p) - store->offset(p)) * sizeof(float), isFree ? first[p] : 0, INT32_MAX, store->offset(p) * sizeof(float)});
  }
  arenaTotal = placeAmong(lifetimes, taken, store->total() * sizeof(float));
  isBorrowed.assign(taken.size(), false);
  for (size_t p = 0; p < taken.size(); ++p)
    for (const Lifetime &b : lifetimes)
      if (b.isElsewhere && b.offset < taken[p].offset + taken[p].bytes && taken[p].offset < b.offset + b.bytes)
        isBorrowed[p] = true;
}

/// What stands for setting borrowed gradients to zero in profiles and timelines, and for where it does.
const Kernel &Executor::clearingKernel() {
  static const Kernel kernel = [] {
    Kernel k;
    k.set_name("clear");
    k.set_kind("clear");
    return k;
  }();
  return kernel;
}
const Launch &Executor::clearingLaunch() {
  static const Launch launch = [] {
    Launch l;
    l.set_label("gradients in which temporaries lay");
    return l;
  }();
  return launch;
}

/// A step for each borrowed gradient that `launch` is the first to touch: sets it to zero, padding included.
void Executor::clearGradients(const Launch &launch) {
  for (const auto *args : {&launch.inputs(), &launch.results()})
    for (const Arg &a : *args) {
      const Buffer &b = prog.buffers(a.buffer());
      if (b.kind() != Buffer::GRADIENT || isBorrowed.empty() || !isBorrowed[b.index()])
        continue;
      isBorrowed[b.index()] = false;
      Step s{};
      s.name = clearingKernel().name().c_str();
      s.kernel = manifest.kernels_size();
      s.launch = &clearingLaunch();
      s.begin = reinterpret_cast<uint8_t *>(store->gradients() + store->offset(b.index()));
      s.end = reinterpret_cast<uint8_t *>(store->gradients() + gradientEnd(b.index()));
      s.bytes = double(s.end - s.begin);
      s.grid.blocks = (s.end - s.begin + kClearPiece - 1) / kClearPiece;
      steps.push_back(std::move(s));
    }
}

/// Gives every buffer its place: parameters and gradients in the store, inputs
/// and outputs in a block of their own, the rest in the arena by lifetime.
void Executor::planMemory() {
  size_t outside = 0;
  std::vector<size_t> boundaryOffset(prog.buffers_size(), 0);
  places.assign(prog.buffers_size(), nullptr);
  arenaIndex.assign(prog.buffers_size(), -1);
  views.resize(prog.buffers_size());
  for (int i = 0; i < prog.buffers_size(); ++i) {
    const Buffer &b = prog.buffers(i);
    int64_t n = evaluate(b.elements(), sizes, manifest), bytes = 0;
    if (n < 0 || n > INT32_MAX)
      fail("at ", values.str(), " the buffer ", b.label(), " has ", n, " elements, more than the ", INT32_MAX,
           " that a kernel can address\nhint: a smaller batch or context needs less");
    elements.push_back(n);
    bytes = n * byteSize(b.dtype());
    switch (b.kind()) {
    case Buffer::PARAMETER:
    case Buffer::GRADIENT: {
      if (!store || (b.kind() == Buffer::GRADIENT && !store->hasGradients()))
        fail("program ", prog.role(), " needs ", store ? "gradients" : "parameters", ", which were not set up");
      if (n > store->size(b.index()) || b.dtype() != F32)
        fail("the manifest in this binary is damaged: buffer ", b.label(), " is larger than its parameter");
      float *p = b.kind() == Buffer::PARAMETER ? store->value(b.index()) : store->gradient(b.index());
      places[i] = reinterpret_cast<uint8_t *>(p);
      break;
    }
    case Buffer::ARENA:
      arenaIndex[i] = static_cast<int>(lifetimes.size());
      lifetimes.push_back({static_cast<size_t>(bytes), b.first(), b.last()});
      break;
    default:
      boundaryOffset[i] = outside;
      outside += alignUp(bytes + kAlign);
    }
  }
  if (layout.gradientsBegin && store && store->hasGradients())
    shareGradients();
  else
    arenaTotal = placeLifetimes(lifetimes);
  std::string what = "program " + prog.role() + " at " + values.str();
  if (arenaTotal)
    arena = Memory(arenaTotal += kAlign, what); // vectors may read past the end of what lies last
  if (layout.boundary == Boundary::OWN && outside)
    boundary = Memory(outside, "inputs and outputs of " + what);
  for (int i = 0; i < prog.buffers_size(); ++i) {
    if (arenaIndex[i] >= 0)
      places[i] = (lifetimes[arenaIndex[i]].isElsewhere ? reinterpret_cast<uint8_t *>(store->gradients()) : arena.data()) +
                  lifetimes[arenaIndex[i]].offset;
    else if (!places[i] && boundary.data())
      places[i] = boundary.data() + boundaryOffset[i];
  }
}

SizedProgram Executor::sized() const {
  constexpr double kOperationsPerByte = 16; // of a launch that waits for memory as much as for arithmetic
  SizedProgram s{&prog, {}, {}, std::vector<double>(prog.launches_size(), 0)};
  for (int i = 0; i < prog.buffers_size(); ++i)
    s.bytes.push_back(arenaIndex[i] < 0 ? 0 : static_cast<double>(alignUp(lifetimes[arenaIndex[i]].bytes)));
  for (int l = 0; l < prog.launches_size(); ++l) {
    auto value = [&](const Size &size) { return size.ops_size() ? static_cast<double>(evaluate(size, sizes, manifest)) : 0; };
    s.cost.push_back(std::max(value(prog.launches(l).flops()), kOperationsPerByte * value(prog.launches(l).bytes())));
  }
  if (!layout.gradientsBegin || !store || !store->hasGradients())
    return s;
  std::vector<int> first = firstWrites();
  for (int p = 0; p < manifest.parameters_size(); ++p)
    for (int l = 0; l < first[p]; ++l)
      s.room[l] += static_cast<double>((gradientEnd(p) - store->offset(p)) * sizeof(float));
  return s;
}

std::string Executor::explainPeak(int count) const {
  size_t most = 0, borrowed = 0; // in the arena where that holds most, and in gradients then
  int at = 0;
  for (int l = 0; l < prog.launches_size(); ++l) {
    size_t alive = 0, elsewhere = 0;
    for (const Lifetime &b : lifetimes)
      if (b.first <= l && l <= b.last)
        (b.isElsewhere ? elsewhere : alive) += b.bytes;
    if (alive > most) {
      most = alive;
      borrowed = elsewhere;
      at = l;
    }
  }
  struct Group {
    std::string label;
    size_t bytes = 0, count = 0;
  };
  std::map<std::string, Group> byLabel; // equal layers make many buffers of one origin
  for (int i = 0; i < prog.buffers_size(); ++i) {
    const Lifetime *b = arenaIndex[i] < 0 ? nullptr : &lifetimes[arenaIndex[i]];
    if (!b || b->isElsewhere || b->first > at || b->last < at)
      continue;
    Group &g = byLabel[prog.buffers(i).label()];
    g = {prog.buffers(i).label(), g.bytes + b->bytes, g.count + 1};
  }
  std::vector<Group> groups;
  for (auto &[label, group] : byLabel)
    groups.push_back(group);
  std::stable_sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) { return a.bytes > b.bytes; });
  std::string out = "program " + prog.role() + " at " + values.str() + ": arena " + formatBytes(arenaTotal);
  if (prog.launches_size())
    out += ", most alive " + formatBytes(most) + " at " + prog.launches(at).label();
  if (borrowed)
    out += ", and " + formatBytes(borrowed) + " in gradients not yet written";
  for (size_t i = 0; i < groups.size() && i < static_cast<size_t>(count); ++i)
    out += "\n  " + formatBytes(groups[i].bytes) + " in " + std::to_string(groups[i].count) + ": " + groups[i].label;
  return out;
}

} // namespace tintype::rt
