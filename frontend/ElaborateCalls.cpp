//===- ElaborateCalls.cpp - binding of arguments, bodies, returns ---------===//
// A call checks its arguments against the signature, which binds the dimension
// variables (`B`, `T`, the pack `...`), and then evaluates the body in place.
// A call with an argument that depends on indices of a definition around it is
// elementwise: its scalars stay expressions of those indices.
//===----------------------------------------------------------------------===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

//===-- types -------------------------------------------------------------===//

bool Elaborator::isStaticType(const Type &t) { return t.name == "int" || t.name == "num" || t.name == "flag" || t.name == "str"; }

Dtype Elaborator::dtypeOf(const Type &t) {
  if (t.name.empty())
    return Dtype::Policy;
  if (t.name == "bf16" || t.name == "f16" || t.name == "f64" || t.name == "i64")
    fail(t.loc, "tensors of type " + t.name + " are not supported yet", {},
         t.name == "i64" ? "use i32" : "`[..]` is the float that train.precision chooses, `f32[..]` always f32");
  static const std::pair<const char *, Dtype> kNames[] = {
      {"f32", Dtype::F32}, {"i32", Dtype::I32}, {"bool", Dtype::Bool}, {"index", Dtype::Index}};
  for (auto &[name, dtype] : kNames)
    if (t.name == name) {
      if (dtype == Dtype::Index && !t.bound)
        fail(t.loc, "expected a bound, index(n), but got index");
      return dtype;
    }
  std::vector<std::string> known = {"f32", "i32", "bool", "index", "int", "num", "flag", "str"};
  auto close = nearest(t.name, known);
  fail(t.loc, "unknown type " + t.name, {}, close ? "did you mean `" + *close + "`?" : "");
}

/// Evaluates the dims of a type; the pack must be bound.
std::vector<Poly> Elaborator::dimsOf(const std::vector<Dim> &dims, Scope &scope) {
  std::vector<Poly> r;
  for (const Dim &d : dims) {
    if (d.isPack()) {
      r.insert(r.end(), scope.pack.begin(), scope.pack.end());
      continue;
    }
    auto *name = llvm::dyn_cast<NameExpr>(d.expr.get());
    if (name && !lookup(name->name, name->loc, {&scope, nullptr}))
      unknownName(name->name, name->loc, {&scope, nullptr}, "name");
    Value v = eval(*d.expr, {&scope, nullptr});
    auto *p = v.as<Poly>();
    if (!p || p->hasIndex())
      fail(d.expr->begin, "expected a dimension, but got " + describe(v));
    if (p->overflowed())
      fail(d.expr->begin, "expected a size below 2^63, but got more");
    r.push_back(*p);
  }
  return r;
}

//===-- arguments ---------------------------------------------------------===//

ArgMap Elaborator::bindArgs(const std::vector<Parameter> &params, const std::vector<Arg> &args, const Env &env, Loc loc,
                            const std::string &who) {
  ArgMap bound;
  size_t next = 0;
  for (const Arg &a : args) {
    std::string name = a.name;
    Loc at = a.name.empty() ? a.value->begin : a.nameLoc;
    if (name.empty()) {
      if (next >= params.size())
        fail(at, "expected at most " + std::to_string(params.size()) + " arguments to " + who + ", but got more");
      name = params[next++].name;
    }
    bool known = llvm::any_of(params, [&](const Parameter &p) { return p.name == name; });
    if (!known) {
      std::vector<std::string> names;
      for (const Parameter &p : params)
        names.push_back(p.name);
      auto close = nearest(name, names);
      fail(at, who + " has no parameter " + name, {}, close ? "did you mean `" + *close + "`?" : "");
    }
    if (bound.count(name))
      fail(at, "expected one value for " + name + ", but got two");
    bound[name] = {eval(*a.value, env), a.value->begin};
  }
  return bound;
}

Value Elaborator::bindStatic(const Type &t, Value v, Loc loc, const std::string &what) {
  if (t.hasDims)
    fail(t.loc, "expected a static type without dims, but got " + toString(t));
  auto *p = v.as<Poly>();
  bool ok = t.name == "int"    ? p && !p->hasIndex()
            : t.name == "num"  ? v.as<double>() || (p && !p->hasIndex())
            : t.name == "flag" ? v.as<bool>() != nullptr
                               : v.as<std::string>() != nullptr;
  if (!ok)
    fail(loc, "expected " + t.name + " for " + what + ", but got " + describe(v));
  // What is computed with a num is a float, whatever the number.
  if (auto n = p && t.name == "num" ? numberOf(v) : std::nullopt)
    return *n;
  return v;
}

