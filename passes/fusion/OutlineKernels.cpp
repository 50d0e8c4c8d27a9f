//===- OutlineKernels.cpp - groups become functions, equal ones one -------===//
//   %y = graph.compute .. {graph.group = 3 : i32}     ->  %y = call @k_5c..(%x)
// The name is a hash of the text, so that it depends on nothing but what the
// kernel computes: caches and schedules are filed under it. Test:
// test/passes/fusion/outline-kernels.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"
#include <unordered_map>

namespace tintype::fusion {
#define GEN_PASS_DEF_GRAPHOUTLINEKERNELS
#include "passes/fusion/Passes.h.inc"
} // namespace tintype::fusion

using namespace mlir;
using namespace tintype::graph;
using namespace tintype::fusion;

/// Results that something outside the group uses.
static SmallVector<Value> resultsOf(ArrayRef<Operation *> group) {
  llvm::SmallPtrSet<Operation *, 8> members(group.begin(), group.end());
  SmallVector<Value> results;
  for (Operation *op : group) {
    auto isOutside = [&](Operation *user) {
      while (user->getBlock() != op->getBlock())
        user = user->getParentOp();
      return !members.contains(user);
    };
    if (llvm::any_of(op->getResult(0).getUsers(), isOutside))
      results.push_back(op->getResult(0));
  }
  return results;
}

/// Whether `init` is needed as it is behind `group`, or in it as another view, or lies in no memory that a call made. Calls
/// stand before the group.
static bool livesBehind(Value init, ArrayRef<Operation *> group) {
  Value v = init;
  while (auto view = v.getDefiningOp<ReshapeOp>())
    v = view->getOperand(0);
  if (!isa_and_present<func::CallOp, GradOp>(v.getDefiningOp()))
    return true;
  SmallVector<Value> views{v};
  for (unsigned i = 0; i < views.size(); ++i)
    for (Operation *user : views[i].getUsers()) {
      Operation *at = v.getParentBlock()->findAncestorOpInBlock(*user);
      if (isa<ReshapeOp>(at))
        views.push_back(at->getResult(0));
      else if (llvm::is_contained(group, at) ? views[i] != init : !isa<func::CallOp>(at))
        return true;
    }
  return false;
}

/// Whether the result `op` of a group may lie where its init does. A scatter adds to what is there, so else it must copy
/// that first; what reads its argument element by element may lie elsewhere anyway.
static bool addsInPlace(Operation *op, ArrayRef<Operation *> group) {
  auto scatter = dyn_cast<ScatterOp>(op);
  return !scatter || !scatter.getInit() || !livesBehind(scatter.getInit(), group);
}

/// A function outside any module with the group as its body.
static func::FuncOp buildKernel(ArrayRef<Operation *> group, ValueRange inputs, ValueRange results) {
  MLIRContext *ctx = group.front()->getContext();
  OpBuilder b(ctx);
  auto type = b.getFunctionType(inputs.getTypes(), results.getTypes());
  auto kernel = func::FuncOp::create(mainOf(group)->getLoc(), "k", type);
  kernel.setPrivate();
  kernel->setAttr("graph.kernel", b.getUnitAttr());
  kernel->setAttr("graph.kind", b.getStringAttr(kindOf(group)));
  b.setInsertionPointToStart(kernel.addEntryBlock());
  IRMapping mapping;
  mapping.map(inputs, kernel.getArguments());
  for (Operation *op : group)
    b.clone(*op, mapping);
  SmallVector<Value> returned;
  for (Value v : results)
    returned.push_back(mapping.lookup(v));
  func::ReturnOp::create(b, kernel.getLoc(), returned);
  SmallVector<int32_t> places = inplaceOf(kernel);
  for (auto [v, place] : llvm::zip(results, places))
    if (!addsInPlace(v.getDefiningOp(), group))
      place = -1;
  kernel->setAttr("graph.inplace", b.getDenseI32ArrayAttr(places));
  return kernel;
}

std::string tintype::fusion::nameByText(func::FuncOp kernel) {
  kernel.setName("k");
  std::string text;
  llvm::raw_string_ostream os(text);
  kernel->print(os, OpPrintingFlags().useLocalScope().printGenericOpForm());
  kernel.setName("k_" + llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true, /*Width=*/16));
  return text;
}

namespace {
/// Kernels of a module by their text. Layers repeat them, so each is first looked for by its structure, which needs neither
/// a function nor text.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : symbols(module) {}

