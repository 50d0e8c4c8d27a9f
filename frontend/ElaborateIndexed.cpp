//===- ElaborateIndexed.cpp - tensors, subscripts, indexed definitions ----===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

//===-- tensors -----------------------------------------------------------===//

Tensor Elaborator::fromValue(mlir::Value v, Dtype dtype, const Poly &bound, const std::vector<Poly> &dims) {
  Tensor t;
  t.dtype = dtype;
  t.bound = bound;
  t.dims = dims;
  std::vector<ScalarPtr> point;
  for (const Poly &d : dims) {
    t.vars.push_back(atoms.index("i", d));
    point.push_back(scalars.index(Poly(t.vars.back())));
  }
  t.body = scalars.read(v, elemOf(dtype), point, false);
  return t;
}

Tensor Elaborator::zeros(const Tensor &like, const std::string &name, mlir::Location loc) {
  Elem elem = elemOf(like.dtype);
  ScalarPtr zero = elem == Elem::F32 ? scalars.number(0) : elem == Elem::I32 ? scalars.index(Poly(0)) : scalars.flag(false);
  std::vector<const Atom *> vars;
  for (const Poly &d : like.dims)
    vars.push_back(atoms.index("i", d));
  mlir::Value v = emitCompute(builder, loc, graph::Reducer::none, vars, {}, zero);
  Tensor t = fromValue(v, like.dtype, like.bound, like.dims);
  t.declared = like.declared;
  t.name = name;
  return t;
}

static bool contains(const std::vector<const Atom *> &list, const Atom *a) { return std::find(list.begin(), list.end(), a) != list.end(); }

/// Indices of a definition around this tensor that its values depend on.
static std::vector<const Atom *> outer(const Tensor &t) {
  std::vector<const Atom *> r;
  for (const Atom *a : t.body->free)
    if (!contains(t.vars, a))
      r.push_back(a);
  return r;
}

/// Whether `s` reads a whole tensor at `point`, index by index.
static bool readsAt(ScalarPtr s, const std::vector<const Atom *> &point) {
  if (s->kind != Scalar::Kind::Read || s->guarded || s->args.size() != point.size())
    return false;
  for (size_t i = 0; i < point.size(); ++i)
    if (s->args[i]->kind != Scalar::Kind::Index || s->args[i]->poly.asAtom() != point[i])
      return false;
  return true;
}

Tensor Elaborator::materialize(Tensor t) {
  std::vector<const Atom *> point = outer(t);
  // An elementwise call goes on as an expression, unless it grows very deep.
  constexpr unsigned kDeepest = 64;
  if (t.body->isConstant() || (t.dims.empty() && !point.empty() && t.body->height <= kDeepest))
    return t;
  point.insert(point.end(), t.vars.begin(), t.vars.end());
  if (readsAt(t.body, point))
    return t;
  mlir::Value v = emitCompute(builder, location(), graph::Reducer::none, point, {}, t.body);
  std::vector<ScalarPtr> subscripts;
  for (const Atom *a : point)
    subscripts.push_back(scalars.index(Poly(a)));
  t.body = scalars.read(v, t.body->elem, subscripts, false);
  return t;
}

mlir::Value Elaborator::valueOf(const Tensor &raw) {
  Tensor t = materialize(raw);
  if (readsAt(t.body, t.vars))
    return t.body->tensor;
  return emitCompute(builder, location(), graph::Reducer::none, t.vars, {}, t.body);
}

ScalarPtr Elaborator::reduce(graph::Reducer reducer, const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter) {
  std::vector<const Atom *> over;
  for (ScalarPtr s : {body, filter})
    if (s)
      for (const Atom *a : s->free)
        if (!contains(by, a) && !contains(over, a))
          over.push_back(a);
  std::sort(over.begin(), over.end(), [](auto *a, auto *b) { return a->id < b->id; });
  if (filter && filter->isFlag(true))
    filter = nullptr;
  mlir::Value v = emitCompute(builder, location(), reducer, over, by, body, filter);
  std::vector<ScalarPtr> subscripts;
  for (const Atom *a : over)
    subscripts.push_back(scalars.index(Poly(a)));
  return scalars.read(v, reducer == graph::Reducer::argmax ? Elem::I32 : body->elem, subscripts, false);
}

/// The element of a materialized tensor at `subscripts`.
ScalarPtr Elaborator::readAt(const Tensor &t, const std::vector<ScalarPtr> &subscripts, bool guarded) {
  if (t.body->isConstant() || t.dims.empty())
    return t.body;
  std::vector<ScalarPtr> args;
  for (ScalarPtr a : t.body->args) {
    auto it = std::find(t.vars.begin(), t.vars.end(), a->poly.asAtom());
    args.push_back(it == t.vars.end() ? a : subscripts[it - t.vars.begin()]);
  }
  return scalars.read(t.body->tensor, t.body->elem, args, guarded);
}

