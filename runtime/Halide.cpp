//===- Halide.cpp - functions that compiled kernels call ------------------===//
//
// Kernels as released need halide_malloc, halide_free, halide_do_par_for and
// libm. Kernels built with asserts also need the halide_error_ family, whose
// messages name the kernel and end the process: a schedule that a person
// changed promises what is not so.
//
//===----------------------------------------------------------------------===//
#include "runtime/Halide.h"
#include "runtime/Memory.h"
#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace tintype::rt {
namespace {

thread_local const char *currentKernel = "?";
std::atomic<size_t> totalScratch{0};

/// Stands before each block. `size` includes it; `previous` is the offset of
/// the block below.
struct alignas(kAlign) Header {
  size_t size, previous;
  bool freed, isAlone; ///< isAlone: in a mapping of its own
};

/// Temporaries of kernels, one stack per thread. What does not fit is mapped alone; when
/// the stack is empty again it grows to what it would have reached, blocks that were freed
/// below others included. Not from malloc, which would keep it for a thread that never asks again.
class Scratch {
public:
  void *take(size_t bytes) {
    size_t need = sizeof(Header) + alignUp(bytes + kAlign); // kernels may read one vector past the end
    highWater = std::max(highWater, top + alone + need);
    if (top == 0 && highWater > capacity)
      grow();
    if (top + need > capacity) {
      auto *h = reinterpret_cast<Header *>(mapHuge(need));
      if (!h)
        return nullptr;
      *h = {need, 0, false, true};
      alone += need;
      return h + 1;
    }
    auto *h = reinterpret_cast<Header *>(base + top);
    *h = {need, last, false, false};
    last = top;
    top += need;
    return h + 1;
  }

  void give(void *p) {
    Header *h = static_cast<Header *>(p) - 1;
    if (h->isAlone) {
      alone -= h->size;
      munmap(h, h->size);
      return;
    }
    h->freed = true;
    while (top > 0) {
      auto *above = reinterpret_cast<Header *>(base + last);
      if (!above->freed)
        break;
      top = last;
      last = above->previous;
    }
  }

  ~Scratch() {
    if (base)
      munmap(base, capacity);
  }

private:
  void grow() {
    size_t size = alignUp(highWater, size_t(1) << 16);
    uint8_t *p = mapHuge(size);
    if (!p)
      return;
    if (base)
      munmap(base, capacity);
    totalScratch += size - capacity;
    base = p;
    capacity = size;
  }

  uint8_t *base = nullptr;
  size_t capacity = 0, top = 0, last = 0, alone = 0, highWater = 0;
};

thread_local Scratch scratch;

} // namespace

void setType(HalideBuffer &b, DType type) {
  static const uint8_t codes[] = {2, 0, 1, 4, 2, 2}, bits[] = {32, 32, 1, 16, 16, 64};
  b.code = codes[type];
  b.bits = bits[type];
  b.lanes = 1;
}

void setCurrentKernel(const char *name) { currentKernel = name; }
size_t scratchBytes() { return totalScratch; }

} // namespace tintype::rt

using namespace tintype::rt;

extern "C" {

void *halide_malloc(void *, size_t bytes) { return scratch.take(bytes); }
void halide_free(void *, void *p) {
  if (p)
    scratch.give(p);
}

/// The blocks of a grid are what runs in parallel; inside, loops are serial.
int halide_do_par_for(void *context, int (*task)(void *, int, uint8_t *), int min, int size, uint8_t *closure) {
  for (int i = min; i < min + size; ++i)
    if (int rc = task(context, i, closure))
      return rc;
  return 0;
}

void halide_error(void *, const char *message) {
  fprintf(stderr, "error: kernel %s: %s\n", currentKernel, message);
  _Exit(1);
}
void halide_print(void *, const char *message) { fputs(message, stderr); }

/// One f32 rounded to bf16, ties to even, subnormals to zero: what kernels do to vectors with the instruction of this name.
uint16_t vcvtne2ps2bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t exponent = bits >> 23 & 255;
  if (exponent == 0)
    return bits >> 16 & 0x8000;
  if (exponent == 255) // infinities as they are, NaN quiet
    return bits >> 16 | (bits & 0x7fffff ? 64 : 0);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

} // extern "C"

/// Ends the process with one line built as printf does.
[[noreturn]] static void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void die(const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  halide_error(nullptr, text);
  __builtin_unreachable();
}

