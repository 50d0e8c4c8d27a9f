//===- Halide.cpp - ops of the halide dialect: text and verifiers ---------===//
#include "dialects/halide/Halide.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace tintype::halide;
using tintype::graph::DimsAttr;

//===-- text --------------------------------------------------------------===//

/// `(%i, %j)`: block arguments whose names are kept as an attribute.
static ParseResult parseVars(OpAsmParser &p, OperationState &st, StringRef attr, SmallVectorImpl<OpAsmParser::Argument> &all) {
  SmallVector<OpAsmParser::Argument> args;
  if (p.parseArgumentList(args, OpAsmParser::Delimiter::Paren))
    return failure();
  SmallVector<StringRef> names;
  for (auto &a : args) {
    a.type = p.getBuilder().getI32Type();
    names.push_back(a.ssaName.name.drop_front());
    all.push_back(a);
  }
  st.addAttribute(attr, p.getBuilder().getStrArrayAttr(names));
  return success();
}
static void printVars(OpAsmPrinter &p, ValueRange args) {
  p << "(";
  llvm::interleaveComma(args, p, [&](Value v) { p.printOperand(v); });
  p << ")";
}
static void nameArguments(Region &region, ArrayAttr vars, unsigned from, OpAsmSetValueNameFn fn) {
  for (auto [i, v] : llvm::enumerate(vars.getAsValueRange<StringAttr>()))
    fn(region.getArgument(from + i), v);
}

ParseResult FuncOp::parse(OpAsmParser &p, OperationState &st) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> args;
  if (p.parseSymbolName(name, "sym_name", st.attributes) || parseVars(p, st, "vars", args) ||
      p.parseOptionalAttrDictWithKeyword(st.attributes) || p.parseRegion(*st.addRegion(), args))
    return failure();
  return success();
}
void FuncOp::print(OpAsmPrinter &p) {
  p << " ";
  p.printSymbolName(getSymName());
  printVars(p, getBody().getArguments());
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name", "vars"});
  p << " ";
  p.printRegion(getBody(), false);
}
void FuncOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn fn) { nameArguments(region, getVars(), 0, fn); }

ParseResult UpdateOp::parse(OpAsmParser &p, OperationState &st) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> args;
  DimsAttr dims;
  if (p.parseSymbolName(name))
    return failure();
  st.addAttribute("func", FlatSymbolRefAttr::get(name));
  if (parseVars(p, st, "vars", args) || p.parseKeyword("by") || parseVars(p, st, "rvars", args) || p.parseKeyword("in") ||
      parseBareDims(p, dims) || p.parseOptionalAttrDictWithKeyword(st.attributes) || p.parseRegion(*st.addRegion(), args))
    return failure();
  st.addAttribute("extents", dims);
  return success();
}
void UpdateOp::print(OpAsmPrinter &p) {
  p << " ";
  p.printSymbolName(getFunc());
  ValueRange args = getBody().getArguments();
  printVars(p, args.take_front(getVars().size()));
  p << " by ";
  printVars(p, args.drop_front(getVars().size()));
  p << " in ";
  getExtents().print(p);
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"func", "vars", "rvars", "extents"});
  p << " ";
  p.printRegion(getBody(), false);
}
void UpdateOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn fn) {
  nameArguments(region, getVars(), 0, fn);
  nameArguments(region, getRvars(), getVars().size(), fn);
}

ParseResult IndexOp::parse(OpAsmParser &p, OperationState &st) {
  AffineMap map;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  if (p.parseAffineMap(map) || p.parseOperandList(operands, OpAsmParser::Delimiter::Paren) || p.parseOptionalAttrDict(st.attributes) ||
      p.resolveOperands(operands, p.getBuilder().getI32Type(), st.operands))
    return failure();
  st.addAttribute("map", AffineMapAttr::get(map));
  st.addTypes(p.getBuilder().getI32Type());
  return success();
}
void IndexOp::print(OpAsmPrinter &p) {
  p << " ";
  getMap().print(p.getStream());
  p << " (" << getOperands() << ")";
  p.printOptionalAttrDict((*this)->getAttrs(), {"map"});
}

//===-- verifiers ---------------------------------------------------------===//

static SmallVector<StringRef> namesOf(ArrayAttr a) { return llvm::to_vector(a.getAsValueRange<StringAttr>()); }

LogicalResult PipelineOp::verify() {
  // pipeline_c1
  std::vector<int64_t> results;
  for (auto o : getBody().getOps<OutputOp>())
    results.push_back(o.getResult());
  llvm::sort(results);
  for (auto [i, r] : llvm::enumerate(results))
    if (r != (int64_t)i)
      return emitOpError() << "expected outputs for results 0 to " << results.size() - 1 << ", but result " << i
                           << (llvm::is_contained(results, (int64_t)i) ? " is there twice" : " is missing");
  return success();
}

/// Number of dims of the input or func `name`, or -1.
static int rankOf(PipelineOp pipeline, StringAttr name) {
  Operation *s = SymbolTable::lookupSymbolIn(pipeline, name);
  if (auto in = dyn_cast_or_null<InputOp>(s))
    return in.getDims().size();
  if (auto f = dyn_cast_or_null<FuncOp>(s))
    return f.getVars().size();
  return -1;
}

