//===- Graph.cpp - ops of the graph dialect: text, verifiers, helpers -----===//
#include "dialects/graph/Graph.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tintype::graph;

//===-- text --------------------------------------------------------------===//

/// `[(d0, d1)[s0] -> (s0, d1)](%sym)`
static ParseResult parseAccess(OpAsmParser &p, OperationState &st, StringRef mapName,
                               SmallVectorImpl<OpAsmParser::UnresolvedOperand> &symbols) {
  AffineMap map;
  if (p.parseLSquare() || p.parseAffineMap(map) || p.parseRSquare() || p.parseOperandList(symbols, OpAsmParser::Delimiter::OptionalParen))
    return failure();
  st.addAttribute(mapName, AffineMapAttr::get(map));
  return success();
}
static void printAccess(OpAsmPrinter &p, AffineMap map, ValueRange symbols) {
  p << "[";
  map.print(p.getStream());
  p << "]";
  if (!symbols.empty())
    p << "(" << symbols << ")";
}
static ParseResult resolveSymbols(OpAsmParser &p, OperationState &st, ArrayRef<OpAsmParser::UnresolvedOperand> symbols) {
  return p.resolveOperands(symbols, p.getBuilder().getI32Type(), st.operands);
}

ParseResult ReadOp::parse(OpAsmParser &p, OperationState &st) {
  OpAsmParser::UnresolvedOperand source;
  SmallVector<OpAsmParser::UnresolvedOperand> symbols;
  RankedTensorType type;
  if (p.parseOperand(source) || parseAccess(p, st, "map", symbols))
    return failure();
  if (succeeded(p.parseOptionalKeyword("guarded")))
    st.addAttribute("guarded", p.getBuilder().getUnitAttr());
  if (p.parseOptionalAttrDict(st.attributes) || p.parseColonType(type) || p.resolveOperand(source, type, st.operands) ||
      resolveSymbols(p, st, symbols))
    return failure();
  st.addTypes(type.getElementType());
  return success();
}
void ReadOp::print(OpAsmPrinter &p) {
  p << " " << getSource();
  printAccess(p, getMap(), getSymbols());
  if (getGuarded())
    p << " guarded";
  p.printOptionalAttrDict((*this)->getAttrs(), {"map", "guarded"});
  p << " : " << getSource().getType();
}
void ReadOp::build(OpBuilder &b, OperationState &st, Value source, AffineMap map, ValueRange symbols, bool guarded) {
  build(b, st, cast<RankedTensorType>(source.getType()).getElementType(), source, symbols, AffineMapAttr::get(map),
        guarded ? b.getUnitAttr() : UnitAttr());
}

ParseResult InsideOp::parse(OpAsmParser &p, OperationState &st) {
  SmallVector<OpAsmParser::UnresolvedOperand> symbols;
  DimsAttr dims;
  if (parseAccess(p, st, "map", symbols) || p.parseKeyword("in") || parseBareDims(p, dims) || p.parseOptionalAttrDict(st.attributes) ||
      resolveSymbols(p, st, symbols))
    return failure();
  st.addAttribute("dims", dims);
  st.addTypes(p.getBuilder().getI1Type());
  return success();
}
void InsideOp::print(OpAsmPrinter &p) {
  p << " ";
  printAccess(p, getMap(), getSymbols());
  p << " in ";
  getDims().print(p);
  p.printOptionalAttrDict((*this)->getAttrs(), {"map", "dims"});
}
void InsideOp::build(OpBuilder &b, OperationState &st, AffineMap map, DimsAttr dims, ValueRange symbols) {
  build(b, st, b.getI1Type(), symbols, AffineMapAttr::get(map), dims);
}