//===-- subscripts --------------------------------------------------------===//

Value Elaborator::listItem(const SubscriptExpr &e, const List &list, const Env &env) {
  if (e.dims.size() != 1 || e.dims[0].isPack())
    fail(e.bracketLoc, "expected one subscript of a list, but got " + std::to_string(e.dims.size()));
  int64_t i = staticInt(*e.dims[0].expr, env.whole(), "the subscript of a list");
  if (i < 0 || i >= int64_t(list.size()))
    fail(e.dims[0].loc, "expected a subscript in [0, " + std::to_string(list.size()) + "), but got " + std::to_string(i));
  return list[i];
}

void Elaborator::wrongCount(const SubscriptExpr &e, size_t rank, const NoteList &notes) {
  size_t packs = 0;
  for (const Dim &d : e.dims)
    packs += d.isPack();
  fail(e.bracketLoc,
       "expected " + std::to_string(rank) + " subscripts of " + toString(*e.base) + ", but got " + std::to_string(e.dims.size() - packs) +
           (packs ? " beside ..." : ""),
       notes);
}

Value Elaborator::subscript(const SubscriptExpr &e, const Env &env) {
  if (auto *n = llvm::dyn_cast<NameExpr>(e.base.get()))
    if (env.indices && env.indices->names.count(n->name))
      fail(e.begin, "expected a tensor, but " + n->name + " is an index");
  Value base;
  if (auto it = bases.find(e.base.get()); it != bases.end())
    base = it->second;
  else
    base = bases[e.base.get()] = eval(*e.base, env.whole());
  if (auto *list = base.as<std::shared_ptr<List>>())
    return listItem(e, **list, env);
  std::string name = toString(*e.base);
  if (!base.as<Tensor>() && !base.as<ParamRef>())
    fail(e.begin, "expected a tensor or list before [, but got " + describe(base));
  if (!env.indices)
    fail(e.bracketLoc, "expected a subscript inside an indexed definition or reducer, but got one outside", {},
         "write y[i] = " + name + "[i, ..]");
  Tensor t = materialize(lift(base, e.begin));
  bases[e.base.get()] = t;

  std::vector<ScalarPtr> point, tested;
  std::vector<Poly> testedDims;
  bool guarded = false;
  for (const Access &a : accessesOf(e, t, name, env)) {
    point.push_back(a.value);
    if (isInside(a, false))
      continue;
    guarded = true; // memory-safe even where a condition makes the value unused
    if (isInside(a, true))
      continue;
    if (!e.orElse)
      outside(a, t, name, env);
    tested.push_back(a.value);
    testedDims.push_back(a.dim);
  }
  Tensor r;
  r.dtype = t.dtype;
  r.bound = t.bound;
  r.body = readAt(t, point, guarded);
  return e.orElse ? orElse(std::move(r), *e.orElse, scalars.inside(tested, testedDims), env) : r;
}

/// Pairs the subscripts with dims of `t`; `...` stands for the definition's pack.
std::vector<Elaborator::Access> Elaborator::accessesOf(const SubscriptExpr &e, const Tensor &t, const std::string &name, const Env &env) {
  size_t packs = llvm::count_if(e.dims, [](const Dim &d) { return d.isPack(); });
  if (packs > 1)
    fail(e.bracketLoc, "expected at most one ... in a subscript, but got " + std::to_string(packs));
  size_t given = e.dims.size() - packs;
  if (t.dims.size() < given || (!packs && t.dims.size() != given))
    wrongCount(e, t.dims.size(), t.declared ? NoteList{{t.declared, name + " has type " + typeText(t)}} : NoteList{});
  std::vector<Access> accesses;
  for (const Dim &d : e.dims) {
    if (!d.isPack()) {
      accesses.push_back(accessOf(d, t.dims[accesses.size()], bool(e.orElse), name, env));
      continue;
    }
    auto first = t.dims.begin() + accesses.size();
    std::vector<Poly> here(first, first + (t.dims.size() - given)), want;
    for (const Atom *p : env.indices->pack)
      want.push_back(p->extent);
    if (!env.indices->hasPack || here != want)
      fail(d.loc, "expected " + dimsText(want) + " for the dims `...`, but got " + dimsText(here) + " of " + name);
    for (const Atom *p : env.indices->pack) {
      Access a;
      a.value = scalars.index(Poly(p));
      a.dim = p->extent;
      a.agrees = true;
      accesses.push_back(a);
    }
  }
  return accesses;
}

