//===- ExportFunction.cpp - a host function as buffers and launches -------===//
#include "codegen/host/ExportImpl.h"

using namespace mlir;
using namespace tintype;
using namespace tintype::graph;

int FunctionExport::addBuffer(Buffer::Kind kind, int index, Type type, StringRef label) {
  auto *b = program.add_buffers();
  b->set_kind(kind);
  b->set_index(index);
  (void)m.size(productOf(dimsOf(type), fn.getContext()), b->mutable_elements());
  auto dt = m.dtype(type, fn); // a failure is reported there and stops the export at the value's own argument
  b->set_dtype(succeeded(dt) ? *dt : F32);
  b->set_first(0);
  b->set_last(-1);
  b->set_label(label.str());
  return program.buffers_size() - 1;
}

FailureOr<int> FunctionExport::parameterBuffer(Buffer::Kind kind, StringRef name, Type type, Operation *at) {
  auto it = m.parameters.find(name);
  if (it == m.parameters.end())
    return at->emitError() << "expected a graph.parameter named " << name << ", but there is none";
  auto [slot, isNew] = parameterBuffers.try_emplace({kind, it->second}, -1);
  if (isNew)
    slot->second = addBuffer(kind, it->second, type, name);
  return slot->second;
}

static StringRef argText(func::FuncOp fn, unsigned i, StringRef name) {
  auto a = fn.getArgAttrOfType<StringAttr>(i, name);
  return a ? a.getValue() : StringRef();
}

LogicalResult FunctionExport::addInputs() {
  for (BlockArgument a : fn.getArguments()) {
    unsigned i = a.getArgNumber();
    auto dt = m.dtype(a.getType(), fn);
    auto *in = program.add_inputs();
    StringRef name = argText(fn, i, "graph.name"), role = argText(fn, i, "graph.role");
    in->set_name(name.str());
    in->set_role((role.empty() ? name : role).str());
    if (failed(dt) || failed(m.sizes(dimsOf(a.getType()), in->mutable_dims())))
      return failure();
    in->set_dtype(*dt);
    if (auto bound = fn.getArgAttrOfType<IntegerAttr>(i, "graph.bound"))
      in->set_bound(bound.getInt());
    bufferOf[a] = addBuffer(Buffer::INPUT, i, a.getType(), name);
  }
  return success();
}

/// The value behind views.
static Value root(Value v) {
  while (isa_and_nonnull<ReshapeOp, RowsOp>(v.getDefiningOp()))
    v = v.getDefiningOp()->getOperand(0);
  return v;
}

/// Whether a value has the rows of the chunk at hand.
static bool hasChunk(Type type, func::FuncOp fn) {
  auto chunk = fn->getAttrOfType<DictionaryAttr>("graph.chunk");
  SmallVector<AffineExpr> dims = dimsOf(type);
  return chunk && !dims.empty() && dims[0] == runtimeDim(fn.getContext(), chunk.getAs<StringAttr>("symbol"));
}

/// The type of the memory that `v` lies in: all rows, when more than the calls of its chunk use them.
static Type storageOf(Value v, func::FuncOp fn) {
  if (hasChunk(v.getType(), fn))
    for (Operation *user : v.getUsers())
      if (isa<RowsOp>(user))
        return user->getResult(0).getType();
  return v.getType();
}

LogicalResult FunctionExport::want(Value v, int buffer, Operation *at) {
  v = root(v);
  if (!v.getDefiningOp<func::CallOp>())
    return at->emitError() << "expected the result of a kernel, but got a value that no kernel writes";
  if (!wanted.try_emplace(v, buffer).second)
    return at->emitError() << "expected a value with one destination, but it has two";
  return success();
}

/// Gradients and outputs first, then backwards through in-place arguments.
LogicalResult FunctionExport::placeResults() {
  for (auto set : fn.getOps<SetGradOp>()) {
    auto b = parameterBuffer(Buffer::GRADIENT, set.getName(), set.getValue().getType(), set);
    if (failed(b) || failed(want(set.getValue(), *b, set)))
      return failure();
  }
  auto ret = cast<func::ReturnOp>(fn.getBody().front().getTerminator());
  auto names = fn->getAttrOfType<ArrayAttr>("graph.results");
  for (auto [i, v] : llvm::enumerate(ret.getOperands())) {
    auto *o = program.add_outputs();
    if (names && i < names.size())
      o->set_name(cast<StringAttr>(names[i]).str());
    auto dt = m.dtype(v.getType(), fn);
    if (failed(dt) || failed(m.sizes(dimsOf(v.getType()), o->mutable_dims())))
      return failure();
    o->set_dtype(*dt);
    if (failed(want(v, addBuffer(Buffer::OUTPUT, i, v.getType(), o->name()), ret)))
      return failure();
  }
  SmallVector<func::CallOp> calls(fn.getOps<func::CallOp>());
  for (func::CallOp call : llvm::reverse(calls)) {
    func::FuncOp kernel = m.kernels.lookup(call.getCallee()).function;
    auto inplace = kernel ? kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace") : nullptr;
    for (auto [i, result] : llvm::enumerate(call.getResults())) {
      auto it = wanted.find(result);
      if (!inplace || it == wanted.end() || inplace[i] < 0)
        continue;
      Value arg = root(call.getOperand(inplace[i]));
      if (arg.getDefiningOp<func::CallOp>() && arg.hasOneUse())
        wanted.try_emplace(arg, it->second);
    }
  }
  return success();
}

