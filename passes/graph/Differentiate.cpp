//===- Differentiate.cpp - training programs from losses ------------------===//
// Walks a function backwards from its loss. For every value the contributions of
// its readers are gathered; at its definition they are summed and passed on to
// what it reads; at a parameter they are added to the gradient.
// Tests: test/passes/graph/differentiate*.mlir, gradients.test.
//===----------------------------------------------------------------------===//
#include "mlir/IR/Threading.h"
#include "passes/graph/Adjoint.h"
#include "passes/graph/Passes.h"
#include "passes/graph/ScalarRules.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
namespace tintype::graph {
#define GEN_PASS_DEF_GRAPHDIFFERENTIATE
#include "passes/graph/Passes.h.inc"
namespace {

/// Sums of tensors of one type, in one definition.
Value sumOf(OpBuilder &b, Location loc, ArrayRef<Value> tensors) {
  if (tensors.size() == 1)
    return tensors[0];
  auto type = cast<RankedTensorType>(tensors[0].getType());
  auto map = AffineMap::getMultiDimIdentityMap(type.getRank(), b.getContext());
  return buildCompute(b, loc, Reducer::none, dimsOf(type), {}, type.getElementType(), [&](OpBuilder &in) {
    ScalarBuilder s(in, loc);
    Value sum;
    for (Value t : tensors)
      sum = s.add(sum, ReadOp::create(in, loc, t, map));
    return std::make_pair(sum, Value());
  });
}

class Reverse {
public:
  Reverse(func::FuncOp func, Pass::Statistic &gathers, Pass::Statistic &scatters)
      : b(func.getBody().front().getTerminator()), func(func), gathers(gathers), scatters(scatters) {}

  /// Appends the gradients of `loss`, a value that `func` computes.
  LogicalResult run(Value loss) {
    findVaried();
    seed(loss);
    SmallVector<Operation *> forward;
    for (Operation &op : func.getBody().front().without_terminator())
      forward.push_back(&op);
    for (Operation *op : llvm::reverse(forward)) {
      if (isa<ComputeOp, ScatterOp, ReshapeOp>(op)) {
        if (Value dy = finish(op->getResult(0), op->getLoc()); dy && failed(passOn(op, dy)))
          return failure();
        for (Value source : sourcesOf(op))
          releaseParameter(source);
      } else if (!isa<ParamOp>(op)) {
        return op->emitError() << "expected an op of the graph dialect, but got '" << op->getName() << "'";
      }
    }
    return success();
  }

private:
  OpBuilder b;
  func::FuncOp func;
  Pass::Statistic &gathers, &scatters;
  DenseSet<Value> varied; // depend on a parameter as real numbers
  DenseMap<Value, SmallVector<Contribution>> contributions;
  /// By name: the values of a parameter, and how many of the ops that read them are to come.
  struct Parameter {
    SmallVector<Value> values;
    int readers = 0;
  };
  llvm::MapVector<StringRef, Parameter> parameters;

  static SmallVector<Value> sourcesOf(Operation *op) {
    llvm::SetVector<Value> sources;
    for (Value v : op->getOperands())
      sources.insert(v);
    if (!isa<ReshapeOp>(op))
      for (ReadOp read : readsOf(op))
        sources.insert(read.getSource());
    return sources.takeVector();
  }

  void findVaried() {
    for (Operation &op : func.getBody().front().without_terminator()) {
      if (auto param = dyn_cast<ParamOp>(op)) {
        parameters[param.getName()].values.push_back(param);
        auto declared = SymbolTable::lookupNearestSymbolFrom(&op, param.getNameAttr());
        if (!declared || !declared->hasAttr("graph.frozen"))
          varied.insert(param.getResult());
        continue;
      }
      bool isReal = op.getNumResults() == 1 && isa<FloatType>(getElementTypeOrSelf(op.getResult(0).getType()));
      for (Value source : sourcesOf(&op)) {
        if (auto param = source.getDefiningOp<ParamOp>())
          ++parameters[param.getName()].readers;
        if (isReal && varied.contains(source))
          varied.insert(op.getResult(0));
      }
    }
  }

  void seed(Value loss) {
    auto type = cast<RankedTensorType>(loss.getType());
    Value one = buildCompute(b, loss.getLoc(), Reducer::none, dimsOf(type), {}, type.getElementType(), [&](OpBuilder &in) {
      return std::make_pair(ScalarBuilder(in, loss.getLoc()).constant(1, type.getElementType()), Value());
    });
    contributions[loss].push_back({loss, one, {}});
  }

  /// The whole derivative by `v`; null when it is zero. `more` is added to it.
  Value finish(Value v, Location loc, Value more = {}) {
    auto it = contributions.find(v);
    if (it == contributions.end())
      return {};
    SmallVector<Contribution> parts = std::move(it->second);
    contributions.erase(it);
    return accumulate(loc, parts, more);
  }