/// One subscript of a dim; `mayLeave`: what is outside has a value of its own.
Elaborator::Access Elaborator::accessOf(const Dim &d, const Poly &dim, bool mayLeave, const std::string &name, const Env &env) {
  Access a;
  a.expr = d.expr.get();
  a.dim = dim;
  Value v = eval(*d.expr, env);
  if (auto *p = v.as<Poly>()) {
    if (p->overflowed())
      fail(d.loc, "expected a subscript below 2^63, but got more");
    a.value = scalars.index(*p);
  } else {
    Tensor s = lift(v, d.expr->begin);
    bool isId = s.dtype == Dtype::Index || s.dtype == Dtype::Position || s.dtype == Dtype::Whole;
    if (!s.dims.empty() || (!isId && !(mayLeave && s.dtype == Dtype::I32)))
      fail(d.expr->begin, "expected an index expression or index(" + dim.str() + ") as subscript, but got " + typeText(s), {},
           s.dtype == Dtype::I32 ? "clamp(.., n) makes an index(n)" : "");
    a.value = s.body;
    a.isGather = s.dtype == Dtype::Index;
    a.bound = s.bound;
  }
  auto *n = llvm::dyn_cast<NameExpr>(d.expr.get());
  if (!n || !env.indices->names.count(n->name))
    return a;
  const Indices::Bound &b = env.indices->names.find(n->name)->second;
  std::string extent = b.atom->extent.str();
  a.agrees = b.atom->extent == dim;
  if (!a.agrees && !b.annotated && !mayLeave)
    fail(d.loc, "index " + n->name + " ranges over two dimensions, expected " + extent + ", but got " + dim.str() + " (" + name + ")",
         {{b.loc, extent + " comes from " + b.from}},
         "fix the range with `" + n->name + ": " + extent + "` and state `where " + extent + " <= " + dim.str() + "`");
  return a;
}

/// `read` where `inside` holds, else the value of `expr`.
Tensor Elaborator::orElse(Tensor read, const Expr &expr, ScalarPtr inside, const Env &env) {
  size_t depth = bounds.path.size();
  assume(inside, false);
  Tensor other = lift(eval(expr, env), expr.begin);
  bounds.path.resize(depth);
  if (!other.dims.empty())
    fail(expr.begin, "expected one value after ??, but got a whole tensor " + typeText(other), {}, "subscript it");
  bool sameBound = read.dtype == Dtype::Index && other.dtype == Dtype::Index && read.bound == other.bound;
  Dtype d = sameBound ? Dtype::Index : join(read.dtype, other.dtype, expr.begin);
  if (d == Dtype::Index && !sameBound)
    d = Dtype::I32;
  read.dtype = d;
  read.body = scalars.apply(Op::Select, {inside, coerce(read.body, elemOf(d)), coerce(other.body, elemOf(d))});
  return read;
}

//===-- definitions -------------------------------------------------------===//

/// The indices of `binds` with their extents, from annotations or from the bare
/// subscripts in `uses`; `order` receives the new atoms, packs spread out.
Indices Elaborator::makeIndices(const std::vector<Bind> &binds, const Env &env, const std::vector<const Expr *> &uses,
                                const std::string &skip, std::vector<const Atom *> &order) {
  Indices r;
  if (env.indices)
    r = *env.indices;
  std::set<std::string> open;
  bool packOpen = false;
  std::map<std::string, Poly> extents;
  for (const Bind &b : binds) {
    if (b.isPack) {
      if (r.hasPack)
        fail(b.loc, "expected one pack of indices, but `...` is already in use around this reducer");
      packOpen = true;
      continue;
    }
    const Value *hidden = env.scope->find(b.name);
    if (hidden && (hidden->as<Tensor>() || hidden->as<ParamRef>()))
      fail(b.loc, "index " + b.name + " hides the tensor " + b.name, {}, "rename one of them");
    if (!extents.count(b.name) && !open.count(b.name)) {
      if (b.extent) {
        Value v = eval(*b.extent, env.whole());
        auto *p = v.as<Poly>();
        if (!p || p->overflowed())
          fail(b.extent->begin, "expected a dimension, but got " + describe(v));
        extents[b.name] = *p;
        r.names[b.name] = {nullptr, true, b.extent->begin, toString(*b.extent)};
      } else {
        open.insert(b.name);
        r.names.erase(b.name);
      }
      continue;
    }
    fail(b.loc, "expected different indices, but got " + b.name + " twice");
  }
  if (!open.empty() || packOpen) {
    Extents found;
    std::set<std::string> blocked = open;
    for (auto &entry : r.names)
      blocked.insert(entry.getKey().str());
    Scope inner;
    inner.parent = env.scope;
    Env look{env.scope, &r};
    std::set<std::string> names = open;
    if (!skip.empty())
      names.insert("=" + skip); // a scan's own name is no source of extents
    for (const Expr *u : uses)
      inferExtents(*u, names, look, found);
    for (const std::string &name : open) {
      auto it = found.dims.find(name);
      if (it == found.dims.end() && found.mismatch)
        wrongCount(*found.mismatch, found.rank);
      if (it == found.dims.end()) {
        Loc at;
        for (const Bind &b : binds)
          if (b.name == name)
            at = b.loc;
        fail(at, "the extent of index " + name + " cannot be inferred", {}, "write `" + name + ": N`");
      }
      extents[name] = it->second;
      r.names[name] = found.found[name];
    }
    if (packOpen) {
      r.hasPack = true;
      std::vector<Poly> pack;
      const Scope *s = env.scope;
      if (found.pack)
        pack = *found.pack;
      else if (s->hasPack)
        pack = s->pack;
      else
        fail(binds.front().loc, "the dims of `...` cannot be inferred");
      r.pack.clear();
      for (const Poly &d : pack)
        r.pack.push_back(atoms.index("...", d));
    }
  }
  for (const Bind &b : binds) {
    if (b.isPack) {
      order.insert(order.end(), r.pack.begin(), r.pack.end());
      continue;
    }
    r.names[b.name].atom = atoms.index(b.name, extents[b.name]);
    order.push_back(r.names[b.name].atom);
    see(b.loc, Poly(order.back()));
  }
  return r;
}

