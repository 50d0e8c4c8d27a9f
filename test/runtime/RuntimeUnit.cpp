//===- RuntimeUnit.cpp - parts of the runtime that no command shows -------===//
#include "RuntimeUnit.h"
#include "runtime/Convert.h"
#include "runtime/Draw.h"
#include "runtime/Flow.h"
#include "runtime/Manifest.h"
#include "runtime/Memory.h"
#include "runtime/Repeat.h"
#include "runtime/Threads.h"
#include "runtime/TrainLog.h"
#include "runtime/Weights.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <sys/mman.h>
#include <thread>

using namespace tintype;
using namespace tintype::rt;

extern "C" {
void *halide_malloc(void *, size_t);
void halide_free(void *, void *);
}

int failures = 0;

/// The message of the Error that `f` throws, or "".
template <typename F> static std::string messageOf(F f) {
  try {
    f();
  } catch (const Error &e) {
    return e.what();
  }
  return "";
}

static Manifest twoDims() {
  Manifest m;
  const struct {
    const char *name;
    int64_t min, max, multiple;
  } dims[] = {{"B", 1, 64, 1}, {"T", 8, 0, 8}};
  for (auto &d : dims) {
    auto *s = m.add_symbols();
    s->set_name(d.name);
    s->set_min(d.min);
    s->set_max(d.max);
    s->set_multiple(d.multiple);
  }
  return m;
}

/// "B 3 * 4 //" in postfix.
static Size size(const std::string &text) {
  Size z;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    auto *op = z.add_ops();
    op->set_kind(word == "+"                  ? Size::ADD
                 : word == "*"                ? Size::MUL
                 : word == "//"               ? Size::FLOORDIV
                 : word == "%"                ? Size::MOD
                 : word == "B" || word == "T" ? Size::SYMBOL
                                              : Size::CONSTANT);
    if (op->kind() == Size::CONSTANT)
      op->set_value(std::stoll(word));
    else if (op->kind() == Size::SYMBOL)
      op->set_value(word == "T");
  }
  return z;
}

static void sizes() {
  Manifest m = twoDims();
  DimValues d(m);
  EXPECT(messageOf([&] { evaluate(size("B"), d, m); }) == "the runtime dimension B has no value");
  d.set("B", 3);
  d.set("T", 16);
  EXPECT(evaluate(size("B T * 7 +"), d, m) == 55);
  EXPECT(evaluate(size("-7 B //"), d, m) == -3 && evaluate(size("-7 B %"), d, m) == 2);
  EXPECT(toString(size("B T 1 + * 4 //"), m) == "(B * (T + 1)) // 4");
  EXPECT(messageOf([&] { evaluate(size("B 4611686018427387904 *"), d, m); }).find("does not fit 64 bits at B = 3, T = 16") !=
         std::string::npos);
  EXPECT(messageOf([&] { evaluate(size("B 0 //"), d, m); }).find("divides by 0") != std::string::npos);
  EXPECT(messageOf([&] { evaluate(size("B *"), d, m); }).find("lacks an operand") != std::string::npos);
  EXPECT(messageOf([&] { evaluate(size("B T"), d, m); }).find("leaves 2 values") != std::string::npos);
  EXPECT(messageOf([&] { d.set("B", 65); }).rfind("expected B <= 64, but got 65", 0) == 0);
  EXPECT(messageOf([&] { d.set("B", 0); }) == "expected B >= 1, but got 0");
  EXPECT(messageOf([&] { d.set("T", 20); }) == "expected T to be a multiple of 8, but got 20");
  EXPECT(messageOf([&] { d.set("H", 1); }) == "this model has no runtime dimension H");

  Program p;
  auto *in = p.add_inputs();
  for (const char *s : {"B", "T", "B 2 *"})
    *in->add_dims() = size(s);
  DimValues e(m);
  e.bind(in->dims(), {2, 24, 4}, "x");
  EXPECT(e.get("B") == 2 && e.get("T") == 24);
  EXPECT(messageOf([&] { e.bind(in->dims(), {2, 24, 5}, "x"); }) == "x: expected size B * 2 = 4 in dimension 2, but got shape [2, 24, 5]");
  EXPECT(messageOf([&] { e.bind(in->dims(), {2, 24}, "x"); }) == "x: expected 3 dimensions, but got shape [2, 24]");
}

