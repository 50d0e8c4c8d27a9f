//===- KernelData.cpp - memory that one kernel runs on --------------------===//
#include "tools/tune/KernelData.h"
#include <cmath>
#include <cstring>
#include <sys/mman.h>

using namespace mlir;
using namespace tintype::graph;

namespace tintype::tune {

static constexpr int64_t kPage = 4096, kCanary = 0x5b;

int64_t extentAt(AffineExpr e, const Dims &dims) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return c.getValue();
  if (auto s = dyn_cast<AffineSymbolExpr>(e)) {
    auto it = dims.find(e.getContext()->getOrLoadDialect<GraphDialect>()->symbolName(s.getPosition()).str());
    return it == dims.end() ? 64 : it->second;
  }
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return 1;
  int64_t l = extentAt(b.getLHS(), dims), r = extentAt(b.getRHS(), dims);
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return l + r;
  case AffineExprKind::Mul:
    return l * r;
  case AffineExprKind::FloorDiv:
    return r > 0 ? l / r : 0;
  case AffineExprKind::Mod:
    return r > 0 ? l % r : 0;
  default:
    return r > 0 ? llvm::divideCeil(l, r) : 0;
  }
}
std::vector<int64_t> extentsAt(Type tensor, const Dims &dims) {
  std::vector<int64_t> r;
  for (AffineExpr e : dimsOf(tensor))
    r.push_back(extentAt(e, dims));
  return r;
}
int64_t elementsAt(Type tensor, const Dims &dims) {
  int64_t n = 1;
  for (int64_t d : extentsAt(tensor, dims))
    n = std::min<int64_t>(n * std::max<int64_t>(d, 0), int64_t(1) << 40);
  return n;
}
int64_t elementBytes(Type tensor) { return std::max<int64_t>(cast<RankedTensorType>(tensor).getElementTypeBitWidth() / 8, 1); }
int64_t dataBytes(func::FuncOp kernel, const Dims &dims) {
  int64_t bytes = 0;
  for (Type t : kernel.getArgumentTypes())
    bytes += elementsAt(t, dims) * elementBytes(t);
  for (Type t : kernel.getResultTypes())
    bytes += 3 * elementsAt(t, dims) * elementBytes(t);
  return bytes;
}

Guarded::Guarded(int64_t bytes) : bytes(bytes) {
  // The last vector may be read past the end, as in the runtime's arena.
  mapped = llvm::alignTo(bytes + 256, kPage) + 3 * kPage;
  base = (char *)mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == (char *)MAP_FAILED) {
    base = nullptr;
    return;
  }
  madvise(base, mapped, MADV_HUGEPAGE);
  mprotect(base, kPage, PROT_NONE);
  mprotect(base + mapped - kPage, kPage, PROT_NONE);
  at = base + 2 * kPage;
  memset(base + kPage, kCanary, kPage);
  memset(at + bytes, kCanary, base + mapped - kPage - (at + bytes));
}
Guarded::~Guarded() {
  if (base)
    munmap(base, mapped);
}
bool Guarded::isIntact() const {
  auto whole = [](const char *from, const char *to) { return std::all_of(from, to, [](char c) { return c == kCanary; }); };
  return whole(base + kPage, at) && whole(at + bytes, base + mapped - kPage);
}
void Guarded::setReadOnly(bool readOnly) { mprotect(base + kPage, mapped - 2 * kPage, readOnly ? PROT_READ : PROT_READ | PROT_WRITE); }

/// Whether `v` is computed from an element of `source`.
static bool comesFrom(Value v, Value source) {
  Operation *op = v.getDefiningOp();
  if (!op)
    return false;
  if (auto read = dyn_cast<ReadOp>(op))
    return read.getSource() == source;
  return llvm::any_of(op->getOperands(), [&](Value x) { return comesFrom(x, source); });
}

/// What values of the index tensor `argument` must lie below: the smallest dim that they pick from.
static int64_t boundOf(func::FuncOp kernel, Value argument, const Dims &dims) {
  int64_t bound = 1 << 30;
  auto look = [&](AffineMap map, ValueRange symbols, ArrayRef<AffineExpr> extents) {
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      map.getResult(i).walk([&](AffineExpr x) {
        auto s = dyn_cast<AffineSymbolExpr>(x);
        if (s && s.getPosition() < symbols.size() && comesFrom(symbols[s.getPosition()], argument))
          bound = std::min(bound, std::max<int64_t>(extentAt(extents[i], dims), 1));
      });
  };
  kernel.walk([&](Operation *op) {
    if (auto read = dyn_cast<ReadOp>(op))
      look(read.getMap(), read.getSymbols(), dimsOf(read.getSource().getType()));
    if (auto scatter = dyn_cast<ScatterOp>(op))
      look(*scatter.getYield().getMap(), scatter.getYield().getSymbols(), dimsOf(scatter.getType()));
  });
  return bound == 1 << 30 ? 8 : bound;
}

