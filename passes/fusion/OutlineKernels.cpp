//===- OutlineKernels.cpp - groups become functions, equal ones one -------===//
//   %y = graph.compute .. {graph.group = 3 : i32}     ->  %y = call @k_5c..(%x)
// The name is a hash of the text, so that it depends on nothing but what the
// kernel computes: caches and schedules are filed under it. Test:
// test/passes/fusion/outline-kernels.mlir
//===----------------------------------------------------------------------===//
#include "passes/fusion/Kernel.h"
#include "passes/fusion/Passes.h"
#include "mlir/IR/IRMapping.h"
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
  for (Operation *op : group) {
    Operation *copy = b.clone(*op, mapping);
    copy->removeAttr(groupAttr);
    copy->removeAttr(againAttr);
    copy->removeAttr(rowsAttr);
  }
  SmallVector<Value> returned;
  for (Value v : results)
    returned.push_back(mapping.lookup(v));
  func::ReturnOp::create(b, kernel.getLoc(), returned);
  kernel->setAttr("graph.inplace", b.getDenseI32ArrayAttr(inplaceOf(kernel)));
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
/// Kernels of a module by their text. Layers repeat them, so each is first looked for by its structure, which needs no text.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : symbols(module) {}

  /// The kernel equal to `kernel`, which this call takes over.
  func::FuncOp share(func::FuncOp kernel) {
    SmallVector<func::FuncOp> &alike = structures[structureOf(kernel)];
    for (func::FuncOp known : alike) {
      kernel.setName(known.getName());
      if (OperationEquivalence::isEquivalentTo(kernel, known, OperationEquivalence::IgnoreLocations)) {
        kernel.erase();
        return known;
      }
    }
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
  static size_t structureOf(func::FuncOp kernel) {
    llvm::hash_code hash = hash_value(kernel.getFunctionType());
    kernel.getBody().walk([&](Operation *op) {
      hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue, OperationEquivalence::ignoreHashValue,
                                                                        OperationEquivalence::IgnoreLocations));
    });
    return hash;
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
    llvm::for_each(group, sinkScalars);
    SmallVector<Value> inputs = inputsOf(group), results = resultsOf(group);
    Location loc = mainOf(group)->getLoc();
    // A call knows every statement it computes: its main one, then the others.
    llvm::SetVector<Location> all;
    all.insert(loc);
    for (Operation *op : group)
      op->walk([&](Operation *inner) { all.insert(inner->getLoc()); });
    func::FuncOp kernel = table.share(buildKernel(group, inputs, results));
    OpBuilder b(group.back());
    auto call = func::CallOp::create(b, FusedLoc::get(b.getContext(), all.getArrayRef()), kernel, inputs);
    if (std::string label = labelOf(loc); !label.empty())
      call->setAttr("graph.label", b.getStringAttr(label));
    for (Operation *op : group)
      if (auto rows = op->getAttr(rowsAttr))
        call->setAttr(rowsAttr, rows);
    for (auto [from, to] : llvm::zip(results, call.getResults()))
      from.replaceAllUsesWith(to);
    ++numCalls;
    for (Operation *op : llvm::reverse(group))
      op->erase();
  }
};
} // namespace
