//===- KernelEval.cpp - a kernel function, evaluated point by point -------===//
#include "test/bench/KernelEval.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tintype::graph;

namespace tintype::test {

int bytesOf(Type type) { return type.isInteger(1) ? 1 : type.isBF16() ? 2 : 4; }

uint32_t roundBf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t exponent = bits >> 23 & 255;
  if (exponent == 255)
    return bits & 0x7FFFFF ? bits | 0x400000 : bits;
  return exponent ? (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000 : bits & 0x80000000;
}

static double fromBits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

double Tensor::at(int64_t i) const {
  if (type.isBF16()) {
    uint16_t top;
    memcpy(&top, &bytes[i * 2], 2);
    return fromBits(uint32_t(top) << 16);
  }
  if (type.isF32()) {
    float f;
    memcpy(&f, &bytes[i * 4], 4);
    return f;
  }
  if (type.isInteger(1))
    return bytes[i] != 0;
  int32_t n;
  memcpy(&n, &bytes[i * 4], 4);
  return n;
}

KernelEval::KernelEval(func::FuncOp kernel, std::map<std::string, int64_t> symbols, std::vector<Tensor> arguments)
    : kernel(kernel), symbols(std::move(symbols)), arguments(std::move(arguments)) {}

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

int64_t KernelEval::index(AffineExpr e, const std::vector<int64_t> &loops, ArrayRef<int64_t> syms) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return c.getValue();
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return loops[d.getPosition()];
  if (auto s = dyn_cast<AffineSymbolExpr>(e))
    return syms[s.getPosition()];
  auto b = cast<AffineBinaryOpExpr>(e);
  int64_t l = index(b.getLHS(), loops, syms), r = index(b.getRHS(), loops, syms);
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return l + r;
  case AffineExprKind::Mul:
    return l * r;
  case AffineExprKind::FloorDiv:
    return floorDivide(l, r);
  case AffineExprKind::Mod:
    return l - r * floorDivide(l, r);
  default:
    return -floorDivide(-l, r);
  }
}

int64_t KernelEval::extent(AffineExpr e) const {
  auto *dialect = e.getContext()->getOrLoadDialect<GraphDialect>();
  std::vector<int64_t> values;
  walkSymbols(e, [&](unsigned id) {
    if (values.size() <= id)
      values.resize(id + 1);
    values[id] = symbols.at(dialect->symbolName(id).str());
  });
  return const_cast<KernelEval *>(this)->index(e, {}, values);
}
std::vector<int64_t> KernelEval::dims(Type t) const {
  std::vector<int64_t> r;
  for (AffineExpr e : dimsOf(t))
    r.push_back(extent(e));
  return r;
}

double KernelEval::element(Value tensor, int64_t position) {
  if (auto a = dyn_cast<BlockArgument>(tensor))
    return arguments[a.getArgNumber()].at(position);
  if (auto s = tensor.getDefiningOp<ScatterOp>()) {
    if (!scattered.count(s))
      scatter(s);
    return scattered[s][position];
  }
  auto op = tensor.getDefiningOp<ComputeOp>();
  auto &seen = memory[op];
  if (auto it = seen.find(position); it != seen.end())
    return it->second;
  std::vector<int64_t> d = dims(tensor.getType()), loops(d.size());
  int64_t rest = position;
  for (int i = d.size() - 1; i >= 0; --i) {
    loops[i] = rest % d[i];
    rest /= d[i];
  }
  return seen[position] = compute(op, loops);
}

double KernelEval::compute(ComputeOp op, std::vector<int64_t> loops) {
  size_t parallel = loops.size();
  std::vector<int64_t> by;
  for (AffineExpr e : op.getBy().getExprs())
    by.push_back(extent(e));
  Reducer r = op.getReducer();
  double acc = r == Reducer::prod || r == Reducer::all     ? 1
               : r == Reducer::max || r == Reducer::argmax ? -3e38
               : r == Reducer::min                         ? 3e38
                                                           : 0;
  int64_t best = 0, count = 1;
  for (int64_t n : by)
    count *= n;
  loops.resize(parallel + by.size());
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    for (int k = by.size() - 1; k >= 0; --k) {
      loops[parallel + k] = rest % by[k];
      rest /= by[k];
    }
    Env env;
    YieldOp y = op.getYield();
    if (y.getFilter() && !scalar(y.getFilter(), loops, env))
      continue;
    double v = scalar(y.getValue(), loops, env);
    switch (r) {
    case Reducer::none:
      return v;
    case Reducer::sum:
      acc += v;
      break;
    case Reducer::prod:
      acc *= v;
      break;
    case Reducer::max:
      acc = std::max(acc, v);
      break;
    case Reducer::min:
      acc = std::min(acc, v);
      break;
    case Reducer::argmax:
      if (v > acc)
        acc = v, best = i;
      break;
    case Reducer::any:
      acc = acc != 0 || v != 0;
      break;
    case Reducer::all:
      acc = acc != 0 && v != 0;
      break;
    }
  }
  return r == Reducer::argmax ? best : acc;
}