ParseResult IndexOp::parse(OpAsmParser &p, OperationState &st) {
  SmallVector<OpAsmParser::UnresolvedOperand> symbols;
  if (parseAccess(p, st, "map", symbols) || p.parseOptionalAttrDict(st.attributes) || resolveSymbols(p, st, symbols))
    return failure();
  st.addTypes(p.getBuilder().getI32Type());
  return success();
}
void IndexOp::print(OpAsmPrinter &p) {
  p << " ";
  printAccess(p, getMap(), getSymbols());
  p.printOptionalAttrDict((*this)->getAttrs(), {"map"});
}
void IndexOp::build(OpBuilder &b, OperationState &st, AffineMap map, ValueRange symbols) {
  build(b, st, b.getI32Type(), symbols, AffineMapAttr::get(map));
}

ParseResult RandomOp::parse(OpAsmParser &p, OperationState &st) {
  StringRef draw;
  IntegerAttr site;
  OpAsmParser::UnresolvedOperand state;
  SmallVector<OpAsmParser::UnresolvedOperand> symbols;
  DimsAttr dims;
  RankedTensorType type;
  SMLoc loc = p.getCurrentLocation();
  if (p.parseKeyword(&draw) || p.parseAttribute(site, p.getBuilder().getI32Type(), "site", st.attributes) || p.parseKeyword("of") ||
      p.parseOperand(state) || parseAccess(p, st, "map", symbols) || p.parseKeyword("in") || parseBareDims(p, dims) ||
      p.parseOptionalAttrDict(st.attributes) || p.parseColonType(type) || p.resolveOperand(state, type, st.operands) ||
      resolveSymbols(p, st, symbols))
    return failure();
  auto kind = symbolizeDraw(draw);
  if (!kind)
    return p.emitError(loc) << "expected uniform or normal, but got " << draw;
  st.addAttribute("draw", DrawAttr::get(p.getContext(), *kind));
  st.addAttribute("dims", dims);
  st.addTypes(p.getBuilder().getF32Type());
  return success();
}
void RandomOp::print(OpAsmPrinter &p) {
  p << " " << stringifyDraw(getDraw()) << " " << getSite() << " of " << getState();
  printAccess(p, getMap(), getSymbols());
  p << " in ";
  getDims().print(p);
  p.printOptionalAttrDict((*this)->getAttrs(), {"map", "dims", "draw", "site"});
  p << " : " << getState().getType();
}

ParseResult YieldOp::parse(OpAsmParser &p, OperationState &st) {
  OpAsmParser::UnresolvedOperand value, filter;
  SmallVector<OpAsmParser::UnresolvedOperand> symbols;
  Type type;
  if (p.parseOperand(value))
    return failure();
  if (succeeded(p.parseOptionalKeyword("at")) && parseAccess(p, st, "map", symbols))
    return failure();
  bool filtered = succeeded(p.parseOptionalKeyword("if"));
  if ((filtered && p.parseOperand(filter)) || p.parseOptionalAttrDict(st.attributes) || p.parseColonType(type) ||
      p.resolveOperand(value, type, st.operands) || (filtered && p.resolveOperand(filter, p.getBuilder().getI1Type(), st.operands)) ||
      resolveSymbols(p, st, symbols))
    return failure();
  st.addAttribute("operandSegmentSizes", p.getBuilder().getDenseI32ArrayAttr({1, filtered ? 1 : 0, (int32_t)symbols.size()}));
  return success();
}
void YieldOp::print(OpAsmPrinter &p) {
  p << " " << getValue();
  if (getMap()) {
    p << " at ";
    printAccess(p, *getMap(), getSymbols());
  }
  if (getFilter())
    p << " if " << getFilter();
  p.printOptionalAttrDict((*this)->getAttrs(), {"map", "operandSegmentSizes"});
  p << " : " << getValue().getType();
}
void YieldOp::build(OpBuilder &b, OperationState &st, Value value, Value filter) {
  build(b, st, value, filter, AffineMapAttr(), ValueRange());
}

//===-- verifiers ---------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  // parameter_c1
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError() << "expected a static shape, but got " << getType();
  return success();
}

