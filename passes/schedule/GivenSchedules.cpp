//===- GivenSchedules.cpp - what people may edit, checked before it is used -===//
// A pipeline that came with its kernel (from an edited file) must fit the kernel
// function: the caller hands over buffers by the function's types and cuts
// results by its grid, and released kernels check neither. The same for
// `graph.tune`, whose numbers become factors of loops.
// Test: test/passes/schedule/given.mlir
//===----------------------------------------------------------------------===//
#include "passes/schedule/Lowering.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

static std::string text(DimsAttr dims) {
  std::string s;
  for (AffineExpr e : dims.getExprs())
    s += (s.empty() ? "<" : ", ") + printDim(e);
  return s.empty() ? "<>" : s + ">";
}
static std::string text(ArrayRef<int64_t> list) {
  std::string s;
  for (int64_t n : list)
    s += (s.empty() ? "[" : ", ") + std::to_string(n);
  return s.empty() ? "[]" : s + "]";
}

/// Dims of a tensor as a pipeline lists them.
static DimsAttr innermostFirst(Type tensor) {
  return DimsAttr::get(tensor.getContext(), SmallVector<AffineExpr>(llvm::reverse(dimsOf(tensor))));
}

/// Extents other than 1: with the type of an element, what decides where an element lies.
static SmallVector<AffineExpr> wideDims(Type tensor) {
  SmallVector<AffineExpr> dims = dimsOf(tensor);
  llvm::erase_if(dims, [](AffineExpr e) { return e == getAffineConstantExpr(1, e.getContext()); });
  return dims;
}

LogicalResult checkInplace(func::FuncOp kernel) {
  auto given = kernel->getAttr("graph.inplace");
  auto places = dyn_cast_or_null<DenseI32ArrayAttr>(given);
  if (!given)
    return success();
  if (!places || places.size() != (int64_t)kernel.getNumResults())
    return kernel.emitError() << "expected an argument or -1 in graph.inplace for each of " << kernel.getNumResults()
                              << " results, but got " << given;
  llvm::SmallDenseSet<int32_t> taken;
  for (auto [r, place] : llvm::enumerate(places.asArrayRef())) {
    if (place == -1)
      continue;
    if (place < 0 || place >= (int32_t)kernel.getNumArguments())
      return kernel.emitError() << "expected graph.inplace to hold an argument below " << kernel.getNumArguments() << " or -1, but got "
                                << place;
    auto from = cast<RankedTensorType>(kernel.getArgumentTypes()[place]), to = cast<RankedTensorType>(kernel.getResultTypes()[r]);
    if (from.getElementType() != to.getElementType() || wideDims(from) != wideDims(to))
      return kernel.emitError() << "expected result " << r << " to take the memory of an argument of its type " << to
                                << ", but got argument " << place << " of " << from;
    if (!taken.insert(place).second)
      return kernel.emitError() << "expected each argument at most once in graph.inplace, but got " << place << " twice";
  }
  return success();
}

