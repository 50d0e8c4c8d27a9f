//===- Dims.cpp - extents as expressions over runtime dimensions ----------===//
// `#graph.dims<B, T + 1, H * W>`: text, normal form, tensor types.
//===----------------------------------------------------------------------===//
#include "dialects/graph/Graph.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace mlir;
namespace tintype::graph {

unsigned GraphDialect::symbolId(StringRef name) {
  std::lock_guard<std::mutex> lock(*mutex);
  auto [it, isNew] = ids.try_emplace(name, names.size());
  if (isNew)
    names.push_back(name.str());
  return it->second;
}

StringRef GraphDialect::symbolName(unsigned id) {
  std::lock_guard<std::mutex> lock(*mutex);
  return id < names.size() ? StringRef(ids.find(names[id])->getKey()) : StringRef("?");
}

AffineExpr runtimeDim(MLIRContext *ctx, StringRef name) {
  return getAffineSymbolExpr(ctx->getOrLoadDialect<GraphDialect>()->symbolId(name), ctx);
}

//===-- normal form -------------------------------------------------------===//

namespace {
/// A product of atoms, sorted by their text; an atom is a runtime dimension or
/// an opaque quotient or remainder.
using Monomial = std::vector<std::pair<std::string, AffineExpr>>;
/// Monomial text -> (monomial, coefficient).
using Polynomial = std::map<std::string, std::pair<Monomial, int64_t>>;
} // namespace

static void addTerm(Polynomial &p, Monomial m, int64_t c) {
  std::sort(m.begin(), m.end(), [](auto &a, auto &b) { return a.first < b.first; });
  std::string key;
  for (auto &[text, atom] : m)
    key += text + "*";
  auto &slot = p[key];
  slot.first = m;
  slot.second += c;
  if (slot.second == 0)
    p.erase(key);
}

static Polynomial flatten(AffineExpr e) {
  Polynomial p;
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    addTerm(p, {}, c.getValue());
    return p;
  }
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (b && (b.getKind() == AffineExprKind::Add || b.getKind() == AffineExprKind::Mul)) {
    Polynomial l = flatten(b.getLHS()), r = flatten(b.getRHS());
    if (b.getKind() == AffineExprKind::Add) {
      for (auto &[key, term] : r)
        addTerm(l, term.first, term.second);
      return l;
    }
    for (auto &[kl, tl] : l)
      for (auto &[kr, tr] : r) {
        Monomial m = tl.first;
        m.insert(m.end(), tr.first.begin(), tr.first.end());
        addTerm(p, m, tl.second * tr.second);
      }
    return p;
  }
  AffineExpr atom = e;
  if (b) {
    AffineExpr l = canonicalDim(b.getLHS()), r = canonicalDim(b.getRHS());
    atom = getAffineBinaryOpExpr(b.getKind(), l, r);
    if (atom != e && !(isa<AffineBinaryOpExpr>(atom) && atom.getKind() == b.getKind()))
      return flatten(atom);
  }
  addTerm(p, {{printDim(atom), atom}}, 1);
  return p;
}

/// A product of runtime dims and numbers, as nearly all extents are: these need no polynomial. Null for others.
static AffineExpr canonicalProduct(AffineExpr e) {
  auto *dialect = e.getContext()->getOrLoadDialect<GraphDialect>();
  int64_t coefficient = 1;
  SmallVector<std::pair<StringRef, AffineExpr>> atoms;
  SmallVector<AffineExpr> todo{e};
  while (!todo.empty()) {
    AffineExpr x = todo.pop_back_val();
    auto b = dyn_cast<AffineBinaryOpExpr>(x);
    if (b && b.getKind() == AffineExprKind::Mul)
      todo.append({b.getLHS(), b.getRHS()});
    else if (auto c = dyn_cast<AffineConstantExpr>(x))
      coefficient *= c.getValue();
    else if (auto s = dyn_cast<AffineSymbolExpr>(x))
      atoms.push_back({dialect->symbolName(s.getPosition()), x});
    else
      return {};
  }
  llvm::sort(atoms, [](auto &a, auto &b) { return a.first < b.first; });
  AffineExpr product;
  for (auto &[text, atom] : atoms)
    product = product ? product * atom : atom;
  return product ? product * coefficient : getAffineConstantExpr(coefficient, e.getContext());
}