  /// Definitions first, in one sum, then scatters into it, so that all can happen in place.
  Value accumulate(Location loc, ArrayRef<Contribution> parts, Value more) {
    SmallVector<Value> tensors;
    if (more)
      tensors.push_back(more);
    for (const Contribution &part : parts)
      if (part.tensor)
        tensors.push_back(part.tensor);
    Value sum = tensors.empty() ? Value() : sumOf(b, loc, tensors);
    for (const Contribution &part : parts)
      if (part.scatter)
        sum = part.scatter(b, sum);
    return sum;
  }

  LogicalResult passOn(Operation *op, Value dy) {
    auto wanted = [&](Value v) { return varied.contains(v); };
    SmallVector<Contribution> parts;
    if (auto reshape = dyn_cast<ReshapeOp>(op)) {
      if (wanted(reshape.getSource()))
        parts.push_back({reshape.getSource(), ReshapeOp::create(b, op->getLoc(), reshape.getSource().getType(), dy), {}});
    } else {
      if (auto scatter = dyn_cast<ScatterOp>(op); scatter && scatter.getInit() && wanted(scatter.getInit()))
        parts.push_back({scatter.getInit(), dy, {}});
      if (failed(adjointOf(b, op, dy, wanted, parts)))
        return failure();
    }
    for (Contribution &part : parts) {
      ++(part.tensor ? gathers : scatters);
      contributions[part.source].push_back(std::move(part));
    }
    return success();
  }

  /// One reader of `source` is dealt with; after the last one a parameter's gradient is known.
  void releaseParameter(Value source) {
    auto param = source.getDefiningOp<ParamOp>();
    if (!param || --parameters[param.getName()].readers)
      return;
    SmallVector<Contribution> parts;
    for (Value v : parameters[param.getName()].values) {
      auto &more = contributions[v];
      parts.append(std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      contributions.erase(v);
    }
    if (parts.empty())
      return;
    Location loc = param.getLoc();
    Value before = GradOp::create(b, loc, param.getType(), param.getNameAttr());
    SetGradOp::create(b, loc, param.getNameAttr(), accumulate(loc, parts, before));
  }
};

struct DifferentiatePass : impl::GraphDifferentiateBase<DifferentiatePass> {
  using GraphDifferentiateBase::GraphDifferentiateBase;

  /// A function that is to go backwards from its loss.
  struct Step {
    func::FuncOp func;
    Value loss;
  };

  /// Makes `name` of role `role` from a copy of `loss`; keeps the results `kept`.
  FailureOr<Step> copyOf(func::FuncOp loss, StringRef name, ArrayRef<StringRef> kept) {
    auto step = loss.clone();
    step.setName(name);
    step->setAttr("graph.role", StringAttr::get(&getContext(), name));
    getOperation().insert(loss, step);
    Operation *ret = step.getBody().front().getTerminator();
    auto names = step->getAttrOfType<ArrayAttr>("graph.results");
    if (!names || names.size() != ret->getNumOperands())
      return loss.emitError() << "expected graph.results with a name for each of " << ret->getNumOperands() << " results";
    SmallVector<Value> values;
    SmallVector<Attribute> attrs, resultAttrs;
    Value lossValue;
    for (auto [i, attr] : llvm::enumerate(names)) {
      StringRef result = cast<StringAttr>(attr).getValue();
      if (result == "loss")
        lossValue = ret->getOperand(i);
      if (!llvm::is_contained(kept, result))
        continue;
      values.push_back(ret->getOperand(i));
      attrs.push_back(attr);
      resultAttrs.push_back(DictionaryAttr::get(&getContext(), step.getResultAttrs(i)));
    }
    if (!lossValue)
      return loss.emitError() << "expected a result named loss, but got " << names;
    step->setAttr("graph.results", ArrayAttr::get(&getContext(), attrs));
    step.setType(FunctionType::get(&getContext(), step.getArgumentTypes(), TypeRange(ValueRange(values))));
    step->removeAttr("res_attrs");
    if (llvm::any_of(resultAttrs, [](Attribute a) { return !cast<DictionaryAttr>(a).empty(); }))
      step.setResAttrsAttr(ArrayAttr::get(&getContext(), resultAttrs));
    ret->setOperands(values);
    return Step{step, lossValue};
  }

  void runOnOperation() override {
    if (listRules) {
      for (const ScalarRow &row : scalarRows())
        llvm::outs() << row.name << "\n";
      return;
    }
    SmallVector<Step> steps;
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto role = func->getAttrOfType<StringAttr>("graph.role");
      if (!role || (role != "loss" && role != "train_loss"))
        continue;
      auto step = role == "loss" ? copyOf(func, "trace_step", {"logits", "loss"}) : copyOf(func, "train_step", {"loss"});
      if (failed(step))
        return signalPassFailure();
      steps.push_back(*step);
      if (role == "train_loss")
        func.erase();
    }
    auto goBack = [&](Step &step) { return Reverse(step.func, numGathers, numScatters).run(step.loss); };
    if (failed(failableParallelForEach(&getContext(), steps, goBack)))
      return signalPassFailure();
    // Nothing asks for derivatives any more; without them a value and its repetition in the backward part are equal.
    getOperation().walk([](StopOp stop) {
      stop.getResult().replaceAllUsesWith(stop.getValue());
      stop.erase();
    });
  }
};
} // namespace
} // namespace tintype::graph