void KernelEval::scatter(ScatterOp op) {
  std::vector<int64_t> d = dims(op.getType()), over;
  int64_t total = 1, count = 1;
  for (int64_t n : d)
    total *= n;
  for (AffineExpr e : op.getOver().getExprs())
    over.push_back(extent(e)), count *= over.back();
  std::vector<double> out(total, 0.0);
  if (op.getInit())
    for (int64_t i = 0; i < total; ++i)
      out[i] = element(op.getInit(), i);
  std::vector<int64_t> loops(over.size());
  YieldOp y = op.getYield();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    for (int k = over.size() - 1; k >= 0; --k) {
      loops[k] = rest % over[k];
      rest /= over[k];
    }
    Env env;
    if (y.getFilter() && !scalar(y.getFilter(), loops, env))
      continue;
    std::vector<int64_t> syms;
    for (Value s : y.getSymbols())
      syms.push_back(scalar(s, loops, env));
    int64_t position = 0;
    bool inside = true;
    for (auto [k, e] : llvm::enumerate(y.getMap()->getResults())) {
      int64_t p = index(e, loops, syms);
      inside &= p >= 0 && p < d[k];
      position = position * d[k] + p;
    }
    if (inside)
      out[position] += scalar(y.getValue(), loops, env);
  }
  scattered[op] = out;
}

static std::pair<uint32_t, uint32_t> philox(uint32_t key, uint32_t c0, uint32_t c1) {
  for (int i = 0; i < 10; ++i) {
    uint64_t p = (uint64_t)c0 * 0xD256D193u;
    c0 = (uint32_t)(p >> 32) ^ key ^ c1;
    c1 = (uint32_t)p;
    key += 0x9E3779B9u;
  }
  return {c0, c1};
}

double KernelEval::scalar(Value v, const std::vector<int64_t> &loops, Env &env) {
  if (auto it = env.find(v); it != env.end())
    return it->second;
  Operation *op = v.getDefiningOp();
  std::vector<double> in;
  for (Value o : op->getOperands())
    in.push_back(isa<RankedTensorType>(o.getType()) ? 0 : scalar(o, loops, env));
  std::vector<int64_t> syms;
  auto symbolsFrom = [&](size_t first) {
    for (size_t i = first; i < in.size(); ++i)
      syms.push_back(in[i]);
  };
  double r = 0;
  if (auto read = dyn_cast<ReadOp>(op)) {
    symbolsFrom(1);
    int64_t position = 0;
    for (auto [e, n] : llvm::zip(read.getMap().getResults(), dims(read.getSource().getType())))
      position = position * n + std::clamp<int64_t>(index(e, loops, syms), 0, n - 1);
    r = element(read.getSource(), position);
  } else if (auto x = dyn_cast<IndexOp>(op)) {
    symbolsFrom(0);
    r = index(x.getMap().getResult(0), loops, syms);
  } else if (auto x = dyn_cast<InsideOp>(op)) {
    symbolsFrom(0);
    r = 1;
    for (auto [e, n] : llvm::zip(x.getMap().getResults(), x.getDims().getExprs())) {
      int64_t i = index(e, loops, syms);
      r = r && i >= 0 && i < extent(n);
    }
  } else if (auto x = dyn_cast<SizeOp>(op)) {
    r = extent(x.getDims()[0]);
  } else if (auto x = dyn_cast<RandomOp>(op)) {
    symbolsFrom(1);
    int64_t position = 0;
    for (auto [e, n] : llvm::zip(x.getMap().getResults(), x.getDims().getExprs()))
      position = position * extent(n) + index(e, loops, syms);
    auto [w0, w1] =
        philox((uint32_t)(int64_t)element(x.getState(), 0) ^ x.getSite(), position, (uint32_t)(int64_t)element(x.getState(), 1));
    r = x.getDraw() == Draw::uniform ? (w0 >> 8) * 0x1p-24
                                     : std::sqrt(-2 * std::log(((w0 >> 8) + 1.0) * 0x1p-24)) * std::cos(2 * M_PI * (w1 >> 8) * 0x1p-24);
  } else {
    r = operation(op, in);
  }
  return env[v] = r;
}

