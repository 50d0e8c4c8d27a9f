//===- Values.h - what names stand for during elaboration -------*- C++ -*-===//
// Elaboration evaluates a model once: configs, flags, strings, lists and block
// instances are ordinary values, a tensor is a function of indices whose body
// is a scalar expression (Scalar.h).
//
//   x: [B, T, width]         Tensor, dims B, T, width, body Read %x [i0, i1, i2]
//   x + 1                    Tensor, the same dims, body Add(Read %x .., 1)
//   t (an index)             int, a polynomial over the index atom t
//   3 * width                int, a polynomial over the config atom width
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_VALUES_H
#define TINTYPE_FRONTEND_VALUES_H

#include "frontend/Ast.h"
#include "frontend/Scalar.h"
#include "llvm/ADT/StringMap.h"
#include <variant>

namespace tintype::frontend {

/// Element types of the language. `Policy` is `[..]`, the float that the recipe
/// chooses; `Position` is index arithmetic; `Whole` and `Number` are static
/// ints and floats on their way into a tensor expression.
enum class Dtype { Policy, F32, BF16, F16, F64, I32, I64, Bool, Index, Position, Whole, Number };

bool isFloat(Dtype d);
llvm::StringRef spelling(Dtype d);
/// The element type in the IR.
Elem elemOf(Dtype d);

struct Tensor {
  Dtype dtype = Dtype::Policy;
  Poly bound; ///< of Index: values are 0 .. bound - 1
  std::vector<Poly> dims;
  /// One index for each dim; `body` is the value there. It may also depend on
  /// the indices of a definition around a call (an elementwise call).
  std::vector<const Atom *> vars;
  ScalarPtr body = nullptr;
  Loc declared; ///< where its dims come from, for notes
  std::string name;
};

struct Instance;
struct Value;
using List = std::vector<Value>;

/// A function bound to the block instance it belongs to (null: a free function).
struct Method {
  const FnDecl *fn = nullptr;
  const Instance *self = nullptr;
};
/// A parameter; it becomes a tensor where it is used.
struct ParamRef {
  unsigned number = 0;
};

struct Value {
  std::variant<Poly, double, bool, std::string, std::shared_ptr<List>, const Instance *, Method, ParamRef, Tensor> v;

  Value() : v(Poly(0)) {}
  template <typename T> Value(T x) : v(std::move(x)) {}
  template <typename T> const T *as() const { return std::get_if<T>(&v); }
  /// Not a tensor and free of indices.
  bool isStatic() const;
};

/// The number that a static value is.
std::optional<double> numberOf(const Value &v);

/// Names of a function or a block instance; `parent` is the instance around a
/// method.
struct Scope {
  llvm::StringMap<Value> names;
  const Scope *parent = nullptr;
  /// Dim variables bound by the signature, and the pack `...`.
  bool hasPack = false;
  std::vector<Poly> pack;
  const Value *find(llvm::StringRef name) const;
};

/// One block made by elaboration, with its members.
struct Instance {
  const BlockDecl *block = nullptr;
  std::string path;
  Scope scope;
  const FnDecl *callee = nullptr; ///< the function without a name
};

/// A learned tensor of the model.
struct ParamInfo {
  std::string path;
  Dtype dtype = Dtype::Policy;
  std::vector<Poly> dims;
  Loc loc;
  double mean = 0, scale = 0;
  bool isNormal = true;
  bool hasForm = true; ///< the initial value is mean + scale * draw
  const Expr *init = nullptr;
};

/// `[B, T, width]`, `index(vocab)[B, T]`, `f32`.
std::string typeText(Dtype dtype, const Poly &bound, const std::vector<Poly> &dims);
std::string typeText(const Tensor &t);
std::string dimsText(const std::vector<Poly> &dims);
/// What a value is, for messages: `a tensor [B, T]`, `the int 3`, ..
std::string describe(const Value &v);

} // namespace tintype::frontend

#endif