/// Matches one dim of a signature: a new variable is bound, anything else must
/// be equal (for a bound of ids: may be larger).
void Elaborator::bindDim(const Expr &e, const Poly &d, Scope &scope, Loc loc, const std::string &what, const std::string &actual,
                         bool atMost) {
  auto *name = llvm::dyn_cast<NameExpr>(&e);
  Poly want;
  if (name && isDimVariable(name->name) && !lookup(name->name, name->loc, {&scope, nullptr})) {
    scope.names[name->name] = d;
    see(name->loc, d);
    return;
  }
  if (name && !lookup(name->name, name->loc, {&scope, nullptr}))
    unknownName(name->name, name->loc, {&scope, nullptr}, "name");
  Value v = eval(e, {&scope, nullptr});
  if (!v.as<Poly>())
    fail(e.begin, "expected a dimension, but got " + describe(v));
  want = *v.as<Poly>();
  if (want == d || (atMost && bounds.proveNonNegative(want - d)))
    return;
  std::string spelled = toString(e) == want.str() ? want.str() : toString(e) + " = " + want.str();
  fail(loc, "expected dimension " + spelled + ", but got " + d.str() + " (" + what + " is " + actual + ")", {{e.begin, "required here"}});
}

Value Elaborator::bindValue(const Parameter &p, Value v, Loc loc, Scope &scope, const std::string &who) {
  const Type &t = p.type;
  std::string what = p.name + " of " + who;
  if (isStaticType(t))
    return bindStatic(t, v, loc, what);
  Dtype want = dtypeOf(t);
  // A position known to lie in range is an id.
  bool isStatic = v.isStatic();
  Tensor a = lift(v, loc);
  bool ok = want == Dtype::Bool    ? a.dtype == Dtype::Bool
            : want == Dtype::Index ? a.dtype == Dtype::Index || a.dtype == Dtype::Whole || a.dtype == Dtype::Position
            : want == Dtype::I32 ? a.dtype == Dtype::I32 || a.dtype == Dtype::Position || a.dtype == Dtype::Whole || a.dtype == Dtype::Index
                                 : isFloat(a.dtype) || a.dtype == Dtype::Whole || a.dtype == Dtype::Position;
  if (!ok)
    fail(loc, "expected " + (want == Dtype::Policy ? std::string("float") : toString(t)) + " for " + what + ", but got " + typeText(a),
         {{p.loc, "declared here"}},
         isFloat(want)          ? "f32(..) converts"
         : want == Dtype::Index ? "clamp(.., n) makes an index(n)"
                                : "");
  if (isStatic && t.hasDims && !t.dims.empty() && a.dims.empty()) {
    // A static value fills a tensor whose dims other arguments bind; they are
    // worked out when all arguments are bound.
    a.dtype = want;
    return a;
  }
  // Dims, the pack last known from the first argument that has it.
  size_t packAt = t.dims.size(), fixed = t.dims.size();
  for (size_t i = 0; i < t.dims.size(); ++i)
    if (t.dims[i].isPack()) {
      packAt = i;
      --fixed;
    }
  std::string actual = typeText(a);
  if (a.dims.size() < fixed || (packAt == t.dims.size() && a.dims.size() != fixed))
    fail(loc,
         "expected rank " + std::to_string(fixed) + (packAt < t.dims.size() ? " or more" : "") + " for " + what + ", but got " + actual,
         {{p.loc, "declared " + toString(t) + " here"}});
  size_t packSize = a.dims.size() - fixed;
  for (size_t i = 0, j = 0; i < t.dims.size(); ++i) {
    if (i == packAt) {
      std::vector<Poly> pack(a.dims.begin() + j, a.dims.begin() + j + packSize);
      if (!scope.hasPack) {
        scope.hasPack = true;
        scope.pack = pack;
      } else if (scope.pack != pack) {
        fail(loc, "expected " + dimsText(scope.pack) + " for the dims `...` of " + what + ", but got " + dimsText(pack),
             {{p.loc, "declared here"}});
      }
      j += packSize;
      continue;
    }
    bindDim(*t.dims[i].expr, a.dims[j++], scope, loc, what, actual);
  }
  if (want == Dtype::Index) {
    if (a.dtype == Dtype::Index) {
      bindDim(*t.bound, a.bound, scope, loc, what, actual, /*atMost=*/true);
      // Inside, ids carry the bound they were declared with.
      Value own = eval(*t.bound, {&scope, nullptr});
      if (auto *b = own.as<Poly>())
        a.bound = *b;
    } else {
      auto v = eval(*t.bound, {&scope, nullptr});
      auto *n = v.as<Poly>();
      if (!n || !scalarInside(a.body, *n, true))
        fail(loc, "expected " + toString(t) + " for " + what + ", but got " + actual + " not known to be below " +
                      (n ? n->str() : toString(*t.bound)));
      a.bound = *n;
    }
  }
  if (a.dtype == Dtype::Number || a.dtype == Dtype::Whole || a.dtype == Dtype::Position || want == Dtype::Index)
    a.dtype = want;
  a.body = coerce(a.body, elemOf(a.dtype));
  a = materialize(a);
  a.name = p.name;
  a.declared = p.loc;
  return a;
}

