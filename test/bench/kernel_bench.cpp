//===- kernel_bench.cpp - compiles, checks and times kernels --------------===//
//   kernel_bench FILE.mlir --set M=2048 [--check] [--time] [--num-threads 2]
//
// FILE holds kernel functions, with pipelines or without. Every kernel runs over
// its grid on random data (an argument may say `test.range = [lo, hi]`, or give the bits
// of f32 values that repeat, `test.bits = array<i32: ..>`); --check
// compares some elements with a slow evaluation, --time prints milliseconds,
// GFLOP/s or GB/s, and the part of the FMA peak that a probe measures in the same
// process: CPU time and medians, so that other programs disturb little.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Compile.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/schedule/Passes.h"
#include "runtime/Halide.h"
#include "test/bench/KernelEval.h"
#include "tools/ToolMain.h"
#include "tools/tune/KernelGrid.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"
#include <atomic>
#include <chrono>
#include <dlfcn.h>
#include <immintrin.h>
#include <malloc.h>
#include <random>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

using namespace mlir;
using namespace tintype;
namespace cl = llvm::cl;

static cl::OptionCategory category("kernel_bench");
static cl::opt<std::string> input(cl::Positional, cl::Required, cl::desc("FILE.mlir"), cl::cat(category));
static cl::list<std::string> sets("set", cl::desc("value of a runtime dim"), cl::value_desc("M=2048"), cl::cat(category));
static cl::opt<bool> check("check", cl::desc("compare with a slow evaluation"), cl::cat(category));
static cl::opt<bool> timing("time", cl::desc("measure"), cl::cat(category));
static cl::opt<bool> asserts("asserts", cl::desc("compile with checks of every access"), cl::cat(category));
static cl::opt<int> threads("num-threads", cl::init(1), cl::desc("threads that run blocks"), cl::cat(category));
static cl::opt<int> cold("cold", cl::init(0), cl::desc("megabytes walked through before each measurement, so that data comes from memory"),
                         cl::cat(category));
static cl::opt<int> reps("reps", cl::init(15), cl::desc("measurements"), cl::cat(category));
static cl::opt<int> samples("samples", cl::init(300), cl::desc("elements of each result to check"), cl::cat(category));
static cl::opt<double> tolerance("tolerance", cl::init(1e-5), cl::desc("allowed part of the largest value"), cl::cat(category));
static cl::opt<bool> tiles("tiles", cl::desc("products of bf16 on matrix tiles, as for a machine that has them"), cl::cat(category));
static cl::opt<bool> pairs("pairs", cl::desc("panels of bf16 pairs, as for a machine that multiplies them"), cl::cat(category));
static cl::opt<std::string> settings("tune", cl::desc("overrides for schedules"), cl::cat(category));
static cl::opt<std::string> emit("emit", cl::desc("print a stage: halide, stmt, llvm, asm"), cl::cat(category));
static cl::opt<std::string> target("target", cl::init("host"), cl::desc("Halide target"), cl::cat(category));
static cl::opt<std::string> cache("cache", cl::init(""), cl::desc("folder for objects"), cl::cat(category));

