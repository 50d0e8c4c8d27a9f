//===- Values.cpp - what names stand for during elaboration ---------------===//
#include "frontend/Values.h"

namespace tintype::frontend {

bool isFloat(Dtype d) {
  return d == Dtype::Policy || d == Dtype::F32 || d == Dtype::BF16 || d == Dtype::F16 || d == Dtype::F64 || d == Dtype::Number;
}

llvm::StringRef spelling(Dtype d) {
  switch (d) {
  case Dtype::Policy:
    return "float";
  case Dtype::F32:
    return "f32";
  case Dtype::BF16:
    return "bf16";
  case Dtype::F16:
    return "f16";
  case Dtype::F64:
    return "f64";
  case Dtype::I32:
    return "i32";
  case Dtype::I64:
    return "i64";
  case Dtype::Bool:
    return "bool";
  case Dtype::Index:
    return "index";
  case Dtype::Position:
    return "index arithmetic";
  case Dtype::Whole:
    return "int";
  case Dtype::Number:
    return "num";
  }
  return "";
}

Elem elemOf(Dtype d) { return d == Dtype::Bool ? Elem::I1 : isFloat(d) ? Elem::F32 : Elem::I32; }

bool Value::isStatic() const {
  if (auto *p = as<Poly>())
    return !p->hasIndex();
  return !as<Tensor>() && !as<ParamRef>();
}

std::optional<double> numberOf(const Value &v) {
  if (auto *d = v.as<double>())
    return *d;
  auto n = v.as<Poly>() ? v.as<Poly>()->value() : std::nullopt;
  return n ? std::optional<double>(n->toDouble()) : std::nullopt;
}

const Value *Scope::find(llvm::StringRef name) const {
  auto it = names.find(name);
  if (it != names.end())
    return &it->second;
  return parent ? parent->find(name) : nullptr;
}

std::string dimsText(const std::vector<Poly> &dims) {
  std::string s = "[";
  for (const Poly &d : dims)
    s += (s.size() > 1 ? ", " : "") + d.str();
  return s + "]";
}

std::string typeText(Dtype dtype, const Poly &bound, const std::vector<Poly> &dims) {
  if (dtype == Dtype::Policy)
    return dims.empty() ? "float" : dimsText(dims);
  std::string s = spelling(dtype).str();
  if (dtype == Dtype::Index)
    s += "(" + bound.str() + ")";
  return dims.empty() ? s : s + dimsText(dims);
}

std::string typeText(const Tensor &t) { return typeText(t.dtype, t.bound, t.dims); }

std::string describe(const Value &v) {
  if (auto *p = v.as<Poly>())
    return (p->hasIndex() ? "index arithmetic " : "the int ") + p->str();
  if (auto *d = v.as<double>())
    return "the number " + std::to_string(*d);
  if (auto *b = v.as<bool>())
    return *b ? "true" : "false";
  if (auto *s = v.as<std::string>())
    return "the string \"" + *s + "\"";
  if (v.as<std::shared_ptr<List>>())
    return "a list";
  if (auto *i = v.as<const Instance *>())
    return "the block " + (*i)->block->name;
  if (v.as<Method>())
    return "a function";
  if (v.as<ParamRef>())
    return "a parameter";
  return typeText(*v.as<Tensor>());
}

} // namespace tintype::frontend