  /// The kernel that computes `results` from `inputs` as `group` does.
  func::FuncOp kernelOf(ArrayRef<Operation *> group, ValueRange inputs, ValueRange results) {
    SmallVector<func::FuncOp> &alike = structures[structureOf(group, inputs)];
    for (func::FuncOp known : alike)
      if (isBodyOf(known, group, inputs, results) && addsAlike(known, group, results))
        return known;
    func::FuncOp kernel = buildKernel(group, inputs, results);
    std::string text = nameByText(kernel);
    func::FuncOp &known = kernels[text];
    if (known) {
      kernel.erase();
    } else {
      symbols.insert(kernel); // makes the name unique should two texts share a hash
      known = kernel;
    }
    alike.push_back(known);
    return known;
  }
  size_t size() const { return kernels.size(); }

private:
  static size_t structureOf(ArrayRef<Operation *> group, ValueRange inputs) {
    llvm::hash_code hash = llvm::hash_combine_range(inputs.getTypes());
    for (Operation *op : group)
      op->walk([&](Operation *inner) {
        hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(inner, OperationEquivalence::ignoreHashValue,
                                                                          OperationEquivalence::ignoreHashValue,
                                                                          OperationEquivalence::IgnoreLocations));
      });
    return hash;
  }

  static bool isBodyOf(func::FuncOp kernel, ArrayRef<Operation *> group, ValueRange inputs, ValueRange results) {
    Block &body = kernel.getBody().front();
    ValueRange returned = body.getTerminator()->getOperands();
    if (!llvm::equal(inputs.getTypes(), body.getArgumentTypes()) || results.size() != returned.size())
      return false;
    llvm::DenseMap<Value, Value> same;
    for (auto [input, arg] : llvm::zip(inputs, body.getArguments()))
      same[input] = arg;
    auto isSame = [&](Value a, Value b) { return success(same.lookup(a) == b); };
    auto match = [&](Value a, Value b) { same[a] = b; };
    bool isEqual = llvm::equal(group, body.without_terminator(), [&](Operation *op, Operation &known) {
      return OperationEquivalence::isEquivalentTo(op, &known, isSame, match, OperationEquivalence::IgnoreLocations);
    });
    return isEqual && llvm::equal(results, returned, [&](Value a, Value b) { return same.lookup(a) == b; });
  }

  /// Whether what `kernel` adds up in place may be for this group, and nothing else is copied.
  static bool addsAlike(func::FuncOp kernel, ArrayRef<Operation *> group, ValueRange results) {
    auto places = cast<DenseI32ArrayAttr>(kernel->getAttr("graph.inplace")).asArrayRef();
    return llvm::all_of(llvm::zip(results, places), [&](auto result) {
      Operation *op = std::get<0>(result).getDefiningOp();
      return !isa<ScatterOp>(op) || addsInPlace(op, group) == (std::get<1>(result) >= 0);
    });
  }

  SymbolTable symbols;
  llvm::StringMap<func::FuncOp> kernels;
  std::unordered_map<size_t, SmallVector<func::FuncOp>> structures;
};

struct OutlineKernels : public tintype::fusion::impl::GraphOutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> hosts;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (isProgram(func))
        hosts.push_back(func);
    KernelTable table(getOperation());
    for (func::FuncOp host : hosts) {
      eraseDead(host);
      for (ArrayRef<Operation *> group : groupsOf(host.getBody().front()))
        outline(group, table);
      eraseDead(host); // constants that went into bodies
    }
    numKernels += table.size();
  }

  void outline(ArrayRef<Operation *> group, KernelTable &table) {
    Attribute rows;
    for (Operation *op : group) {
      sinkScalars(op);
      rows = op->hasAttr(rowsAttr) ? op->getAttr(rowsAttr) : rows;
      for (StringRef name : {StringRef(groupAttr), StringRef(againAttr), StringRef(rowsAttr)})
        op->removeAttr(name);
    }
    SmallVector<Value> inputs = inputsOf(group), results = resultsOf(group);
    Location loc = mainOf(group)->getLoc();
    // A call knows every statement it computes: its main one, then the others.
    llvm::SetVector<Location> all;
    all.insert(loc);
    for (Operation *op : group)
      op->walk([&](Operation *inner) { all.insert(inner->getLoc()); });
    func::FuncOp kernel = table.kernelOf(group, inputs, results);
    OpBuilder b(group.back());
    auto call = func::CallOp::create(b, FusedLoc::get(b.getContext(), all.getArrayRef()), kernel, inputs);
    if (std::string label = labelOf(loc); !label.empty())
      call->setAttr("graph.label", b.getStringAttr(label));
    if (rows)
      call->setAttr(rowsAttr, rows);
    for (auto [from, to] : llvm::zip(results, call.getResults()))
      from.replaceAllUsesWith(to);
    ++numCalls;
    for (Operation *op : llvm::reverse(group))
      op->erase();
  }
};
} // namespace
