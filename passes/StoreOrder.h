//===- StoreOrder.h - results that take the memory of arguments -*- C++ -*-===//
// A kernel that computes w' = f(w, m) and m' = g(m), w' in the memory of w and m' in that of m, stores w'
// first at each point: after m' is stored, m is no more.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_PASSES_STOREORDER_H
#define TINTYPE_PASSES_STOREORDER_H

#include "dialects/graph/Graph.h"

namespace tintype {

/// Whether the body of `v`, written where it is read, reads `arg`.
inline bool carries(mlir::Value v, mlir::Value arg) {
  auto def = v.getDefiningOp<graph::ComputeOp>();
  return v == arg || (def && !def.isReduction() &&
                      llvm::any_of(graph::readsOf(def), [&](graph::ReadOp read) { return carries(read.getSource(), arg); }));
}

/// `results`, which are evaluated at one point, in an order in which each can be stored over what it takes (`takenBy`, may be
/// null), because none behind it carries that; empty when there is none. As far as may be they stay in the order given.
inline llvm::SmallVector<mlir::Operation *> storeOrder(llvm::SmallVector<mlir::Operation *> results,
                                                       llvm::function_ref<mlir::Value(mlir::Operation *)> takenBy) {
  llvm::SmallVector<mlir::Operation *> order;
  while (!results.empty()) {
    auto *next = llvm::find_if(results, [&](mlir::Operation *op) {
      mlir::Value place = takenBy(op);
      return !place || llvm::none_of(results, [&](mlir::Operation *other) { return other != op && carries(other->getResult(0), place); });
    });
    if (next == results.end())
      return {};
    order.push_back(*next);
    results.erase(next);
  }
  return order;
}

} // namespace tintype

#endif
