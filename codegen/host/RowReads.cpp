//===- RowReads.cpp - which arguments the blocks of a kernel read in slices -===//
// From the results back: where a block computes rows [r, r + n) of a definition, and that reads row d0 of its source for
// its own row d0, it needs rows [r, r + n) of the source, too. Any other index, in any of the ways there, needs all of it.
//===----------------------------------------------------------------------===//
#include "codegen/host/ExportImpl.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype {
namespace {

class RowReads {
public:
  explicit RowReads(AffineExpr extent) : extent(extent) {}

  /// What blocks need of `v`: its rows along `dim`, or all of it (-1).
  void need(Value v, int dim) {
    if (dim >= 0 && dimsOf(v.getType())[dim] != extent)
      dim = -1;
    auto [it, isNew] = dims.try_emplace(v, dim);
    if (!isNew && it->second != dim)
      it->second = -1;
  }
  /// What `op`, whose own readers all stand behind it, needs of others.
  void visit(Operation *op) {
    auto compute = dyn_cast<ComputeOp>(op);
    int row = -1;
    if (auto it = compute ? dims.find(compute.getResult()) : dims.end(); it != dims.end())
      row = it->second;
    op->walk([&](Operation *inner) {
      auto read = dyn_cast<ReadOp>(inner);
      for (Value v : inner->getOperands())
        if (isa<RankedTensorType>(v.getType()))
          need(v, read && row >= 0 && v == read.getSource() ? dimOf(read, row) : -1);
    });
  }
  bool isSliced(Value argument) const {
    auto it = dims.find(argument);
    return it != dims.end() && it->second == 0;
  }

private:
  /// The dim of the source that `read` indexes with loop `row` and nothing else, or -1.
  static int dimOf(ReadOp read, int row) {
    auto results = read.getMap().getResults();
    auto *it = llvm::find(results, getAffineDimExpr(row, read.getContext()));
    return it == results.end() ? -1 : int(it - results.begin());
  }

  AffineExpr extent;
  llvm::DenseMap<Value, int> dims;
};

} // namespace

llvm::BitVector argumentsReadByBlocks(func::FuncOp kernel) {
  llvm::BitVector sliced(kernel.getNumArguments());
  auto grid = kernel->getAttrOfType<ArrayAttr>("graph.grid");
  if (!grid || grid.empty() || kernel.isDeclaration())
    return sliced;
  auto axis = cast<DictionaryAttr>(grid[0]);
  RowReads reads(axis.getAs<DimsAttr>("extent")[0]);
  Block &body = kernel.getBody().front();
  for (auto [v, dim] : llvm::zip(body.getTerminator()->getOperands(), axis.getAs<DenseI32ArrayAttr>("dims").asArrayRef()))
    reads.need(v, dim);
  for (Operation &op : llvm::reverse(body.without_terminator()))
    reads.visit(&op);
  for (BlockArgument a : kernel.getArguments())
    sliced[a.getArgNumber()] = reads.isSliced(a);
  return sliced;
}

} // namespace tintype
