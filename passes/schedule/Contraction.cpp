//===- Contraction.cpp - sums of products on packed panels ----------------===//
// For a block of the result, K in chunks of KC (outermost):
//
//   B(nv, k, no)  the panels of NR columns      A(mv, k, mo)  strips of MR rows, packed unless rows lie along k
//   acc(nv, mv, no, mo) += A * B                one register tile over a chunk
//   C(nv, mv, no, mo) += acc                    the block, in cache
//
// and consumers read C(n % NR, m % MR, n / NR, m / MR). The block as an
// accumulator of its own keeps scalar code that follows (with its constants)
// out of the register tile, where it would spill accumulators. Rows and columns
// past the end repeat the last one: every loop of the tile has constant bounds.
//
// Where both sides are rounded to bf16 and the machine multiplies pairs of them,
// panels hold pairs, B(kk, nv, k, no) and A(kk, mv, k, mo), of elements 2 * k + kk:
// the form that becomes one vdpbf16ps for each vector. Rows of bf16 along k hold them
// as they lie. Elsewhere a panel holds the rounded values as f32, and everything else
// is the same. On matrix tiles: TileContraction.cpp.
//===----------------------------------------------------------------------===//
#include "passes/schedule/Contraction.h"
#include "passes/schedule/TileParts.h"
#include <numeric>

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

/// Vectors times rows accumulators must fit the register file (32, or 16 below
/// AVX-512) beside one row of B; among those the one that wastes least of N.
static Tile registerTile(const Machine &machine, AffineExpr n) {
  int v = machine.vectorWidth;
  SmallVector<Tile> tiles =
      v >= 16 ? SmallVector<Tile>{{v, 3, 8}, {v, 4, 6}, {v, 2, 12}, {v, 1, 12}} : SmallVector<Tile>{{v, 2, 6}, {v, 3, 4}, {v, 1, 12}};
  Tile best = tiles[0];
  if (auto size = constantOf(n)) {
    auto padded = [&](Tile t) { return (double)llvm::alignTo(*size, t.width * t.vectors); };
    for (Tile t : tiles)
      if (padded(t) < padded(best) * 0.96)
        best = t;
  } else {
    best = v >= 16 ? tiles[1] : tiles[0]; // runtime dims tend to be powers of two
  }
  best.vectors = machine.value("nrv", best.vectors);
  best.rows = machine.value("mr", best.rows);
  return best;
}

Tile Lowering::chooseTile(ComputeOp op, const Contraction &c) const {
  AffineExpr n = op.getOver()[c.n];
  if (!isOnTiles(c))
    return registerTile(machine, n);
  return {16, constantOf(n).value_or(32) <= 16 ? 1 : 2, 32};
}

/// Index of the point in a mixed radix system: the values of several loops out of one.
static SmallVector<Value> decode(Body &b, Value k, ArrayRef<AffineExpr> extents) {
  SmallVector<Value> digits(extents.size());
  for (int i = extents.size() - 1; i >= 0; --i) {
    if (i == 0) {
      digits[i] = k;
      break;
    }
    if (auto c = dyn_cast<AffineConstantExpr>(extents[i])) {
      AffineExpr d0 = b.b.getAffineDimExpr(0);
      digits[i] = b.apply(d0 % c.getValue(), {k});
      k = b.apply(d0.floorDiv(c.getValue()), {k});
      continue;
    }
    Value n = b.size(extents[i]);
    Value q = arith::FloorDivSIOp::create(b.b, b.loc, k, n);
    Value whole = arith::MulIOp::create(b.b, b.loc, q, n);
    digits[i] = arith::SubIOp::create(b.b, b.loc, k, whole);
    k = q;
  }
  return digits;
}

Value unrounded(Value v) {
  auto round = v.getDefiningOp<arith::ExtFOp>().getIn().getDefiningOp<arith::TruncFOp>();
  return round && round.getIn().getType().isF32() ? round.getIn() : Value();
}

static SmallVector<Value> append(SmallVector<Value> head, ArrayRef<Value> tail) {
  head.append(tail.begin(), tail.end());
  return head;
}