LogicalResult checkGiven(func::FuncOp kernel, halide::PipelineOp pipeline) {
  if (kernel->hasAttr("graph.ranges"))
    return success(); // blocks of rows and columns are cut as these say
  auto grid = kernel->getAttrOfType<ArrayAttr>("graph.grid");
  if (!grid || !kernel->hasAttr("graph.flops") || !kernel->hasAttr("graph.bytes"))
    return kernel.emitError() << "expected graph.grid, graph.flops and graph.bytes on a kernel with a pipeline";
  if (kernel->getAttr("graph.symbols") != pipeline.getSymbols())
    return pipeline.emitError() << "expected the symbols of the kernel function";
  SmallVector<SmallVector<int64_t>> blocks;
  for (Type t : kernel.getResultTypes())
    blocks.emplace_back(dimsOf(t).size(), 0);
  for (Attribute a : grid) {
    auto axis = dyn_cast<DictionaryAttr>(a);
    auto block = axis ? axis.getAs<IntegerAttr>("block") : IntegerAttr();
    auto dims = axis ? axis.getAs<DenseI32ArrayAttr>("dims") : DenseI32ArrayAttr();
    auto extent = axis ? axis.getAs<DimsAttr>("extent") : DimsAttr();
    if (!block || block.getInt() < 1 || !dims || dims.size() != (int64_t)blocks.size() || !extent || extent.getExprs().size() != 1)
      return kernel.emitError() << "expected axes {block >= 1, dims of " << blocks.size() << " results, extent} in graph.grid, but got "
                                << a;
    for (auto [r, d] : llvm::enumerate(dims.asArrayRef())) {
      if (d >= (int64_t)blocks[r].size() || (d >= 0 && dimsOf(kernel.getResultTypes()[r])[d] != extent.getExprs()[0]))
        return kernel.emitError() << "expected graph.grid to cut result " << r << " along a dim of extent "
                                  << printDim(extent.getExprs()[0]);
      if (d >= 0)
        blocks[r][blocks[r].size() - 1 - d] = block.getInt();
    }
  }
  unsigned inputs = 0, outputs = 0;
  for (Operation &op : pipeline.getBody().front()) {
    if (auto in = dyn_cast<halide::InputOp>(op)) {
      if (inputs >= kernel.getNumArguments())
        return op.emitError() << "expected " << kernel.getNumArguments() << " inputs, one for each argument of the kernel, but got more";
      Type type = kernel.getArgumentTypes()[inputs++];
      if (in.getDims() != innermostFirst(type) || in.getType() != cast<RankedTensorType>(type).getElementType())
        return op.emitError() << "expected the dims of argument " << inputs - 1 << ", " << text(innermostFirst(type)) << ", and its type";
    } else if (auto out = dyn_cast<halide::OutputOp>(op)) {
      ++outputs;
      if (out.getResult() >= blocks.size())
        return op.emitError() << "expected a result below " << blocks.size() << ", but got " << out.getResult();
      ArrayRef<int64_t> want = blocks[out.getResult()];
      if (out.getDims() != innermostFirst(kernel.getResultTypes()[out.getResult()]))
        return op.emitError() << "expected the dims of result " << out.getResult() << " of the kernel";
      if (out.getBlocks() != want)
        return op.emitError() << "expected blocks " << text(want) << ", as graph.grid of the kernel cuts them, but got "
                              << text(out.getBlocks());
    }
  }
  if (inputs != kernel.getNumArguments() || outputs != blocks.size())
    return pipeline.emitError() << "expected " << kernel.getNumArguments() << " inputs and " << blocks.size() << " outputs, but got "
                                << inputs << " and " << outputs;
  return success();
}

LogicalResult markGiven(ModuleOp module, const Machine &machine) {
  for (auto kernel : module.getOps<func::FuncOp>()) {
    halide::PipelineOp pipeline = kernel.isExternal() ? halide::PipelineOp() : halide::pipelineOf(kernel);
    if (!pipeline)
      continue;
    if (failed(checkInplace(kernel)) || failed(checkGiven(kernel, pipeline)))
      return failure();
    std::string given;
    llvm::raw_string_ostream os(given);
    pipeline->print(os, OpPrintingFlags().useLocalScope());
    // The grid, its ranges and who writes first are promises to the pipeline, too.
    auto own = planKernel(kernel, machine, tuneOf(kernel));
    if (failed(own) || own->text != given ||
        (*own->module->getOps<func::FuncOp>().begin())->getAttrDictionary() != kernel->getAttrDictionary())
      pipeline->setAttr(halide::checkedAttr, UnitAttr::get(module.getContext()));
  }
  return success();
}

LogicalResult checkTune(func::FuncOp kernel, const Setting &asked) {
  auto tune = kernel->getAttr("graph.tune");
  if (!tune)
    return success();
  auto list = dyn_cast<DictionaryAttr>(tune);
  if (!list)
    return kernel.emitError() << "expected graph.tune = {name = number, ..}, but got " << tune;
  int64_t accumulators = 1;
  for (NamedAttribute a : list) {
    StringRef name = a.getName();
    auto n = dyn_cast<IntegerAttr>(a.getValue());
    int64_t least = mayBeZero(name) ? 0 : 1, most = name == "elems" ? 1 << 24 : name == "tr" ? 512 : 1 << 16;
    if (!n || n.getInt() < least || n.getInt() > most)
      return kernel.emitError() << "expected " << name << " of graph.tune in [" << least << ", " << most << "], but got " << a.getValue();
    // Blocks of block kernels start at whole vectors.
    if ((name == "tr" || name == "tc") && n.getInt() % 16)
      return kernel.emitError() << "expected " << name << " of graph.tune to be a multiple of 16, but got " << n.getInt();
    if (name == "mr" || name == "nrv")
      accumulators *= n.getInt();
    if (accumulators > 64)
      return kernel.emitError() << "expected at most 64 accumulators, mr * nrv of graph.tune, but got " << accumulators;
    if (asked.empty() || asked.count(name.str()))
      continue;
    std::string names;
    for (auto &p : asked)
      names += (names.empty() ? "" : ", ") + p.first;
    return kernel.emitError() << "expected graph.tune to name what the templates of this kernel ask for (" << names << "), but got "
                              << name;
  }
  return success();
}

} // namespace tintype::schedule
