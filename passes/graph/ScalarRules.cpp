//===- ScalarRules.cpp - derivatives of scalar ops ------------------------===//
// test/passes/graph/scalar-rules.py checks every row by finite differences.
//===----------------------------------------------------------------------===//
#include "passes/graph/ScalarRules.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
namespace tintype::graph {
namespace {
using R = ScalarRule;

Value pass(R &r) { return r.dy; }
Value passNegated(R &r) { return r.neg(r.dy); }

/// d/da a^b = b a^(b-1); for small whole b as products, exact for negative a.
Value powBase(R &r) {
  Value a = r.in(0), b = r.in(1);
  auto n = constantOf(b);
  if (n == 1.0)
    return r.dy;
  if (n == 2.0)
    return r.mul(r.mul(r.dy, 2.0), a);
  if (n == 3.0)
    return r.mul(r.mul(r.dy, 3.0), r.mul(a, a));
  Value power = math::PowFOp::create(r.b, r.loc, a, r.sub(b, r.constant(1, b.getType())));
  return r.mul(r.mul(r.dy, b), power);
}
/// d/db a^b = a^b log a, and 0 where a <= 0 (the limit from above for b > 0).
Value powExponent(R &r) {
  Value a = r.in(0), zero = r.zero(a.getType());
  Value d = r.mul(r.dy, r.mul(r.out(), math::LogOp::create(r.b, r.loc, a)));
  return r.select(r.greater(a, zero), d, zero);
}
/// The sign of a, 0 at 0.
Value absolute(R &r) {
  Value a = r.in(0), zero = r.zero(a.getType());
  Value down = r.select(r.greater(zero, a), r.neg(r.dy), zero);
  return r.select(r.greater(a, zero), r.dy, down);
}
Value square(R &r) { return r.mul(r.mul(r.dy, 2.0), r.in(0)); }
Value convertBack(R &r) {
  Type from = r.op->getOperand(0).getType();
  if (isa<arith::ExtFOp>(r.op))
    return arith::TruncFOp::create(r.b, r.loc, from, r.dy);
  return arith::ExtFOp::create(r.b, r.loc, from, r.dy);
}

// Ties of maximum and minimum go to the second operand.
Value ifGreater(R &r) { return r.select(r.greater(r.in(0), r.in(1)), r.dy, r.zero(r.dy.getType())); }
Value ifNotGreater(R &r) { return r.select(r.greater(r.in(0), r.in(1)), r.zero(r.dy.getType()), r.dy); }
Value ifLess(R &r) { return r.select(r.greater(r.in(1), r.in(0)), r.dy, r.zero(r.dy.getType())); }
Value ifNotLess(R &r) { return r.select(r.greater(r.in(1), r.in(0)), r.zero(r.dy.getType()), r.dy); }
} // namespace

static const ScalarRow rows[] = {
    {"arith.addf", {pass, pass}},
    {"arith.subf", {pass, passNegated}},
    {"arith.mulf",
     {[](R &r) { return r.op->getOperand(0) == r.op->getOperand(1) ? square(r) : r.mul(r.dy, r.in(1)); },
      [](R &r) { return r.op->getOperand(0) == r.op->getOperand(1) ? Value() : r.mul(r.dy, r.in(0)); }}},
    {"arith.divf", {[](R &r) { return r.div(r.dy, r.in(1)); }, [](R &r) { return r.neg(r.div(r.mul(r.dy, r.out()), r.in(1))); }}},
    {"arith.negf", {passNegated}},
    {"arith.maximumf", {ifGreater, ifNotGreater}},
    {"arith.minimumf", {ifLess, ifNotLess}},
    {"arith.select",
     {nullptr, [](R &r) { return r.select(r.in(0), r.dy, r.zero(r.dy.getType())); },
      [](R &r) { return r.select(r.in(0), r.zero(r.dy.getType()), r.dy); }}},
    {"arith.extf", {convertBack}},
    {"arith.truncf", {convertBack}},
    {"math.exp", {[](R &r) { return r.mul(r.dy, r.out()); }}},
    {"math.log", {[](R &r) { return r.div(r.dy, r.in(0)); }}},
    {"math.sqrt", {[](R &r) { return r.div(r.mul(r.dy, 0.5), r.out()); }}},
    {"math.rsqrt", {[](R &r) { return r.mul(r.mul(r.dy, -0.5), r.mul(r.out(), r.mul(r.out(), r.out()))); }}},
    {"math.sin", {[](R &r) { return r.mul(r.dy, math::CosOp::create(r.b, r.loc, r.in(0))); }}},
    {"math.cos", {[](R &r) { return r.neg(r.mul(r.dy, math::SinOp::create(r.b, r.loc, r.in(0)))); }}},
    {"math.tanh", {[](R &r) { return r.mul(r.dy, r.sub(r.constant(1, r.dy.getType()), r.mul(r.out(), r.out()))); }}},
    // 2 / sqrt(pi) * exp(-a^2)
    {"math.erf", {[](R &r) {
       Value bell = math::ExpOp::create(r.b, r.loc, r.neg(r.mul(r.in(0), r.in(0))));
       return r.mul(r.mul(r.dy, 1.1283791670955126), bell);
     }}},
    {"math.absf", {absolute}},
    {"math.powf", {powBase, powExponent}},
    // Zero by definition.
    {"math.floor", {}},
    {"graph.stop", {}},
    {"arith.fptosi", {}},
};

ArrayRef<ScalarRow> scalarRows() { return rows; }

const ScalarRow *scalarRow(Operation *op) {
  static const auto *byName = [] {
    auto *m = new llvm::StringMap<const ScalarRow *>();
    for (const ScalarRow &row : rows)
      (*m)[row.name] = &row;
    return m;
  }();
  return byName->lookup(op->getName().getStringRef());
}

} // namespace tintype::graph
