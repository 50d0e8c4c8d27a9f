//===- Derive.cpp - what a program carries along T ------------------------===//
#include "frontend/Derive.h"
#include "dialects/graph/Graph.h"
#include "llvm/ADT/SetVector.h"
#include <cctype>
#include <functional>

using namespace mlir;
namespace tintype::frontend {

namespace {
struct Info {
  /// Tensors read at positions that are not known yet to be earlier ones, by the
  /// second of two T axes of the value at hand (`score[t, s]` needs `k[s]`).
  llvm::SmallSetVector<Value, 2> columns;
  /// Two T axes (t, s), zero wherever s > t.
  bool isLower = false;
};

class Deriver {
public:
  Deriver(func::FuncOp func, AffineExpr dim, const SourceManager &sources, Summary &out)
      : func(func), dim(dim), sources(sources), out(out) {}

  bool run() {
    for (Operation &op : func.getBody().front()) {
      if (auto compute = dyn_cast<graph::ComputeOp>(op)) {
        if (!visit(compute))
          return false;
      } else if (auto reshape = dyn_cast<graph::ReshapeOp>(op)) {
        info.try_emplace(reshape.getResult(), info.lookup(reshape.getSource()));
      }
    }
    return true;
  }

private:
  /// The statement an op comes from: its place and block path.
  static std::pair<FileLineColLoc, std::string> placeOf(Location loc) {
    while (auto call = dyn_cast<CallSiteLoc>(loc))
      loc = call.getCallee();
    std::string path;
    if (auto name = dyn_cast<NameLoc>(loc)) {
      path = name.getName().str();
      loc = name.getChildLoc();
    }
    return {dyn_cast<FileLineColLoc>(loc), path};
  }

  /// The innermost statement of the model's own file: what a library function
  /// returns goes by the name it is given there.
  std::pair<FileLineColLoc, std::string> ownPlaceOf(Location loc) {
    for (Location l = loc;;) {
      auto call = dyn_cast<CallSiteLoc>(l);
      auto place = placeOf(call ? call.getCallee() : l);
      if (place.first && place.first.getFilename().getValue() == sources.name(1))
        return place;
      if (!call)
        return placeOf(loc);
      l = call.getCaller();
    }
  }

  /// The name on the left of the statement.
  std::string nameOf(Value v) {
    Operation *op = v.getDefiningOp();
    if (!op)
      return "argument";
    auto place = ownPlaceOf(op->getLoc()).first;
    for (FileId f = 1; place && f <= sources.size(); ++f) {
      if (sources.name(f) != place.getFilename().getValue())
        continue;
      llvm::SmallVector<llvm::StringRef> lines;
      sources.text(f).split(lines, '\n');
      if (place.getLine() == 0 || place.getLine() > lines.size() || place.getColumn() == 0)
        break;
      llvm::StringRef line = lines[place.getLine() - 1];
      llvm::StringRef text = line.drop_front(std::min<size_t>(place.getColumn() - 1, line.size()));
      return text.take_while([](char c) { return isalnum((unsigned char)c) || c == '_'; }).str();
    }
    return "value";
  }

  void keep(const std::string &kind, Value source) {
    Operation *op = source.getDefiningOp();
    if (!op)
      return; // an argument: the caller has it
    // Equal layers share a line: `h.*`.
    llvm::SmallVector<llvm::StringRef> segments;
    auto [place, where] = ownPlaceOf(op->getLoc());
    std::string pattern;
    llvm::StringRef(where).split(segments, '.');
    for (llvm::StringRef part : segments) {
      unsigned number;
      pattern += (pattern.empty() ? "" : ".") + (part.getAsInteger(10, number) ? part.str() : "*");
    }
    Summary::State s{kind, nameOf(source), "[", pattern, "", 0, 0};
    if (place) {
      s.file = place.getFilename().str();
      s.line = place.getLine();
      s.column = place.getColumn();
    }
    for (auto [i, e] : llvm::enumerate(graph::dimsOf(source.getType())))
      s.type += (i ? ", " : "") + graph::printDim(e);
    s.type += "]";
    for (auto &known : out.state)
      if (known.kind == s.kind && known.name == s.name && known.where == s.where)
        return;
    out.state.push_back(s);
  }

