//===- SplitRows.cpp - calls that run for a chunk of rows at a time -------===//
//   %z = call @k_product(%x, %w) {graph.rows = 512}      // [B * T, 50257]
//   %m = call @k_max(%z) {graph.rows = 512}              // [B * T]
// becomes, with {graph.chunk = {extent = B * T, most = 512, symbol = "_rows0"}},
//   %r = graph.rows %x                                   // [_rows0, 768]
//   %y = call @k_product_of_rows(%r, %w)                 // [_rows0, 50257]
//   %n = call @k_max_of_rows(%y)                         // [_rows0]
//   %m = graph.rows %n                                   // [B * T]
// The run of calls is made once for each chunk. Test: test/passes/fusion/split-rows.test
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "passes/fusion/RowSection.h"
#include "llvm/ADT/StringSet.h"
#include <set>

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHSPLITROWS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

namespace {
/// A kernel whose leading dim is rows, and which of its arguments and results have them.
struct RowKernel {
  func::FuncOp kernel;
  SmallVector<bool> args, results;
  llvm::DenseMap<Operation *, RowLoops> loops;
};

struct SplitRows : public tintype::fusion::impl::GraphSplitRowsBase<SplitRows> {
  using GraphSplitRowsBase::GraphSplitRowsBase;

  void runOnOperation() override {
    SymbolTable table(getOperation());
    llvm::StringSet<> called;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (isProgram(func)) {
        split(func, table);
        for (auto call : func.getOps<func::CallOp>())
          called.insert(call.getCallee());
      }
    for (const std::string &name : replaced)
      if (!called.contains(name))
        table.erase(table.lookup(name));
  }

  void split(func::FuncOp func, SymbolTable &table) {
    SmallVector<func::CallOp> calls;
    for (auto call : func.getOps<func::CallOp>())
      if (call->hasAttr(rowsAttr))
        calls.push_back(call);
    if (calls.empty())
      return;
    std::string why;
    SmallVector<RowKernel> kernels;
    AffineExpr extent = dimsOf(calls.front().getResult(0).getType()).front();
    for (Operation *op = calls.front(); op != calls.back() && why.empty(); op = op->getNextNode())
      if (isa<func::CallOp>(op) && !op->hasAttr(rowsAttr))
        why = "a call between them needs all rows";
    llvm::DenseSet<Value> rows, whole;
    for (func::CallOp call : calls)
      if (why.empty())
        why = analyse(call, extent, rows, whole, kernels, table);
    auto options = remark::RemarkOpts::name(why.empty() ? "split" : "not split").category(getArgument()).function(func.getName());
    int64_t most = calls.front()->getAttrOfType<IntegerAttr>(rowsAttr).getInt();
    if (!why.empty()) {
      remark::missed(calls.front().getLoc(), options) << remark::add("not split: {0}", why);
      for (func::CallOp call : calls)
        call->removeAttr(rowsAttr);
      return;
    }
    remark::passed(calls.front().getLoc(), options)
        << remark::add("split: {0} calls run for {1} of {2} rows at a time", calls.size(), most, printDim(extent))
        << remark::metric("calls", calls.size()) << remark::metric("rows", most);
    numSplit += calls.size();
    rewrite(func, calls, kernels, extent, most, table);
  }

  /// Which arguments of `call` have rows, and whether chunks of them give the same.
  std::string analyse(func::CallOp call, AffineExpr extent, llvm::DenseSet<Value> &rows, llvm::DenseSet<Value> &whole,
                      SmallVectorImpl<RowKernel> &kernels, SymbolTable &table) {
    RowKernel k;
    k.kernel = table.lookup<func::FuncOp>(call.getCallee());
    Block &body = k.kernel.getBody().front();
    llvm::DenseSet<Value> inside; // values of the body with rows
    for (auto [v, arg] : llvm::zip(call.getOperands(), body.getArguments()))
      if (rows.contains(v))
        inside.insert(arg);
    if (kernels.empty())
      k.loops[&body.front()] = {0}; // the product that makes the rows
    for (size_t before = ~size_t(0); before != inside.size();) {
      before = inside.size();
      for (Operation &op : body.without_terminator()) {
        auto loops = rowLoopsOf(&op, 1, [&](Value v) { return inside.contains(v); });
        if (!loops)
          return "a kernel reads other rows than its own";
        RowLoops &known = k.loops[&op];
        if (!loops->empty())
          known = *loops;
        if (known.empty())
          continue;
        if (extentsOf(&op)[known[0]] != extent || !isSameForAllRows(&op, known))
          return "a kernel depends on which row it is at";
        if (keepsRows(&op, known))
          inside.insert(op.getResult(0));
        else if (!sumsRows(&op, known) || !accumulatorOf(&op))
          return "a kernel needs all rows";
        for (ReadOp read : readsOf(&op))
          if (llvm::is_contained(read.getMap().getResults(), getAffineDimExpr(known[0], op.getContext())))
            inside.insert(read.getSource());
      }
    }
    for (Value v : inside)
      if (Operation *def = v.getDefiningOp(); def && !keepsRows(def, k.loops[def]))
        return "a kernel reads a sum over rows row by row";
    auto inplace = k.kernel->getAttrOfType<DenseI32ArrayAttr>("graph.inplace");
    for (auto [v, arg] : llvm::zip(call.getOperands(), body.getArguments())) {
      bool hasRows = inside.contains(arg);
      k.args.push_back(hasRows);
      (hasRows ? rows : whole).insert(v);
      if (rows.contains(v) && whole.contains(v))
        return "a tensor is read row by row and as a whole";
    }
    for (auto [i, v] : llvm::enumerate(body.getTerminator()->getOperands())) {
      bool hasRows = inside.contains(v);
      k.results.push_back(hasRows);
      if (hasRows) {
        rows.insert(call.getResult(i));
        continue;
      }
      // Handed from chunk to chunk, in the memory of what it is added to.
      if (inplace[i] < 0 || k.args[inplace[i]] || !call.getOperand(inplace[i]).getDefiningOp<GradOp>() ||
          !call.getOperand(inplace[i]).hasOneUse())
        return "a sum over rows has no place to add to";
      Value place = body.getArgument(inplace[i]);
      bool isAdded = llvm::any_of(body, [&](Operation &op) {
        auto known = k.loops.find(&op);
        return known != k.loops.end() && sumsRows(&op, known->second) && accumulatorOf(&op) == place;
      });
      if (!isAdded)
        return "a result is no sum over rows";
    }
    kernels.push_back(std::move(k));
    return "";
  }

