//===- ElaborateBlocks.cpp - block instances and parameters ---------------===//
#include "frontend/ElaborateImpl.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::frontend {

static std::string pathOf(const std::string &parent, const std::string &name) {
  return parent.empty() || name.empty() ? parent + name : parent + "." + name;
}

void Elaborator::work(Loc loc) {
  constexpr unsigned kMost = 300000; // a large model of 126 layers takes 34,000
  if (++workDone > kMost)
    fail(loc, "expected a model of at most 300,000 statements, calls and blocks in all");
  constexpr unsigned kAskEvery = 64;
  if (observer && workDone % kAskEvery == 0 && observer->isTired())
    refuse(Severity::Warning, loc, "checking takes long and stops here; `tintype check` has no such limit", {}, "");
}

const Instance *Elaborator::instantiate(const BlockDecl &block, const ArgMap &args, const std::string &path, Loc loc) {
  work(loc);
  constexpr size_t kDeepest = 100;
  if (frames.size() > kDeepest)
    fail(loc, "expected blocks nested at most 100 deep, but " + block.name + " contains itself");
  Instance &self = instances.emplace_back();
  self.block = &block;
  self.path = path;
  if (observer && loc)
    observer->made(loc, path, nullptr);
  frames.push_back({loc, block.name, path, block.nameLoc, std::nullopt});
  for (const Parameter &p : block.params) {
    auto [v, where] = given(p, args, self.scope, loc, "block " + block.name);
    if (!isStaticType(p.type))
      fail(p.type.loc, "expected a static type (int, num, flag, str) for a block parameter, but got " + toString(p.type));
    self.scope.names[p.name] = bindStatic(p.type, v, where, p.name + " of block " + block.name);
    see(p.loc, self.scope.names[p.name]);
  }
  members(self, block.members);
  frames.pop_back();
  return &self;
}

void Elaborator::members(Instance &self, const std::vector<DeclPtr> &decls) {
  Env env{&self.scope, nullptr};
  auto define = [&](const std::string &name, Loc loc, Value v) {
    if (!self.scope.names.try_emplace(name, std::move(v)).second)
      fail(loc, "expected a new name, but " + self.block->name + " has two members " + name);
  };
  for (const DeclPtr &d : decls) {
    frames.back().statement = d->loc;
    if (auto *p = llvm::dyn_cast<ParamDecl>(d.get())) {
      declareParam(self, *p);
      define(p->name, p->nameLoc, ParamRef{unsigned(params.size() - 1)});
    } else if (auto *fn = llvm::dyn_cast<FnDecl>(d.get())) {
      if (fn->name.empty()) {
        if (self.callee)
          fail(fn->loc, "expected one function without a name in a block, but " + self.block->name + " has two");
        self.callee = fn;
      } else {
        define(fn->name, fn->nameLoc, Method{fn, &self});
      }
    } else if (auto *cond = llvm::dyn_cast<IfDecl>(d.get())) {
      if (staticFlag(*cond->cond, env, "the condition of a member"))
        members(self, cond->members);
    } else if (auto *f = llvm::dyn_cast<FieldDecl>(d.get())) {
      const Symbol *s = symbol(f->block, f->blockLoc);
      auto *block = s ? llvm::dyn_cast<BlockDecl>(s->decl) : nullptr;
      if (!block)
        unknownName(f->block, f->blockLoc, env, "block");
      std::string path = pathOf(self.path, f->hasAt ? f->at : f->name);
      auto one = [&](const std::string &at, const Scope &scope) {
        Env inner{const_cast<Scope *>(&scope), nullptr};
        return Value(instantiate(*block, bindArgs(block->params, f->args, inner, f->blockLoc, "block " + f->block), at, f->loc));
      };
      if (!f->count) {
        define(f->name, f->loc, one(path, self.scope));
        continue;
      }
      int64_t count = staticInt(*f->count, env, "the size of an array");
      constexpr int64_t kMost = 1 << 16;
      if (count < 0 || count > kMost)
        fail(f->count->begin, "expected an array size in [0, 65536], but got " + std::to_string(count));
      auto list = std::make_shared<List>();
      for (int64_t i = 0; i < count; ++i) {
        Scope scope;
        scope.parent = &self.scope;
        if (!f->var.empty())
          scope.names[f->var] = Poly(i);
        list->push_back(one(pathOf(path, llvm::itostr(i)), scope));
      }
      define(f->name, f->loc, list);
    }
  }
}