static void manifests() {
  EXPECT(messageOf([] { parseManifest("\xff\xff", 2); }) == "the manifest in this binary does not parse");
  Manifest m = twoDims();
  m.add_kernels()->set_name("k");
  auto *p = m.add_programs();
  p->set_role("forward");
  p->add_launches()->set_kernel(1);
  auto reparse = [&] {
    std::string s = m.SerializeAsString();
    parseManifest(s.data(), s.size());
  };
  EXPECT(messageOf(reparse) == "the manifest in this binary is damaged: program forward: a launch names kernel 1");
  p->mutable_launches(0)->set_kernel(0);
  p->mutable_launches(0)->add_inputs()->set_buffer(0);
  EXPECT(messageOf(reparse).find("an argument names buffer 0") != std::string::npos);
  p->add_buffers()->set_kind(Buffer::PARAMETER);
  EXPECT(messageOf(reparse).find("buffer index 0 is not in [0, 0)") != std::string::npos);
  p->mutable_buffers(0)->set_kind(Buffer::ARENA);
  EXPECT(messageOf(reparse).empty());
  p->mutable_buffers(0)->set_last(1);
  EXPECT(messageOf(reparse).find("a buffer lives from launch 0 to 1") != std::string::npos);
  p->mutable_buffers(0)->set_last(-1); // nothing uses it
  auto *in = p->add_inputs();
  in->set_name("x");
  *in->add_dims() = size("T");
  EXPECT(messageOf(reparse).empty());
  in->mutable_dims(0)->mutable_ops(0)->set_value(2);
  EXPECT(messageOf(reparse).find("input x names dim 2") != std::string::npos);
  in->mutable_dims(0)->mutable_ops(0)->set_value(1);
  in->set_dtype(DType(6));
  EXPECT(messageOf(reparse).find("there is no type 6") != std::string::npos);
  m.add_parameters()->add_shape(INT64_MAX);
  EXPECT(messageOf([&] { ParameterStore(m, ParameterStore::VALUES); }) == "the parameters of this model do not fit in memory");
}

/// What dies before a gradient is written may have its memory, and nothing else may.
static void borrowing() {
  std::vector<Lifetime> taken = {{1024, 5, INT32_MAX, 0}, {1024, 0, INT32_MAX, 1024}, {1024, 9, INT32_MAX, 2048}};
  std::vector<Lifetime> b = {{1000, 0, 4}, {1000, 0, 5}, {100, 6, 8}, {500, 0, 9}, {4000, 0, 1}};
  placeAmong(b, taken, 3072);
  EXPECT(b[0].isElsewhere && b[0].offset == 0);
  EXPECT(b[1].isElsewhere && b[1].offset == 2048);
  EXPECT(b[2].isElsewhere && b[2].offset == 2048); // where the one before has died
  EXPECT(!b[3].isElsewhere && !b[4].isElsewhere);
  EXPECT(placeLifetimes(b) == 4096 + 512);
}

/// What takes room from more than it is worth gives way to it: the two short ones instead of the long one.
static void borrowingAgain() {
  std::vector<Lifetime> taken = {{1024, 10, INT32_MAX, 0}};
  std::vector<Lifetime> b = {{128, 0, 9}, {1024, 1, 2}};
  EXPECT(placeAmong(b, taken, 1024) == 128);
  EXPECT(!b[0].isElsewhere && b[1].isElsewhere);
}

