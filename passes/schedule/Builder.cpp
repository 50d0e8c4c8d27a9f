//===- Builder.cpp - funcs, updates and directives of a pipeline ----------===//
#include "passes/schedule/Lowering.h"

using namespace mlir;
using namespace tintype::halide;

namespace tintype::schedule {

static ArrayAttr stringsAttr(OpBuilder &b, const Strings &s) {
  SmallVector<Attribute> r;
  for (const std::string &x : s)
    r.push_back(b.getStringAttr(x));
  return b.getArrayAttr(r);
}

void Lowering::func(StringRef name, const Strings &vars, Location loc, const BodyFn &fn) {
  OpBuilder &b = definitions;
  auto op = FuncOp::create(b, loc, b.getStringAttr(name), stringsAttr(b, vars));
  Block &block = op.getBody().emplaceBlock();
  for (size_t i = 0; i < vars.size(); ++i)
    block.addArgument(b.getI32Type(), loc);
  Body body(*this, OpBuilder::atBlockEnd(&block), loc);
  SmallVector<Value> args(block.getArguments().begin(), block.getArguments().end());
  SmallVector<Value> values = fn(body, args);
  YieldOp::create(body.b, loc, values, ValueRange(), Value());
}

void Lowering::update(StringRef name, const Strings &vars, const Strings &rvars, ArrayRef<AffineExpr> extents, Location loc,
                      const std::function<Update(Body &, ArrayRef<Value>, ArrayRef<Value>)> &fn) {
  OpBuilder &b = definitions;
  auto op = UpdateOp::create(b, loc, FlatSymbolRefAttr::get(ctx, name), stringsAttr(b, vars), stringsAttr(b, rvars),
                             graph::DimsAttr::get(ctx, extents));
  Block &block = op.getBody().emplaceBlock();
  for (size_t i = 0; i < vars.size() + rvars.size(); ++i)
    block.addArgument(b.getI32Type(), loc);
  Body body(*this, OpBuilder::atBlockEnd(&block), loc);
  SmallVector<Value> args(block.getArguments().begin(), block.getArguments().end());
  Update u = fn(body, ArrayRef<Value>(args).take_front(vars.size()), ArrayRef<Value>(args).drop_front(vars.size()));
  YieldOp::create(body.b, loc, u.values, u.places, u.filter);
}

static IntegerAttr stageAttr(OpBuilder &b, int stage) { return stage < 0 ? IntegerAttr() : b.getI64IntegerAttr(stage); }
static IntegerAttr factorAttr(OpBuilder &b, int64_t factor) { return factor ? b.getI64IntegerAttr(factor) : IntegerAttr(); }
static TailAttr tailAttr(OpBuilder &b, Tail t) { return t == Tail::automatic ? TailAttr() : TailAttr::get(b.getContext(), t); }
#define FUNC FlatSymbolRefAttr::get(ctx, f)
#define STR(s) b.getStringAttr(s)

void Lowering::split(StringRef f, int stage, StringRef var, StringRef outer, StringRef inner, int64_t factor, Tail tail) {
  OpBuilder &b = directives;
  SplitOp::create(b, pipeline.getLoc(), FUNC, stageAttr(b, stage), STR(var), STR(outer), STR(inner), b.getI64IntegerAttr(factor),
                  tailAttr(b, tail));
}
void Lowering::reorder(StringRef f, int stage, const Strings &vars) {
  OpBuilder &b = directives;
  if (vars.size() > 1)
    ReorderOp::create(b, pipeline.getLoc(), FUNC, stageAttr(b, stage), stringsAttr(b, vars));
}
void Lowering::vectorize(StringRef f, int stage, StringRef var, int64_t factor, Tail tail) {
  OpBuilder &b = directives;
  VectorizeOp::create(b, pipeline.getLoc(), FUNC, stageAttr(b, stage), STR(var), factorAttr(b, factor), tailAttr(b, tail));
}
void Lowering::unroll(StringRef f, int stage, StringRef var, int64_t factor) {
  OpBuilder &b = directives;
  UnrollOp::create(b, pipeline.getLoc(), FUNC, stageAttr(b, stage), STR(var), factorAttr(b, factor), TailAttr());
}
void Lowering::atomic(StringRef f, int stage) {
  OpBuilder &b = directives;
  AtomicOp::create(b, pipeline.getLoc(), FUNC, stageAttr(b, stage));
}
void Lowering::storeInTiles(StringRef f) { StoreInOp::create(directives, pipeline.getLoc(), FUNC, MemoryAttr::get(ctx, Memory::tiles)); }
void Lowering::computeRoot(StringRef f) { ComputeRootOp::create(directives, pipeline.getLoc(), FUNC); }
void Lowering::computeAt(StringRef f, StringRef consumer, StringRef var) {
  OpBuilder &b = directives;
  ComputeAtOp::create(b, pipeline.getLoc(), FUNC, FlatSymbolRefAttr::get(ctx, consumer), STR(var));
}
void Lowering::bound(StringRef f, StringRef var, int64_t min, int64_t extent) {
  OpBuilder &b = directives;
  BoundOp::create(b, pipeline.getLoc(), FUNC, STR(var), b.getI64IntegerAttr(min), b.getI64IntegerAttr(extent));
}
void Lowering::boundExtent(StringRef f, StringRef var, int64_t extent) {
  OpBuilder &b = directives;
  BoundExtentOp::create(b, pipeline.getLoc(), FUNC, STR(var), b.getI64IntegerAttr(extent));
}
void Lowering::alignBounds(StringRef f, StringRef var, int64_t modulus) {
  OpBuilder &b = directives;
  AlignBoundsOp::create(b, pipeline.getLoc(), FUNC, STR(var), b.getI64IntegerAttr(modulus));
}

} // namespace tintype::schedule
