//===- Program.h - a program at fixed dimensions, ready to run --*- C++ -*-===//
//
// An Executor holds one program of the manifest planned for one set of runtime
// dimensions: where each buffer lies, and every kernel's arguments. A run only
// calls kernels; nothing is allocated or evaluated again.
//
//   DimValues dims(manifest);
//   dims.set("B", 4), dims.set("T", 256);
//   Executor step(manifest, "train_step", dims, &store, threads);
//   std::copy(.., step.input<int32_t>("tokens"));
//   step.run();
//   float loss = *step.output<float>("loss");
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Flow.h"
#include "runtime/Grid.h"
#include "runtime/Halide.h"
#include "runtime/Manifest.h"
#include "runtime/Memory.h"
#include "runtime/Parameters.h"
#include "runtime/Repeat.h"
#include "runtime/Threads.h"
#include <deque>
#include <memory>

namespace tintype::rt {

/// What one kernel has done over all runs since profiling was switched on.
struct KernelProfile {
  std::string name, kind, label; ///< label: of its first launch
  int64_t calls = 0, blocks = 0;
  double seconds = 0;    ///< wall clock
  double cpuSeconds = 0; ///< of its blocks, all threads together: what a busy machine does not distort
  double flops = 0, bytes = 0;
};

/// Where inputs and outputs lie: in memory of the executor, or where the caller
/// binds every one of them before the first run.
enum class Boundary { OWN, CALLER };

/// How a program lies in memory.
struct Layout {
  Boundary boundary = Boundary::OWN;
  /// A run finds gradients of zero, adds to nothing: until it writes a gradient, temporaries may have its memory.
  bool gradientsBegin = false;
  int64_t chunks = 1;                            ///< chunks of rows in the place of one
  std::shared_ptr<const Program> form = nullptr; ///< another form of the program, in the place of the manifest's
};

class Executor {
public:
  /// Plans `role` at `dims`. `store` may be null for programs without
  /// parameters. Memory that cannot be had, sizes that overflow or dims that
  /// lack a value are Errors.
  Executor(const Manifest &manifest, const std::string &role, const DimValues &dims, ParameterStore *store, Threads &threads,
           Layout layout = {});
  Executor(const Executor &) = delete;

  void run();

  /// Memory of an input by its role; null when the program has no such input.
  template <typename T = void> T *input(const std::string &role) { return static_cast<T *>(inputData(role)); }
  /// Memory of an output by its name; null when there is none.
  template <typename T = void> T *output(const std::string &name) { return static_cast<T *>(outputData(name)); }
  std::vector<int64_t> inputShape(int index) const { return inputShapes[index]; }
  std::vector<int64_t> outputShape(int index) const { return outputShapes[index]; }

  /// Puts an input or output into the caller's memory, before the next run.
  void bindInput(const std::string &role, void *data);
  void bindOutput(int index, void *data);

  const Program &program() const { return prog; }
  const DimValues &dims() const { return values; }
  size_t arenaBytes() const { return arenaTotal; }         ///< temporaries only, but for those in gradients
  size_t boundaryBytes() const { return boundary.size(); } ///< inputs and outputs, where they are its own
  double flops() const { return totalFlops; }              ///< of one run
  double bytes() const { return totalBytes; }
  SizedProgram sized() const;

  /// The launch where most memory is alive, and the `count` largest
  /// origins of buffers there, as text.
  std::string explainPeak(int count = 8) const;

  /// Costs two clock readings per block.
  void setProfiling(bool on);
  std::vector<KernelProfile> profile() const; ///< slowest first

private:
  static constexpr int64_t kClearPiece = 1 << 20; ///< bytes
  struct Step {
    KernelEntry entry; ///< null: clears [begin, end)
    uint8_t *begin, *end;
    const char *name;
    const Launch *launch;
    int kernel, argCount, firstRange, firstInput, firstResult; ///< positions in args: symbols, ranges, inputs, results
    std::vector<void *> args;
    Grid grid;
    double flops, bytes;
  };

  void planMemory();
  void shareGradients();
  std::vector<int> firstWrites() const;
  int64_t gradientEnd(int parameter) const;
  void clearGradients(const Launch &launch);
  static const Kernel &clearingKernel();
  static const Launch &clearingLaunch();
  void planLaunch(const Launch &launch);
  int64_t rowsOfChunk(const Section &section) const;
  HalideBuffer *makeBuffer(const Arg &arg, const std::string &label);
  void placeBuffer(int buffer, void *data);
  void runInOrder();
  void clearBlock(const Step &step, int64_t block) const;
  void runBlock(const Step &step, int64_t block) const;
  Flow::Launch usesOf(const Step &step) const;
  void callKernel(const Step &step, int64_t block, int64_t turn) const;
  HalideBuffer *result(const Step &step, int r) const { return static_cast<HalideBuffer *>(step.args[step.firstResult + r]); }
  void *inputData(const std::string &role);
  void *outputData(const std::string &name);

  const Manifest &manifest;
  const Program &prog;
  DimValues values;
  DimValues sizes; ///< values, and while launches are planned the rows of a chunk
  ParameterStore *store;
  Threads &threads;
  Layout layout;

  std::vector<int64_t> elements; // per buffer
  std::vector<uint8_t *> places; // per buffer
  std::vector<Lifetime> lifetimes;
  std::vector<int> arenaIndex;  // per buffer: into lifetimes, or -1
  std::vector<bool> isBorrowed; // per parameter: temporaries have lain in its gradient
  struct View {
    HalideBuffer *descriptor;
    int64_t offset; ///< in bytes
  };
  std::vector<std::vector<View>> views; // per buffer: the descriptors that show it
  std::vector<std::vector<int64_t>> inputShapes, outputShapes;
  std::vector<std::unique_ptr<HalideBuffer>> descriptors;
  std::vector<std::unique_ptr<HalideDim[]>> descriptorDims;
  std::vector<int32_t> symbols;  // what kernels get, one per manifest symbol
  std::deque<int32_t> chunkRows; // what kernels of sections get instead, one per chunk
  int chunkSymbol = -1;          // while launches of a section are planned
  int64_t chunkStart = 0;
  std::vector<Step> steps;
  std::unique_ptr<Flow> flow; ///< made by the first run on several threads
  size_t arenaTotal = 0;
  Memory arena, boundary; // temporaries; inputs and outputs
  double totalFlops = 0, totalBytes = 0;
  bool profiling = false, hasRun = false;
  std::vector<KernelProfile> profiles;                      // per kernel, then of clearing
  mutable std::vector<std::atomic<int64_t>> cpuNanoseconds; // the same, while profiling
};

} // namespace tintype::rt