/// C1 of every op that names a parameter.
static LogicalResult verifyParameter(Operation *op, SymbolTableCollection &tables, FlatSymbolRefAttr name, Type type) {
  // param_c1, grad_c1, set_grad_c1
  auto parameter = tables.lookupNearestSymbolFrom<ParameterOp>(op, name);
  if (!parameter)
    return op->emitOpError() << "expected a graph.parameter of the name " << name << ", but found none";
  if (parameter.getType() != type)
    return op->emitOpError() << "expected type " << parameter.getType() << " of parameter " << name << ", but got " << type;
  return success();
}
LogicalResult ParamOp::verifySymbolUses(SymbolTableCollection &tables) { return verifyParameter(*this, tables, getNameAttr(), getType()); }
LogicalResult GradOp::verifySymbolUses(SymbolTableCollection &tables) { return verifyParameter(*this, tables, getNameAttr(), getType()); }
LogicalResult SetGradOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyParameter(*this, tables, getNameAttr(), getValue().getType());
}

/// C1 of every access: as many dims as loops, symbols as operands, results as dims.
static LogicalResult verifyAccess(Operation *op, AffineMap map, size_t symbols, size_t results) {
  Operation *def = op->getParentOp();
  if (!isa_and_nonnull<ComputeOp, ScatterOp>(def))
    return op->emitOpError() << "expected to stand in the body of graph.compute or graph.scatter";
  // read_c1, inside_c1, index_c1, random_c1
  size_t loops = extentsOf(def).size();
  if (map.getNumDims() != loops)
    return op->emitOpError() << "expected a map of " << loops << " loop dims, but got " << map.getNumDims();
  if (map.getNumSymbols() != symbols)
    return op->emitOpError() << "expected " << map.getNumSymbols() << " symbol operands, but got " << symbols;
  if (map.getNumResults() != results)
    return op->emitOpError() << "expected a map with " << results << " results, but got " << map.getNumResults();
  return success();
}
LogicalResult ReadOp::verify() {
  auto type = cast<RankedTensorType>(getSource().getType());
  if (getType() != type.getElementType())
    return emitOpError() << "expected to give " << type.getElementType() << ", but gives " << getType();
  return verifyAccess(*this, getMap(), getSymbols().size(), type.getRank());
}
LogicalResult InsideOp::verify() { return verifyAccess(*this, getMap(), getSymbols().size(), getDims().size()); }
LogicalResult IndexOp::verify() { return verifyAccess(*this, getMap(), getSymbols().size(), 1); }
LogicalResult RandomOp::verify() { return verifyAccess(*this, getMap(), getSymbols().size(), getDims().size()); }

/// body_c1: tensors come from outside, what a body defines are scalars.
static LogicalResult verifyBody(Operation *op) {
  for (Operation &inner : op->getRegion(0).front())
    for (Type type : inner.getResultTypes())
      if (isa<ShapedType>(type))
        return inner.emitOpError() << "expected scalars in the body of " << op->getName() << ", but got " << type;
  return success();
}

LogicalResult ComputeOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (!yield)
    return emitOpError() << "expected a body that ends in graph.yield";
  if (failed(verifyBody(*this)))
    return failure();
  // compute_c1
  if (isReduction() == getBy().getExprs().empty())
    return emitOpError() << "expected " << (isReduction() ? "reduction dims for reducer " : "no reduction dims for reducer ")
                         << stringifyReducer(getReducer());
  // compute_c2
  auto type = cast<RankedTensorType>(getType());
  if (dimsOf(type) != SmallVector<AffineExpr>(getOver().getExprs()))
    return emitOpError() << "expected a result with extents " << getOver() << ", but got " << type;
  // compute_c3
  Type want = getReducer() == Reducer::argmax ? Type(IntegerType::get(getContext(), 32)) : yield.getValue().getType();
  if (type.getElementType() != want)
    return emitOpError() << "expected element type " << want << ", but got " << type.getElementType();
  // compute_c4
  if (yield.getFilter() && !isReduction())
    return emitOpError() << "expected no filter without a reducer";
  return success();
}