/// Launches of kernels 0, 1, .. with the buffers they read and write, of which those below `arena` lie in the arena.
static Program programOf(int arena, const std::vector<std::pair<std::vector<int>, std::vector<int>>> &launches) {
  Program p;
  for (int l = 0; l < static_cast<int>(launches.size()); ++l) {
    auto *launch = p.add_launches();
    launch->set_kernel(l);
    for (auto *list : {&launches[l].first, &launches[l].second})
      for (int b : *list) {
        (list == &launches[l].first ? launch->add_inputs() : launch->add_results())->set_buffer(b);
        while (p.buffers_size() <= b) {
          bool isArena = p.buffers_size() < arena;
          auto *buffer = p.add_buffers();
          buffer->set_kind(isArena ? Buffer::ARENA : Buffer::GRADIENT);
          buffer->set_first(isArena ? INT32_MAX : 0);
        }
        p.mutable_buffers(b)->set_first(std::min(p.buffers(b).first(), l));
        p.mutable_buffers(b)->set_last(l);
      }
  }
  return p;
}

/// Two layers, wide inside (0, 2) and narrow outside (1, 3): the wide result that waits longest is made again
/// before its second reader, from what is there anyway.
static void repeats() {
  Program p = programOf(6, {{{1}, {0}}, {{0}, {3}}, {{3}, {2}}, {{2}, {4}}, {{2, 4}, {5}}, {{0, 5}, {6}}});
  p.mutable_launches(0)->clear_inputs(); // of the batch
  Repeats r({&p, {64, 0, 64, 8, 8, 8, 0}, {1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0}});
  EXPECT(r.need() == 64 + 64 + 8 + 8); // launches 3 and 4
  EXPECT(r.lower(100));
  EXPECT(r.need() == 64 + 8 + 8 && r.work() == 1.0 / 6);
  auto form = r.program();
  EXPECT(form->launches_size() == 7 && form->launches(5).kernel() == 0 && form->launches(6).kernel() == 5);
  int copy = form->launches(5).results(0).buffer();
  EXPECT(copy == p.buffers_size() && form->launches(6).inputs(0).buffer() == copy);
  EXPECT(form->buffers(0).last() == 1 && form->buffers(copy).first() == 5 && form->buffers(copy).last() == 6);
  EXPECT(!r.lower(1)); // the rest is read where it is made

  // Room in gradients that are written later: what is too much is so at its second reader, where it has to be.
  Repeats roomy({&p, {64, 0, 64, 8, 8, 8, 0}, {1, 1, 1, 1, 1, 1}, {100, 100, 100, 100, 100, 0}});
  EXPECT(roomy.need() == 72 && !roomy.lower(50) && roomy.work() == 0);

  // What it was made from has been overwritten in place and is made again, too.
  Program q = programOf(4, {{{}, {0}}, {{0}, {1}}, {{0}, {0}}, {{0}, {2}}, {{2}, {3}}, {{1, 3}, {4}}});
  Repeats chain({&q, {8, 64, 64, 8, 0}, {1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0}});
  EXPECT(chain.lower(100));
  auto again = chain.program();
  EXPECT(again->launches_size() == 8 && again->launches(5).kernel() == 0 && again->launches(6).kernel() == 1);
  EXPECT(again->launches(6).inputs(0).buffer() == again->launches(5).results(0).buffer());
  EXPECT(again->launches(2).inputs(0).buffer() == 0 && again->launches(2).results(0).buffer() == 0);
}

/// Pages are there afterwards, and what was written before still is.
static void pages() {
  Threads threads(3);
  Memory memory(size_t(40) << 20, "a test");
  std::vector<unsigned char> there(memory.size() / 4096);
  memory.data()[(size_t(12) << 20) + 5] = 7;
  populate(memory.data() + 5000, memory.size() - 5000, threads);
  EXPECT(memory.data()[(size_t(12) << 20) + 5] == 7);
#ifdef MADV_POPULATE_WRITE
  if (madvise(memory.data(), 4096, MADV_POPULATE_WRITE) != 0)
    return; // an older system than its headers
  EXPECT(mincore(memory.data(), memory.size(), there.data()) == 0);
  EXPECT(std::all_of(there.begin() + 1, there.end(), [](unsigned char page) { return page & 1; }));
#endif
  populate(nullptr, 0, threads);
}

