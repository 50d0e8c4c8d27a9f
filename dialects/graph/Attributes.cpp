//===- Attributes.cpp - what `graph.` attributes of other ops hold --------===//
// Passes and the export of tables rely on these; text of an earlier stage may say
// anything. Test: test/dialects/graph/attributes.mlir
//===----------------------------------------------------------------------===//
#include "dialects/graph/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace tintype::graph;

/// The number that `a` is, if it is one of at most 64 bits.
static std::optional<int64_t> numberOf(Attribute a) {
  auto n = dyn_cast_or_null<IntegerAttr>(a);
  if (!n || !(n.getType().isIndex() || n.getType().isSignlessInteger()))
    return {};
  return n.getValue().trySExtValue();
}
static bool isExtent(Attribute a) {
  auto dims = dyn_cast_or_null<DimsAttr>(a);
  return dims && dims.size() == 1;
}
static bool isTexts(Attribute a) {
  auto list = dyn_cast<ArrayAttr>(a);
  return list && llvm::all_of(list, [](Attribute text) { return isa<StringAttr>(text); });
}

static LogicalResult verifyKernel(func::FuncOp f) {
  for (Operation &op : f.getBody().getOps())
    if (!isa<ComputeOp, ScatterOp, func::ReturnOp>(op))
      return op.emitError() << "expected only definitions in a kernel, but got " << op.getName();
  return success();
}

static LogicalResult verifyInplace(func::FuncOp f, Attribute value) {
  auto places = dyn_cast<DenseI32ArrayAttr>(value);
  if (!places || places.size() != (int64_t)f.getNumResults())
    return f.emitError() << "expected an argument or -1 in graph.inplace for each of " << f.getNumResults() << " results, but got "
                         << value;
  for (int32_t place : places.asArrayRef())
    if (place < -1 || place >= (int32_t)f.getNumArguments())
      return f.emitError() << "expected graph.inplace to hold an argument below " << f.getNumArguments() << " or -1, but got " << place;
  return success();
}

static LogicalResult verifyAxis(func::FuncOp f, Attribute value) {
  auto axis = dyn_cast<DictionaryAttr>(value);
  auto dims = axis ? axis.getAs<DenseI32ArrayAttr>("dims") : nullptr;
  if (!dims || dims.size() != (int64_t)f.getNumResults() || numberOf(axis.get("block")).value_or(0) < 1 || !isExtent(axis.get("extent")))
    return f.emitError() << "expected axes {block >= 1, dims of " << f.getNumResults() << " results, extent} in graph.grid, but got "
                         << value;
  for (auto [type, d] : llvm::zip(f.getResultTypes(), dims.asArrayRef())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (d < -1 || d >= (tensor ? tensor.getRank() : 0))
      return f.emitError() << "expected axes in graph.grid to cut a dim of " << type << ", or -1, but got " << d;
  }
  return success();
}

static LogicalResult verifyRange(func::FuncOp f, Attribute value) {
  auto range = dyn_cast<DictionaryAttr>(value);
  auto grid = f->getAttrOfType<ArrayAttr>("graph.grid");
  const int64_t axes = grid ? grid.size() : 0;
  auto isIn = [&](StringRef name, int64_t least, int64_t most) {
    auto n = range ? numberOf(range.get(name)) : std::nullopt;
    return n && *n >= least && *n <= most;
  };
  auto isOptional = [&](StringRef name, int64_t least, int64_t most) { return !range.get(name) || isIn(name, least, most); };
  if (!isIn("axis", -1, axes - 1) || !isExtent(range.get("extent")) || !isOptional("over", 0, axes - 1) ||
      !isOptional("low", INT32_MIN, INT32_MAX) || !isOptional("high", INT32_MIN, INT32_MAX))
    return f.emitError() << "expected ranges {axis, extent, over, low, high} with axes below " << axes << " in graph.ranges, but got "
                         << value;
  return success();
}

static LogicalResult verifyEach(func::FuncOp f, NamedAttribute a, LogicalResult (*verify)(func::FuncOp, Attribute)) {
  auto list = dyn_cast<ArrayAttr>(a.getValue());
  if (!list)
    return f.emitError() << "expected a list in " << a.getName().strref() << ", but got " << a.getValue();
  return success(llvm::all_of(list, [&](Attribute item) { return succeeded(verify(f, item)); }));
}

LogicalResult GraphDialect::verifyOperationAttribute(Operation *op, NamedAttribute a) {
  StringRef name = a.getName().strref().drop_front(getNamespace().size() + 1);
  Attribute value = a.getValue();
  auto expect = [&](bool isSo, StringRef what) {
    return isSo ? success()
                : LogicalResult(op->emitError() << "expected " << what << " in " << a.getName().strref() << ", but got " << value);
  };
  if (llvm::is_contained({"role", "model", "task", "tokenizer", "recipe", "kind", "label"}, name))
    return expect(isa<StringAttr>(value), "text");
  if (name == "results" || name == "symbols")
    return expect(isTexts(value), "a list of names");
  if (name == "flops" || name == "bytes")
    return expect(isExtent(value), "one size");
  if (name == "chunk") {
    auto chunk = dyn_cast<DictionaryAttr>(value);
    return expect(chunk && chunk.getAs<StringAttr>("symbol") && isExtent(chunk.get("extent")) &&
                      numberOf(chunk.get("most")).value_or(0) >= 1,
                  "{symbol, extent, most >= 1}");
  }
  if (name == "bounds") {
    auto isBound = [](NamedAttribute b) {
      auto n = dyn_cast<DenseI64ArrayAttr>(b.getValue());
      return n && n.size() == 3;
    };
    auto bounds = dyn_cast<DictionaryAttr>(value);
    return expect(bounds && llvm::all_of(bounds, isBound), "the least and the largest value of each dim, and what it is a multiple of,");
  }
  auto f = dyn_cast<func::FuncOp>(op);
  bool isOnTensors = f && llvm::all_of(f.getArgumentTypes(), llvm::IsaPred<RankedTensorType>) &&
                     llvm::all_of(f.getResultTypes(), llvm::IsaPred<RankedTensorType>);
  if (name == "kernel" && !isOnTensors)
    return expect(false, "a function on tensors");
  if (!f)
    return success();
  return name == "kernel"    ? verifyKernel(f)
         : name == "inplace" ? verifyInplace(f, value)
         : name == "grid"    ? verifyEach(f, a, verifyAxis)
         : name == "ranges"  ? verifyEach(f, a, verifyRange)
                             : success();
}
