//===- ElaborateReducers.cpp - sum, mean, max, softmax, ... ---------------===//
// A reducer becomes one `graph.compute` over the enclosing indices that its
// body uses; its value at a point is a read of that tensor. What is built from
// several reductions is spelled out here, with `max` behind `stop`: the result
// does not depend on it, so no gradient flows through it.
//===----------------------------------------------------------------------===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

ScalarPtr Elaborator::mean(const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter) {
  ScalarPtr total = reduce(graph::Reducer::sum, by, body, filter);
  if (!filter) {
    Poly count(1);
    for (const Atom *a : by)
      count = count * a->extent;
    return scalars.apply(Op::Div, {total, scalars.toFloat(scalars.index(count))});
  }
  // An empty domain gives 0: its count is taken as 1.
  ScalarPtr count = reduce(graph::Reducer::sum, by, scalars.number(1), filter);
  return scalars.apply(Op::Div, {total, scalars.apply(Op::Max, {count, scalars.number(1)})});
}

ScalarPtr Elaborator::shiftedExp(ScalarPtr body, ScalarPtr top, ScalarPtr filter) {
  ScalarPtr shifted = scalars.apply(Op::Sub, {body, top});
  // A point left out may hold any value; as 0 neither exp nor its gradient
  // can overflow there.
  if (filter)
    shifted = scalars.apply(Op::Select, {filter, shifted, scalars.number(0)});
  return scalars.apply(Op::Exp, {shifted});
}

/// The largest exponential is 1, so a sum over at least one point is about 1
/// or more, and this floor is reached by an empty domain only.
static ScalarPtr notEmpty(Scalars &scalars, ScalarPtr sum, ScalarPtr filter) {
  return filter ? scalars.apply(Op::Max, {scalars.number(0.5), sum}) : sum;
}

ScalarPtr Elaborator::logSumExp(const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter) {
  ScalarPtr top = scalars.apply(Op::Stop, {reduce(graph::Reducer::max, by, body, filter)});
  ScalarPtr sum = reduce(graph::Reducer::sum, by, shiftedExp(body, top, filter), filter);
  return scalars.apply(Op::Add, {scalars.apply(Op::Log, {notEmpty(scalars, sum, filter)}), top});
}

Value Elaborator::reduceExpr(const ReduceExpr &e, const Env &env) {
  if (e.op == Reducer::Softmax || e.op == Reducer::CumSum)
    return keepIndex(e, env);
  std::vector<const Expr *> uses = {e.body.get()};
  if (e.filter)
    uses.push_back(e.filter.get());
  std::vector<const Atom *> by;
  Indices indices = makeIndices(e.binds, env, uses, "", by);
  Env inner{env.scope, &indices};
  size_t outerDomain = domain.size(), depth = bounds.path.size();
  domain.insert(domain.end(), by.begin(), by.end());
  ScalarPtr filter = nullptr;
  if (e.filter) {
    Tensor f = lift(eval(*e.filter, inner), e.filter->begin);
    if (f.dtype != Dtype::Bool || !f.dims.empty())
      fail(e.filter->begin, "expected a bool as filter, but got " + typeText(f));
    filter = f.body->isFlag(true) ? nullptr : f.body;
    assume(f.body, true);
  }
  Tensor t = lift(eval(*e.body, inner), e.body->begin);
  domain.resize(outerDomain);
  bounds.path.resize(depth);
  if (!t.dims.empty())
    fail(e.body->begin, "expected one value at each point of " + spelling(e.op).str() + ", but got a whole tensor " + typeText(t), {},
         "subscript it");
  bool isLogic = e.op == Reducer::Any || e.op == Reducer::All;
  if (isLogic != (t.dtype == Dtype::Bool))
    fail(e.body->begin,
         std::string("expected ") + (isLogic ? "bool" : "a number") + " in " + spelling(e.op).str() + ", but got " + typeText(t), {},
         isLogic ? "" : "f32(..) and i32(..) convert");
  if (by.empty()) {
    // `mean(...)` of a scalar: a pack without dims has one point.
    by.push_back(atoms.index("...", Poly(1)));
  }
  bool wantsFloat = e.op == Reducer::Mean || e.op == Reducer::LogSumExp;
  if (!isFloat(t.dtype) && !isLogic && wantsFloat && t.dtype != Dtype::Position && t.dtype != Dtype::Whole)
    fail(e.body->begin, "no implicit conversion from " + typeText(t) + " to float in " + spelling(e.op).str(), {}, "f32(..) converts");
  if (t.dtype == Dtype::Number)
    t.dtype = Dtype::Policy;
  if (t.dtype == Dtype::Position || t.dtype == Dtype::Whole)
    t.dtype = wantsFloat ? Dtype::F32 : Dtype::I32;
  if (t.dtype == Dtype::Index && (e.op == Reducer::Sum || e.op == Reducer::Prod))
    t.dtype = Dtype::I32;
  ScalarPtr body = coerce(t.body, elemOf(t.dtype));
  switch (e.op) {
  case Reducer::Sum:
    t.body = reduce(graph::Reducer::sum, by, body, filter);
    break;
  case Reducer::Prod:
    t.body = reduce(graph::Reducer::prod, by, body, filter);
    break;
  case Reducer::Max:
    t.body = reduce(graph::Reducer::max, by, body, filter);
    break;
  case Reducer::Min:
    t.body = reduce(graph::Reducer::min, by, body, filter);
    break;
  case Reducer::Any:
    t.body = reduce(graph::Reducer::any, by, body, filter);
    break;
  case Reducer::All:
    t.body = reduce(graph::Reducer::all, by, body, filter);
    break;
  case Reducer::ArgMax:
    if (by.size() != 1)
      fail(e.begin, "expected one index in argmax, but got " + std::to_string(by.size()));
    t.body = reduce(graph::Reducer::argmax, by, body, filter);
    t.dtype = Dtype::Index;
    t.bound = by[0]->extent;
    break;
  case Reducer::Mean:
    t.body = mean(by, body, filter);
    break;
  case Reducer::LogSumExp:
    t.body = logSumExp(by, body, filter);
    break;
  default:
    break;
  }
  return t;
}