  bool refuse(Operation *op, const std::string &why) {
    auto [place, path] = placeOf(op->getLoc());
    std::string at =
        place ? place.getFilename().str() + ":" + std::to_string(place.getLine()) + ":" + std::to_string(place.getColumn()) : "";
    out.stateNote = at + (path.empty() ? "" : " in " + path) + ": " + why;
    out.state.clear();
    return false;
  }

  /// The loop an i32 value is, or -1.
  static int loopOf(Value v) {
    auto index = v.getDefiningOp<graph::IndexOp>();
    if (!index)
      return -1;
    auto d = dyn_cast<AffineDimExpr>(index.getMap().getResult(0));
    return d ? int(d.getPosition()) : -1;
  }

  /// Whether `condition` implies loop s <= loop t.
  static bool implies(Value condition, int s, int t) {
    if (!condition)
      return false;
    if (auto both = condition.getDefiningOp<arith::AndIOp>())
      return implies(both.getLhs(), s, t) || implies(both.getRhs(), s, t);
    auto cmp = condition.getDefiningOp<arith::CmpIOp>();
    if (!cmp)
      return false;
    int l = loopOf(cmp.getLhs()), r = loopOf(cmp.getRhs());
    using P = arith::CmpIPredicate;
    P p = cmp.getPredicate();
    return ((p == P::sle || p == P::slt) && l == s && r == t) || ((p == P::sge || p == P::sgt) && l == t && r == s);
  }

  static bool isZero(Value v) {
    auto c = v.getDefiningOp<arith::ConstantOp>();
    auto f = c ? dyn_cast<FloatAttr>(c.getValue()) : FloatAttr();
    return f && f.getValue().isZero();
  }

  /// Whether `v` is zero where loop s > loop t, by a choice or by a factor.
  bool vanishes(Value v, int s, int t) {
    if (auto select = v.getDefiningOp<arith::SelectOp>())
      return (implies(select.getCondition(), s, t) && isZero(select.getFalseValue())) ||
             (vanishes(select.getTrueValue(), s, t) && (isZero(select.getFalseValue()) || vanishes(select.getFalseValue(), s, t)));
    if (auto mul = v.getDefiningOp<arith::MulFOp>())
      return vanishes(mul.getLhs(), s, t) || vanishes(mul.getRhs(), s, t);
    if (auto div = v.getDefiningOp<arith::DivFOp>())
      return vanishes(div.getLhs(), s, t);
    auto read = v.getDefiningOp<graph::ReadOp>();
    if (!read || !info.lookup(read.getSource()).isLower)
      return false;
    std::vector<int> axes = timeLoops(read);
    return axes.size() == 2 && axes[0] == t && axes[1] == s;
  }

  /// The loops by which a read meets the axes of extent T; -1 for any other index.
  std::vector<int> timeLoops(graph::ReadOp read) {
    std::vector<int> r;
    auto dims = graph::dimsOf(read.getSource().getType());
    for (auto [e, d] : llvm::zip(read.getMap().getResults(), dims))
      if (d == dim) {
        auto loop = dyn_cast<AffineDimExpr>(e);
        r.push_back(loop ? int(loop.getPosition()) : -1);
      }
    return r;
  }