void Elaborator::declareParam(Instance &self, const ParamDecl &p) {
  ParamInfo info;
  info.path = pathOf(self.path, p.hasAt ? p.at : p.name);
  info.loc = p.nameLoc;
  info.init = p.init.get();
  info.dtype = dtypeOf(p.type);
  if (!isFloat(info.dtype))
    fail(p.type.loc, "expected a float type for a parameter, but got " + toString(p.type), {},
         "tensors that are stored but never trained are not supported yet");
  info.dims = dimsOf(p.type.dims, self.scope);
  Ratio count = 1;
  for (size_t i = 0; i < info.dims.size(); ++i) {
    auto n = info.dims[i].integer();
    count = count * info.dims[i].value().value_or(Ratio(1));
    if (count.overflowed())
      fail(p.type.dims[i].loc, "expected a parameter of less than 2^63 elements, but got " + dimsText(info.dims));
    if (!n || *n < 1)
      fail(p.type.dims[i].loc,
           "expected a static extent of at least 1, but got " + info.dims[i].str() + (n ? " = " + std::to_string(*n) : ""));
  }
  auto [it, isNew] = paramPaths.insert({info.path, p.nameLoc});
  if (!isNew)
    fail(p.nameLoc, "expected a path of its own for each parameter, but two are called " + info.path,
         {{it->second, "the other is declared here"}});
  reduceInit(info, p, self);
  if (observer)
    observer->made(p.nameLoc, info.path, &info);
  params.push_back(std::move(info));
}

namespace {
/// `mean + scale * draw`
struct Linear {
  double mean = 0, scale = 0;
  bool isNormal = true;
};
} // namespace

static std::optional<Linear> linear(ScalarPtr s) {
  using K = Scalar::Kind;
  if (s->kind == K::Float)
    return Linear{s->number, 0, true};
  if (s->kind == K::Random)
    return Linear{0, 1, s->isNormal};
  if (s->kind != K::Apply)
    return std::nullopt;
  auto a = linear(s->args[0]), b = s->args.size() > 1 ? linear(s->args[1]) : Linear{};
  if (!a || !b || s->args.size() > 2)
    return std::nullopt;
  switch (s->op) {
  case Op::Neg:
    return Linear{-a->mean, -a->scale, a->isNormal};
  case Op::Add:
  case Op::Sub: {
    double sign = s->op == Op::Add ? 1 : -1;
    if (a->scale && b->scale)
      return std::nullopt;
    return Linear{a->mean + sign * b->mean, a->scale + sign * b->scale, a->scale ? a->isNormal : b->isNormal};
  }
  case Op::Mul:
    if (a->scale)
      std::swap(a, b);
    if (a->scale)
      return std::nullopt;
    return Linear{a->mean * b->mean, a->mean * b->scale, b->isNormal};
  case Op::Div:
    if (b->scale)
      return std::nullopt;
    return Linear{a->mean / b->mean, a->scale / b->mean, a->isNormal};
  default:
    return std::nullopt;
  }
}

/// Reduces the initial value to `mean + scale * draw`, the form that parameters
/// are stored with.
void Elaborator::reduceInit(ParamInfo &info, const ParamDecl &p, Instance &self) {
  Tensor t = lift(eval(*p.init, {&self.scope, nullptr}), p.init->begin);
  if ((!isFloat(t.dtype) && t.dtype != Dtype::Whole) || (!t.dims.empty() && t.dims != info.dims))
    fail(p.init->begin, "expected a float or " + dimsText(info.dims) + " as initial value, but got " + typeText(t));
  auto form = t.dims.empty() ? linear(coerce(t.body, Elem::F32)) : std::nullopt;
  info.hasForm = form.has_value();
  if (!form)
    return;
  info.mean = form->mean;
  info.scale = form->scale;
  info.isNormal = form->isNormal;
}

/// The parameter's value in the function being built, read once.
Tensor Elaborator::paramTensor(unsigned number) {
  ParamInfo &info = params[number];
  mlir::Value &v = current.params[number];
  if (!v) {
    llvm::SmallVector<mlir::AffineExpr> dims;
    for (const Poly &d : info.dims)
      dims.push_back(toExtent(ctx, d));
    auto type = graph::tensorOf(dims, elementType(ctx, elemOf(info.dtype)));
    v = graph::ParamOp::create(builder, location(), type, mlir::FlatSymbolRefAttr::get(ctx, info.path));
  }
  Tensor t = fromValue(v, info.dtype, Poly(), info.dims);
  t.declared = info.loc;
  t.name = info.path;
  return t;
}

} // namespace tintype::frontend