/// `softmax(s if f) v` and `cumsum(s if f) v` at the index s of the definition
/// around them.
Value Elaborator::keepIndex(const ReduceExpr &e, const Env &env) {
  std::string name = spelling(e.op).str();
  if (e.binds.size() != 1 || e.binds[0].isPack)
    fail(e.begin, "expected one index in " + name + ", but got " + std::to_string(e.binds.size()));
  const Bind &b = e.binds[0];
  auto it = env.indices ? env.indices->names.find(b.name) : llvm::StringMap<Indices::Bound>::const_iterator();
  if (!env.indices || it == env.indices->names.end())
    fail(b.loc, "expected an index of the definition around " + name + ", but got " + b.name, {},
         name + " keeps its index: p[i] = " + name + "(i) x[i]");
  if (b.extent)
    fail(b.extent->begin, "expected no extent in " + name + ", which keeps the index of its definition");
  const Atom *kept = it->second.atom;
  size_t depth = bounds.path.size();
  ScalarPtr filter = nullptr;
  if (e.filter) {
    Tensor f = lift(eval(*e.filter, env), e.filter->begin);
    if (f.dtype != Dtype::Bool || !f.dims.empty())
      fail(e.filter->begin, "expected a bool as filter, but got " + typeText(f));
    filter = f.body->isFlag(true) ? nullptr : f.body;
    assume(f.body, true);
  }
  Tensor t = lift(eval(*e.body, env), e.body->begin);
  bounds.path.resize(depth);
  if (!t.dims.empty() || (!isFloat(t.dtype) && t.dtype != Dtype::Position && t.dtype != Dtype::Whole))
    fail(e.body->begin, "expected a float at each point of " + name + ", but got " + typeText(t));
  if (!isFloat(t.dtype))
    t.dtype = Dtype::F32;
  if (t.dtype == Dtype::Number)
    t.dtype = Dtype::Policy;
  ScalarPtr body = scalars.toFloat(t.body);
  // Anything but a plain read would be computed again in each reduction.
  if (body->kind != Scalar::Kind::Read && !body->isConstant()) {
    mlir::Value v = emitCompute(builder, location(), graph::Reducer::none, body->free, {}, body);
    std::vector<ScalarPtr> point;
    for (const Atom *a : body->free)
      point.push_back(scalars.index(Poly(a)));
    body = scalars.read(v, Elem::F32, point, false);
  }
  const Atom *other = atoms.index(b.name, kept->extent);
  std::map<const Atom *, Poly> rename = {{kept, Poly(other)}};
  ScalarPtr otherBody = scalars.substitute(body, rename);
  ScalarPtr otherFilter = filter ? scalars.substitute(filter, rename) : nullptr;
  if (e.op == Reducer::CumSum) {
    ScalarPtr before = scalars.apply(Op::LessEqual, {scalars.index(Poly(other)), scalars.index(Poly(kept))});
    t.body = reduce(graph::Reducer::sum, {other}, otherBody, otherFilter ? scalars.apply(Op::And, {before, otherFilter}) : before);
    return t;
  }
  ScalarPtr top = scalars.apply(Op::Stop, {reduce(graph::Reducer::max, {other}, otherBody, otherFilter)});
  ScalarPtr sum = reduce(graph::Reducer::sum, {other}, shiftedExp(otherBody, top, otherFilter), otherFilter);
  t.body = scalars.apply(Op::Div, {shiftedExp(body, top, filter), notEmpty(scalars, sum, filter)});
  if (filter)
    t.body = scalars.apply(Op::Select, {filter, t.body, scalars.number(0)});
  return t;
}

} // namespace tintype::frontend