  bool visit(graph::ComputeOp op) {
    Info result;
    llvm::SmallVector<AffineExpr> extents = op.getExtents();
    std::vector<int> time; // parallel loops along T: (t) or (t, s)
    for (unsigned i = 0; i < op.getNumParallel(); ++i)
      if (extents[i] == dim)
        time.push_back(i);
    Value value = op.getYield().getValue(), filter = op.getYield().getFilter();
    int t = time.empty() ? -1 : time[0];
    if (time.size() == 2)
      result.isLower = vanishes(value, time[1], t);
    for (graph::ReadOp read : graph::readsOf(op)) {
      Info source = info.lookup(read.getSource());
      std::vector<int> loops = timeLoops(read);
      std::vector<AffineExpr> exprs;
      for (auto [e, d] : llvm::zip(read.getMap().getResults(), graph::dimsOf(read.getSource().getType())))
        if (d == dim)
          exprs.push_back(e);
      for (auto [k, loop] : llvm::enumerate(loops)) {
        if (loop == t && t >= 0)
          continue; // the position at hand
        if (loop < 0) {
          if (!readsBack(op, read, exprs[k], t))
            return refuse(op, nameOf(read.getSource()) + " is read at a position that is not known to be earlier");
          continue;
        }
        bool isReduced = unsigned(loop) >= op.getNumParallel();
        bool earlier = t >= 0 && (isReduced ? implies(filter, loop, t) || vanishes(value, loop, t) : result.isLower);
        bool second = k == 1 && loops.size() == 2 && loops[0] == t; // its own rows, columns below
        if (!second && earlier)
          keep("cache", read.getSource());
        else if (!second && !isReduced && time.size() == 2)
          result.columns.insert(read.getSource());
        else if (!second && isReduced)
          return refuse(op, nameOf(read.getSource()) + " is read at later positions");
        if (!second)
          continue;
        if (earlier || source.isLower)
          for (Value v : source.columns)
            keep("cache", v);
        else if (isReduced)
          return refuse(op, "the reduction is not limited to earlier positions");
      }
      if (!result.isLower && time.size() == 2)
        result.columns.insert(source.columns.begin(), source.columns.end());
    }
    info.try_emplace(op.getResult(), std::move(result));
    return true;
  }

  /// `t - k`: keeps the last k rows. False for anything else.
  bool readsBack(graph::ComputeOp op, graph::ReadOp read, AffineExpr e, int t) {
    if (t < 0)
      return false;
    // e <= t everywhere: the largest value of e - t over the other loops.
    int64_t lowest = 0, highest = 0;
    std::function<bool(AffineExpr, int64_t)> walk = [&](AffineExpr x, int64_t factor) {
      if (auto c = dyn_cast<AffineConstantExpr>(x)) {
        lowest += factor * c.getValue();
        highest += factor * c.getValue();
        return true;
      }
      if (auto d = dyn_cast<AffineDimExpr>(x)) {
        if (int(d.getPosition()) == t)
          return factor == 1;
        auto extent = dyn_cast<AffineConstantExpr>(op.getExtents()[d.getPosition()]);
        if (!extent)
          return false;
        (factor > 0 ? highest : lowest) += factor * (extent.getValue() - 1);
        return true;
      }
      auto b = dyn_cast<AffineBinaryOpExpr>(x);
      if (!b)
        return false;
      if (b.getKind() == AffineExprKind::Add)
        return walk(b.getLHS(), factor) && walk(b.getRHS(), factor);
      auto c = dyn_cast<AffineConstantExpr>(b.getRHS());
      return b.getKind() == AffineExprKind::Mul && c && walk(b.getLHS(), factor * c.getValue());
    };
    if (!e.isFunctionOfDim(t) || !walk(e, 1) || highest > 0)
      return false;
    keep("last " + std::to_string(-lowest), read.getSource());
    return true;
  }

  func::FuncOp func;
  AffineExpr dim;
  const SourceManager &sources;
  Summary &out;
  llvm::DenseMap<Value, Info> info;
};
} // namespace

void deriveState(func::FuncOp func, const std::string &dim, const SourceManager &sources, Summary &out) {
  Deriver(func, graph::runtimeDim(func.getContext(), dim), sources, out).run();
}

} // namespace tintype::frontend
