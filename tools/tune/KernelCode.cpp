//===- KernelCode.cpp - a kernel's object, loaded and run -----------------===//
#include "tools/tune/KernelCode.h"
#include "runtime/Tiles.h"
#include "runtime/Halide.h"
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

Grid::Grid(func::FuncOp kernel, const Dims &dims) {
  auto list = kernel->getAttrOfType<ArrayAttr>("graph.grid");
  if (!list)
    return;
  firstWrites = kernel->hasAttr("graph.first_writes");
  for (Attribute a : list) {
    auto d = cast<DictionaryAttr>(a);
    Axis axis{extentAt(cast<graph::DimsAttr>(d.get("extent"))[0], dims), cast<IntegerAttr>(d.get("block")).getInt(), {}};
    auto of = cast<DenseI32ArrayAttr>(d.get("dims")).asArrayRef();
    axis.dims.assign(of.begin(), of.end());
    axis.isOrdered = bool(d.get("ordered"));
    accumulates |= axis.isOrdered;
    (axis.isOrdered ? turns : blocks) *= llvm::divideCeil(axis.extent, axis.block);
    axes.push_back(axis);
  }
  if (auto list = kernel->getAttrOfType<ArrayAttr>("graph.ranges"))
    for (auto d : list.getAsRange<DictionaryAttr>()) {
      auto number = [&](StringRef name) -> std::optional<int64_t> {
        auto a = d.getAs<IntegerAttr>(name);
        return a ? std::optional<int64_t>(a.getInt()) : std::nullopt;
      };
      ranges.push_back({(int)number("axis").value_or(-1), (int)number("over").value_or(0),
                        extentAt(cast<graph::DimsAttr>(d.get("extent"))[0], dims), number("low"), number("high")});
    }
}

KernelCode::KernelCode(Grid grid) : grid(std::move(grid)) {}
KernelCode::~KernelCode() = default;

llvm::Expected<std::unique_ptr<KernelCode>> KernelCode::load(func::FuncOp kernel, const std::string &object, const Dims &dims) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::unique_ptr<KernelCode> code(new KernelCode(Grid(kernel, dims)));
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
  size_t rank = grid.axes.size();
  SmallVector<int64_t> low(rank), count(rank);
  for (int i = (int)rank - 1; i >= 0; --i) {
    const Grid::Axis &a = grid.axes[i];
    int64_t n = llvm::divideCeil(a.extent, a.block);
    int64_t &at = a.isOrdered ? ordered : index;
    low[i] = at % n * a.block;
    count[i] = std::min(a.block, a.extent - low[i]);
    at /= n;
  }
  // The same as the runtime does with ranges (Executor::callKernel).
  SmallVector<int32_t> places;
  for (const Grid::Range &r : grid.ranges) {
    int64_t from = r.axis < 0 ? 0 : low[r.axis], to = r.axis < 0 ? r.extent : from + count[r.axis];
    if (r.low)
      from = std::max(from, (low[r.over] + *r.low) & ~int64_t(15));
    if (r.high)
      to = std::min(to, low[r.over] + count[r.over] + *r.high);
    if (to <= from && grid.accumulates)
      return 0;
    places.push_back(std::min(from, r.extent - 1));
    places.push_back(std::max<int64_t>(to - from, 1));
    if (r.axis >= 0) {
      low[r.axis] = places[places.size() - 2];
      count[r.axis] = places.back();
    }
  }
  size_t inputs = data.arguments.size(), all = inputs + data.outputs.size();
  SmallVector<rt::HalideBuffer> buffers(all);
  SmallVector<std::array<rt::HalideDim, 16>> dims(all);
  SmallVector<void *> args;
  for (const int32_t &s : data.symbols)
    args.push_back(const_cast<int32_t *>(&s));
  for (int32_t &p : places)
    args.push_back(&p);
  for (size_t k = 0; k < all; ++k) {
    bool isResult = k >= inputs;
    const KernelData::Tensor &t = isResult ? data.outputs[k - inputs] : data.arguments[k];
    rt::HalideBuffer &h = buffers[k];
    h = {};
    h.dim = dims[k].data();
    h.rank = t.dims.size();
    h.lanes = 1;
    h.code = t.type.isBF16() ? 4 : isa<FloatType>(t.type) ? 2 : t.type.isInteger(1) ? 1 : 0;
    h.bits = t.type.getIntOrFloatBitWidth();
    int64_t stride = 1, offset = 0;
    for (int i = h.rank - 1, d = 0; i >= 0; --i, ++d) {
      h.dim[d] = {0, (int32_t)t.dims[i], (int32_t)stride, 0};
      for (size_t a = 0; isResult && a < rank; ++a)
        if (grid.axes[a].dims[k - inputs] == i) {
          h.dim[d].min = low[a];
          h.dim[d].extent = count[a];
          offset += low[a] * stride;
        }
      stride *= t.dims[i];
    }
    h.host = (uint8_t *)(isResult ? data.result(k - inputs) : t.memory->data()) + offset * t.width;
    args.push_back(&h);
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
  if (grid.accumulates && !grid.firstWrites)
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
