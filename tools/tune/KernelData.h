//===- KernelData.h - memory that one kernel runs on ------------*- C++ -*-===//
// Random arguments and results of the sizes of the day. Every block of memory
// has a canary on both sides and a page that faults after it:
//
//   | page that faults | .. canary | data (128-aligned) | canary .. | page that faults |
//
// so that a schedule that writes out of bounds is found out, near or far.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_TUNE_KERNELDATA_H
#define TINTYPE_TOOLS_TUNE_KERNELDATA_H

#include "dialects/graph/Graph.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tintype::tune {

/// Values of runtime dims by name.
using Dims = std::map<std::string, int64_t>;
/// The extent `e` at these dims; a dim without a value counts as 64.
int64_t extentAt(mlir::AffineExpr e, const Dims &dims);
std::vector<int64_t> extentsAt(mlir::Type tensor, const Dims &dims);
/// Product of the extents, saturating.
int64_t elementsAt(mlir::Type tensor, const Dims &dims);
/// Bytes of one element of a tensor in memory.
int64_t elementBytes(mlir::Type tensor);
/// Bytes that data for `kernel` takes, both result sets and copies included.
int64_t dataBytes(mlir::func::FuncOp kernel, const Dims &dims);

/// A block of memory with canaries and guard pages.
class Guarded {
public:
  explicit Guarded(int64_t bytes);
  ~Guarded();
  Guarded(const Guarded &) = delete;
  char *data() const { return at; }
  int64_t size() const { return bytes; }
  /// Whether both canaries are whole.
  bool isIntact() const;
  void setReadOnly(bool readOnly);

private:
  char *base = nullptr, *at = nullptr;
  int64_t bytes = 0, mapped = 0;
};

/// A kernel's arguments and results.
struct KernelData {
  struct Tensor {
    std::vector<int64_t> dims;
    mlir::Type type; ///< of an element
    int64_t width = 4, count = 0;
    std::unique_ptr<Guarded> memory; ///< null: a result in the memory of an argument
    int argument = -1;               ///< that argument
    int64_t idBound = 0;             ///< values of an index lie below it
  };
  KernelData(mlir::func::FuncOp kernel, const Dims &dims);
  char *result(size_t i) const;
  /// Fills the arguments, the same for the same `seed`, floats in [low, high].
  void fill(uint64_t seed, double low, double high);
  /// Fills results with a pattern, so that elements that nobody writes show.
  void clearResults();
  /// Copies of all results.
  std::vector<std::vector<char>> results() const;
  /// Whether arguments that no result may reuse can be written.
  void protectArguments(bool readOnly);
  /// What was written out of bounds, or nothing.
  std::string damage() const;
  /// The part of the elements of `results` that is not finite.
  double partNotFinite(const std::vector<std::vector<char>> &results) const;
  /// How `got` differs from `want` beyond reassociation, or nothing.
  std::string difference(const std::vector<std::vector<char>> &want, const std::vector<std::vector<char>> &got) const;

  std::vector<Tensor> arguments, outputs;
  std::vector<int32_t> symbols; ///< values of graph.symbols
  bool isRounded = false;       ///< some value is a bf16, which may be rounded to either side
};

} // namespace tintype::tune

#endif