void Elaborator::define(const DefineStmt &s, const Env &env) {
  bool isScan = !s.scanIndex.empty();
  std::vector<const Atom *> order;
  Indices indices = makeIndices(s.binds, env, {s.value.get()}, isScan ? s.name : "", order);
  std::vector<Poly> dims;
  for (const Atom *a : order)
    dims.push_back(a->extent);

  Scope inner; // only a scan sees itself; its name is bound for the right side
  inner.parent = env.scope;
  Env body{env.scope, &indices};
  mlir::Value placeholder;
  if (isScan) {
    if (!indices.names.count(s.scanIndex) || !contains(order, indices.names[s.scanIndex].atom))
      fail(s.scanLoc, "expected an index of the left side in scan(..), but got " + s.scanIndex);
    if (current.lowering)
      unsupported(s.loc, "programs with scan cannot be built yet");
    placeholder = emitCompute(builder, location(), graph::Reducer::none, order, {}, scalars.number(0));
    Tensor self = fromValue(placeholder, Dtype::F32, Poly(), dims);
    self.name = s.name;
    inner.names[s.name] = self;
    inner.hasPack = env.scope->hasPack;
    inner.pack = env.scope->pack;
    body.scope = &inner;
  }
  size_t outerDomain = domain.size();
  domain.insert(domain.end(), order.begin(), order.end());
  Tensor r = lift(eval(*s.value, body), s.value->begin);
  domain.resize(outerDomain);
  frames.back().statement = s.loc;
  if (!r.dims.empty())
    fail(s.value->begin, "expected one value at each point of " + s.name + ", but got a whole tensor " + typeText(r),
         r.declared ? NoteList{{r.declared, "declared here"}} : NoteList{}, "subscript it");
  if (isScan) {
    // The recurrence may look back only: every read of itself at t - k, k >= 1.
    const Atom *t = indices.names[s.scanIndex].atom;
    size_t at = std::find(order.begin(), order.end(), t) - order.begin();
    std::set<ScalarPtr> seen;
    std::vector<ScalarPtr> todo = {r.body};
    while (!todo.empty()) {
      ScalarPtr x = todo.back();
      todo.pop_back();
      if (!seen.insert(x).second)
        continue;
      todo.insert(todo.end(), x->args.begin(), x->args.end());
      if (x->kind != Scalar::Kind::Read || x->tensor != placeholder)
        continue;
      auto back = x->args[at]->kind == Scalar::Kind::Index ? (Poly(t) - x->args[at]->poly).integer() : std::nullopt;
      if (!back || *back < 1)
        fail(s.loc, "expected scan to read " + s.name + " at " + s.scanIndex + " - k with k >= 1, but got another place");
    }
  }
  if (r.dtype == Dtype::Number || r.dtype == Dtype::Whole)
    r.dtype = Dtype::Policy;
  if (r.dtype == Dtype::Position)
    r.dtype = Dtype::I32;
  r.body = coerce(r.body, elemOf(r.dtype));
  r.dims = dims;
  r.vars = order;
  r = materialize(r);
  r.declared = s.nameLoc;
  r.name = s.name;
  env.scope->names[s.name] = r;
  see(s.nameLoc, r);
}

} // namespace tintype::frontend
