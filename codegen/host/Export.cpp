//===- Export.cpp - host functions as tables ------------------------------===//
#include "codegen/host/Export.h"
#include "codegen/manifest.pb.h"
#include "dialects/graph/Graph.h"

using namespace mlir;
using namespace tintype;
using namespace tintype::graph;

namespace {
/// Turns one module into a manifest; one `FunctionExport` for each host function.
struct ModuleExport {
  ModuleOp module;
  Manifest &out;
  GraphDialect &dialect;
  llvm::StringMap<int> symbols, parameters, kernels;

  int symbol(StringRef name);
  LogicalResult size(AffineExpr e, tintype::Size *s);
  LogicalResult sizes(ArrayRef<AffineExpr> dims, google::protobuf::RepeatedPtrField<tintype::Size> *out);
  FailureOr<DType> dtype(Type t, Operation *at);
  void addSymbols();
  LogicalResult addParameters();
  LogicalResult addKernels();
  LogicalResult run();
};

/// Where a value lives, while a function is walked.
struct FunctionExport {
  ModuleExport &m;
  func::FuncOp fn;
  Program &program;
  DenseMap<Value, int> bufferOf;
  DenseMap<Value, int> wanted; // value -> buffer it must end in
  DenseSet<int> ofOneChunk;    // buffers with the rows of the chunk at hand only

  int addBuffer(Buffer::Kind kind, int index, Type type, StringRef label);
  FailureOr<int> parameterBuffer(Buffer::Kind kind, StringRef name, Type type, Operation *at);
  LogicalResult addInputs();
  LogicalResult placeResults();
  LogicalResult addLaunch(func::CallOp call);
  LogicalResult addSection();
  LogicalResult run();
  std::map<std::pair<int, int>, int> parameterBuffers;

  FunctionExport(ModuleExport &m, func::FuncOp fn, Program &program) : m(m), fn(fn), program(program) {}
};
} // namespace

//===-- the module --------------------------------------------------------===//

int ModuleExport::symbol(StringRef name) {
  auto [it, isNew] = symbols.try_emplace(name, out.symbols_size());
  if (isNew) {
    auto *s = out.add_symbols();
    s->set_name(name.str());
    s->set_min(1);
    s->set_max(int64_t(1) << 40);
    s->set_multiple(1);
  }
  return it->second;
}

LogicalResult ModuleExport::size(AffineExpr e, tintype::Size *s) {
  auto push = [&](tintype::Size::Kind kind, int64_t value) {
    auto *op = s->add_ops();
    op->set_kind(kind);
    op->set_value(value);
    return success();
  };
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return push(tintype::Size::CONSTANT, c.getValue());
  if (auto sym = dyn_cast<AffineSymbolExpr>(e))
    return push(tintype::Size::SYMBOL, symbol(dialect.symbolName(sym.getPosition())));
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b || failed(size(b.getLHS(), s)) || failed(size(b.getRHS(), s)))
    return failure();
  switch (b.getKind()) {
  case AffineExprKind::Add: return push(tintype::Size::ADD, 0);
  case AffineExprKind::Mul: return push(tintype::Size::MUL, 0);
  case AffineExprKind::FloorDiv: return push(tintype::Size::FLOORDIV, 0);
  case AffineExprKind::Mod: return push(tintype::Size::MOD, 0);
  default: return failure();
  }
}

LogicalResult ModuleExport::sizes(ArrayRef<AffineExpr> dims, google::protobuf::RepeatedPtrField<tintype::Size> *list) {
  for (AffineExpr e : dims)
    if (failed(size(e, list->Add())))
      return failure();
  return success();
}

FailureOr<DType> ModuleExport::dtype(Type t, Operation *at) {
  if (auto r = dyn_cast<RankedTensorType>(t))
    t = r.getElementType();
  if (t.isF32()) return F32;
  if (t.isInteger(32)) return I32;
  if (t.isInteger(1)) return BOOL;
  if (t.isBF16()) return BF16;
  if (t.isF16()) return F16;
  if (t.isF64()) return F64;
  return at->emitError() << "expected an element type that a buffer can hold, but got " << t;
}

void ModuleExport::addSymbols() {
  auto bounds = module->getAttrOfType<DictionaryAttr>("graph.bounds");
  if (!bounds)
    return;
  for (NamedAttribute a : bounds) {
    auto v = dyn_cast<DenseI64ArrayAttr>(a.getValue());
    auto *s = out.mutable_symbols(symbol(a.getName()));
    if (!v || v.size() != 3)
      continue;
    s->set_min(v[0]);
    s->set_max(v[1]);
    s->set_multiple(v[2]);
  }
}