LogicalResult ScatterOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (!yield)
    return emitOpError() << "expected a body that ends in graph.yield";
  if (failed(verifyBody(*this)))
    return failure();
  auto type = cast<RankedTensorType>(getType());
  // scatter_c1
  size_t results = yield.getMap() ? yield.getMap()->getNumResults() : 0;
  if (!yield.getMap() || results != (size_t)type.getRank())
    return emitOpError() << "expected a yield at a map with " << type.getRank() << " results, but got " << results;
  // scatter_c2
  if (getInit() && getInit().getType() != type)
    return emitOpError() << "expected init of type " << type << ", but got " << getInit().getType();
  return success();
}

LogicalResult ReshapeOp::verify() {
  auto from = cast<RankedTensorType>(getSource().getType()), to = cast<RankedTensorType>(getType());
  // reshape_c1
  if (from.getElementType() != to.getElementType())
    return emitOpError() << "expected element type " << from.getElementType() << ", but got " << to.getElementType();
  AffineExpr n = productOf(dimsOf(from), getContext()), m = productOf(dimsOf(to), getContext());
  if (n != m)
    return emitOpError() << "expected " << printDim(n) << " elements, but got " << printDim(m);
  return success();
}

LogicalResult RowsOp::verify() {
  auto from = cast<RankedTensorType>(getSource().getType()), to = cast<RankedTensorType>(getType());
  SmallVector<AffineExpr> a = dimsOf(from), b = dimsOf(to);
  // rows_c1
  if (a.empty() || a.size() != b.size() || ArrayRef(a).drop_front() != ArrayRef(b).drop_front() ||
      from.getElementType() != to.getElementType())
    return emitOpError() << "expected rows of " << from << ", but got " << to;
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getSource().getType() == getType())
    return getSource();
  if (auto inner = getSource().getDefiningOp<ReshapeOp>()) {
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  return {};
}

//===-- helpers -----------------------------------------------------------===//

SmallVector<AffineExpr> ComputeOp::getExtents() {
  SmallVector<AffineExpr> r(getOver().getExprs());
  r.append(getBy().getExprs().begin(), getBy().getExprs().end());
  return r;
}
YieldOp ComputeOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }
YieldOp ScatterOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

namespace tintype::graph {
SmallVector<ReadOp> readsOf(Operation *definition) {
  SmallVector<ReadOp> reads;
  definition->walk([&](ReadOp r) { reads.push_back(r); });
  return reads;
}

SmallVector<AffineExpr> extentsOf(Operation *definition) {
  if (auto c = dyn_cast<ComputeOp>(definition))
    return c.getExtents();
  return SmallVector<AffineExpr>(cast<ScatterOp>(definition).getOver().getExprs());
}

ComputeOp buildCompute(OpBuilder &b, Location loc, Reducer reducer, ArrayRef<AffineExpr> over, ArrayRef<AffineExpr> by, Type element,
                       BodyFn body) {
  MLIRContext *ctx = b.getContext();
  auto op = ComputeOp::create(b, loc, tensorOf(over, element), reducer, DimsAttr::get(ctx, over), DimsAttr::get(ctx, by));
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&op.getBody());
  auto [value, filter] = body(b);
  YieldOp::create(b, loc, value, filter);
  return op;
}
} // namespace tintype::graph

//===-- dialect -----------------------------------------------------------===//

#include "dialects/graph/GraphEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/graph/GraphAttrs.cpp.inc"
#include "dialects/graph/GraphDialect.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/graph/GraphOps.cpp.inc"

// Beside the storage class that the generated file holds.
DimsAttr DimsAttr::get(MLIRContext *ctx, ArrayRef<AffineExpr> exprs) {
  SmallVector<AffineExpr> normal;
  for (AffineExpr e : exprs)
    normal.push_back(canonicalDim(e));
  return Base::get(ctx, normal);
}

void GraphDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/graph/GraphAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/graph/GraphOps.cpp.inc"
      >();
}