/// Whether no op after `call` reads the memory of `v`.
static bool diesAt(Value v, Operation *call) {
  SmallVector<Value> views{root(v)};
  for (unsigned i = 0; i < views.size(); ++i)
    for (Operation *user : views[i].getUsers()) {
      if (isa<ReshapeOp, RowsOp>(user))
        views.push_back(user->getResult(0));
      else if (user != call && !user->isBeforeInBlock(call))
        return false;
    }
  return true;
}

/// Whether `call` gets the memory of its operand `i` through that operand only: a
/// kernel knows what it reads through one argument, not that another is a view of it.
static bool isOnlyView(func::CallOp call, unsigned i) {
  for (auto [j, arg] : llvm::enumerate(call.getOperands()))
    if (j != i && root(arg) == root(call.getOperand(i)))
      return false;
  return true;
}

LogicalResult FunctionExport::addArg(Arg *arg, Value v, int buffer, func::CallOp call) {
  arg->set_buffer(buffer);
  auto dt = m.dtype(v.getType(), call);
  if (failed(dt) || failed(m.sizes(dimsOf(v.getType()), arg->mutable_dims())))
    return failure();
  arg->set_dtype(*dt);
  arg->set_by_rows(hasChunk(v.getType(), fn) && !ofOneChunk.contains(buffer));
  auto *b = program.mutable_buffers(buffer);
  int launch = program.launches_size() - 1;
  if (b->last() < 0 && b->kind() == Buffer::ARENA)
    b->set_first(launch);
  b->set_last(launch);
  return success();
}

FailureOr<int> FunctionExport::bufferOfResult(func::CallOp call, unsigned i, int reuse, StringRef label) {
  Value result = call.getResult(i);
  Type storage = storageOf(result, fn);
  auto bufferOfArgument = [&](Value arg) { return bufferOf.lookup(root(arg)); };
  if (reuse >= 0 && storage != result.getType() && ofOneChunk.contains(bufferOfArgument(call.getOperand(reuse))))
    reuse = -1;
  if (auto target = wanted.find(result); target != wanted.end()) {
    for (auto [j, arg] : llvm::enumerate(call.getOperands()))
      if (bufferOfArgument(arg) == target->second && (int)j != reuse)
        return call.emitError() << "expected result " << i << " to be computed in place of argument " << j
                                << ", but its reads do not allow it";
    return target->second;
  }
  if (reuse >= 0 && program.buffers(bufferOfArgument(call.getOperand(reuse))).kind() == Buffer::ARENA && isOnlyView(call, reuse) &&
      diesAt(call.getOperand(reuse), call))
    return bufferOfArgument(call.getOperand(reuse));
  int buffer = addBuffer(Buffer::ARENA, 0, storage, label);
  if (hasChunk(storage, fn))
    ofOneChunk.insert(buffer);
  return buffer;
}

LogicalResult FunctionExport::addGrid(func::FuncOp kernel, Launch *launch) {
  if (auto grid = kernel->getAttrOfType<ArrayAttr>("graph.grid"))
    for (auto axis : grid.getAsRange<DictionaryAttr>()) {
      auto *a = launch->add_grid();
      if (failed(m.size(axis.getAs<DimsAttr>("extent")[0], a->mutable_extent())))
        return failure();
      a->set_block(axis.getAs<IntegerAttr>("block").getInt());
      for (int32_t d : axis.getAs<DenseI32ArrayAttr>("dims").asArrayRef())
        a->add_result_dim(d);
      a->set_ordered(bool(axis.get("ordered")));
    }
  launch->set_first_writes(kernel->hasAttr("graph.first_writes"));
  return success();
}

LogicalResult FunctionExport::addRanges(func::FuncOp kernel, Launch *launch) {
  if (auto ranges = kernel->getAttrOfType<ArrayAttr>("graph.ranges"))
    for (auto range : ranges.getAsRange<DictionaryAttr>()) {
      auto *r = launch->add_ranges();
      if (failed(m.size(range.getAs<DimsAttr>("extent")[0], r->mutable_extent())))
        return failure();
      r->set_axis(range.getAs<IntegerAttr>("axis").getInt());
      if (auto over = range.getAs<IntegerAttr>("over"))
        r->set_over(over.getInt());
      if (auto low = range.getAs<IntegerAttr>("low"))
        r->set_low(low.getInt());
      if (auto high = range.getAs<IntegerAttr>("high"))
        r->set_high(high.getInt());
    }
  return success();
}