/// Names, block arguments and loads of a func or update.
static LogicalResult verifyDefinition(Operation *op, ArrayRef<StringRef> vars) {
  Region &body = op->getRegion(0);
  // func_c1
  llvm::StringSet<> seen;
  for (StringRef v : vars)
    if (!seen.insert(v).second)
      return op->emitOpError() << "expected vars of different names, but got " << v << " twice";
  if (body.getNumArguments() != vars.size())
    return op->emitOpError() << "expected " << vars.size() << " block arguments, but got " << body.getNumArguments();
  if (body.front().empty() || !isa<YieldOp>(body.front().back()))
    return op->emitOpError() << "expected a body that ends in halide.yield";
  // func_c2
  auto pipeline = op->getParentOfType<PipelineOp>();
  for (auto load : body.getOps<LoadOp>()) {
    Operation *s = SymbolTable::lookupSymbolIn(pipeline, load.getSourceAttr().getAttr());
    if (!isa_and_nonnull<InputOp, FuncOp>(s))
      return load.emitOpError() << "expected an input or a func, but there is no @" << load.getSource();
    if (s == op || (s->getBlock() == op->getBlock() && op->isBeforeInBlock(s)))
      return load.emitOpError() << "expected an earlier func, but @" << load.getSource() << " is defined " << (s == op ? "here" : "later");
    int rank = rankOf(pipeline, load.getSourceAttr().getAttr());
    if (rank != (int)load.getIndices().size())
      return load.emitOpError() << "expected " << rank << " indices into @" << load.getSource() << ", but got " << load.getIndices().size();
  }
  return success();
}

LogicalResult FuncOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().back());
  if (yield && (yield.getFilter() || !yield.getPlaces().empty()))
    return emitOpError() << "expected a plain halide.yield, but it has places or a filter";
  return verifyDefinition(*this, namesOf(getVars()));
}

/// The end of a func, or null where it lacks one: its own verifier says so, maybe later.
static YieldOp yieldOf(FuncOp f) {
  Region &body = f.getBody();
  return body.empty() || body.front().empty() ? YieldOp() : dyn_cast<YieldOp>(body.front().back());
}

LogicalResult UpdateOp::verify() {
  auto pipeline = (*this)->getParentOfType<PipelineOp>();
  auto f = dyn_cast_or_null<FuncOp>(SymbolTable::lookupSymbolIn(pipeline, getFuncAttr().getAttr()));
  // update_c1
  if (!f || !f->isBeforeInBlock(*this))
    return emitOpError() << "expected an earlier func, but there is no @" << getFunc();
  if (f.getVars().size() != getVars().size())
    return emitOpError() << "expected " << f.getVars().size() << " vars as in @" << getFunc() << ", but got " << getVars().size();
  // update_c2
  if (getRvars().size() != getExtents().size())
    return emitOpError() << "expected " << getRvars().size() << " extents, but got " << getExtents().size();
  SmallVector<StringRef> names = namesOf(getVars());
  names.append(namesOf(getRvars()));
  if (failed(verifyDefinition(*this, names)))
    return failure();
  // update_c3
  auto mine = cast<YieldOp>(getBody().front().back()), pure = yieldOf(f);
  if (pure && mine.getValues().getTypes() != pure.getValues().getTypes())
    return emitOpError() << "expected to yield " << pure.getValues().getTypes() << ", but got " << mine.getValues().getTypes();
  if (!mine.getPlaces().empty() && mine.getPlaces().size() != getVars().size())
    return emitOpError() << "expected " << getVars().size() << " places, but got " << mine.getPlaces().size();
  return success();
}

LogicalResult OutputOp::verify() {
  int rank = rankOf((*this)->getParentOfType<PipelineOp>(), getFuncAttr().getAttr());
  if (rank < 0)
    return emitOpError() << "expected a func, but there is no @" << getFunc();
  // output_c1
  if (getBlocks().size() != getDims().size() || (int)getDims().size() != rank)
    return emitOpError() << "expected " << rank << " extents and blocks, but got " << getDims().size() << " and " << getBlocks().size();
  return success();
}

LogicalResult IndexOp::verify() {
  // index_c1
  if (getMap().getNumResults() != 1 || getMap().getNumSymbols() || getMap().getNumDims() != getOperands().size())
    return emitOpError() << "expected a map of " << getOperands().size() << " dims to one result, but got " << getMapAttr();
  return success();
}

//===-- dialect -----------------------------------------------------------===//

namespace tintype::halide {
PipelineOp pipelineOf(func::FuncOp kernel) {
  for (auto p : kernel->getParentOfType<ModuleOp>().getOps<PipelineOp>())
    if (p.getKernel() == kernel.getName())
      return p;
  return {};
}
} // namespace tintype::halide

#include "dialects/halide/HalideDialect.cpp.inc"
#include "dialects/halide/HalideEnums.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/halide/HalideOps.cpp.inc"

void HalideDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/halide/HalideOps.cpp.inc"
      >();
}