AffineExpr canonicalDim(AffineExpr e) {
  if (isa<AffineConstantExpr, AffineSymbolExpr, AffineDimExpr>(e))
    return e;
  if (AffineExpr product = canonicalProduct(e))
    return product;
  AffineExpr sum = getAffineConstantExpr(0, e.getContext());
  int64_t constant = 0;
  bool first = true;
  for (auto &[key, term] : flatten(e)) {
    if (term.first.empty()) {
      constant = term.second;
      continue;
    }
    AffineExpr m;
    for (auto &[text, atom] : term.first)
      m = m ? m * atom : atom;
    if (term.second != 1)
      m = m * term.second;
    sum = first ? m : sum + m;
    first = false;
  }
  return first ? getAffineConstantExpr(constant, e.getContext()) : sum + constant;
}

AffineExpr productOf(ArrayRef<AffineExpr> exprs, MLIRContext *ctx) {
  AffineExpr p = getAffineConstantExpr(1, ctx);
  for (AffineExpr e : exprs)
    p = p * e;
  return canonicalDim(p);
}

void walkSymbols(AffineExpr e, llvm::function_ref<void(unsigned)> fn) {
  e.walk([&](AffineExpr x) {
    if (auto s = dyn_cast<AffineSymbolExpr>(x))
      fn(s.getPosition());
  });
}

//===-- text --------------------------------------------------------------===//

static void print(AffineExpr e, raw_ostream &os, int level) {
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    os << c.getValue();
    return;
  }
  if (auto s = dyn_cast<AffineSymbolExpr>(e)) {
    os << e.getContext()->getOrLoadDialect<GraphDialect>()->symbolName(s.getPosition());
    return;
  }
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    os << "d" << d.getPosition();
    return;
  }
  auto b = cast<AffineBinaryOpExpr>(e);
  bool isSum = b.getKind() == AffineExprKind::Add;
  StringRef sign = isSum                                     ? " + "
                   : b.getKind() == AffineExprKind::Mul      ? " * "
                   : b.getKind() == AffineExprKind::FloorDiv ? " floordiv "
                   : b.getKind() == AffineExprKind::Mod      ? " mod "
                                                             : " ceildiv ";
  int mine = isSum ? 0 : 1;
  if (mine < level)
    os << "(";
  print(b.getLHS(), os, mine);
  os << sign;
  print(b.getRHS(), os, isSum ? 0 : 2);
  if (mine < level)
    os << ")";
}

std::string printDim(AffineExpr e) {
  std::string s;
  llvm::raw_string_ostream os(s);
  print(e, os, 0);
  return s;
}

static FailureOr<AffineExpr> parseDim(AsmParser &p, int level = 0);

static FailureOr<AffineExpr> parseAtom(AsmParser &p) {
  MLIRContext *ctx = p.getContext();
  int64_t value;
  if (OptionalParseResult r = p.parseOptionalInteger(value); r.has_value())
    return failed(*r) ? FailureOr<AffineExpr>() : getAffineConstantExpr(value, ctx);
  if (succeeded(p.parseOptionalLParen())) {
    auto e = parseDim(p);
    if (failed(e) || p.parseRParen())
      return failure();
    return e;
  }
  StringRef name;
  if (failed(p.parseOptionalKeyword(&name)) || name == "floordiv" || name == "mod" || name == "ceildiv")
    return failure();
  return runtimeDim(ctx, name);
}

