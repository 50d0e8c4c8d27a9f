//===- KernelGrid.cpp - the grid of a scheduled kernel function -----------===//
#include "tools/tune/KernelGrid.h"
#include "dialects/graph/Graph.h"

using namespace mlir;

namespace tintype::tune {

llvm::Expected<rt::Grid> gridOf(func::FuncOp kernel, llvm::function_ref<int64_t(AffineExpr)> extent) {
  rt::Grid grid;
  bool fits = true;
  grid.firstWrites = kernel->hasAttr("graph.first_writes");
  auto extentOf = [&](DictionaryAttr d) { return extent(d.getAs<graph::DimsAttr>("extent")[0]); };
  auto number = [](DictionaryAttr d, StringRef name) -> std::optional<int64_t> {
    auto a = d.getAs<IntegerAttr>(name);
    return a ? std::optional<int64_t>(a.getInt()) : std::nullopt;
  };
  if (auto axes = kernel->getAttrOfType<ArrayAttr>("graph.grid"))
    for (auto d : axes.getAsRange<DictionaryAttr>()) {
      auto dims = d.getAs<DenseI32ArrayAttr>("dims").asArrayRef();
      fits &= grid.add({extentOf(d), *number(d, "block"), bool(d.get("ordered")), {dims.begin(), dims.end()}});
    }
  if (auto ranges = kernel->getAttrOfType<ArrayAttr>("graph.ranges"))
    for (auto d : ranges.getAsRange<DictionaryAttr>())
      grid.ranges.push_back(
          {extentOf(d), (int)number(d, "axis").value_or(-1), (int)number(d, "over").value_or(0), number(d, "low"), number(d, "high")});
  if (!fits || grid.ranges.size() > rt::Grid::kMostRanges)
    return llvm::createStringError("expected a grid that a launch can have, but " + kernel.getName() + " has more axes, ranges or blocks");
  return grid;
}

rt::HalideBuffer describe(char *data, Type element, llvm::ArrayRef<int64_t> extents, llvm::SmallVectorImpl<rt::HalideDim> &dims) {
  dims.clear();
  int64_t stride = 1;
  for (int64_t e : llvm::reverse(extents)) {
    dims.push_back({0, (int32_t)e, (int32_t)stride, 0});
    stride *= e;
  }
  rt::HalideBuffer h{};
  h.host = (uint8_t *)data;
  h.rank = dims.size();
  h.dim = dims.data();
  h.lanes = 1;
  h.code = element.isBF16() ? 4 : isa<FloatType>(element) ? 2 : element.isInteger(1) ? 1 : 0;
  h.bits = element.getIntOrFloatBitWidth();
  return h;
}

} // namespace tintype::tune
