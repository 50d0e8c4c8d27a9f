//===- Memory.h - large blocks and where they go ----------------*- C++ -*-===//
//
// Zeroed memory in 2 MB pages where the system has them, and the placement of
// buffers with lifetimes in one block:
//
//   a: 64 bytes, launches 0..1    offsets  a 0, b 64
//   b: 32 bytes, launches 1..2             c 0    (a is dead by then)
//   c: 64 bytes, launches 2..3    total 96
//
//===----------------------------------------------------------------------===//
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tintype::rt {

class Threads;

constexpr size_t kAlign = 128;
inline size_t alignUp(size_t n, size_t to = kAlign) { return (n + to - 1) / to * to; }

/// Owns a zeroed block aligned to 2 MB, or nothing.
class Memory {
public:
  Memory() = default;
  /// Without enough memory an Error that names `what`.
  Memory(size_t bytes, const std::string &what);
  ~Memory();
  Memory(Memory &&o) noexcept : base(std::exchange(o.base, nullptr)), bytes(std::exchange(o.bytes, 0)) {}
  Memory &operator=(Memory &&o) noexcept {
    std::swap(base, o.base);
    std::swap(bytes, o.bytes);
    return *this;
  }
  uint8_t *data() const { return base; }
  template <typename T> T *as() const { return reinterpret_cast<T *>(base); }
  size_t size() const { return bytes; }

private:
  uint8_t *base = nullptr;
  size_t bytes = 0;
};

/// Maps `bytes` of zeroed memory aligned to 2 MB, or null.
uint8_t *mapHuge(size_t bytes);

/// Has the system clear the pages of [data, data + bytes) now, on all threads.
/// Left to the first use of each, two threads may clear the same page or wait for one another.
void populate(const void *data, size_t bytes, Threads &threads);

/// Something that needs `bytes` from launch `first` to launch `last`, inclusive.
struct Lifetime {
  size_t bytes;
  int first, last;
  size_t offset = 0;        ///< set by placeLifetimes
  bool isElsewhere = false; ///< in the memory of others, by placeAmong
};

/// Gives each that is not elsewhere its offset (a multiple of 128) so that no two
/// alive together overlap; returns the size of the block.
size_t placeLifetimes(std::vector<Lifetime> &buffers);

/// The same, but those that find room in a block of `bytes` beside `taken`, whose offsets
/// are given, get an offset there and are marked as elsewhere.
size_t placeAmong(std::vector<Lifetime> &buffers, const std::vector<Lifetime> &taken, size_t bytes);

/// "1.5 GiB"
std::string formatBytes(double bytes);

} // namespace tintype::rt
