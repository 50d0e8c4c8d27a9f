//===- Scalar.cpp - arith and math ops as Halide expressions --------------===//
#include "codegen/halide/Math.h"
#include "codegen/halide/Translate.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using Halide::Expr;

namespace tintype::codegen {

Halide::Type halideType(Type t) {
  if (t.isF32())
    return Halide::Float(32);
  if (t.isF64())
    return Halide::Float(64);
  if (t.isF16())
    return Halide::Float(16);
  if (t.isBF16())
    return Halide::BFloat(16);
  if (t.isInteger(1))
    return Halide::Bool();
  if (auto i = dyn_cast<IntegerType>(t))
    return Halide::Int(i.getWidth());
  return Halide::Type();
}

static Expr constantExpr(Attribute a) {
  if (auto f = dyn_cast<FloatAttr>(a))
    return Halide::Internal::make_const(halideType(f.getType()), f.getValueAsDouble());
  auto i = cast<IntegerAttr>(a);
  if (i.getType().isInteger(1))
    return Halide::Internal::make_bool(!i.getValue().isZero());
  return Halide::Internal::make_const(halideType(i.getType()), i.getValue().getSExtValue());
}

/// Floats hold no NaN here, so ordered and unordered predicates are the same.
static Expr compare(arith::CmpFPredicate p, Expr a, Expr b) {
  using P = arith::CmpFPredicate;
  switch (p) {
  case P::OEQ:
  case P::UEQ:
    return a == b;
  case P::ONE:
  case P::UNE:
    return a != b;
  case P::OLT:
  case P::ULT:
    return a < b;
  case P::OLE:
  case P::ULE:
    return a <= b;
  case P::OGT:
  case P::UGT:
    return a > b;
  case P::OGE:
  case P::UGE:
    return a >= b;
  default:
    return Expr();
  }
}
static Expr compare(arith::CmpIPredicate p, Expr a, Expr b) {
  using P = arith::CmpIPredicate;
  bool isUnsigned = p == P::ult || p == P::ule || p == P::ugt || p == P::uge;
  if (isUnsigned) {
    a = cast(Halide::UInt(a.type().bits()), a);
    b = cast(Halide::UInt(b.type().bits()), b);
  }
  switch (p) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
  case P::ult:
    return a < b;
  case P::sle:
  case P::ule:
    return a <= b;
  case P::sgt:
  case P::ugt:
    return a > b;
  default:
    return a >= b;
  }
}

/// Signed division that rounds to zero, as in C; Halide's rounds down.
static Expr divideToZero(Expr a, Expr b) {
  Expr q = abs(a) / abs(b);
  return select((a < 0) == (b < 0), cast(a.type(), q), -cast(a.type(), q));
}