static double cpuTime() {
  timespec t;
  clock_gettime(threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/// GFLOP/s of one thread with 24 independent chains of 512-bit FMAs.
__attribute__((target("avx512f"), noinline)) static double probe512(double seconds) {
  __m512 a[24], x = _mm512_set1_ps(1.0000001f), y = _mm512_set1_ps(1e-9f);
  for (int i = 0; i < 24; i++)
    a[i] = _mm512_set1_ps(i);
  double t0 = cpuTime(), t1;
  long n = 0;
  do {
    for (int k = 0; k < 2000; k++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 24; i++)
        a[i] = _mm512_fmadd_ps(a[i], x, y);
      asm volatile("" : "+v"(a[0]), "+v"(a[1]), "+v"(a[2]));
    }
    n += 2000;
    t1 = cpuTime();
  } while (t1 - t0 < seconds);
  __m512 s = a[0];
  for (int i = 1; i < 24; i++)
    s = _mm512_add_ps(s, a[i]);
  volatile float sink = _mm512_reduce_add_ps(s);
  (void)sink;
  return n * 24.0 * 32 / (t1 - t0) * 1e-9;
}
static double probe(double seconds) {
  if (threads == 1)
    return probe512(seconds);
  std::vector<double> r(threads);
  std::vector<std::thread> t;
  for (int i = 1; i < threads; ++i)
    t.emplace_back([&, i] { r[i] = probe512(seconds); });
  r[0] = probe512(seconds);
  double sum = r[0];
  for (int i = 1; i < threads; ++i)
    t[i - 1].join(), sum += r[i];
  return sum;
}

static int64_t elements(const std::vector<int64_t> &dims) {
  int64_t n = 1;
  for (int64_t d : dims)
    n *= d;
  return n;
}

namespace {
using Entry = int (*)(void **);

/// A kernel with its data and the blocks of its grid.
struct Run {
  func::FuncOp fn;
  Entry entry;
  std::vector<int32_t> symbols;
  struct Buffer {
    char *data;
    std::vector<int64_t> dims;
    int width;
    Type type;
    size_t bytes() const { return elements(dims) * width; }
  };
  std::vector<Buffer> inputs, results;
  rt::Grid grid;
  double flops = 0, bytes = 0;           ///< of one run, in 10^9
  std::vector<double> seconds, fraction; ///< measured; fraction of the peak around it
  double peak = 0;

  int block(int64_t index) {
    for (int64_t turn = 0; turn < grid.turns; ++turn)
      if (int rc = step(index, turn))
        return rc;
    return 0;
  }
  int step(int64_t index, int64_t turn) {
    rt::Grid::Place place;
    if (!grid.find(index, turn, place))
      return 0;
    std::vector<rt::HalideBuffer> buffers(inputs.size() + results.size());
    std::vector<SmallVector<rt::HalideDim, 8>> dims(buffers.size());
    std::vector<void *> args;
    for (int32_t &s : symbols)
      args.push_back(&s);
    for (size_t i = 0; i < 2 * grid.ranges.size(); ++i)
      args.push_back(&place.ranges[i]);
    for (size_t k = 0; k < buffers.size(); ++k) {
      bool isResult = k >= inputs.size();
      Buffer &b = isResult ? results[k - inputs.size()] : inputs[k];
      buffers[k] = tune::describe(b.data, b.type, b.dims, dims[k]);
      if (isResult)
        grid.crop(buffers[k], k - inputs.size(), place);
      args.push_back(&buffers[k]);
    }
    return entry(args.data());
  }
  void all() {
    for (Buffer &r : results)
      if (grid.startsAtZero())
        memset(r.data, 0, r.bytes());
    std::atomic<int64_t> next{0};
    auto work = [&] {
      for (int64_t i; (i = next++) < grid.blocks;)
        if (int rc = block(i)) {
          llvm::errs() << "kernel " << fn.getName() << " failed with " << rc << "\n";
          exit(1);
        }
    };
    std::vector<std::thread> t;
    for (int i = 1; i < threads; ++i)
      t.emplace_back(work);
    work();
    for (auto &x : t)
      x.join();
  }
};
} // namespace

static char *allocate(size_t bytes) {
  bytes = llvm::alignTo(bytes + 256, 2 << 20); // as the arena: pages of 2 MB
  char *p = (char *)aligned_alloc(2 << 20, bytes);
  madvise(p, bytes, MADV_HUGEPAGE);
  memset(p, 0x55, bytes);
  return p;
}

/// Pushes everything else out of the caches.
static void walk() {
  static std::vector<uint64_t> memory((size_t)cold << 17);
  for (size_t i = 0; i < memory.size(); i += 8)
    ++memory[i];
}

static std::vector<char> randomBytes(Type type, int64_t count, double lo, double hi, std::mt19937 &rng) {
  int width = test::bytesOf(type);
  std::vector<char> bytes(count * width);
  std::uniform_real_distribution<double> draw(lo, hi);
  for (int64_t i = 0; i < count; ++i) {
    double x = draw(rng);
    if (type.isF32()) {
      float f = x;
      memcpy(&bytes[i * 4], &f, 4);
    } else if (type.isBF16()) {
      uint16_t top = test::roundBf16(x) >> 16;
      memcpy(&bytes[i * 2], &top, 2);
    } else if (type.isInteger(1)) {
      bytes[i] = x > 0.5;
    } else {
      int32_t n = std::floor(x);
      memcpy(&bytes[i * 4], &n, 4);
    }
  }
  return bytes;
}

/// The arguments, also as they are compared.
static std::vector<test::Tensor> makeArguments(Run &run, const test::KernelEval &sizes, std::mt19937 &rng) {
  std::vector<test::Tensor> tensors;
  for (BlockArgument a : run.fn.getArguments()) {
    auto type = cast<RankedTensorType>(a.getType());
    bool isFloat = isa<FloatType>(type.getElementType());
    double lo = isFloat ? -1 : 0, hi = isFloat || type.getElementType().isInteger(1) ? 1 : 8;
    if (auto range = run.fn.getArgAttrOfType<ArrayAttr>(a.getArgNumber(), "test.range")) {
      lo = cast<FloatAttr>(range[0]).getValueAsDouble();
      hi = cast<FloatAttr>(range[1]).getValueAsDouble();
    }
    test::Tensor t{sizes.dims(type), type.getElementType(), {}};
    int64_t count = elements(t.dims);
    t.bytes = randomBytes(t.type, count, lo, hi, rng);
    if (auto bits = run.fn.getArgAttrOfType<DenseI32ArrayAttr>(a.getArgNumber(), "test.bits"))
      for (int64_t i = 0; i < count; ++i)
        memcpy(&t.bytes[i * 4], &bits.asArrayRef()[i % bits.size()], 4);
    char *data = allocate(t.bytes.size());
    memcpy(data, t.bytes.data(), t.bytes.size());
    run.inputs.push_back({data, t.dims, test::bytesOf(t.type), t.type});
    tensors.push_back(std::move(t));
  }
  return tensors;
}

static void makeResults(Run &run, const test::KernelEval &sizes) {
  auto inplace = run.fn->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
  for (auto [i, type] : llvm::enumerate(run.fn.getResultTypes())) {
    auto t = cast<RankedTensorType>(type);
    std::vector<int64_t> dims = sizes.dims(t);
    int width = test::bytesOf(t.getElementType());
    int32_t shared = inplace ? inplace[i] : -1;
    char *data = shared >= 0 ? run.inputs[shared].data : allocate(elements(dims) * width);
    run.results.push_back({data, dims, width, t.getElementType()});
  }
}

/// Compares elements of the results with a slow evaluation; whether one is wrong.
static bool verify(Run &run, test::KernelEval &eval, std::mt19937 &rng) {
  bool bad = false;
  auto values = run.fn.getBody().front().getTerminator()->getOperands();
  for (auto [i, r] : llvm::enumerate(run.results)) {
    int64_t count = elements(r.dims);
    test::Tensor got{r.dims, r.type, std::vector<char>(r.data, r.data + count * r.width)};
    double largest = 1e-30, worst = 0, wantAt = 0, gotAt = 0;
    int64_t where = 0;
    bool all = count <= samples * 10;
    for (int64_t s = 0; s < (all ? count : samples); ++s) {
      int64_t p = all ? s : s == 0 ? count - 1 : s == 1 ? 0 : (int64_t)(rng() % count);
      double want = eval.element(values[i], p), have = got.at(p);
      bool same = want == have || (std::isnan(want) && std::isnan(have));
      double e = same ? 0 : std::abs(want - have);
      if (std::isfinite(want))
        largest = std::max(largest, std::abs(want));
      if (!(e <= worst))
        worst = e, where = p, wantAt = want, gotAt = have;
    }
    bool ok = worst <= tolerance * largest;
    printf("%s result %zu: error %.1e of %.3g %s", run.fn.getName().str().c_str(), i, worst / largest, largest, ok ? "ok" : "WRONG");
    if (!ok)
      printf(" at %ld: expected %.7g, but got %.7g", (long)where, wantAt, gotAt);
    printf("\n");
    bad |= !ok;
  }
  return bad;
}

/// Runs the kernel once; whether a result is wrong.
static bool prepare(Run &run, func::FuncOp fn, void *library, const std::map<std::string, int64_t> &symbols) {
  run.fn = fn;
  run.entry = (Entry)dlsym(library, (fn.getName() + "_argv").str().c_str());
  test::KernelEval sizes(fn, symbols, {});
  for (auto s : fn->getAttrOfType<ArrayAttr>("graph.symbols").getAsValueRange<StringAttr>()) {
    auto given = symbols.find(s.str());
    if (given == symbols.end()) {
      llvm::errs() << "error: expected --set " << s << "=N, since " << fn.getName() << " has this dim\n";
      exit(1);
    }
    run.symbols.push_back(given->second);
  }
  std::mt19937 rng(7);
  std::vector<test::Tensor> tensors = makeArguments(run, sizes, rng);
  makeResults(run, sizes);
  run.grid = cantFail(tune::gridOf(fn, [&](AffineExpr e) { return sizes.extent(e); }));
  run.flops = sizes.extent(fn->getAttrOfType<graph::DimsAttr>("graph.flops")[0]) * 1e-9;
  run.bytes = sizes.extent(fn->getAttrOfType<graph::DimsAttr>("graph.bytes")[0]) * 1e-9;
  run.all();
  test::KernelEval eval(fn, symbols, std::move(tensors));
  return check && verify(run, eval, rng);
}

static void measure(Run &run) {
  walk();
  double before = probe(0.004), t0 = cpuTime();
  run.all();
  double t = cpuTime() - t0, after = probe(0.004);
  run.seconds.push_back(t);
  run.fraction.push_back(run.flops / t / ((before + after) / 2));
  run.peak = std::max({run.peak, before, after});
}

static void report(Run &run) {
  std::sort(run.fraction.begin(), run.fraction.end());
  std::sort(run.seconds.begin(), run.seconds.end());
  double t = run.seconds[run.seconds.size() / 2];
  printf("%-28s %8.3f ms  %6.1f GFLOP/s  median %5.1f %% best %5.1f %% of %.0f  %5.1f GB/s  %ld blocks\n", run.fn.getName().str().c_str(),
         t * 1e3, run.flops / t, 100 * run.fraction[run.fraction.size() / 2], 100 * run.flops / run.seconds[0] / run.peak, run.peak,
         run.bytes / t, (long)(run.grid.blocks * run.grid.turns));
}

int main(int argc, char **argv) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30); // temporaries of kernels stay mapped, as in the runtime
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  hideForeignOptions();
  cl::ParseCommandLineOptions(argc, argv, "compiles, checks and times kernels\n");
  MLIRContext ctx;
  ctx.loadDialect<graph::GraphDialect, halide::HalideDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  ctx.allowUnregisteredDialects();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &ctx);
  auto module = parseSourceFile<ModuleOp>(input, sources, &ctx);
  if (!module)
    return 1;
  codegen::CompileOptions options;
  options.asserts = asserts;
  options.target = target;
  options.cacheDir = cache.empty() ? "/tmp/kernel-bench-" + std::to_string(getuid()) : std::string(cache);
  options.jobs = std::thread::hardware_concurrency();
  schedule::ScheduleKernelsOptions so;
  so.vectorWidth = codegen::vectorWidth(options);
  so.dotBf16 = pairs || codegen::multipliesPairs(options);
  so.tileBf16 = tiles || (!pairs && codegen::multipliesTiles(options));
  so.tune = settings;
  PassManager pm(&ctx);
  schedule::buildPipeline(pm, so);
  if (failed(pm.run(*module)))
    return 1;
  std::map<std::string, int64_t> symbols;
  for (auto &s : sets) {
    auto [name, value] = StringRef(s).split('=');
    symbols[name.str()] = std::stoll(value.str());
  }
  if (emit == "halide") {
    module->print(llvm::outs());
    return 0;
  }
  if (!emit.empty()) {
    auto texts = codegen::emitKernels(*module, {StringRef(emit)}, options);
    if (failed(texts))
      return 1;
    for (auto p : module->getOps<halide::PipelineOp>())
      llvm::outs() << (*texts)[p.getKernel()].front();
    return 0;
  }
  llvm::StringMap<std::string> objects;
  auto start = std::chrono::steady_clock::now();
  if (failed(codegen::compileKernels(*module, options, objects)))
    return 1;
  double compile = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (timing)
    printf("compiled in %.2f s\n", compile);
  std::string so_path = options.cacheDir + "/bench-" + std::to_string(getpid()) + ".so";
  std::string link = "ld.lld -shared -o " + so_path;
  for (auto &o : objects)
    link += " " + o.second;
  if (system(link.c_str()))
    return 1;
  void *library = dlopen(so_path.c_str(), RTLD_NOW);
  unlink(so_path.c_str());
  if (!library) {
    llvm::errs() << dlerror() << "\n";
    return 1;
  }
  bool bad = false;
  std::vector<std::unique_ptr<Run>> runs;
  for (auto fn : module->getOps<func::FuncOp>())
    if (fn->hasAttr("graph.kernel")) {
      runs.push_back(std::make_unique<Run>());
      bad |= prepare(*runs.back(), fn, library, symbols);
    }
  // In turn, so that a slow phase of the machine hits all alike.
  for (int i = 0; timing && i < reps; ++i)
    for (auto &run : runs)
      measure(*run);
  for (auto &run : runs)
    if (timing)
      report(*run);
  return bad;
}