/// How much of K a block takes at once. Where strips of A pass panels of B all of
/// it, if that leaves a panel in the second-level cache; else a panel of B
/// stays in the first level while the strips of A pass.
int64_t Lowering::chunkOf(ComputeOp op, const Contraction &c) {
  int64_t width = isPaired(c) ? 2 : 1; // elements in the space of one
  int64_t most = c.isInParts ? (c.streamsA ? 1024 : 128) : (c.streamsA ? 3072 : 512) * width;
  auto k = constantOf(productOf(op.getBy().getExprs(), ctx));
  if (k && *k <= machine.value("ks", most))
    return *k;
  return machine.value("kc", c.isInParts ? (c.streamsA ? 512 : 128) : isOnTiles(c) ? 256 : c.streamsA ? 1024 : 128 * width);
}

ContractionLowering::ContractionLowering(Lowering &l, ComputeOp op, const Contraction &c, StringRef name)
    : l(l), op(op), c(c), loc(op.getLoc()), machine(l.machine), ctx(l.ctx), parallel(op.getNumParallel()), loops(op.getNumLoops()),
      by(op.getBy().getExprs()), M(op.getOver()[c.m]), N(op.getOver()[c.n]), all(productOf(by, ctx)), paired(l.isPaired(c)),
      onTiles(l.isOnTiles(c)), inParts(c.isInParts), K(paired || inParts ? canonicalDim((all + 1).floorDiv(2)) : all),
      t(l.chooseTile(op, c)), V(t.width), NR(V * t.vectors), MR(t.rows), f32(Float32Type::get(ctx)),
      panelType(paired ? Type(BFloat16Type::get(ctx)) : f32), B((name + "_b").str()), A((name + "_a").str()), C(name.str()),
      T((name + "_t").str()) {
  cutSum();
  acc = onTiles ? C : C + "_acc";
  restC.assign(c.rest.rbegin(), c.rest.rend());
  varsA = varsOf(c.inA, restA);
  varsB = varsOf(c.inB, restB);
  for (unsigned i : restC)
    varsC.push_back("i" + std::to_string(i));
  if (paired)
    pair = {"kk"};
  // Rows along k are turned 16 x 16 at a time, vectors of k in and vectors of n
  // out, which wants the vectors of a panel one after the other.
  bool isAlongRows = c.bAlongK && !c.bAlongN;
  isTurned = !paired && !inParts && isAlongRows && machine.value("turn", 1);
  // Rows of f32 that are rounded are turned first, in pieces of V x V.
  beforeRounding = paired && isAlongRows && by.size() == 1 ? unrounded(c.b[0]) : Value();
  packAlongK = isPacked && c.aAlongK && !c.aAlongM;
  // Strips of A that lie along m are whole cache lines wide: a line is written once, by one vector.
  AW = !onTiles && !packAlongK && c.aAlongM ? machine.value("aw", std::lcm(MR, V)) : MR;
  accVars = joined(isChunked && acc != C ? Strings{"nv", "mv", "no", "mo", "ko"} : Strings{"nv", "mv", "no", "mo"}, varsC);
  turn = isUnrolled ? Strings{"ri", "r"} : Strings{"r"};
  // A chunk of a panel stays in L1 while packed strips of A pass; else, and with panels of a few narrow vectors, a strip of
  // A stays, and panels pass.
  isStripOuter = machine.value("strip", !isChunked || c.streamsA || V < 16);
}