//===-- calls -------------------------------------------------------------===//

Value Elaborator::callFn(const FnDecl &fn, const Instance *self, const ArgMap &args, Loc loc) {
  work(loc);
  std::string who = !fn.name.empty() ? fn.name : self ? self->block->name : "a function";
  constexpr size_t kDeepest = 100;
  if (frames.size() > kDeepest)
    fail(loc, "expected calls nested at most 100 deep, but " + who + " calls itself");
  Scope scope;
  scope.parent = self ? &self->scope : nullptr;
  auto savedBases = std::move(bases);
  bases.clear();
  std::optional<mlir::Location> caller;
  if (!frames.empty() && frames.back().statement && loc)
    caller = location();
  std::string path = self ? self->path : frames.empty() ? "" : frames.back().path;
  bindParameters(fn, args, scope, loc, who);
  frames.push_back({loc, who, path, fn.loc, caller});
  for (const Parameter &p : fn.params)
    see(p.loc, scope.names[p.name]);
  for (const ExprPtr &fact : fn.where)
    checkWhere(fn, *fact, scope, loc);
  auto known = knownResult(fn, self, scope);
  std::map<std::string, Value> arguments;
  if (onlyChecks() && !known)
    for (auto &entry : scope.names)
      arguments[entry.getKey().str()] = entry.second;
  auto result = known ? known : runBody(fn.body, {&scope, nullptr});
  if (!result)
    fail(fn.loc, "expected " + who + " to return a value, but its end is reached");
  Value v = known ? *known : finish(fn, *result, scope);
  if (!known)
    remember(fn, self, std::move(arguments), v);
  frames.pop_back();
  bases = std::move(savedBases);
  return v;
}

std::pair<Value, Loc> Elaborator::given(const Parameter &p, const ArgMap &args, Scope &scope, Loc loc, const std::string &who) {
  auto it = args.find(p.name);
  if (it != args.end())
    return it->second;
  if (!p.init)
    fail(loc, "expected a value for " + p.name + " of " + who + ", but got none", {{p.loc, "declared here"}});
  return {eval(*p.init, {&scope, nullptr}), p.loc};
}

void Elaborator::bindParameters(const FnDecl &fn, const ArgMap &args, Scope &scope, Loc loc, const std::string &who) {
  std::vector<std::pair<const Parameter *, Loc>> fills;
  for (const Parameter &p : fn.params) {
    auto [v, where] = given(p, args, scope, loc, who);
    scope.names[p.name] = bindValue(p, v, where, scope, who);
    if (v.isStatic() && !isStaticType(p.type) && !p.type.dims.empty())
      fills.push_back({&p, where});
  }
  for (auto &[p, where] : fills) {
    Tensor t = *scope.names[p->name].as<Tensor>();
    t.dims = dimsOf(p->type.dims, scope);
    if (t.dtype == Dtype::Index) {
      auto v = eval(*p->type.bound, {&scope, nullptr});
      t.bound = v.as<Poly>() ? *v.as<Poly>() : Poly();
      if (!scalarInside(t.body, t.bound, false))
        fail(where, "expected " + toString(p->type) + " for " + p->name + " of " + who + ", but got a value outside");
    }
    for (const Poly &d : t.dims)
      t.vars.push_back(atoms.index(p->name, d));
    t.body = coerce(t.body, elemOf(t.dtype));
    t.declared = p->loc;
    t.name = p->name;
    scope.names[p->name] = t;
  }
}

