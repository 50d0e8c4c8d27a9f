//===- ElaborateBounds.cpp - extents of indices, bounds of subscripts -----===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

//===-- bounds ------------------------------------------------------------===//

bool Elaborator::scalarInside(ScalarPtr s, const Poly &dim, bool usePath) {
  if (s->kind == Scalar::Kind::Index)
    return bounds.proveNonNegative(s->poly, usePath) && bounds.proveNonNegative(dim - Poly(1) - s->poly, usePath);
  if (s->kind == Scalar::Kind::Apply && s->op == Op::Select) {
    size_t depth = bounds.path.size();
    assume(s->args[0], true);
    bool both = scalarInside(s->args[1], dim, true);
    bounds.path.resize(depth);
    assume(s->args[0], false);
    both = both && scalarInside(s->args[2], dim, true);
    bounds.path.resize(depth);
    return both;
  }
  return false;
}

bool Elaborator::isInside(const Access &a, bool usePath) {
  if (a.agrees)
    return true;
  if (a.isGather)
    return a.bound == a.dim || bounds.proveNonNegative(a.dim - a.bound);
  return scalarInside(a.value, a.dim, usePath);
}

void Elaborator::outside(const Access &a, const Tensor &t, const std::string &base, const Env &env) {
  NoteList notes;
  if (t.declared)
    notes.push_back({t.declared, base + " has type " + typeText(t)});
  if (a.isGather)
    fail(a.expr->begin, "expected index(" + a.dim.str() + ") as subscript of " + base + ", but got index(" + a.bound.str() + ")", notes);
  std::string more = "add `?? value` for the part outside, or state a bound with `where`";
  if (auto *n = llvm::dyn_cast<NameExpr>(a.expr))
    if (auto it = env.indices->names.find(n->name); it != env.indices->names.end())
      more = "state `where " + it->second.atom->extent.str() + " <= " + a.dim.str() + "`, or add `?? value` for the part outside";
  std::string text = toString(*a.expr), valid = "valid are 0.." + (a.dim - Poly(1)).str();
  if (a.value->kind == Scalar::Kind::Index) {
    for (const Atom *x : a.value->poly.atoms())
      if (x->kind == Atom::Kind::Index)
        if (auto it = env.indices->names.find(x->name); it != env.indices->names.end())
          notes.push_back({it->second.loc, x->name + " ranges over 0.." + (x->extent - Poly(1)).str()});
    if (!bounds.proveNonNegative(a.value->poly)) {
      auto low = bounds.lowest(a.value->poly);
      fail(a.expr->loc, "subscript " + text + " may be " + (low ? low->str() : "negative") + ", " + valid + " of dimension " + a.dim.str(),
           notes, "add `?? value` for the part outside, or start the index later");
    }
    auto high = bounds.highest(a.value->poly);
    fail(a.expr->loc, "subscript " + text + " may be " + (high ? high->str() : "too large") + ", " + valid + " of dimension " + a.dim.str(),
         notes, more);
  }
  fail(a.expr->begin, "subscript " + text + " is not known to lie inside, " + valid + " of dimension " + a.dim.str(), notes,
       "clamp(.., n) makes an index(n)");
}

/// Adds what `condition == truth` says about indices to the path.
void Elaborator::assume(ScalarPtr c, bool truth) {
  if (c->kind == Scalar::Kind::Inside) {
    std::vector<Poly> parts;
    for (size_t i = 0; i < c->args.size(); ++i) {
      if (c->args[i]->kind != Scalar::Kind::Index)
        continue;
      const Poly &p = c->args[i]->poly;
      parts.push_back(p);
      parts.push_back(c->dims[i] - Poly(1) - p);
    }
    if (truth) {
      bounds.path.insert(bounds.path.end(), parts.begin(), parts.end());
      return;
    }
    // Outside: known only when a single bound can be the broken one.
    std::vector<Poly> open;
    for (const Poly &p : parts)
      if (!bounds.proveNonNegative(p))
        open.push_back(p);
    if (open.size() == 1 && parts.size() == 2 * c->args.size())
      bounds.path.push_back(Poly(-1) - open[0]);
    return;
  }
  if (c->kind != Scalar::Kind::Apply)
    return;
  if (c->op == Op::Not)
    return assume(c->args[0], !truth);
  if (c->op == (truth ? Op::And : Op::Or)) {
    assume(c->args[0], truth);
    return assume(c->args[1], truth);
  }
  bool compares = c->op == Op::Less || c->op == Op::LessEqual || c->op == Op::Equal || c->op == Op::NotEqual;
  if (!compares || c->args[0]->kind != Scalar::Kind::Index || c->args[1]->kind != Scalar::Kind::Index)
    return;
  Poly d = c->args[1]->poly - c->args[0]->poly;
  if (c->op == Op::Less)
    bounds.path.push_back(truth ? d - Poly(1) : d * Poly(-1));
  else if (c->op == Op::LessEqual)
    bounds.path.push_back(truth ? d : Poly(-1) - d);
  else if ((c->op == Op::Equal) == truth) {
    bounds.path.push_back(d);
    bounds.path.push_back(d * Poly(-1));
  }
}