/// K in chunks: a few equal ones when it is known.
void ContractionLowering::cutSum() {
  chunk = paired || inParts ? llvm::divideCeil(l.chunkOf(op, c), 2) : l.chunkOf(op, c);
  std::optional<int64_t> fixedK = constantOf(K);
  isPacked = onTiles || machine.value("packa", !c.plainA);
  steps = onTiles ? wordsInStep : machine.value("ur", 4);
  if (onTiles) // whole steps, whatever a setting says
    chunk = llvm::alignTo(chunk, steps);
  isChunked = !fixedK || *fixedK > chunk;
  isExact = false;
  if (isChunked && fixedK) {
    int64_t n = llvm::divideCeil(*fixedK, chunk);
    chunk = llvm::alignTo(llvm::divideCeil(*fixedK, n), onTiles ? steps : 1);
    n = llvm::divideCeil(*fixedK, chunk);
    isExact = n * chunk == *fixedK;
    numChunks = getAffineConstantExpr(n, ctx);
  } else if (isChunked) {
    numChunks = (K + (chunk - 1)).floorDiv(chunk);
  }
  // Several steps of k in one turn of the loop. Where some may be left over, panels go on with zeros.
  bool isWhole = !isChunked || isExact;
  isUnrolled = steps > 1 && (onTiles || ((isChunked ? chunk : *fixedK) % steps == 0 && (isWhole || isPacked)));
  isPadded = (isUnrolled && (!isWhole || *fixedK % steps != 0)) || ((paired || inParts) && (!constantOf(all) || *constantOf(all) % 2 != 0));
}

Strings ContractionLowering::varsOf(const llvm::SmallBitVector &side, SmallVector<unsigned> &dims) const {
  Strings names;
  for (unsigned i : llvm::reverse(c.rest))
    if (side[i]) {
      names.push_back("i" + std::to_string(i));
      dims.push_back(i);
    }
  return names;
}

SmallVector<Value> ContractionLowering::pick(ArrayRef<Value> rest, ArrayRef<unsigned> dims) const {
  SmallVector<Value> p;
  for (unsigned d : dims)
    p.push_back(rest[llvm::find(restC, d) - restC.begin()]);
  return p;
}

Value ContractionLowering::product(Body &b, ArrayRef<Value> factors, unsigned dim, Value at, Value whole, ArrayRef<unsigned> rest,
                                   ArrayRef<Value> restValues) const {
  Value k = isPadded ? b.minimum(whole, b.size(all - 1)) : whole;
  Value zero = b.constant(0);
  SmallVector<Value> lv(loops, zero);
  lv[dim] = at;
  for (auto [i, v] : llvm::zip(rest, restValues))
    lv[i] = v;
  for (auto [i, v] : llvm::enumerate(decode(b, k, by)))
    lv[parallel + i] = v;
  Value p;
  for (Value f : factors) {
    Value x = b.scalar(paired ? f.getDefiningOp<arith::ExtFOp>().getIn() : f, lv);
    p = p ? Value(arith::MulFOp::create(b.b, b.loc, p, x)) : x;
  }
  if (isPadded && dim == c.n) // one side is enough
    p = arith::SelectOp::create(b.b, loc, b.less(whole, b.size(all)), p, b.constant(panelType, 0));
  return p;
}

Value ContractionLowering::lastOf(Body &b, Value outer, int factor, Value inner, AffineExpr extent) {
  Value at = b.tile(outer, factor, inner);
  auto known = constantOf(extent);
  return known && *known % factor == 0 ? at : b.minimum(at, b.size(extent - 1));
}

void ContractionLowering::turnedColumns() {
  l.func(T, joined({"l", "k", "n"}, varsB), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    SmallVector<Value> lv(loops, b.constant(0));
    auto known = constantOf(N);
    lv[c.n] = b.tile(v[2], V, v[0]);
    if (!known || *known % NR) // the last panel may go on past the end
      lv[c.n] = b.minimum(lv[c.n], b.size(N - 1));
    lv[parallel] = b.minimum(v[1], b.size(all - 1));
    for (auto [i, x] : llvm::zip(restB, v.drop_front(3)))
      lv[i] = x;
    return {b.scalar(beforeRounding, lv)};
  });
  l.func(B, joined({"kk", "nv", "k", "no"}, varsB), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    AffineExpr d0 = getAffineDimExpr(0, ctx);
    Value k = b.tile(v[2], 2, v[0]), n = b.tile(v[3], NR, v[1]);
    Value x = b.load(T, append({b.apply(d0 % V, {n}), k, b.apply(d0.floorDiv(V), {n})}, v.drop_front(4)), f32);
    x = arith::TruncFOp::create(b.b, loc, panelType, x);
    if (isPadded)
      x = arith::SelectOp::create(b.b, loc, b.less(k, b.size(all)), x, b.constant(panelType, 0));
    return {x};
  });
}