/// Random lifetimes: nothing alive together overlaps, and the block is close to what is alive at most.
static void placement() {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> b(1 + random() % 60);
    for (Lifetime &x : b) {
      x.bytes = random() % 5000;
      x.first = static_cast<int>(random() % 40);
      x.last = x.first + static_cast<int>(random() % 10);
    }
    size_t total = placeLifetimes(b), most = 0;
    for (int t = 0; t < 50; ++t) {
      size_t alive = 0;
      for (const Lifetime &x : b)
        alive += x.first <= t && t <= x.last ? alignUp(x.bytes) : 0;
      most = std::max(most, alive);
    }
    for (size_t i = 0; i < b.size(); ++i) {
      EXPECT(b[i].offset % kAlign == 0 && b[i].offset + b[i].bytes <= total);
      for (size_t j = 0; j < i; ++j)
        EXPECT(b[i].last < b[j].first || b[j].last < b[i].first || b[i].offset + b[i].bytes <= b[j].offset ||
               b[j].offset + b[j].bytes <= b[i].offset);
    }
    EXPECT(total >= most && static_cast<double>(total) <= 1.3 * static_cast<double>(most) + 128);
  }
}

static void threads() {
  for (int count : {1, 2, 5}) {
    Threads pool(count);
    EXPECT(pool.count() == count);
    for (int round = 0; round < 20000; ++round) {
      int n = round % 9;
      int hits[8] = {};
      pool.parallelFor(n, [&](int64_t i) { ++hits[i]; });
      for (int i = 0; i < 8; ++i)
        EXPECT(hits[i] == (i < n));
    }
    std::atomic<int> inner{0};
    pool.parallelFor(7, [&](int64_t) { pool.parallelFor(3, [&](int64_t) { ++inner; }); });
    EXPECT(inner == 21);
  }
}

/// Blocks given back in any order stay apart and aligned, whether from the stack or the heap.
static void scratch() {
  std::mt19937 random(2);
  std::vector<std::pair<unsigned char *, size_t>> held;
  for (int round = 0; round < 20000; ++round) {
    if (held.size() < 12 && random() % 2) {
      size_t n = random() % (round % 100 ? 5000 : 4000000);
      auto *p = static_cast<unsigned char *>(halide_malloc(nullptr, n));
      EXPECT(p && reinterpret_cast<uintptr_t>(p) % kAlign == 0);
      if (n)
        p[0] = p[n - 1] = static_cast<unsigned char>(n);
      held.emplace_back(p, n);
    } else if (!held.empty()) {
      size_t i = random() % held.size();
      auto [p, n] = held[i];
      EXPECT(n == 0 || (p[0] == static_cast<unsigned char>(n) && p[n - 1] == static_cast<unsigned char>(n)));
      halide_free(nullptr, p);
      held.erase(held.begin() + static_cast<long>(i));
    }
  }
  for (auto &[p, n] : held)
    halide_free(nullptr, p);
  halide_free(nullptr, nullptr);
}

/// A block that is freed below another leaves a gap, which the stack has room for after a while.
static void scratchWithGaps() {
  constexpr size_t kBytes = 8 << 20; // larger than all before
  for (int round = 0; round < 4; ++round) {
    auto take = [&] { return static_cast<unsigned char *>(halide_malloc(nullptr, kBytes)); };
    unsigned char *a = take(), *b = take();
    halide_free(nullptr, a);
    unsigned char *c = take();
    EXPECT(round < 3 || (b > a && c - b == b - a));
    halide_free(nullptr, b);
    halide_free(nullptr, c);
  }
}

static void names() {
  EXPECT(matchPattern("h.*.attn", "h.11.attn") && !matchPattern("h.*.attn", "h.1.x.attn"));
  EXPECT(matchPattern("**.bias", "a.b.bias") && !matchPattern("**.bias", "bias") && matchPattern("**bias", "bias"));
  CheckpointRules r = CheckpointRules::fromRecipe(
      R"({"checkpoint": {"rename": ["transformer.** -> **", "enc.*.w.* -> x.*.y.*"], "ignore": ["**.mask"], "fresh": ["cls.**"]}})");
  EXPECT(r.renamed("transformer.h.0.w") == "h.0.w" && r.renamed("enc.3.w.b") == "x.3.y.b" && r.renamed("other") == "other");
  EXPECT(r.ignores("h.0.mask") && r.ignores("transformer.mask") && !r.ignores("maskx") && r.isFresh("cls.a.b"));
  EXPECT(messageOf([] { CheckpointRules::fromRecipe(R"({"checkpoint": {"rename": ["a"]}})"); }).find("checkpoint.rename") == 0);
}