Expr scalarExpr(Operation *op, ArrayRef<Expr> in) {
  using namespace arith;
  Halide::Type to = halideType(op->getResult(0).getType());
  bool isBool = op->getNumOperands() && op->getOperand(0).getType().isInteger(1);
  return TypeSwitch<Operation *, Expr>(op)
      .Case<ConstantOp>([&](auto o) { return constantExpr(o.getValue()); })
      .Case<AddFOp, AddIOp>([&](auto) { return in[0] + in[1]; })
      .Case<SubFOp, SubIOp>([&](auto) { return in[0] - in[1]; })
      .Case<MulFOp>([&](auto) { return in[0] * in[1]; })
      .Case<MulIOp>([&](auto) { return isBool ? in[0] && in[1] : in[0] * in[1]; })
      .Case<DivFOp>([&](auto) { return in[0] / in[1]; })
      .Case<FloorDivSIOp>([&](auto) { return in[0] / in[1]; })
      .Case<CeilDivSIOp>([&](auto) { return -((-in[0]) / in[1]); })
      .Case<DivSIOp>([&](auto) { return divideToZero(in[0], in[1]); })
      .Case<RemSIOp>([&](auto) { return in[0] - in[1] * divideToZero(in[0], in[1]); })
      .Case<DivUIOp, RemUIOp>([&](Operation *o) {
        Halide::Type u = Halide::UInt(in[0].type().bits());
        Expr a = cast(u, in[0]), b = cast(u, in[1]);
        return cast(to, isa<DivUIOp>(o) ? a / b : a % b);
      })
      .Case<NegFOp>([&](auto) { return -in[0]; })
      .Case<RemFOp>([&](auto) { return in[0] - in[1] * trunc(in[0] / in[1]); })
      .Case<MaximumFOp, MaxNumFOp, MaxSIOp>([&](auto) { return max(in[0], in[1]); })
      .Case<MinimumFOp, MinNumFOp, MinSIOp>([&](auto) { return min(in[0], in[1]); })
      .Case<AndIOp>([&](auto) { return isBool ? in[0] && in[1] : in[0] & in[1]; })
      .Case<OrIOp>([&](auto) { return isBool ? in[0] || in[1] : in[0] | in[1]; })
      .Case<XOrIOp>([&](auto) { return isBool ? in[0] != in[1] : in[0] ^ in[1]; })
      .Case<ShLIOp>([&](auto) { return in[0] << in[1]; })
      .Case<ShRSIOp>([&](auto) { return in[0] >> in[1]; })
      .Case<ShRUIOp>([&](auto) { return cast(to, cast(Halide::UInt(to.bits()), in[0]) >> in[1]); })
      .Case<SelectOp>([&](SelectOp o) {
        return o.getCondition().getDefiningOp<halide::LikelyOp>() ? select(in[0], in[1], in[2]) : hiddenSelect(in[0], in[1], in[2]);
      })
      .Case<UIToFPOp, ExtUIOp>(
          [&](auto) { return isBool ? cast(to, cast(Halide::UInt(8), in[0])) : cast(to, cast(Halide::UInt(in[0].type().bits()), in[0])); })
      .Case<ExtFOp, TruncFOp, SIToFPOp, FPToSIOp, ExtSIOp>([&](auto) { return cast(to, in[0]); })
      .Case<TruncIOp>([&](auto) { return to.is_bool() ? (in[0] & 1) != 0 : cast(to, in[0]); })
      .Case<BitcastOp>([&](auto) { return reinterpret(to, in[0]); })
      .Case<CmpFOp>([&](CmpFOp o) { return compare(o.getPredicate(), in[0], in[1]); })
      .Case<CmpIOp>([&](CmpIOp o) { return compare(o.getPredicate(), in[0], in[1]); })
      .Case<math::ExpOp>([&](auto) { return vectorExp(in[0]); })
      .Case<math::Exp2Op>([&](auto) { return vectorExp2(in[0]); })
      .Case<math::ExpM1Op>([&](auto) { return vectorExpm1(in[0]); })
      .Case<math::LogOp>([&](auto) { return vectorLog(in[0]); })
      .Case<math::Log2Op>([&](auto) { return vectorLog(in[0]) * 1.44269504f; })
      .Case<math::Log10Op>([&](auto) { return vectorLog(in[0]) * 0.434294482f; })
      .Case<math::Log1pOp>([&](auto) { return vectorLog1p(in[0]); })
      .Case<math::SqrtOp>([&](auto) { return sqrt(in[0]); })
      .Case<math::RsqrtOp>([&](auto) { return 1.0f / sqrt(in[0]); })
      .Case<math::TanhOp>([&](auto) { return vectorTanh(in[0]); })
      .Case<math::ErfOp>([&](auto) { return vectorErf(in[0]); })
      .Case<math::SinOp>([&](auto) { return vectorSin(in[0]); })
      .Case<math::CosOp>([&](auto) { return vectorCos(in[0]); })
      .Case<math::PowFOp>([&](auto) { return vectorPow(in[0], in[1]); })
      .Case<math::FPowIOp>([&](auto) { return vectorPow(in[0], Halide::cast<float>(in[1])); })
      .Case<math::AbsFOp>([&](auto) { return abs(in[0]); })
      .Case<math::AbsIOp>([&](auto) { return cast(to, abs(in[0])); })
      .Case<math::FloorOp>([&](auto) { return floor(in[0]); })
      .Case<math::CeilOp>([&](auto) { return ceil(in[0]); })
      .Case<math::RoundOp, math::RoundEvenOp>([&](auto) { return round(in[0]); })
      .Case<math::TruncOp>([&](auto) { return trunc(in[0]); })
      .Case<math::FmaOp>([&](auto) { return in[0] * in[1] + in[2]; })
      .Case<math::CopySignOp>([&](auto) {
        Expr magnitude = Halide::reinterpret<uint32_t>(abs(in[0])), sign = Halide::reinterpret<uint32_t>(in[1]) & Expr(0x80000000u);
        return Halide::reinterpret<float>(magnitude | sign);
      })
      .Case<graph::StopOp>([&](auto) { return in[0]; })
      .Default([](Operation *) { return Expr(); });
}
} // namespace tintype::codegen