void ContractionLowering::panelsOfColumns() {
  if (beforeRounding)
    return turnedColumns();
  if (isTurned)
    return l.func(B, joined({"l", "k", "v", "no"}, varsB), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
      Value n = lastOf(b, v[3], NR, b.tile(v[2], V, v[0]), N);
      return {product(b, c.b, c.n, n, v[1], restB, v.drop_front(4))};
    });
  l.func(B, joined(pair, joined({"nv", "k", "no"}, varsB)), loc, [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
    ArrayRef<Value> kk = v.take_front(pair.size());
    v = v.drop_front(pair.size());
    Value n = lastOf(b, v[2], NR, v[0], N);
    return {product(b, c.b, c.n, n, element(b, kk, v[1]), restB, v.drop_front(3))};
  });
}

void ContractionLowering::panelsOfRows() {
  l.func(A, joined(pair, joined(packAlongK ? Strings{"k", "mv", "mo"} : Strings{"mv", "k", "mo"}, varsA)), loc,
         [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> {
           ArrayRef<Value> kk = v.take_front(pair.size());
           v = v.drop_front(pair.size());
           Value mv = packAlongK ? v[1] : v[0], k = packAlongK ? v[0] : v[1];
           Value m = lastOf(b, v[2], AW, mv, M);
           return {product(b, c.a, c.m, m, element(b, kk, k), restA, v.drop_front(3))};
         });
}

Value ContractionLowering::stepOf(Body &b, Value ko, Value step, Value first, int64_t chunk, AffineExpr extent, int64_t unit,
                                  Value &filter) {
  if (!isChunked)
    return step;
  if (isExact)
    return b.tile(ko, chunk, step);
  AffineExpr d0 = getAffineDimExpr(0, ctx);
  Value start = b.apply(d0 * chunk, {ko});
  Value left = arith::SubIOp::create(b.b, loc, b.size(extent), start);
  filter = b.less(first, left);
  AffineExpr padded = unit > 1 ? (d0 + (unit - 1)).floorDiv(unit) * unit : d0;
  Value last = b.apply(padded - 1, {b.minimum(left, b.constant(chunk))});
  Value inside = halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), step, b.constant(0), last);
  Value k = b.tile(ko, chunk, inside);
  // Once more for the sum, whose bounds are those of its parts otherwise.
  return halide::PromiseOp::create(b.b, loc, b.b.getI32Type(), k, b.constant(0), b.size(padded.replaceDims({extent}) - 1));
}

/// acc(nv, mv, no, mo, [ko,] rest)
void ContractionLowering::accumulate() {
  unsigned fixed = accVars.size() - varsC.size();
  SmallVector<AffineExpr> extentsR(pair.size(), getAffineConstantExpr(2, ctx));
  AffineExpr extentR = isChunked ? getAffineConstantExpr(chunk, ctx) : K;
  if (isUnrolled)
    extentsR.append({getAffineConstantExpr(steps, ctx), extentR.floorDiv(steps)});
  else
    extentsR.push_back(extentR);
  l.update(acc, accVars, joined(pair, turn), extentsR, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
    Lowering::Update u;
    AffineExpr d0 = getAffineDimExpr(0, ctx);
    SmallVector<Value> kk(r.take_front(pair.size()));
    Value first = isUnrolled ? b.apply(d0 * steps, {r.back()}) : r.back();
    Value k = isUnrolled ? b.tile(r.back(), steps, r.drop_back().back()) : r.back();
    k = stepOf(b, isChunked ? v[4] : Value(), k, first, chunk, K, isUnrolled ? steps : 1, u.filter);
    ArrayRef<Value> rest = v.drop_front(fixed);
    Value a;
    if (isPacked) {
      Value mv = v[1], mo = v[3];
      if (AW != MR) {
        Value m = b.tile(mo, MR, mv);
        mv = b.apply(d0 % AW, {m});
        mo = b.apply(d0.floorDiv(AW), {m});
      }
      SmallVector<Value> place = append(kk, packAlongK ? ArrayRef<Value>{k, mv, mo} : ArrayRef<Value>{mv, k, mo});
      a = b.widen(b.load(A, append(place, pick(rest, restA)), panelType));
    } else {
      Value m = lastOf(b, v[3], MR, v[1], M);
      a = b.widen(product(b, c.a, c.m, m, element(b, kk, k), restA, pick(rest, restA)));
    }
    SmallVector<Value> place = append(kk, {v[0], k, v[2]});
    if (isTurned)
      place = {b.apply(d0 % V, {v[0]}), k, b.apply(d0.floorDiv(V), {v[0]}), v[2]};
    Value panel = b.widen(b.load(B, append(place, pick(rest, restB)), panelType));
    Value ab = arith::MulFOp::create(b.b, loc, a, panel);
    u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(acc, v, f32), ab));
    return u;
  });
}

