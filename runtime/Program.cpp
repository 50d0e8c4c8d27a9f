//===- Program.cpp --------------------------------------------------------===//
#include "runtime/Program.h"
#include "runtime/Timeline.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>

namespace tintype::rt {

constexpr int kMostResults = 32, kMostArgs = 256;

Executor::Executor(const Manifest &m, const std::string &role, const DimValues &dims, ParameterStore *store, Threads &threads,
                   Layout layout)
    : manifest(m), prog(layout.form ? *layout.form : getProgram(m, role)), values(dims), sizes(dims), store(store), threads(threads),
      layout(std::move(layout)) {
  for (int s = 0; s < m.symbols_size(); ++s) {
    if (values[s] > INT32_MAX)
      fail("expected ", m.symbols(s).name(), " <= ", INT32_MAX, ", but got ", values[s]);
    symbols.push_back(static_cast<int32_t>(values[s]));
  }
  for (const Input &i : prog.inputs())
    inputShapes.push_back(evaluate(i.dims(), values, m));
  for (const Output &o : prog.outputs())
    outputShapes.push_back(evaluate(o.dims(), values, m));
  for (const Section &s : prog.sections())
    sizes.set(s.symbol(), rowsOfChunk(s));
  planMemory();
  profiles.resize(m.kernels_size() + 1);
  profiles.back() = {clearingKernel().name(), clearingKernel().kind(), clearingLaunch().label()};
  int at = 0;
  for (const Section &s : prog.sections()) {
    for (; at < s.first(); ++at)
      planLaunch(prog.launches(at));
    int64_t extent = evaluate(s.extent(), values, manifest), rows = rowsOfChunk(s);
    chunkSymbol = s.symbol();
    for (chunkStart = 0; chunkStart < extent; chunkStart += rows) {
      sizes.set(s.symbol(), std::min(rows, extent - chunkStart));
      chunkRows.push_back(static_cast<int32_t>(sizes[s.symbol()]));
      for (at = s.first(); at <= s.last(); ++at)
        planLaunch(prog.launches(at));
    }
    chunkSymbol = -1;
    at = s.last() + 1;
  }
  for (; at < prog.launches_size(); ++at)
    planLaunch(prog.launches(at));
}

HalideBuffer *Executor::makeBuffer(const Arg &arg, const std::string &label) {
  std::vector<int64_t> shape = evaluate(arg.dims(), sizes, manifest);
  int64_t n = elementCount(shape, label);
  int64_t offset = arg.by_rows() && !shape.empty() && shape[0] ? chunkStart * (n / shape[0]) : 0;
  if (n > INT32_MAX || (offset + n) * byteSize(arg.dtype()) > elements[arg.buffer()] * byteSize(prog.buffers(arg.buffer()).dtype()))
    fail("the manifest in this binary is damaged: ", label, ": a view ", toString(shape), " is larger than buffer ",
         prog.buffers(arg.buffer()).label());
  int rank = static_cast<int>(shape.size());
  descriptorDims.emplace_back(new HalideDim[std::max(rank, 1)]());
  HalideDim *dim = descriptorDims.back().get();
  int64_t stride = 1;
  for (int h = 0; h < rank; ++h) {
    int64_t extent = shape[rank - 1 - h];
    dim[h] = {0, static_cast<int32_t>(extent), static_cast<int32_t>(stride), 0};
    stride *= extent;
  }
  descriptors.emplace_back(new HalideBuffer());
  HalideBuffer *b = descriptors.back().get();
  offset *= byteSize(arg.dtype());
  b->host = places[arg.buffer()] ? places[arg.buffer()] + offset : nullptr;
  b->rank = rank;
  b->dim = dim;
  setType(*b, arg.dtype());
  views[arg.buffer()].push_back({b, offset});
  return b;
}

void Executor::planLaunch(const Launch &l) {
  clearGradients(l);
  const Kernel &k = manifest.kernels(l.kernel());
  Step s{};
  s.entry = linkedKernel(l.kernel());
  s.name = k.name().c_str();
  s.kernel = l.kernel();
  s.launch = &l;
  for (int symbol : k.symbols()) {
    if (sizes[symbol] == DimValues::kUnset)
      fail("kernel ", k.name(), " needs the runtime dimension ", manifest.symbols(symbol).name(), ", which has no value");
    s.args.push_back(symbol == chunkSymbol ? &chunkRows.back() : &symbols[symbol]);
  }
  s.firstRange = static_cast<int>(s.args.size());
  s.args.resize(s.args.size() + 2 * l.ranges_size());
  s.firstInput = static_cast<int>(s.args.size());
  for (const Arg &a : l.inputs())
    s.args.push_back(makeBuffer(a, l.label()));
  s.firstResult = static_cast<int>(s.args.size());
  for (const Arg &a : l.results())
    s.args.push_back(makeBuffer(a, l.label()));
  s.argCount = static_cast<int>(s.args.size());
  if (l.results_size() > kMostResults || s.argCount > kMostArgs || l.ranges_size() > Grid::kMostRanges)
    fail("kernel ", k.name(), " takes ", s.argCount, " arguments, more than the runtime passes");
  s.grid.firstWrites = l.first_writes();
  for (const Axis &x : l.grid()) {
    Grid::Axis axis{evaluate(x.extent(), sizes, manifest), x.block(), x.ordered(), {x.result_dim().begin(), x.result_dim().end()}};
    for (int r = 0; r < l.results_size(); ++r) {
      if (axis.dims[r] < 0)
        continue;
      const HalideBuffer *b = result(s, r);
      if (int32_t extent = b->dim[b->rank - 1 - axis.dims[r]].extent; extent != axis.extent)
        fail("the manifest in this binary is damaged: ", l.label(), ": a grid over ", axis.extent, " crops a dimension of ", extent);
    }
    if (!s.grid.add(std::move(axis)))
      fail(l.label(), ": the grid has too many blocks at ", values.str());
  }
  for (const Range &r : l.ranges()) {
    int axes = static_cast<int>(s.grid.axes.size());
    if (r.axis() >= axes || r.over() < 0 || ((r.has_low() || r.has_high()) && r.over() >= axes))
      fail("the manifest in this binary is damaged: ", l.label(), ": a range over axis ", r.axis(), " of ", axes);
    auto bound = [](bool has, int64_t x) { return has ? std::optional<int64_t>(x) : std::nullopt; };
    s.grid.ranges.push_back(
        {evaluate(r.extent(), sizes, manifest), r.axis(), r.over(), bound(r.has_low(), r.low()), bound(r.has_high(), r.high())});
  }
  s.flops = static_cast<double>(l.flops().ops_size() ? evaluate(l.flops(), sizes, manifest) : 0);
  s.bytes = static_cast<double>(l.bytes().ops_size() ? evaluate(l.bytes(), sizes, manifest) : 0);
  totalFlops += s.flops;
  totalBytes += s.bytes;
  KernelProfile &p = profiles[l.kernel()];
  if (p.name.empty())
    p = {k.name(), k.kind(), l.label()};
  steps.push_back(std::move(s));
}

/// CPU time of this thread.
static int64_t threadNanoseconds() {
  struct timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * int64_t(1000000000) + t.tv_nsec;
}

void Executor::setProfiling(bool on) {
  profiling = on;
  if (cpuNanoseconds.empty())
    cpuNanoseconds = std::vector<std::atomic<int64_t>>(profiles.size());
}

/// Calls the kernel on one block: result descriptors are copied and cropped,
/// everything else is shared by all blocks.
void Executor::callKernel(const Step &s, int64_t block, int64_t turn) const {
  HalideBuffer results[kMostResults];
  HalideDim dims[kMostResults][Grid::kMostDims];
  void *args[kMostArgs];
  Grid::Place place;
  if (!s.grid.find(block, turn, place))
    return;
  std::memcpy(args, s.args.data(), s.argCount * sizeof(void *));
  for (size_t i = 0; i < 2 * s.grid.ranges.size(); ++i)
    args[s.firstRange + i] = &place.ranges[i];
  for (int r = 0; r < s.argCount - s.firstResult; ++r) {
    results[r] = *result(s, r);
    std::memcpy(dims[r], results[r].dim, results[r].rank * sizeof(HalideDim));
    results[r].dim = dims[r];
    s.grid.crop(results[r], r, place);
    args[s.firstResult + r] = &results[r];
  }
  setCurrentKernel(s.name);
  Timeline *timeline = Timeline::active();
  int64_t began = timeline ? Timeline::now() : 0;
  if (int rc = s.entry(args)) {
    fprintf(stderr, "internal error: kernel %s returned %d\n", s.name, rc);
    abort();
  }
  if (timeline) {
    const double calls = double(s.grid.blocks) * double(s.grid.turns);
    timeline->add(*s.launch, manifest.kernels(s.kernel), block, s.flops / calls, s.bytes / calls, began);
  }
}

void Executor::clearBlock(const Step &s, int64_t block) const {
  Timeline *timeline = Timeline::active();
  int64_t began = timeline ? Timeline::now() : 0;
  uint8_t *from = s.begin + block * kClearPiece;
  size_t bytes = std::min<size_t>(kClearPiece, s.end - from);
  std::memset(from, 0, bytes);
  if (timeline)
    timeline->add(*s.launch, clearingKernel(), block, 0, double(bytes), began);
}

void Executor::runBlock(const Step &s, int64_t block) const {
  int64_t start = profiling ? threadNanoseconds() : 0;
  if (!s.entry)
    clearBlock(s, block);
  for (int r = 0; s.entry && s.grid.startsAtZero() && r < s.argCount - s.firstResult; ++r)
    s.grid.clear(*result(s, r), r, block);
  for (int64_t turn = 0; s.entry && turn < s.grid.turns; ++turn)
    callKernel(s, block, turn);
  if (profiling)
    cpuNanoseconds[s.kernel].fetch_add(threadNanoseconds() - start, std::memory_order_relaxed);
}

Flow::Launch Executor::usesOf(const Step &s) const {
  if (!s.entry)
    return {s.grid.blocks, {{reinterpret_cast<uintptr_t>(s.begin), reinterpret_cast<uintptr_t>(s.end), true, kClearPiece}}};
  Flow::Launch launch{s.grid.blocks, {}};
  const Grid::Axis *rows = s.grid.axisOfSlices();
  if (rows)
    launch.inSlice = s.grid.blocks / rows->count();
  for (int a = s.firstInput; a < s.argCount; ++a) {
    auto *b = static_cast<HalideBuffer *>(s.args[a]);
    auto begin = reinterpret_cast<uintptr_t>(b->host);
    int64_t bytes = (b->bits + 7) / 8;
    for (int d = 0; d < b->rank; ++d)
      bytes *= b->dim[d].extent;
    const bool isWritten = a >= s.firstResult;
    const bool isSliced = rows && b->rank && b->dim[b->rank - 1].extent == rows->extent &&
                          (isWritten ? rows->dims[a - s.firstResult] == 0 : s.launch->inputs(a - s.firstInput).by_blocks());
    launch.uses.push_back(
        {begin, begin + bytes, isWritten, isSliced ? bytes / rows->extent * std::min(rows->block, rows->extent) : uintptr_t(0)});
  }
  return launch;
}

void Executor::run() {
  if (!std::exchange(hasRun, true))
    populate(arena.data(), arena.data() ? arena.size() : 0, threads);
  if (profiling || threads.count() == 1 || steps.size() == 1)
    return runInOrder();
  if (!flow) {
    std::vector<Flow::Launch> launches;
    for (const Step &s : steps)
      launches.push_back(usesOf(s));
    flow = std::make_unique<Flow>(std::move(launches));
  }
  flow->run(threads, [&](int step, int64_t block) { runBlock(steps[step], block); });
}

/// One launch after the other, so that each has a time of its own.
void Executor::runInOrder() {
  using Clock = std::chrono::steady_clock;
  for (const Step &s : steps) {
    Clock::time_point start;
    if (profiling)
      start = Clock::now();
    threads.parallelFor(s.grid.blocks, [&](int64_t block) { runBlock(s, block); });
    if (profiling) {
      KernelProfile &p = profiles[s.kernel];
      p.seconds += std::chrono::duration<double>(Clock::now() - start).count();
      ++p.calls;
      p.blocks += s.grid.blocks;
      p.flops += s.flops;
      p.bytes += s.bytes;
    }
  }
}

void *Executor::inputData(const std::string &role) {
  for (int i = 0; i < prog.buffers_size(); ++i)
    if (prog.buffers(i).kind() == Buffer::INPUT && prog.inputs(prog.buffers(i).index()).role() == role)
      return places[i];
  return nullptr;
}

void *Executor::outputData(const std::string &name) {
  for (int i = 0; i < prog.buffers_size(); ++i)
    if (prog.buffers(i).kind() == Buffer::OUTPUT && prog.outputs(prog.buffers(i).index()).name() == name)
      return places[i];
  return nullptr;
}

void Executor::placeBuffer(int buffer, void *data) {
  places[buffer] = static_cast<uint8_t *>(data);
  flow.reset(); // others may share memory now
  for (const View &v : views[buffer])
    v.descriptor->host = places[buffer] + v.offset;
}

void Executor::bindInput(const std::string &role, void *data) {
  if (findInput(prog, role) < 0)
    fail("program ", prog.role(), " of this binary has no input ", role);
  for (int i = 0; i < prog.buffers_size(); ++i)
    if (prog.buffers(i).kind() == Buffer::INPUT && prog.inputs(prog.buffers(i).index()).role() == role)
      placeBuffer(i, data);
}

void Executor::bindOutput(int index, void *data) {
  if (index < 0 || index >= prog.outputs_size())
    fail("program ", prog.role(), " of this binary has no output ", index);
  for (int i = 0; i < prog.buffers_size(); ++i)
    if (prog.buffers(i).kind() == Buffer::OUTPUT && prog.buffers(i).index() == index)
      placeBuffer(i, data);
}

std::vector<KernelProfile> Executor::profile() const {
  std::vector<KernelProfile> out;
  for (size_t k = 0; k < profiles.size(); ++k) {
    if (!profiles[k].calls)
      continue;
    out.push_back(profiles[k]);
    out.back().cpuSeconds = static_cast<double>(cpuNanoseconds[k]) * 1e-9;
  }
  std::sort(out.begin(), out.end(), [](const KernelProfile &a, const KernelProfile &b) { return a.cpuSeconds > b.cpuSeconds; });
  return out;
}

} // namespace tintype::rt