KernelData::KernelData(func::FuncOp kernel, const Dims &dims) {
  auto isNarrow = [](Type t) { return getElementTypeOrSelf(t).isBF16(); };
  isRounded = llvm::any_of(kernel.getResultTypes(), isNarrow);
  kernel.walk([&](Operation *op) { isRounded |= llvm::any_of(op->getOperandTypes(), isNarrow); });
  auto make = [&](Type type) {
    Tensor t;
    t.dims = extentsAt(type, dims);
    t.type = cast<RankedTensorType>(type).getElementType();
    t.width = elementBytes(type);
    t.count = elementsAt(type, dims);
    return t;
  };
  for (BlockArgument a : kernel.getArguments()) {
    Tensor t = make(a.getType());
    t.memory = std::make_unique<Guarded>(t.count * t.width);
    if (t.type.isInteger(32))
      t.idBound = boundOf(kernel, a, dims);
    arguments.push_back(std::move(t));
  }
  auto inplace = kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    Tensor t = make(type);
    if (inplace && i < (size_t)inplace.size() && inplace[i] >= 0)
      t.argument = inplace[i];
    else
      t.memory = std::make_unique<Guarded>(t.count * t.width);
    outputs.push_back(std::move(t));
  }
  if (auto names = kernel->getAttrOfType<ArrayAttr>("graph.symbols"))
    for (StringRef s : names.getAsValueRange<StringAttr>()) {
      auto it = dims.find(s.str());
      symbols.push_back(it == dims.end() ? 64 : it->second);
    }
}

char *KernelData::result(size_t i) const {
  const Tensor &t = outputs[i];
  return t.memory ? t.memory->data() : arguments[t.argument].memory->data();
}

/// xorshift*: fast, and the same everywhere.
static uint32_t next(uint64_t &state) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return (state * 2685821657736338717ull) >> 32;
}

void KernelData::fill(uint64_t seed, double low, double high) {
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (Tensor &t : arguments) {
    char *p = t.memory->data();
    for (int64_t i = 0; i < t.count; ++i) {
      double u = next(state) * 0x1p-32;
      if (t.type.isF32()) {
        float f = low + u * (high - low);
        memcpy(p + i * 4, &f, 4);
      } else if (t.type.isBF16()) {
        float f = low + u * (high - low);
        memcpy(p + i * 2, (char *)&f + 2, 2);
      } else if (t.type.isInteger(1)) {
        p[i] = u < 0.5;
      } else if (t.width == 4) {
        int32_t n = u * t.idBound;
        memcpy(p + i * 4, &n, 4);
      } else {
        memset(p + i * t.width, 0, t.width);
      }
    }
  }
}

void KernelData::clearResults() {
  for (Tensor &t : outputs)
    if (t.memory)
      memset(t.memory->data(), 0x41, t.memory->size());
}

std::vector<std::vector<char>> KernelData::results() const {
  std::vector<std::vector<char>> r;
  for (size_t i = 0; i < outputs.size(); ++i)
    r.emplace_back(result(i), result(i) + outputs[i].count * outputs[i].width);
  return r;
}

void KernelData::protectArguments(bool readOnly) {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (llvm::none_of(outputs, [&](const Tensor &t) { return t.argument == (int)i; }))
      arguments[i].memory->setReadOnly(readOnly);
}

std::string KernelData::damage() const {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (!arguments[i].memory->isIntact())
      return "wrote beside argument " + std::to_string(i);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].memory && !outputs[i].memory->isIntact())
      return "wrote beside result " + std::to_string(i);
  return {};
}

static double valueAt(const KernelData::Tensor &t, const char *p, int64_t i) {
  if (t.type.isF32()) {
    float f;
    memcpy(&f, p + i * 4, 4);
    return f;
  }
  if (t.type.isBF16()) {
    float f = 0;
    memcpy((char *)&f + 2, p + i * 2, 2);
    return f;
  }
  if (t.width == 4) {
    int32_t n;
    memcpy(&n, p + i * 4, 4);
    return n;
  }
  return p[i * t.width];
}

double KernelData::partNotFinite(const std::vector<std::vector<char>> &results) const {
  int64_t bad = 0, all = 1;
  for (auto [t, bytes] : llvm::zip(outputs, results))
    for (int64_t i = 0; i < t.count; ++i, ++all)
      bad += !std::isfinite(valueAt(t, bytes.data(), i));
  return double(bad) / all;
}

std::string KernelData::difference(const std::vector<std::vector<char>> &want, const std::vector<std::vector<char>> &got) const {
  for (auto [r, t] : llvm::enumerate(outputs)) {
    bool isFloat = isa<FloatType>(t.type);
    // Sums in another order: a part of the largest value, with room for long ones.
    double largest = 0, tolerance = isRounded ? 2e-2 : 1e-4;
    for (int64_t i = 0; i < t.count; ++i)
      if (double w = std::abs(valueAt(t, want[r].data(), i)); std::isfinite(w))
        largest = std::max(largest, w);
    for (int64_t i = 0; i < t.count; ++i) {
      double w = valueAt(t, want[r].data(), i), g = valueAt(t, got[r].data(), i);
      bool same = !isFloat ? w == g : std::isfinite(w) ? std::abs(w - g) <= tolerance * largest : !std::isfinite(g);
      if (!same) {
        char text[160];
        snprintf(text, sizeof(text), "result %zu at %lld: expected %.7g, but got %.7g", r, (long long)i, w, g);
        return text;
      }
    }
  }
  return {};
}

} // namespace tintype::tune