void ContractionLowering::addChunks() {
  if (acc == C)
    return;
  Strings cVars = joined({"nv", "mv", "no", "mo"}, varsC);
  l.func(C, cVars, loc,
         [&](Body &b, ArrayRef<Value> v) -> SmallVector<Value> { return {isChunked ? b.constant(f32, 0) : b.load(acc, v, f32)}; });
  if (isChunked)
    l.update(C, cVars, {"ko"}, {numChunks}, loc, [&](Body &b, ArrayRef<Value> v, ArrayRef<Value> r) {
      SmallVector<Value> at(v.take_front(4));
      at.push_back(r[0]);
      Value part = b.load(acc, append(at, v.drop_front(4)), f32);
      Lowering::Update u;
      u.values.push_back(arith::AddFOp::create(b.b, loc, b.load(C, v, f32), part));
      return u;
    });
}

/// Consumers see the block's tiles.
void ContractionLowering::publish() {
  bool packsStrips = isPacked && packAlongK && isStripOuter && c.streamsA;
  for (const std::string &p : isPacked ? Strings{B, A} : Strings{B}) {
    if (p == A && packsStrips) {
      l.computeAt(p, C, "mo");
      l.boundExtent(p, "mo", 1);
    } else if (isChunked) {
      l.computeAt(p, C, "ko");
    } else {
      l.computeRoot(p);
    }
  }
  l.tiles[op] = {C, NR, MR, c.m, c.n, isChunked, packsStrips, onTiles, {}, {}};
  l.readers[op.getResult()] = [C = C, NR = NR, MR = MR, m = c.m, n = c.n, restC = restC](Body &b, ArrayRef<Value> at) {
    AffineExpr d0 = getAffineDimExpr(0, b.b.getContext());
    SmallVector<Value> index{b.apply(d0 % NR, {at[n]}), b.apply(d0 % MR, {at[m]}), b.apply(d0.floorDiv(NR), {at[n]}),
                             b.apply(d0.floorDiv(MR), {at[m]})};
    for (unsigned i : restC)
      index.push_back(at[i]);
    return b.load(C, index, Float32Type::get(b.b.getContext()));
  };
}

void ContractionLowering::makePanels() {
  if (inParts) {
    for (const PartsPanel &p : panelsInParts())
      p.define(l, loc);
    return;
  }
  panelsOfColumns();
  if (onTiles)
    tilesOfRows();
  else if (isPacked)
    panelsOfRows();
}

void ContractionLowering::schedulePanels() {
  if (inParts) {
    auto [rows, columns] = panelsInParts();
    rows.schedule(l, rows.isTurned ? stripsBeside() : 1);
    columns.schedule(l, columns.isTurned || !c.bAlongN ? 1 : machine.value("sbsb", 4));
    return;
  }
  scheduleColumns();
  if (onTiles)
    scheduleTilesOfRows();
  else if (isPacked)
    scheduleRows();
}

void ContractionLowering::run() {
  makePanels();
  l.func(acc, accVars, loc, [&](Body &b, ArrayRef<Value>) -> SmallVector<Value> { return {b.constant(f32, 0)}; });
  onTiles ? accumulateInTiles() : accumulate();
  addChunks();
  scheduleResult();
  onTiles ? scheduleTileAccumulator() : scheduleAccumulator();
  publish();
  schedulePanels();
}

} // namespace tintype::schedule
