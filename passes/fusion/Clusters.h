//===- Clusters.h - which definitions become one kernel ---------*- C++ -*-===//
// A partition of the ops of a block into clusters, refined by merging. Two
// clusters may merge when no path of uses leaves one and enters the other
// through a third: then the block can be ordered so that each is one run of ops.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_FUSION_CLUSTERS_H
#define TINTYPE_PASSES_FUSION_CLUSTERS_H

#include "passes/fusion/RowSection.h"
#include "llvm/ADT/DenseMap.h"

namespace tintype::fusion {

/// Why `group`, definitions in program order, cannot be one kernel whatever
/// stands around it; empty when it can. The forms of kernels are in README.md.
/// With `keepInCache` contractions that make and read a tensor of quadratic size may
/// share a kernel with the rows between them.
std::string whyNotOneKernel(llvm::ArrayRef<mlir::Operation *> group, bool keepInCache);

class Clusters {
public:
  /// Every op of `block` but its terminator, each in a cluster of its own. Definitions of `section`
  /// stay apart from all others and come in one run.
  Clusters(mlir::Block &block, bool keepInCache, const RowSection &section);

  unsigned clusterOf(mlir::Operation *op) const { return cluster[index.lookup(op)]; }
  /// The definitions of a cluster in program order; empty for other ops.
  llvm::SmallVector<mlir::Operation *> definitions(unsigned c) const;
  /// Puts `b` into `a` if that is legal and one kernel; else says why not.
  std::string merge(unsigned a, unsigned b);
  /// Reorders the block so that clusters are runs, as near to the program order
  /// as their uses allow, and numbers those of definitions with `graph.group`.
  void writeBack();

private:
  /// Clusters after those that they use; where there is a choice, a section first, then what came first in the block.
  std::vector<unsigned> sorted() const;
  bool uses(unsigned c, llvm::function_ref<bool(unsigned)> isUsed) const;

  mlir::Block &block;
  const RowSection &section;
  bool keepInCache;
  std::vector<mlir::Operation *> ops; // in program order
  llvm::DenseMap<mlir::Operation *, unsigned> index;
  std::vector<unsigned> cluster;                     // op -> its cluster
  std::vector<llvm::SmallVector<unsigned>> members;  // cluster -> indices of ops, sorted
  std::vector<llvm::SmallVector<unsigned>> operands; // op -> indices of ops it must follow
  std::vector<unsigned> order, place;                // clusters after those that they use; cluster -> where it stands
  std::optional<unsigned> loss;                      // index of the op that computes it
  std::vector<bool> beforeLoss, afterLoss;           // op -> whether the loss uses it; whether it uses the loss
};

} // namespace tintype::fusion

#endif