/// Checks a returned value against the declared type.
Value Elaborator::finish(const FnDecl &fn, Value result, Scope &scope) {
  const Type &t = fn.result;
  Loc at = frames.back().statement;
  if (isStaticType(t))
    return bindStatic(t, result, at, "the result of " + frames.back().name);
  Tensor r = lift(result, at);
  Dtype want = dtypeOf(t);
  std::vector<Poly> dims = dimsOf(t.dims, scope);
  Poly bound;
  if (want == Dtype::Index) {
    auto v = eval(*t.bound, {&scope, nullptr});
    if (!v.as<Poly>())
      fail(t.bound->begin, "expected a bound, but got " + describe(v));
    bound = *v.as<Poly>();
  }
  bool fill = r.dims.empty() && !dims.empty() && r.body->isConstant();
  bool integers = r.dtype == Dtype::I32 || r.dtype == Dtype::Position || r.dtype == Dtype::Whole;
  bool ok = want == Dtype::Bool    ? r.dtype == Dtype::Bool
            : want == Dtype::Index ? (r.dtype == Dtype::Index && bounds.proveNonNegative(bound - r.bound)) ||
                                         (r.dtype != Dtype::I32 && integers && scalarInside(r.body, bound, true))
            : want == Dtype::I32   ? integers || r.dtype == Dtype::Index
                                   : isFloat(r.dtype) || r.dtype == Dtype::Position || r.dtype == Dtype::Whole;
  if (!ok || (!fill && r.dims != dims))
    fail(at, "expected " + frames.back().name + " to return " + typeText(want, bound, dims) + ", but got " + typeText(r),
         {{t.loc, "declared here"}});
  if (fill) {
    r.dims = dims;
    for (const Poly &d : dims)
      r.vars.push_back(atoms.index("i", d));
  }
  r.dtype = want;
  r.bound = bound;
  r.body = coerce(r.body, elemOf(want));
  r = materialize(r);
  r.declared = fn.loc;
  r.name = frames.back().name + "(..)";
  return r;
}

static std::string suggestion(const Expr &fact, const std::string &to) {
  return "add `where " + toString(fact) + "` to " + to + " (checked per batch at the entry point)";
}

void Elaborator::checkWhere(const FnDecl &fn, const Expr &fact, Scope &scope, Loc loc) {
  Env env{&scope, nullptr};
  std::string who = frames.back().name;
  auto refuseFact = [&](const std::string &why, bool canState) {
    Frame inner = frames.back();
    frames.pop_back();
    std::string outer = frames.empty() ? "" : frames.back().name;
    fail(loc, who + " requires " + toString(fact) + ", " + why, {{fact.begin, "required here"}},
         outer.empty() || !canState ? "" : suggestion(fact, outer));
  };
  auto *b = llvm::dyn_cast<BinaryExpr>(&fact);
  if (b && b->op >= BinaryOp::Less && b->op <= BinaryOp::NotEqual) {
    Value l = eval(*b->lhs, env), r = eval(*b->rhs, env);
    auto *p = l.as<Poly>(), *q = r.as<Poly>();
    if (p && q && !(p->isStatic() && q->isStatic())) {
      Poly d = *q - *p;
      bool proved = b->op == BinaryOp::LessEqual      ? bounds.proveNonNegative(d)
                    : b->op == BinaryOp::Less         ? bounds.proveNonNegative(d - Poly(1))
                    : b->op == BinaryOp::GreaterEqual ? bounds.proveNonNegative(*p - *q)
                    : b->op == BinaryOp::Greater      ? bounds.proveNonNegative(*p - *q - Poly(1))
                    : b->op == BinaryOp::Equal        ? *p == *q
                                                      : bounds.proveNonNegative(d - Poly(1)) || bounds.proveNonNegative(*p - *q - Poly(1));
      if (!proved)
        refuseFact("which " + (frames.size() > 1 ? frames[frames.size() - 2].name : "the caller") + " does not guarantee", true);
      return;
    }
  }
  Value v = eval(fact, env);
  if (auto *flag = v.as<bool>()) {
    if (!*flag) {
      std::string values;
      if (b) {
        Value l = eval(*b->lhs, env), r = eval(*b->rhs, env);
        if (l.as<Poly>() && r.as<Poly>() && l.as<Poly>()->integer() && r.as<Poly>()->integer())
          values = std::to_string(*l.as<Poly>()->integer()) + " " + spelling(b->op).str() + " " + std::to_string(*r.as<Poly>()->integer());
      }
      refuseFact("which does not hold here" + (values.empty() ? "" : " (" + values + ")"), false);
    }
    return;
  }
  fail(fact.begin, "expected a fact about dims or static values, but got " + describe(v));
}