double KernelEval::operation(Operation *op, ArrayRef<double> in) {
  StringRef n = op->getName().stripDialect();
  bool isFloat = isa<FloatType>(op->getResult(0).getType());
  if (auto c = dyn_cast<arith::ConstantOp>(op)) {
    if (auto f = dyn_cast<FloatAttr>(c.getValue()))
      return f.getValueAsDouble();
    auto i = cast<IntegerAttr>(c.getValue());
    return i.getType().isInteger(1) ? !i.getValue().isZero() : (double)i.getInt();
  }
  if (auto c = dyn_cast<arith::CmpFOp>(op)) {
    StringRef p = stringifyEnum(c.getPredicate()).drop_front();
    return p == "eq"   ? in[0] == in[1]
           : p == "ne" ? in[0] != in[1]
           : p == "lt" ? in[0] < in[1]
           : p == "le" ? in[0] <= in[1]
           : p == "gt" ? in[0] > in[1]
                       : in[0] >= in[1];
  }
  if (auto c = dyn_cast<arith::CmpIOp>(op)) {
    StringRef p = stringifyEnum(c.getPredicate());
    return p == "eq"                  ? in[0] == in[1]
           : p == "ne"                ? in[0] != in[1]
           : p == "slt" || p == "ult" ? in[0] < in[1]
           : p == "sle" || p == "ule" ? in[0] <= in[1]
           : p == "sgt" || p == "ugt" ? in[0] > in[1]
                                      : in[0] >= in[1];
  }
  int64_t a = !in.empty() ? (int64_t)in[0] : 0, b = in.size() > 1 ? (int64_t)in[1] : 0;
  if (n == "addf" || n == "addi")
    return in[0] + in[1];
  if (n == "subf" || n == "subi")
    return in[0] - in[1];
  if (n == "mulf" || n == "muli")
    return in[0] * in[1];
  if (n == "divf")
    return in[0] / in[1];
  if (n == "remf")
    return std::fmod(in[0], in[1]);
  if (n == "negf")
    return -in[0];
  if (n == "floordivsi")
    return floorDivide(a, b);
  if (n == "divsi")
    return a / b;
  if (n == "remsi")
    return a % b;
  if (n.starts_with("max"))
    return std::max(in[0], in[1]);
  if (n.starts_with("min"))
    return std::min(in[0], in[1]);
  if (n == "andi")
    return a & b;
  if (n == "ori")
    return a | b;
  if (n == "xori")
    return a ^ b;
  if (n == "select")
    return in[0] ? in[1] : in[2];
  if (n == "truncf")
    return op->getResult(0).getType().isBF16() ? fromBits(roundBf16(in[0])) : in[0];
  if (n == "fptosi")
    return std::trunc(in[0]);
  if (n == "sitofp" || n == "uitofp" || n == "extui" || n == "extf" || n == "stop")
    return in[0];
  if (n == "extsi")
    return in[0];
  if (n == "exp")
    return std::exp(in[0]);
  if (n == "exp2")
    return std::exp2(in[0]);
  if (n == "expm1")
    return std::expm1(in[0]);
  if (n == "log")
    return std::log(in[0]);
  if (n == "log2")
    return std::log2(in[0]);
  if (n == "log1p")
    return std::log1p(in[0]);
  if (n == "sqrt")
    return std::sqrt(in[0]);
  if (n == "rsqrt")
    return 1 / std::sqrt(in[0]);
  if (n == "tanh")
    return std::tanh(in[0]);
  if (n == "erf")
    return std::erf(in[0]);
  if (n == "sin")
    return std::sin(in[0]);
  if (n == "cos")
    return std::cos(in[0]);
  if (n == "powf" || n == "fpowi")
    return std::pow(in[0], in[1]);
  if (n == "absf" || n == "absi")
    return std::abs(in[0]);
  if (n == "floor")
    return std::floor(in[0]);
  if (n == "ceil")
    return std::ceil(in[0]);
  if (n == "roundeven" || n == "round")
    return isFloat ? std::nearbyint(in[0]) : in[0];
  if (n == "trunc")
    return std::trunc(in[0]);
  if (n == "copysign")
    return std::copysign(in[0], in[1]);
  if (n == "fma")
    return in[0] * in[1] + in[2];
  op->emitError() << "expected an operation with a value here, but got " << op->getName();
  exit(1);
}

} // namespace tintype::test