static void floats() {
  EXPECT(f16ToFloat(0x3c00) == 1 && f16ToFloat(0xc000) == -2 && f16ToFloat(0x0001) == 0x1p-24f && f16ToFloat(0x83ff) == -1023 * 0x1p-24f);
  EXPECT(std::isinf(f16ToFloat(0x7c00)) && std::isnan(f16ToFloat(0x7e01)) && f16ToFloat(0x7bff) == 65504);
  EXPECT(bf16ToFloat(0x3f80) == 1 && floatToBf16(1.00390625f) == 0x3f80 && floatToBf16(1.01171875f) == 0x3f82);
  EXPECT(std::isnan(bf16ToFloat(floatToBf16(NAN))) && std::isinf(bf16ToFloat(floatToBf16(INFINITY))));
}

/// Random launches over a few slots of memory, some in slices: a block that shares a slot with one of an earlier launch,
/// one of them writing, starts when that one has ended.
static void flow() {
  std::mt19937 rng(3);
  for (int count : {1, 2, 4}) {
    Threads threads(count);
    for (int round = 0; round < 60; ++round) {
      std::vector<Flow::Launch> launches(1 + rng() % 30);
      for (Flow::Launch &l : launches) {
        const uintptr_t slices = rng() % 6; // none at all is a launch too
        l.inSlice = 1 + rng() % 2;
        l.blocks = slices * l.inSlice;
        for (int u = rng() % 4; u-- > 0;) {
          uintptr_t begin = rng() % 12, slice = rng() % 3;
          l.uses.push_back(
              {begin, begin + (slice ? std::max<uintptr_t>(slices * slice, 2) - rng() % 2 : 1 + rng() % 3), rng() % 3 == 0, slice});
        }
      }
      struct Time {
        int first, last;
      };
      std::vector<std::vector<Time>> times(launches.size());
      std::atomic<int> clock{0};
      Flow order(launches);
      auto usesOfBlock = [&](const Flow::Launch &l, int64_t block) {
        std::vector<Flow::Use> uses = l.uses;
        for (Flow::Use &u : uses)
          if (u.slice) {
            u.begin += block / l.inSlice * u.slice;
            u.end = std::min(u.begin + u.slice, u.end);
          }
        return uses;
      };
      for (int again = 0; again < 2; ++again) { // a second run is like the first
        for (size_t i = 0; i < launches.size(); ++i)
          times[i].assign(launches[i].blocks, {-1, -1});
        order.run(threads, [&](int launch, int64_t block) {
          EXPECT(times[launch][block].first < 0);
          times[launch][block].first = clock++;
          for (volatile int wait = 0; wait < 200 * (launch % 3); wait = wait + 1) {
          }
          times[launch][block].last = clock++;
        });
        for (size_t j = 0; j < launches.size(); ++j)
          for (int64_t b = 0; b < launches[j].blocks; ++b) {
            EXPECT(times[j][b].first >= 0 && times[j][b].last > times[j][b].first);
            for (size_t i = 0; i < j; ++i) {
              for (int64_t e = 0; e < launches[i].blocks; ++e)
                for (const Flow::Use &x : usesOfBlock(launches[i], e))
                  for (const Flow::Use &y : usesOfBlock(launches[j], b))
                    EXPECT(!((x.isWritten || y.isWritten) && x.begin < y.end && y.begin < x.end) || times[i][e].last < times[j][b].first);
            }
          }
      }
    }
  }
}