LogicalResult ModuleExport::addParameters() {
  // With decay first: the runtime updates each kind as one flat range.
  SmallVector<ParameterOp> ops;
  for (bool decay : {true, false})
    for (auto p : module.getOps<ParameterOp>())
      if (p->hasAttr("graph.decay") == decay)
        ops.push_back(p);
  for (ParameterOp p : ops) {
    auto type = cast<RankedTensorType>(p.getType());
    auto dt = dtype(type, p);
    if (failed(dt))
      return failure();
    parameters[p.getSymName()] = out.parameters_size();
    auto *q = out.add_parameters();
    q->set_path(p.getSymName().str());
    for (int64_t n : type.getShape())
      q->add_shape(n);
    q->set_dtype(*dt);
    q->set_init(p.getInit() == Draw::normal ? Parameter::NORMAL : Parameter::UNIFORM);
    q->set_mean(p.getMean().convertToDouble());
    q->set_scale(p.getScale().convertToDouble());
    q->set_decay(p->hasAttr("graph.decay"));
    q->set_frozen(p->hasAttr("graph.frozen"));
  }
  return success();
}

LogicalResult ModuleExport::addKernels() {
  for (auto f : module.getOps<func::FuncOp>()) {
    if (!f->hasAttr("graph.kernel"))
      continue;
    auto names = f->getAttrOfType<ArrayAttr>("graph.symbols");
    if (!names)
      return f.emitError() << "expected a scheduled kernel, but graph.symbols is missing";
    kernels[f.getSymName()] = out.kernels_size();
    auto *k = out.add_kernels();
    k->set_name(f.getSymName().str());
    for (auto s : names.getAsRange<StringAttr>())
      k->add_symbols(symbol(s.getValue()));
    if (auto kind = f->getAttrOfType<StringAttr>("graph.kind"))
      k->set_kind(kind.str());
  }
  return success();
}

LogicalResult ModuleExport::run() {
  auto text = [&](StringRef name) {
    auto a = module->getAttrOfType<StringAttr>(name);
    return a ? a.str() : std::string();
  };
  out.set_model(text("graph.model"));
  out.set_task(text("graph.task"));
  out.set_tokenizer(text("graph.tokenizer"));
  out.set_recipe(text("graph.recipe"));
  addSymbols();
  if (failed(addParameters()) || failed(addKernels()))
    return failure();
  for (auto f : module.getOps<func::FuncOp>()) {
    auto role = f->getAttrOfType<StringAttr>("graph.role");
    if (!role || f->hasAttr("graph.kernel"))
      continue;
    Program &p = *out.add_programs();
    p.set_role(role.str());
    if (failed(FunctionExport(*this, f, p).run()))
      return failure();
  }
  return success();
}

//===-- one function ------------------------------------------------------===//

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