using Str = const char *;
extern "C" {
int halide_error_bounds_inference_call_failed(void *, Str s, int rc) { die("bounds of %s failed with %d", s, rc); }
int halide_error_extern_stage_failed(void *, Str s, int rc) { die("stage %s failed with %d", s, rc); }
int halide_error_explicit_bounds_too_small(void *, Str f, Str v, int a, int b, int c, int d) {
  die("bounds given for %s in %s (%d to %d) do not cover the required %d to %d", f, v, a, b, c, d);
}
int halide_error_bad_type(void *, Str f, uint32_t given, uint32_t want) { die("%s has type %#x, not %#x", f, given, want); }
int halide_error_bad_dimensions(void *, Str f, int32_t given, int32_t want) { die("%s has %d dimensions, not %d", f, given, want); }
int halide_error_access_out_of_bounds(void *, Str f, int d, int a, int b, int lo, int hi) {
  die("%s is accessed from %d to %d in dimension %d, but is valid from %d to %d", f, a, b, d, lo, hi);
}
int halide_error_buffer_allocation_too_large(void *, Str f, uint64_t n, uint64_t max) {
  die("%s needs %llu bytes of %llu", f, (unsigned long long)n, (unsigned long long)max);
}
int halide_error_buffer_extents_negative(void *, Str f, int d, int n) { die("dimension %d of %s has extent %d", d, f, n); }
int halide_error_buffer_extents_too_large(void *, Str f, int64_t n, int64_t max) {
  die("%s has %lld elements of at most %lld", f, (long long)n, (long long)max);
}
int halide_error_constraints_make_required_region_smaller(void *, Str f, int d, int a, int b, int c, int e) {
  die("%s is constrained to (min %d, extent %d) in dimension %d, but needs (min %d, extent %d)", f, a, b, d, c, e);
}
int halide_error_constraint_violated(void *, Str v, int a, Str w, int b) { die("%s (%d) is not %s (%d)", v, a, w, b); }
int halide_error_param_too_small_i64(void *, Str p, int64_t v, int64_t lo) {
  die("%s is %lld, below %lld", p, (long long)v, (long long)lo);
}
int halide_error_param_too_small_u64(void *, Str p, uint64_t v, uint64_t lo) {
  die("%s is %llu, below %llu", p, (unsigned long long)v, (unsigned long long)lo);
}
int halide_error_param_too_small_f64(void *, Str p, double v, double lo) { die("%s is %g, below %g", p, v, lo); }
int halide_error_param_too_large_i64(void *, Str p, int64_t v, int64_t hi) {
  die("%s is %lld, above %lld", p, (long long)v, (long long)hi);
}
int halide_error_param_too_large_u64(void *, Str p, uint64_t v, uint64_t hi) {
  die("%s is %llu, above %llu", p, (unsigned long long)v, (unsigned long long)hi);
}
int halide_error_param_too_large_f64(void *, Str p, double v, double hi) { die("%s is %g, above %g", p, v, hi); }
int halide_error_out_of_memory(void *) { die("out of memory"); }
int halide_error_buffer_argument_is_null(void *, Str b) { die("argument %s is null", b); }
int halide_error_debug_to_file_failed(void *, Str f, Str file, int rc) { die("cannot write %s to %s: %d", f, file, rc); }
int halide_error_unaligned_host_ptr(void *, Str f, int n) { die("%s is not aligned to %d bytes", f, n); }
int halide_error_host_is_null(void *, Str f) { die("%s has no memory", f); }
int halide_error_bad_fold(void *, Str f, Str v, Str l) { die("%s is not folded monotonically in %s over %s", f, v, l); }
int halide_error_bad_extern_fold(void *, Str f, int d, int a, int n, int lo, int k) {
  die("%s is folded by %d in dimension %d, which does not hold (min %d, extent %d) from %d", f, k, d, a, n, lo);
}
int halide_error_fold_factor_too_small(void *, Str f, Str v, int k, Str l, int n) {
  die("the fold factor %d of %s in %s over %s is below %d", k, f, v, l, n);
}
int halide_error_requirement_failed(void *, Str c, Str m) { die("requirement failed: %s: %s", c, m); }
int halide_error_specialize_fail(void *, Str m) { die("no specialisation holds: %s", m); }
int halide_error_no_device_interface(void *) { die("a buffer has no device"); }
int halide_error_device_interface_no_device(void *) { die("a buffer has no device"); }
int halide_error_host_and_device_dirty(void *) { die("a buffer is newer on both sides"); }
int halide_error_buffer_is_null(void *, Str r) { die("a buffer passed to %s is null", r); }
int halide_error_device_dirty_with_no_device_support(void *, Str b) { die("%s is newer on a device", b); }
int halide_error_storage_bound_too_small(void *, Str f, Str v, int a, int b) {
  die("the storage of %s in %s is %d, but needs %d", f, v, a, b);
}
int halide_error_device_crop_failed(void *) { die("a crop on a device failed"); }
int halide_error_split_factor_not_positive(void *, Str f, Str o, Str, Str, Str t, int k) { die("%s splits %s by %s = %d", f, o, t, k); }
int halide_error_vscale_invalid(void *, Str f, int a, int b) { die("%s needs vscale %d, but has %d", f, b, a); }
}
