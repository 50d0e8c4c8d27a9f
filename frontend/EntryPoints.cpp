//===- EntryPoints.cpp - functions of a model as called from outside ------===//
// Their dimension variables are runtime dims, and their `where` clauses are
// facts: the runtime checks them for each batch.
//===----------------------------------------------------------------------===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

static std::string roleOf(const std::string &name, const Parameter &p, const std::string &kind, size_t position) {
  if (kind == "diffusion" && position < 2)
    return position == 0 ? "x_t" : "t";
  if (name == "image")
    return "images";
  if (name == "label")
    return "labels";
  if (p.type.name == "bool" && p.type.dims.size() == 2)
    return "mask";
  return name;
}

/// The arguments of a function called from outside: its dimension variables
/// are runtime dims.
std::vector<Elaborator::Argument> Elaborator::entryArguments(const FnDecl &fn, const std::string &kind) {
  std::vector<Argument> args;
  Scope scope;
  scope.parent = &root->scope;
  Env env{&scope, nullptr};
  frames.push_back({{}, fn.name, "", fn.loc, std::nullopt});
  auto bindVariables = [&](const Expr &e, auto &self) -> void {
    if (auto *n = llvm::dyn_cast<NameExpr>(&e)) {
      if (isDimVariable(n->name) && !lookup(n->name, n->loc, env)) {
        scope.names[n->name] = Poly(atoms.runtime(n->name));
        see(n->loc, scope.names[n->name]);
        limits[n->name];
      }
    } else if (auto *b = llvm::dyn_cast<BinaryExpr>(&e)) {
      self(*b->lhs, self);
      self(*b->rhs, self);
    }
  };
  for (size_t i = 0; i < fn.params.size(); ++i) {
    const Parameter &p = fn.params[i];
    if (isStaticType(p.type)) {
      if (!p.init)
        fail(p.loc, "expected a tensor, but got the static parameter " + p.name + " without a default", {},
             "a function of the model is called from outside, with tensors only");
      continue;
    }
    for (const Dim &d : p.type.dims) {
      if (d.isPack())
        fail(d.loc, "expected named dims in a function of the model, but got ...");
      bindVariables(*d.expr, bindVariables);
    }
    if (p.type.bound)
      bindVariables(*p.type.bound, bindVariables);
    Argument a;
    a.name = p.name;
    a.role = roleOf(p.name, p, kind, args.size());
    a.type.dtype = dtypeOf(p.type);
    a.type.dims = dimsOf(p.type.dims, scope);
    if (p.type.bound) {
      Value v = eval(*p.type.bound, env);
      if (!v.as<Poly>())
        fail(p.type.bound->begin, "expected a bound, but got " + describe(v));
      a.type.bound = *v.as<Poly>();
    }
    a.type.declared = p.loc;
    a.type.name = p.name;
    args.push_back(std::move(a));
  }
  frames.pop_back();
  return args;
}

/// Takes the `where` clauses of an entry function as given: the runtime checks
/// them for each batch.
void Elaborator::entryFacts(const FnDecl &fn) {
  bounds.facts.clear();
  knownCalls.clear(); // other facts may prove other reads
  atoms.clearMultiples();
  Scope scope;
  scope.parent = &root->scope;
  Env env{&scope, nullptr};
  frames.push_back({{}, fn.name, "", fn.loc, std::nullopt});
  for (auto &[name, unused] : limits)
    if (!root->scope.find(name))
      scope.names[name] = Poly(atoms.runtime(name));
  for (const ExprPtr &fact : fn.where) {
    auto *b = llvm::dyn_cast<BinaryExpr>(fact.get());
    auto *mod = b ? llvm::dyn_cast<BinaryExpr>(b->lhs.get()) : nullptr;
    if (b && b->op == BinaryOp::Equal && mod && mod->op == BinaryOp::Mod) {
      Value x = eval(*mod->lhs, env), n = eval(*mod->rhs, env), zero = eval(*b->rhs, env);
      auto *atom = x.as<Poly>() ? x.as<Poly>()->asAtom() : nullptr;
      auto count = n.as<Poly>() ? n.as<Poly>()->integer() : std::nullopt;
      if (atom && atom->kind == Atom::Kind::Runtime && count && *count > 0 && zero.as<Poly>() && zero.as<Poly>()->isConstant(0)) {
        atoms.setMultiple(atom, *count);
        limits[atom->name].multiple = *count;
        continue;
      }
    }
    if (b && b->op >= BinaryOp::Less && b->op <= BinaryOp::GreaterEqual) {
      Value l = eval(*b->lhs, env), r = eval(*b->rhs, env);
      if (l.as<Poly>() && r.as<Poly>()) {
        bool less = b->op == BinaryOp::Less || b->op == BinaryOp::LessEqual;
        bool strict = b->op == BinaryOp::Less || b->op == BinaryOp::Greater;
        const Poly &small = less ? *l.as<Poly>() : *r.as<Poly>(), &large = less ? *r.as<Poly>() : *l.as<Poly>();
        bounds.facts.push_back(large - small - Poly(int(strict)));
        // A bound on one dim also goes into the manifest.
        if (auto *a = small.asAtom(); a && a->kind == Atom::Kind::Runtime)
          if (auto n = large.integer())
            limits[a->name].max = std::min(limits[a->name].max, *n - strict);
        if (auto *a = large.asAtom(); a && a->kind == Atom::Kind::Runtime)
          if (auto n = small.integer())
            limits[a->name].min = std::max(limits[a->name].min, *n + strict);
        continue;
      }
    }
    bool isStatic = false;
    if (b) {
      Value v = eval(*fact, env);
      isStatic = v.as<bool>();
    }
    if (!isStatic)
      fail(fact->begin, "expected a fact of the form D <= n or D % n == 0, but got " + toString(*fact));
  }
  frames.pop_back();
}

Value Elaborator::callEntry(const FnDecl &fn, const Instance *self, const std::vector<Tensor> &args, ArgMap given) {
  ArgMap map = std::move(given);
  size_t i = 0;
  for (const Parameter &p : fn.params)
    if (!isStaticType(p.type) && i < args.size())
      map[p.name] = {args[i++], p.loc};
  return callFn(fn, self, map, {});
}

/// Evaluates every named function of the model into the scratch function.
void Elaborator::checkFunctions() {
  for (const DeclPtr &d : modelBlock->members) {
    auto *fn = llvm::dyn_cast<FnDecl>(d.get());
    if (!fn || fn->name.empty())
      continue;
    guard([&] {
      builder.setInsertionPointToEnd(&scratch.getBody().front());
      current = {};
      current.rng = scratch.getArgument(0);
      std::vector<Tensor> values;
      auto args = entryArguments(*fn, "");
      entryFacts(*fn);
      for (Argument &a : args)
        values.push_back(zeros(a.type, a.name, mlir::UnknownLoc::get(ctx)));
      callEntry(*fn, root, values);
    });
  }
}

} // namespace tintype::frontend