//===-- extents -----------------------------------------------------------===//

/// Notes the dims that bare uses of `names` in one subscript have.
void Elaborator::inferAt(const SubscriptExpr &e, const std::set<std::string> &names, const Env &env, Extents &out) {
  auto *baseName = llvm::dyn_cast<NameExpr>(e.base.get());
  if (baseName && names.count("=" + baseName->name))
    return;
  std::optional<Value> base;
  if (auto it = bases.find(e.base.get()); it != bases.end())
    base = it->second;
  else if (llvm::isa<CallExpr>(e.base.get()))
    base = bases[e.base.get()] = eval(*e.base, env.whole());
  else
    base = peek(*e.base, env);
  if (!base || !(base->as<Tensor>() || base->as<ParamRef>()))
    return;
  std::vector<Poly> dims = base->as<Tensor>() ? base->as<Tensor>()->dims : params[base->as<ParamRef>()->number].dims;
  size_t packs = 0;
  for (const Dim &d : e.dims)
    packs += d.isPack();
  size_t given = e.dims.size() - packs;
  if (packs > 1 || dims.size() < given || (!packs && dims.size() != given)) {
    out.mismatch = &e;
    out.rank = dims.size();
    return; // refused when the subscript is evaluated, if it is
  }
  size_t at = 0;
  for (const Dim &d : e.dims) {
    if (d.isPack()) {
      if (!out.pack)
        out.pack = std::vector<Poly>(dims.begin() + at, dims.begin() + at + dims.size() - given);
      at += dims.size() - given;
      continue;
    }
    const Poly &dim = dims[at++];
    auto *n = llvm::dyn_cast<NameExpr>(d.expr.get());
    if (!n || !names.count(n->name))
      continue;
    auto [it, isNew] = out.dims.insert({n->name, dim});
    if (isNew) {
      out.found[n->name] = {nullptr, false, d.loc, toString(*e.base)};
    } else if (it->second != dim && !e.orElse) {
      const Indices::Bound &first = out.found[n->name];
      fail(d.loc,
           "index " + n->name + " ranges over two dimensions, expected " + it->second.str() + " (" + first.from + "), but got " +
               dim.str() + " (" + toString(*e.base) + ")",
           {{first.loc, it->second.str() + " comes from here"}},
           "fix the range with `" + n->name + ": " + it->second.str() + "` and state `where " + it->second.str() + " <= " + dim.str() +
               "`");
    }
  }
}

void Elaborator::inferExtents(const Expr &e, const std::set<std::string> &names, const Env &env, Extents &out) {
  auto visit = [&](const ExprPtr &x) {
    if (x)
      inferExtents(*x, names, env, out);
  };
  switch (e.kind) {
  case Expr::Kind::Unary:
    return visit(llvm::cast<UnaryExpr>(&e)->operand);
  case Expr::Kind::Binary: {
    auto &b = *llvm::cast<BinaryExpr>(&e);
    visit(b.lhs);
    return visit(b.rhs);
  }
  case Expr::Kind::Cond: {
    auto &c = *llvm::cast<CondExpr>(&e);
    visit(c.cond);
    visit(c.then);
    return visit(c.otherwise);
  }
  case Expr::Kind::List:
    for (const ExprPtr &x : llvm::cast<ListExpr>(&e)->items)
      visit(x);
    return;
  case Expr::Kind::Call:
    for (const Arg &a : llvm::cast<CallExpr>(&e)->args)
      visit(a.value);
    return;
  case Expr::Kind::Subscript: {
    auto &s = *llvm::cast<SubscriptExpr>(&e);
    inferAt(s, names, env, out);
    for (const Dim &d : s.dims)
      visit(d.expr);
    return visit(s.orElse);
  }
  case Expr::Kind::Reduce: {
    auto &r = *llvm::cast<ReduceExpr>(&e);
    std::set<std::string> open = names;
    // A reducer's own indices are not ours; softmax and cumsum keep theirs.
    if (r.op != Reducer::Softmax && r.op != Reducer::CumSum)
      for (const Bind &b : r.binds)
        open.erase(b.name);
    if (r.filter)
      inferExtents(*r.filter, open, env, out);
    return inferExtents(*r.body, open, env, out);
  }
  default:
    return;
  }
}

} // namespace tintype::frontend