/// A launch starts with the rows that are there: the last block of the one before it does not end until then.
static void flowOverlaps() {
  Threads threads(2);
  Flow order({{2, {{0, 8, true, 4}}}, {2, {{0, 8, false, 4}, {8, 16, true, 4}}}});
  std::atomic<bool> hasBegun{false};
  order.run(threads, [&](int launch, int64_t block) {
    if (launch == 1 && block == 0)
      hasBegun = true;
    const auto began = std::chrono::steady_clock::now();
    while (launch == 0 && block == 1 && !hasBegun && std::chrono::steady_clock::now() - began < std::chrono::minutes(1))
      std::this_thread::yield();
  });
  EXPECT(hasBegun && "within a minute");
}

/// Moments of a million draws within five standard errors; the same numbers in any cut.
static void draws() {
  // The same bits in each of its forms, whichever the machine takes.
  std::vector<float> few(4096);
  drawNormal(few.data(), 0, 4096, drawStream(3, "h.0.weight"), 0, 1);
  EXPECT(few[0] == -0x1.235abap-1f && few[1000] == 0x1.0cccdcp+1f && few[4095] == 0x1.a24dbep-2f);
  const int64_t n = 1 << 20;
  std::vector<float> whole(n), cut(n);
  uint64_t stream = drawStream(3, "h.0.weight");
  drawNormal(whole.data(), 0, n, stream, 0, 1);
  for (int64_t at = 0, step = 16; at < n; at += step, step = step % 4096 + 16)
    drawNormal(&cut[at], at, std::min(step, n - at), stream, 0, 1);
  EXPECT(whole == cut);
  double m[5] = {}, next = 0;
  for (int64_t i = 0; i < n; ++i) {
    double p = 1;
    for (double &sum : m) {
      sum += p / n;
      p *= whole[i];
    }
    next += i ? double(whole[i]) * whole[i - 1] / n : 0;
  }
  EXPECT(std::fabs(m[1]) < 5 / std::sqrt(n) && std::fabs(m[2] - 1) < 5 * std::sqrt(2.0 / n));
  EXPECT(std::fabs(m[3]) < 5 * std::sqrt(15.0 / n) && std::fabs(m[4] - 3) < 5 * std::sqrt(96.0 / n));
  EXPECT(std::fabs(next) < 5 / std::sqrt(n));
  // By the formula of Box and Muller from the uniform numbers of the same place.
  drawUniform(cut.data(), 0, n, stream, 0, 1);
  double worst = 0;
  for (int64_t i = 0; i < n; i += i % 16 == 7 ? 9 : 1) {
    double r = std::sqrt(-2 * std::log(cut[i])), angle = 2 * M_PI * cut[i + 8];
    worst = std::max({worst, std::fabs(r * std::cos(angle) - whole[i]), std::fabs(r * std::sin(angle) - whole[i + 8])});
    EXPECT(cut[i] > 0 && cut[i] < 1);
  }
  EXPECT(worst < 2e-6);
  drawNormal(cut.data(), 0, 5, drawStream(3, "h.1.weight"), 2, 0);
  EXPECT(cut[0] == 2 && cut[4] == 2);
  drawNormal(cut.data(), 0, n, drawStream(4, "h.0.weight"), 0, 1);
  EXPECT(cut != whole);
}

/// A log may hold anything: equal losses of any size, and what has no place on a scale.
static void curves() {
  for (double loss : {0.0, 2.5, 1e13, -3e12, 1e29, 1e308, -1e308, HUGE_VAL, std::nan("")}) {
    std::vector<LogLine> lines(3);
    for (int i = 0; i < 3; ++i) {
      lines[i].step = i + 1;
      lines[i].loss = loss;
    }
    std::string svg = lossCurve(lines, "t");
    EXPECT(svg.size() < 8000 && svg.find("nan") == svg.npos && svg.find("inf") == svg.npos);
  }
}

int main() {
  curves();
  draws();
  gridPlaces();
  gridViews();
  tileProducts();
  tileProductsOfParts();
  sizes();
  flow();
  flowOverlaps();
  manifests();
  pages();
  borrowing();
  borrowingAgain();
  repeats();
  placement();
  threads();
  scratch();
  scratchWithGaps();
  names();
  floats();
  printf("%d wrong\n", failures);
  return failures != 0;
}