Value Elaborator::call(const CallExpr &e, const Env &env) {
  auto *name = llvm::dyn_cast<NameExpr>(e.callee.get());
  if (name && !lookup(name->name, name->loc, env)) {
    if (auto v = builtin(name->name, e, env))
      return *v;
    const Symbol *s = symbol(name->name, name->loc);
    auto *fn = s ? llvm::dyn_cast<FnDecl>(s->decl) : nullptr;
    if (!fn)
      unknownName(name->name, name->loc, env, "function");
    return callFn(*fn, nullptr, bindArgs(fn->params, e.args, env, e.loc, fn->name), name->loc);
  }
  Value callee = eval(*e.callee, env.whole());
  if (auto *m = callee.as<Method>())
    return callFn(*m->fn, m->self, bindArgs(m->fn->params, e.args, env, e.loc, m->fn->name), e.begin);
  if (auto *i = callee.as<const Instance *>()) {
    const Instance *block = *i;
    if (!block->callee)
      fail(e.begin, "expected a block with a function without a name, but " + block->block->name + " has none");
    return callFn(*block->callee, block, bindArgs(block->callee->params, e.args, env, e.loc, block->block->name), e.begin);
  }
  fail(e.begin, "expected a function or block to call, but got " + describe(callee));
}

//===-- statements --------------------------------------------------------===//

std::optional<Value> Elaborator::runBody(const std::vector<StmtPtr> &body, const Env &env) {
  for (const StmtPtr &s : body)
    if (auto v = statement(*s, env))
      return v;
  return std::nullopt;
}

std::optional<Value> Elaborator::statement(const Stmt &s, const Env &env) {
  work(s.loc);
  frames.back().statement = s.loc;
  bases.clear();
  if (auto *r = llvm::dyn_cast<ReturnStmt>(&s)) {
    Value v = eval(*r->value, env);
    frames.back().statement = s.loc;
    return v;
  }
  if (auto *let = llvm::dyn_cast<LetStmt>(&s)) {
    Value v = eval(*let->value, env);
    if (auto *t = v.as<Tensor>()) {
      Tensor m = *t;
      if (m.dtype == Dtype::Number)
        m.dtype = Dtype::Policy;
      m = materialize(m);
      m.declared = s.loc;
      m.name = let->name;
      v = m;
    }
    env.scope->names[let->name] = v;
    see(s.loc, v);
    return std::nullopt;
  }
  if (auto *d = llvm::dyn_cast<DefineStmt>(&s)) {
    define(*d, env);
    return std::nullopt;
  }
  if (auto *c = llvm::dyn_cast<IfStmt>(&s))
    return staticFlag(*c->cond, env, "the condition of if") ? runBody(c->body, env) : std::nullopt;
  auto &f = *llvm::cast<ForStmt>(&s);
  List items;
  if (f.last) {
    int64_t from = staticInt(*f.first, env, "the start of a range"), to = staticInt(*f.last, env, "the end of a range");
    constexpr int64_t kMost = 1 << 16;
    if (to - from > kMost)
      fail(f.first->begin, "expected a loop of at most 65536 rounds, but got " + std::to_string(to - from));
    for (int64_t i = from; i < to; ++i)
      items.push_back(Poly(i));
  } else {
    Value v = eval(*f.first, env);
    auto *list = v.as<std::shared_ptr<List>>();
    if (!list)
      fail(f.first->begin, "expected a list or a range to loop over, but got " + describe(v));
    items = **list;
  }
  for (const Value &item : items) {
    env.scope->names[f.var] = item;
    see(f.varLoc, item);
    if (auto v = runBody(f.body, env))
      return v;
  }
  return std::nullopt;
}

} // namespace tintype::frontend
