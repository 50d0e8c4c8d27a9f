//===- KernelCode.cpp - a kernel's object, loaded and run -----------------===//
#include "tools/tune/KernelCode.h"
#include "runtime/Halide.h"
#include "runtime/Tiles.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <atomic>
#include <cstring>
#include <ctime>

using namespace mlir;

extern "C" {
void *halide_malloc(void *, size_t);
void halide_free(void *, void *);
int halide_do_par_for(void *, int (*)(void *, int, uint8_t *), int, int, uint8_t *);
void halide_error(void *, const char *);
void halide_print(void *, const char *);
uint16_t vcvtne2ps2bf16(float);
}

namespace tintype::tune {

static std::atomic<bool> checking{false}, damaged{false};
void checkTemporaries(bool on) { checking = on; }
bool temporariesDamaged() { return damaged; }

/// A checked temporary: its size, then a canary on both sides of the data.
static constexpr size_t kBand = 256;
static constexpr uint64_t kMark = 0x7a3c5b19e6d20f84ull;
static void *checkedMalloc(void *context, size_t bytes) {
  if (!checking)
    return halide_malloc(context, bytes);
  // One vector past the end may be read.
  char *p = (char *)aligned_alloc(128, llvm::alignTo(bytes, 128) + 2 * kBand);
  if (!p)
    return nullptr;
  memset(p, 0x5b, kBand);
  memset(p + kBand + bytes, 0x5b, llvm::alignTo(bytes, 128) - bytes + kBand);
  memcpy(p, &kMark, 8);
  memcpy(p + 8, &bytes, 8);
  return p + kBand;
}
static void checkedFree(void *context, void *data) {
  if (!checking || !data)
    return halide_free(context, data);
  char *p = (char *)data - kBand;
  uint64_t mark;
  size_t bytes = 0;
  memcpy(&mark, p, 8);
  memcpy(&bytes, p + 8, 8);
  auto whole = [](const char *a, size_t n) { return std::all_of(a, a + n, [](char c) { return c == 0x5b; }); };
  if (mark != kMark || !whole(p + 16, kBand - 16) || !whole(p + kBand + bytes, kBand)) {
    damaged = true;
    return; // the heap may be damaged as well
  }
  free(p);
}

KernelCode::KernelCode(rt::Grid grid) : grid(std::move(grid)) {}
KernelCode::~KernelCode() = default;

llvm::Expected<std::unique_ptr<KernelCode>> KernelCode::load(func::FuncOp kernel, const std::string &object, const Dims &dims) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto grid = gridOf(kernel, [&](AffineExpr e) { return extentAt(e, dims); });
  if (!grid)
    return grid.takeError();
  std::unique_ptr<KernelCode> code(new KernelCode(std::move(*grid)));
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  code->jit = std::move(*jit);
  auto &library = code->jit->getMainJITDylib();
  llvm::orc::SymbolMap known;
  auto add = [&](StringRef name, void *address) {
    known[code->jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                               llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  add("halide_malloc", (void *)checkedMalloc);
  add("halide_free", (void *)checkedFree);
  add("halide_do_par_for", (void *)halide_do_par_for);
  add("halide_error", (void *)halide_error);
  add("halide_print", (void *)halide_print);
  add("vcvtne2ps2bf16", (void *)vcvtne2ps2bf16);
  add("tintype_tile_product", (void *)tintype_tile_product);
  add("tintype_tile_fetch", (void *)tintype_tile_fetch);
  if (llvm::Error e = library.define(llvm::orc::absoluteSymbols(known)))
    return std::move(e);
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(code->jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  auto buffer = llvm::MemoryBuffer::getFile(object);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), "cannot read " + object);
  if (llvm::Error e = code->jit->addObjectFile(std::move(*buffer)))
    return std::move(e);
  auto symbol = code->jit->lookup((kernel.getName() + "_argv").str());
  if (!symbol)
    return symbol.takeError();
  code->entry = symbol->toPtr<int (*)(void **)>();
  code->seconds.resize(code->grid.blocks);
  return code;
}

int KernelCode::block(const KernelData &data, int64_t index) const {
  for (int64_t t = 0; t < grid.turns; ++t)
    if (int rc = turn(data, index, t))
      return rc;
  return 0;
}

int KernelCode::turn(const KernelData &data, int64_t index, int64_t ordered) const {
  rt::Grid::Place place;
  if (!grid.find(index, ordered, place))
    return 0;
  size_t inputs = data.arguments.size(), all = inputs + data.outputs.size();
  SmallVector<rt::HalideBuffer> buffers(all);
  SmallVector<SmallVector<rt::HalideDim, 8>> dims(all);
  SmallVector<void *> args;
  for (const int32_t &s : data.symbols)
    args.push_back(const_cast<int32_t *>(&s));
  for (size_t i = 0; i < 2 * grid.ranges.size(); ++i)
    args.push_back(&place.ranges[i]);
  for (size_t k = 0; k < all; ++k) {
    bool isResult = k >= inputs;
    const KernelData::Tensor &t = isResult ? data.outputs[k - inputs] : data.arguments[k];
    buffers[k] = describe(isResult ? data.result(k - inputs) : t.memory->data(), t.type, t.dims, dims[k]);
    if (isResult)
      grid.crop(buffers[k], k - inputs, place);
    args.push_back(&buffers[k]);
  }
  return entry(args.data());
}

double threadSeconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/// What asking for the time twice costs by itself, which many small blocks would add up.
static double clockCost() {
  double least = 1;
  for (int i = 0; i < 1000; ++i) {
    double start = threadSeconds();
    least = std::min(least, threadSeconds() - start);
  }
  return least;
}

double KernelCode::run(const KernelData &data, rt::Threads &threads) {
  if (before)
    before(data.outputs.empty() ? nullptr : data.result(0), data.outputs.empty() ? 0 : data.outputs[0].count * data.outputs[0].width);
  if (grid.startsAtZero())
    for (size_t i = 0; i < data.outputs.size(); ++i)
      memset(data.result(i), 0, data.outputs[i].count * data.outputs[i].width);
  static const double clock = clockCost();
  std::atomic<int> failed{0};
  threads.parallelFor(grid.blocks, [&](int64_t i) {
    double start = threadSeconds();
    if (int rc = block(data, i))
      failed = rc;
    seconds[i] = std::max(threadSeconds() - start - clock, 0.0);
  });
  if (failed) {
    fprintf(stderr, "the kernel returned %d\n", failed.load());
    exit(3);
  }
  std::vector<double> busy(threads.count());
  for (double s : seconds)
    *std::min_element(busy.begin(), busy.end()) += s;
  return *std::max_element(busy.begin(), busy.end());
}

} // namespace tintype::tune