/// Gradients and outputs first, then backwards through in-place arguments.
LogicalResult FunctionExport::placeResults() {
  auto want = [&](Value v, int buffer, Operation *at) -> LogicalResult {
    v = root(v);
    if (!v.getDefiningOp<func::CallOp>())
      return at->emitError() << "expected the result of a kernel, but got a value that no kernel writes";
    if (!wanted.try_emplace(v, buffer).second)
      return at->emitError() << "expected a value with one destination, but it has two";
    return success();
  };
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
    auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
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

LogicalResult FunctionExport::addLaunch(func::CallOp call) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  auto it = m.kernels.find(call.getCallee());
  if (!kernel || it == m.kernels.end())
    return call.emitError() << "expected a call of a kernel, but " << call.getCallee() << " is none";
  int number = program.launches_size();
  auto *launch = program.add_launches();
  launch->set_kernel(it->second);
  if (auto label = call->getAttrOfType<StringAttr>("graph.label"))
    launch->set_label(label.str());

  auto addArg = [&](Arg *arg, Value v, int buffer) -> LogicalResult {
    arg->set_buffer(buffer);
    auto dt = m.dtype(v.getType(), call);
    if (failed(dt) || failed(m.sizes(dimsOf(v.getType()), arg->mutable_dims())))
      return failure();
    arg->set_dtype(*dt);
    arg->set_by_rows(hasChunk(v.getType(), fn) && !ofOneChunk.contains(buffer));
    auto *b = program.mutable_buffers(buffer);
    if (b->last() < 0 && b->kind() == Buffer::ARENA)
      b->set_first(number);
    b->set_last(number);
    return success();
  };
  for (Value v : call.getOperands())
    if (failed(addArg(launch->add_inputs(), v, bufferOf.lookup(root(v)))))
      return failure();

  auto inplace = kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
  for (auto [i, result] : llvm::enumerate(call.getResults())) {
    int reuse = inplace ? inplace[i] : -1, buffer;
    Type storage = storageOf(result, fn);
    if (reuse >= 0 && storage != result.getType() && ofOneChunk.contains(bufferOf.lookup(root(call.getOperand(reuse)))))
      reuse = -1;
    auto target = wanted.find(result);
    if (target != wanted.end()) {
      buffer = target->second;
      for (auto [j, arg] : llvm::enumerate(call.getOperands()))
        if (bufferOf.lookup(root(arg)) == buffer && (int)j != reuse)
          return call.emitError() << "expected result " << i << " to be computed in place of argument " << j
                                  << ", but its reads do not allow it";
    } else if (reuse >= 0 && program.buffers(bufferOf.lookup(root(call.getOperand(reuse)))).kind() == Buffer::ARENA &&
               isOnlyView(call, reuse) && diesAt(call.getOperand(reuse), call)) {
      buffer = bufferOf.lookup(root(call.getOperand(reuse)));
    } else {
      buffer = addBuffer(Buffer::ARENA, 0, storage, launch->label());
      if (hasChunk(storage, fn))
        ofOneChunk.insert(buffer);
    }
    bufferOf[result] = buffer;
    if (failed(addArg(launch->add_results(), result, buffer)))
      return failure();
  }

  auto attr = [&](StringRef name) { return kernel->getAttrOfType<DimsAttr>(name); };
  if (auto f = attr("graph.flops"))
    (void)m.size(f[0], launch->mutable_flops());
  if (auto b = attr("graph.bytes"))
    (void)m.size(b[0], launch->mutable_bytes());
  if (auto grid = kernel->getAttrOfType<ArrayAttr>("graph.grid"))
    for (auto axis : grid.getAsRange<DictionaryAttr>()) {
      auto *a = launch->add_grid();
      if (failed(m.size(cast<DimsAttr>(axis.get("extent"))[0], a->mutable_extent())))
        return failure();
      a->set_block(cast<IntegerAttr>(axis.get("block")).getInt());
      for (int32_t d : cast<DenseI32ArrayAttr>(axis.get("dims")).asArrayRef())
        a->add_result_dim(d);
      a->set_ordered(bool(axis.get("ordered")));
    }
  if (auto ranges = kernel->getAttrOfType<ArrayAttr>("graph.ranges"))
    for (auto range : ranges.getAsRange<DictionaryAttr>()) {
      auto *r = launch->add_ranges();
      auto number = [&](StringRef name) { return range.getAs<IntegerAttr>(name); };
      if (failed(m.size(cast<DimsAttr>(range.get("extent"))[0], r->mutable_extent())))
        return failure();
      r->set_axis(number("axis").getInt());
      if (auto over = number("over"))
        r->set_over(over.getInt());
      if (auto low = number("low"))
        r->set_low(low.getInt());
      if (auto high = number("high"))
        r->set_high(high.getInt());
    }
  return success();
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
  for (Operation &op : fn.getBody().front()) {
    if (auto p = dyn_cast<ParamOp>(op)) {
      auto b = parameterBuffer(Buffer::PARAMETER, p.getName(), p.getType(), p);
      if (failed(b))
        return failure();
      bufferOf[p] = *b;
    } else if (auto g = dyn_cast<GradOp>(op)) {
      auto b = parameterBuffer(Buffer::GRADIENT, g.getName(), g.getType(), g);
      if (failed(b))
        return failure();
      bufferOf[g] = *b;
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      if (failed(addLaunch(call)))
        return failure();
    } else if (!isa<ReshapeOp, RowsOp, SetGradOp, func::ReturnOp>(op)) {
      return op.emitError() << "expected only kernel calls in a host function, but got " << op.getName();
    }
  }
  return addSection();
}

LogicalResult tintype::exportManifest(ModuleOp module, StringRef target, Manifest &manifest) {
  manifest.set_target(target.str());
  auto &dialect = *module.getContext()->getOrLoadDialect<GraphDialect>();
  return ModuleExport{module, manifest, dialect, {}, {}, {}}.run();
}

std::string tintype::printManifest(const Manifest &manifest) { return manifest.DebugString(); }
