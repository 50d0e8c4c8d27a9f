//===- Cost.cpp - what a program costs, and where parameters are read -----===//
#include "frontend/Cost.h"
#include "dialects/graph/Graph.h"
#include <set>

using namespace mlir;
namespace tintype::frontend {

double sizeOf(AffineExpr e, const std::map<std::string, int64_t> &sizes) {
  auto *dialect = e.getContext()->getLoadedDialect<graph::GraphDialect>();
  llvm::DenseMap<AffineExpr, AffineExpr> by;
  graph::walkSymbols(e, [&](unsigned id) {
    auto it = sizes.find(dialect->symbolName(id).str());
    by[getAffineSymbolExpr(id, e.getContext())] = getAffineConstantExpr(it == sizes.end() ? 1 : it->second, e.getContext());
  });
  auto c = dyn_cast<AffineConstantExpr>(e.replace(by));
  return c ? double(c.getValue()) : 1;
}

/// Floating-point operations at one point of the iteration space.
static double opsAtPoint(graph::ComputeOp op) {
  double ops = op.isReduction() ? 1 : 0;
  for (Operation &inner : *op.getBlock())
    if (inner.getNumResults() == 1 && isa<FloatType>(inner.getResult(0).getType()) &&
        !isa<arith::ConstantOp, arith::SelectOp, graph::ReadOp, graph::StopOp>(inner))
      ++ops;
  return ops;
}

double countFlops(func::FuncOp func, const std::map<std::string, int64_t> &sizes) {
  double total = 0;
  func.walk([&](graph::ComputeOp op) {
    double points = 1;
    for (AffineExpr e : op.getExtents())
      points *= sizeOf(e, sizes);
    total += points * opsAtPoint(op);
  });
  return total;
}

static double bytesOf(Value v, const std::map<std::string, int64_t> &sizes) {
  double bytes = (cast<RankedTensorType>(v.getType()).getElementTypeBitWidth() + 7) / 8;
  for (AffineExpr e : graph::dimsOf(v.getType()))
    bytes *= sizeOf(e, sizes);
  return bytes;
}

double countBytes(func::FuncOp func, const std::map<std::string, int64_t> &sizes) {
  double total = 0;
  for (Operation &op : func.getBody().front()) {
    if (!isa<graph::ComputeOp, graph::ScatterOp>(op))
      continue;
    llvm::SmallPtrSet<Value, 8> seen;
    total += bytesOf(op.getResult(0), sizes);
    for (graph::ReadOp read : graph::readsOf(&op))
      if (seen.insert(read.getSource()).second) {
        // A gather or a slice touches no more than one element for each point.
        double points = 4;
        for (AffineExpr e : graph::extentsOf(&op))
          points *= sizeOf(e, sizes);
        total += std::min(points, bytesOf(read.getSource(), sizes));
      }
  }
  return total;
}

std::map<std::string, std::vector<std::string>> usesOfParameters(func::FuncOp func) {
  std::map<std::string, std::vector<std::string>> uses;
  for (auto param : func.getOps<graph::ParamOp>()) {
    SmallVector<Value> views{param.getResult()};
    std::vector<std::string> &places = uses[param.getName().str()];
    for (unsigned i = 0; i < views.size(); ++i)
      for (Operation *user : views[i].getUsers()) {
        if (isa<graph::ReshapeOp>(user)) {
          views.push_back(user->getResult(0));
          continue;
        }
        std::string place;
        user->getLoc()->walk([&](Location l) {
          auto file = dyn_cast<FileLineColLoc>(l);
          if (file && file.getLine() > 0)
            place = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
          return place.empty() ? WalkResult::advance() : WalkResult::interrupt();
        });
        if (!place.empty() && !llvm::is_contained(places, place))
          places.push_back(place);
      }
    std::sort(places.begin(), places.end());
  }
  return uses;
}

std::vector<StatementCost> statementCosts(func::FuncOp func, const std::map<std::string, int64_t> &sizes) {
  std::map<std::tuple<std::string, unsigned, unsigned>, StatementCost> found;
  func.walk([&](graph::ComputeOp op) {
    double flops = opsAtPoint(op), factor = flops;
    std::vector<std::string> dims;
    for (AffineExpr e : op.getExtents()) {
      flops *= sizeOf(e, sizes);
      if (auto c = dyn_cast<AffineConstantExpr>(e))
        factor *= double(c.getValue());
      else
        dims.push_back(isa<AffineSymbolExpr>(e) ? graph::printDim(e) : "(" + graph::printDim(e) + ")");
    }
    if (flops == 0)
      return;
    llvm::sort(dims);
    std::string term;
    for (const std::string &d : dims)
      term += (term.empty() ? "" : " * ") + d;
    // The statement itself, and the calls on the way to it; each once.
    std::set<std::tuple<std::string, unsigned, unsigned>> places;
    for (Location l = op.getLoc();;) {
      auto call = dyn_cast<CallSiteLoc>(l);
      Location here = call ? call.getCallee() : l;
      if (auto name = dyn_cast<NameLoc>(here))
        here = name.getChildLoc();
      if (auto place = dyn_cast<FileLineColLoc>(here))
        places.insert({place.getFilename().str(), place.getLine(), place.getColumn()});
      if (!call)
        break;
      l = call.getCaller();
    }
    for (auto &key : places) {
      StatementCost &c = found[key];
      std::tie(c.file, c.line, c.column) = key;
      c.flops += flops;
      c.terms[term] += factor;
    }
  });
  std::vector<StatementCost> r;
  for (auto &[key, cost] : found)
    r.push_back(std::move(cost));
  return r;
}

} // namespace tintype::frontend