/// Precedence climbing: level 0 reads sums, level 1 products and quotients.
static FailureOr<AffineExpr> parseDim(AsmParser &p, int level) {
  auto lhs = level == 1 ? parseAtom(p) : parseDim(p, 1);
  while (succeeded(lhs)) {
    if (level == 0) {
      if (failed(p.parseOptionalPlus()))
        return lhs;
      auto rhs = parseDim(p, 1);
      if (failed(rhs))
        return failure();
      lhs = *lhs + *rhs;
      continue;
    }
    auto kind = succeeded(p.parseOptionalStar())                ? AffineExprKind::Mul
                : succeeded(p.parseOptionalKeyword("floordiv")) ? AffineExprKind::FloorDiv
                : succeeded(p.parseOptionalKeyword("mod"))      ? AffineExprKind::Mod
                                                                : AffineExprKind::SymbolId;
    if (kind == AffineExprKind::SymbolId)
      return lhs;
    auto rhs = parseAtom(p);
    if (failed(rhs))
      return failure();
    lhs = getAffineBinaryOpExpr(kind, *lhs, *rhs);
  }
  return lhs;
}

Attribute DimsAttr::parse(AsmParser &p, Type) {
  SmallVector<AffineExpr> exprs;
  if (p.parseLess())
    return {};
  if (succeeded(p.parseOptionalGreater()))
    return DimsAttr::get(p.getContext(), exprs);
  do {
    auto e = parseDim(p);
    if (failed(e))
      return p.emitError(p.getCurrentLocation(), "expected an extent"), Attribute();
    exprs.push_back(*e);
  } while (succeeded(p.parseOptionalComma()));
  if (p.parseGreater())
    return {};
  return DimsAttr::get(p.getContext(), exprs);
}

void DimsAttr::print(AsmPrinter &p) const {
  p << "<";
  llvm::interleaveComma(getExprs(), p, [&](AffineExpr e) { p << printDim(e); });
  p << ">";
}

ParseResult parseBareDims(OpAsmParser &p, DimsAttr &dims) {
  dims = dyn_cast_or_null<DimsAttr>(DimsAttr::parse(p, {}));
  return success(bool(dims));
}
void printBareDims(OpAsmPrinter &p, Operation *, DimsAttr dims) { dims.print(p); }

//===-- tensor types ------------------------------------------------------===//

LogicalResult DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, llvm::function_ref<InFlightDiagnostic()> emitError) const {
  // dims_c1
  if (size() != shape.size())
    return emitError() << "expected " << shape.size() << " extents for a tensor of that rank, but got " << *this;
  // dims_c2
  for (auto [extent, number] : llvm::zip(getExprs(), shape)) {
    auto c = dyn_cast<AffineConstantExpr>(extent);
    if (ShapedType::isDynamic(number) ? bool(c) : !c || c.getValue() != number)
      return emitError() << "expected extent "
                         << (ShapedType::isDynamic(number) ? "of a dynamic dim to name a runtime dimension" : std::to_string(number))
                         << ", but got " << printDim(extent);
  }
  return success();
}

SmallVector<AffineExpr> dimsOf(Type type) {
  auto t = cast<RankedTensorType>(type);
  if (auto dims = dyn_cast_or_null<DimsAttr>(t.getEncoding()))
    return SmallVector<AffineExpr>(dims.getExprs());
  SmallVector<AffineExpr> r;
  for (int64_t n : t.getShape())
    r.push_back(getAffineConstantExpr(n, t.getContext()));
  return r;
}

RankedTensorType tensorOf(ArrayRef<AffineExpr> dims, Type element) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> normal;
  bool isStatic = true;
  for (AffineExpr e : dims) {
    normal.push_back(canonicalDim(e));
    auto c = dyn_cast<AffineConstantExpr>(normal.back());
    isStatic &= bool(c);
    shape.push_back(c ? c.getValue() : ShapedType::kDynamic);
  }
  Attribute encoding = isStatic ? Attribute() : DimsAttr::get(element.getContext(), normal);
  return RankedTensorType::get(shape, element, encoding);
}

} // namespace tintype::graph