LogicalResult FunctionExport::addLaunch(func::CallOp call) {
  auto [kernel, place] = m.kernels.lookup(call.getCallee());
  if (!kernel)
    return call.emitError() << "expected a call of a kernel, but " << call.getCallee() << " is none";
  auto *launch = program.add_launches();
  launch->set_kernel(place);
  if (auto label = call->getAttrOfType<StringAttr>("graph.label"))
    launch->set_label(label.str());
  llvm::BitVector byBlocks = argumentsReadByBlocks(kernel);
  for (auto [i, v] : llvm::enumerate(call.getOperands())) {
    if (failed(addArg(launch->add_inputs(), v, bufferOf.lookup(root(v)), call)))
      return failure();
    launch->mutable_inputs(i)->set_by_blocks(byBlocks[i]);
  }
  auto inplace = kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
  for (auto [i, result] : llvm::enumerate(call.getResults())) {
    auto buffer = bufferOfResult(call, i, inplace ? inplace[i] : -1, launch->label());
    if (failed(buffer) || failed(addArg(launch->add_results(), result, *buffer, call)))
      return failure();
    bufferOf[result] = *buffer;
    // A scatter adds to what lies there; what reads its argument may lie elsewhere.
    auto scatter = kernel.getBody().front().getTerminator()->getOperand(i).getDefiningOp<ScatterOp>();
    if (scatter && inplace && inplace[i] >= 0 && *buffer != bufferOf.lookup(root(call.getOperand(inplace[i]))))
      return call.emitError() << "expected argument " << inplace[i] << " to be needed no more, since result " << i
                              << " adds up in its memory";
  }
  if (auto f = kernel->getAttrOfType<DimsAttr>("graph.flops"))
    (void)m.size(f[0], launch->mutable_flops());
  if (auto b = kernel->getAttrOfType<DimsAttr>("graph.bytes"))
    (void)m.size(b[0], launch->mutable_bytes());
  return success(succeeded(addGrid(kernel, launch)) && succeeded(addRanges(kernel, launch)));
}

/// The launches that run once for each chunk of rows, and who lives through all of them.
LogicalResult FunctionExport::addSection() {
  auto chunk = fn->getAttrOfType<DictionaryAttr>("graph.chunk");
  if (!chunk)
    return success();
  int first = -1, last = -1;
  for (auto [i, call] : llvm::enumerate(fn.getOps<func::CallOp>()))
    if (call->hasAttr("graph.rows")) {
      first = first < 0 ? i : first;
      last = i;
    }
  if (first < 0)
    return fn.emitError() << "expected calls with graph.rows in a function with graph.chunk, but got none";
  auto *s = program.add_sections();
  s->set_first(first);
  s->set_last(last);
  s->set_symbol(m.symbol(chunk.getAs<StringAttr>("symbol")));
  s->set_most(chunk.getAs<IntegerAttr>("most").getInt());
  for (auto [i, b] : llvm::enumerate(*program.mutable_buffers())) {
    if (b.kind() != Buffer::ARENA || ofOneChunk.contains(i))
      continue;
    if (b.first() > first && b.first() <= last)
      b.set_first(first);
    if (b.last() >= first && b.last() < last)
      b.set_last(last);
  }
  return m.size(chunk.getAs<DimsAttr>("extent")[0], s->mutable_extent());
}

LogicalResult FunctionExport::run() {
  if (failed(addInputs()) || failed(placeResults()))
    return failure();
  auto place = [&](Buffer::Kind kind, auto op) -> LogicalResult {
    auto buffer = parameterBuffer(kind, op.getName(), op.getType(), op);
    if (succeeded(buffer))
      bufferOf[op] = *buffer;
    return buffer;
  };
  for (Operation &op : fn.getBody().front()) {
    LogicalResult result = success();
    if (auto p = dyn_cast<ParamOp>(op))
      result = place(Buffer::PARAMETER, p);
    else if (auto g = dyn_cast<GradOp>(op))
      result = place(Buffer::GRADIENT, g);
    else if (auto call = dyn_cast<func::CallOp>(op))
      result = addLaunch(call);
    else if (!isa<ReshapeOp, RowsOp, SetGradOp, func::ReturnOp>(op))
      result = op.emitError() << "expected only kernel calls in a host function, but got " << op.getName();
    if (failed(result))
      return failure();
  }
  return addSection();
}