  static Type withRows(Type type, AffineExpr rows) {
    SmallVector<AffineExpr> dims = dimsOf(type);
    dims[0] = rows;
    return tensorOf(dims, cast<RankedTensorType>(type).getElementType());
  }

  /// The kernel for `rows` rows.
  func::FuncOp kernelOfRows(RowKernel &k, AffineExpr rows, SymbolTable &table) {
    MLIRContext *ctx = &getContext();
    func::FuncOp copy = k.kernel.clone();
    Block &body = copy.getBody().front();
    for (auto [hasRows, arg] : llvm::zip(k.args, body.getArguments()))
      if (hasRows)
        arg.setType(withRows(arg.getType(), rows));
    for (auto [from, to] : llvm::zip(k.kernel.getBody().front().without_terminator(), body.without_terminator())) {
      RowLoops loops = k.loops[&from];
      if (loops.empty())
        continue;
      auto c = cast<ComputeOp>(&to);
      SmallVector<AffineExpr> over(c.getOver().getExprs()), by(c.getBy().getExprs());
      (loops[0] < over.size() ? over[loops[0]] : by[loops[0] - over.size()]) = rows;
      c.setOverAttr(DimsAttr::get(ctx, over));
      c.setByAttr(DimsAttr::get(ctx, by));
      if (keepsRows(&from, loops))
        c.getResult().setType(cast<RankedTensorType>(withRows(c.getResult().getType(), rows)));
    }
    copy.setFunctionType(FunctionType::get(ctx, body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
    replaced.insert(k.kernel.getSymName().str());
    nameByText(copy);
    if (auto known = table.lookup<func::FuncOp>(copy.getSymName())) {
      copy.erase();
      return known;
    }
    table.insert(copy, std::next(k.kernel->getIterator()));
    return copy;
  }

  void rewrite(func::FuncOp func, MutableArrayRef<func::CallOp> calls, MutableArrayRef<RowKernel> kernels, AffineExpr extent, int64_t most,
               SymbolTable &table) {
    Builder attr(func.getContext());
    StringRef symbol = chunkSymbol;
    AffineExpr rows = runtimeDim(func.getContext(), symbol);
    func->setAttr("graph.chunk", attr.getDictionaryAttr({attr.getNamedAttr("symbol", attr.getStringAttr(symbol)),
                                                         attr.getNamedAttr("extent", DimsAttr::get(func.getContext(), {extent})),
                                                         attr.getNamedAttr("most", attr.getI64IntegerAttr(most))}));
    llvm::DenseMap<Value, Value> chunkOf;
    for (auto [call, k] : llvm::zip(calls, kernels)) {
      OpBuilder b(call);
      SmallVector<Value> operands(call.getOperands());
      for (auto [v, hasRows] : llvm::zip(operands, k.args)) {
        if (!hasRows)
          continue;
        Value &chunk = chunkOf[v];
        if (!chunk)
          chunk = RowsOp::create(b, call.getLoc(), withRows(v.getType(), rows), v);
        v = chunk;
      }
      auto made = func::CallOp::create(b, call.getLoc(), kernelOfRows(k, rows, table), operands);
      for (NamedAttribute a : call->getDiscardableAttrs())
        made->setAttr(a.getName(), a.getValue());
      for (auto [old, result, hasRows] : llvm::zip(call.getResults(), made.getResults(), k.results)) {
        if (!hasRows) {
          old.replaceAllUsesWith(result);
          continue;
        }
        chunkOf[old] = result;
        if (llvm::any_of(old.getUsers(), [&](Operation *user) { return !user->hasAttr(rowsAttr); }))
          old.replaceUsesWithIf(RowsOp::create(b, call.getLoc(), old.getType(), result),
                                [&](OpOperand &use) { return !use.getOwner()->hasAttr(rowsAttr); });
      }
    }
    for (func::CallOp call : llvm::reverse(calls))
      call.erase();
  }

  std::set<std::string> replaced;
};
} // namespace
