//===- Export.cpp - a module as tables ------------------------------------===//
#include "codegen/host/Export.h"
#include "codegen/host/ExportImpl.h"

using namespace mlir;
using namespace tintype;
using namespace tintype::graph;

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
  case AffineExprKind::Add:
    return push(tintype::Size::ADD, 0);
  case AffineExprKind::Mul:
    return push(tintype::Size::MUL, 0);
  case AffineExprKind::FloorDiv:
    return push(tintype::Size::FLOORDIV, 0);
  case AffineExprKind::Mod:
    return push(tintype::Size::MOD, 0);
  default:
    return failure();
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
  if (t.isF32())
    return F32;
  if (t.isInteger(32))
    return I32;
  if (t.isInteger(1))
    return BOOL;
  if (t.isBF16())
    return BF16;
  if (t.isF16())
    return F16;
  if (t.isF64())
    return F64;
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
    kernels[f.getSymName()] = {f, out.kernels_size()};
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

LogicalResult tintype::exportManifest(ModuleOp module, StringRef target, Manifest &manifest) {
  manifest.set_target(target.str());
  auto &dialect = *module.getContext()->getOrLoadDialect<GraphDialect>();
  return ModuleExport{module, manifest, dialect, {}, {}, {}}.run();
}

std::string tintype::printManifest(const Manifest &manifest) { return manifest.DebugString(); }
