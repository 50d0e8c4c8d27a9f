//===- Scalar.h - the right side of a definition, not yet emitted -*- C++ -*-===//
// While a definition is evaluated its value at one point is a graph of Scalar
// nodes over index atoms; when it is known which dims it ranges over, one
// `graph.compute` is emitted for it (Emit.h). Making a node folds constants, so
// that flags of the model leave no residue: `training ? a : b`, `x + 0`.
//
//   x[b, t] * 2 where b < 3    Apply(Select, Apply(Less, b, 3), Apply(Mul, Read x [b, t], 2), ..)
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_SCALAR_H
#define TINTYPE_FRONTEND_SCALAR_H

#include "frontend/Poly.h"
#include "mlir/IR/Value.h"

namespace tintype::frontend {

/// Element types of the IR.
enum class Elem { F32, I32, I1 };

enum class Op {
  // two operands of one element type, which is the result's
  Add,
  Sub,
  Mul,
  Div,
  FloorDiv,
  Mod,
  Max,
  Min,
  Pow,
  And,
  Or,
  // two operands, result I1
  Less,
  LessEqual,
  Equal,
  NotEqual,
  // one operand
  Neg,
  Not,
  Exp,
  Log,
  Sqrt,
  Rsqrt,
  Sin,
  Cos,
  Tanh,
  Erf,
  Abs,
  Floor,
  Stop,
  ToFloat,
  ToInt,
  // I1 and two of one type
  Select
};

struct Scalar {
  enum class Kind { Float, Bool, Index, Read, Inside, Random, Apply };
  Kind kind;
  Elem elem;
  double number = 0;       ///< Float
  bool flag = false;       ///< Bool
  Poly poly = {};          ///< Index
  mlir::Value tensor = {}; ///< Read: the source; Random: the state
  bool guarded = false;    ///< Read: a subscript may lie outside
  Op op = Op::Add;         ///< Apply
  bool isNormal = false;   ///< Random
  int site = 0;            ///< Random
  /// Operands of Apply; subscripts of Read and Inside; the point of Random.
  std::vector<const Scalar *> args = {};
  /// Extents of Inside and Random.
  std::vector<Poly> dims = {};
  /// Levels of nodes below and including this one.
  unsigned height = 1;
  /// Indices the value depends on, by number.
  std::vector<const Atom *> free = {};

  bool isConstant() const { return kind == Kind::Float || kind == Kind::Bool || (kind == Kind::Index && free.empty()); }
  bool isNumber(double x) const { return kind == Kind::Float && number == x; }
  bool isFlag(bool x) const { return kind == Kind::Bool && flag == x; }
};
using ScalarPtr = const Scalar *;

/// Makes scalars and keeps them alive.
class Scalars {
public:
  explicit Scalars(Atoms &atoms) : atoms(atoms) {}

  ScalarPtr number(double x);
  ScalarPtr flag(bool x);
  ScalarPtr index(const Poly &p);
  ScalarPtr read(mlir::Value tensor, Elem elem, std::vector<ScalarPtr> subscripts, bool guarded);
  ScalarPtr inside(std::vector<ScalarPtr> subscripts, std::vector<Poly> dims);
  ScalarPtr random(bool isNormal, int site, mlir::Value state, const std::vector<const Atom *> &point);
  ScalarPtr apply(Op op, std::vector<ScalarPtr> args);
  ScalarPtr toFloat(ScalarPtr s) { return s->elem == Elem::F32 ? s : apply(Op::ToFloat, {s}); }
  /// `x` with indices replaced by polynomials.
  ScalarPtr substitute(ScalarPtr x, const std::map<const Atom *, Poly> &by);

private:
  ScalarPtr keep(Scalar s);
  ScalarPtr fold(Op op, const std::vector<ScalarPtr> &args);
  ScalarPtr substitute(ScalarPtr x, const std::map<const Atom *, Poly> &by, std::map<ScalarPtr, ScalarPtr> &done);

  Atoms &atoms;
  std::deque<Scalar> storage;
};

/// `op` on numbers, for folding and for the static part of the language.
double evaluate(Op op, double a, double b = 0);

} // namespace tintype::frontend

#endif
