//===- ElaborateReuse.cpp - equal calls are evaluated once ----------------===//
// When functions are checked, and always for an observer (an editor), only the
// messages and types of an evaluation count. A model of 32 equal layers calls each
// function 32 times with blocks that differ in nothing but their paths: the first
// call is evaluated, and the others return a tensor of its type.
//
// What may decide between messages must be alike: static values, types and
// facts. A tensor whose elements are an expression (of indices around the call,
// or constant) is told apart by never being alike.
//===----------------------------------------------------------------------===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

bool Elaborator::isAlike(const Instance *a, const Instance *b) {
  if (a == b)
    return true;
  if (!a || !b || a->block != b->block || a->scope.names.size() != b->scope.names.size())
    return false;
  for (auto &entry : a->scope.names) {
    auto other = b->scope.names.find(entry.getKey());
    if (other == b->scope.names.end())
      return false;
    auto *own = entry.second.as<Method>(), *theirs = other->second.as<Method>();
    bool same = own && theirs ? own->fn == theirs->fn && own->self == a && theirs->self == b : isAlike(entry.second, other->second);
    if (!same)
      return false;
  }
  return true;
}

bool Elaborator::isAlike(const Value &a, const Value &b) {
  if (a.v.index() != b.v.index())
    return false;
  if (auto *p = a.as<Poly>())
    return *p == *b.as<Poly>() && !p->hasIndex();
  if (auto *d = a.as<double>())
    return *d == *b.as<double>();
  if (auto *f = a.as<bool>())
    return *f == *b.as<bool>();
  if (auto *s = a.as<std::string>())
    return *s == *b.as<std::string>();
  if (auto *i = a.as<const Instance *>())
    return isAlike(*i, *b.as<const Instance *>());
  if (auto *m = a.as<Method>())
    return m->fn == b.as<Method>()->fn && isAlike(m->self, b.as<Method>()->self);
  if (auto *p = a.as<ParamRef>()) {
    const ParamInfo &x = params[p->number], &y = params[b.as<ParamRef>()->number];
    return x.dtype == y.dtype && x.dims == y.dims;
  }
  if (auto *l = a.as<std::shared_ptr<List>>()) {
    const List &x = **l, &y = **b.as<std::shared_ptr<List>>();
    return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(), [&](const Value &p, const Value &q) { return isAlike(p, q); });
  }
  auto isWhole = [](const Tensor &t) { return t.body->kind == Scalar::Kind::Read && t.body->free.size() == t.vars.size(); };
  const Tensor &x = *a.as<Tensor>(), &y = *b.as<Tensor>();
  bool sameConstant = x.body->isConstant() && y.body->isConstant() && x.body->kind == y.body->kind && x.body->number == y.body->number &&
                      x.body->flag == y.body->flag && x.body->poly == y.body->poly;
  return x.dtype == y.dtype && x.bound == y.bound && x.dims == y.dims && (sameConstant || (isWhole(x) && isWhole(y)));
}

std::optional<Value> Elaborator::knownResult(const FnDecl &fn, const Instance *self, const Scope &given) {
  if (!onlyChecks() || !domain.empty() || !bounds.path.empty())
    return std::nullopt;
  for (const Known &k : knownCalls) {
    if (k.fn != &fn || k.training != current.training || k.lowering != current.lowering || k.given.size() != given.names.size() ||
        !isAlike(k.self, self))
      continue;
    bool same = true;
    for (auto &[name, v] : k.given) {
      auto it = given.names.find(name);
      same &= it != given.names.end() && isAlike(v, it->second);
    }
    if (!same)
      continue;
    return Value(zeros(k.result, k.result.name, location()));
  }
  return std::nullopt;
}

void Elaborator::remember(const FnDecl &fn, const Instance *self, std::map<std::string, Value> given, const Value &result) {
  constexpr size_t kMost = 500; // the list is searched from its start
  auto *t = result.as<Tensor>();
  if (!onlyChecks() || !domain.empty() || !bounds.path.empty() || !t || t->body->kind != Scalar::Kind::Read ||
      t->body->free.size() != t->vars.size() || knownCalls.size() >= kMost)
    return;
  knownCalls.push_back({&fn, self, current.training, current.lowering, std::move(given), *t});
}

} // namespace tintype::frontend
