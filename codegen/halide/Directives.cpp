//===- Directives.cpp - a pipeline's schedule as calls of Halide's API ----===//
#include "codegen/halide/Directives.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tintype::halide;
namespace H = Halide;

namespace tintype::codegen {

H::VarOrRVar Stage::loop(StringRef name) const {
  auto it = rvars.find(name);
  return it == rvars.end() ? H::VarOrRVar(H::Var(name.str())) : H::VarOrRVar(it->second);
}

H::VarOrRVar Stage::make(StringRef name, std::initializer_list<StringRef> from) {
  for (StringRef f : from)
    if (rvars.count(f))
      rvars[name] = H::RVar(name.str());
  return loop(name);
}

static H::TailStrategy tailOf(std::optional<Tail> tail) {
  switch (tail.value_or(Tail::automatic)) {
  case Tail::guard:
    return H::TailStrategy::GuardWithIf;
  case Tail::round_up:
    return H::TailStrategy::RoundUp;
  case Tail::shift:
    return H::TailStrategy::ShiftInwards;
  case Tail::predicate:
    return H::TailStrategy::Predicate;
  default:
    return H::TailStrategy::Auto;
  }
}

LogicalResult applyDirective(Operation &op, llvm::StringMap<FuncState> &funcs) {
  StringRef name = op.getAttrOfType<FlatSymbolRefAttr>("func").getValue();
  auto it = funcs.find(name);
  if (it == funcs.end())
    return op.emitError() << "expected a func, but there is no @" << name;
  H::Func f = it->second.func;
  int64_t index = -1;
  if (auto a = op.getAttrOfType<IntegerAttr>("stage"))
    index = a.getInt();
  if (index + 1 >= (int64_t)it->second.stages.size())
    return op.emitError() << "expected one of " << it->second.stages.size() - 1 << " updates of @" << name << ", but got update " << index;
  if (auto factor = op.getAttrOfType<IntegerAttr>("factor"); factor && (factor.getInt() < 1 || factor.getInt() > 65535))
    return op.emitError() << "expected a factor in [1, 65535], but got " << factor.getInt();
  Stage &names = it->second.stages[index + 1];
  H::Stage stage = index < 0 ? H::Stage(f) : f.update(index);
  auto loops = [&](ArrayAttr list) {
    std::vector<H::VarOrRVar> r;
    for (StringRef v : list.getAsValueRange<StringAttr>())
      r.push_back(names.loop(v));
    return r;
  };
  auto var = [](StringRef v) { return H::Var(v.str()); };
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<SplitOp>([&](SplitOp o) {
        auto old = names.loop(o.getVar());
        auto outer = names.make(o.getOuter(), {o.getVar()}), inner = names.make(o.getInner(), {o.getVar()});
        stage.split(old, outer, inner, (int)o.getFactor(), tailOf(o.getTail()));
        return success();
      })
      .Case<FuseOp>([&](FuseOp o) {
        auto inner = names.loop(o.getInner()), outer = names.loop(o.getOuter());
        stage.fuse(inner, outer, names.make(o.getFused(), {o.getInner(), o.getOuter()}));
        return success();
      })
      .Case<ReorderOp>([&](ReorderOp o) {
        stage.reorder(loops(o.getVars()));
        return success();
      })
      .Case<VectorizeOp>([&](VectorizeOp o) {
        auto v = names.loop(o.getVar());
        if (o.getFactor())
          stage.vectorize(v, (int)*o.getFactor(), tailOf(o.getTail()));
        else
          stage.vectorize(v);
        return success();
      })
      .Case<UnrollOp>([&](UnrollOp o) {
        auto v = names.loop(o.getVar());
        if (o.getFactor())
          stage.unroll(v, (int)*o.getFactor(), tailOf(o.getTail()));
        else
          stage.unroll(v);
        return success();
      })
      .Case<AtomicOp>([&](AtomicOp) {
        stage.atomic();
        return success();
      })
      .Case<ComputeRootOp>([&](ComputeRootOp) {
        f.compute_root();
        return success();
      })
      .Case<ComputeAtOp>([&](ComputeAtOp o) {
        auto at = funcs.find(o.getConsumer());
        if (at == funcs.end())
          return LogicalResult(o.emitError() << "expected a func, but there is no @" << o.getConsumer());
        for (Stage &s : llvm::reverse(at->second.stages)) {
          auto loop = s.loop(o.getVar());
          if (loop.is_rvar) {
            f.compute_at(at->second.func, loop.rvar);
            return success();
          }
        }
        f.compute_at(at->second.func, var(o.getVar()));
        return success();
      })
      .Case<StoreInOp>([&](StoreInOp o) {
        it->second.isOnTiles = o.getMemory() == Memory::tiles;
        f.store_in(o.getMemory() == Memory::stack       ? H::MemoryType::Stack
                   : o.getMemory() == Memory::registers ? H::MemoryType::Register
                   : o.getMemory() == Memory::tiles     ? H::MemoryType::Auto // where tiles leave for
                                                        : H::MemoryType::Heap);
        return success();
      })
      .Case<BoundOp>([&](BoundOp o) {
        f.bound(var(o.getVar()), (int)o.getMin(), (int)o.getExtent());
        return success();
      })
      .Case<BoundExtentOp>([&](BoundExtentOp o) {
        f.bound_extent(var(o.getVar()), (int)o.getExtent());
        return success();
      })
      .Case<AlignBoundsOp>([&](AlignBoundsOp o) {
        f.align_bounds(var(o.getVar()), (int)o.getModulus());
        return success();
      })
      .Case<ReorderStorageOp>([&](ReorderStorageOp o) {
        std::vector<H::Var> order;
        for (StringRef v : o.getVars().getAsValueRange<StringAttr>())
          order.push_back(var(v));
        f.reorder_storage(order);
        return success();
      })
      .Default([&](Operation *o) { return o->emitError() << "expected a member of a pipeline, but got " << o->getName(); });
}

/// Where `message` holds `name`, and not as a part of a longer one, or npos.
static size_t findName(StringRef message, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = message.find(name); at != StringRef::npos; at = message.find(name, at + 1))
    if ((at == 0 || !isPart(message[at - 1])) && (at + name.size() == message.size() || !isPart(message[at + name.size()])))
      return at;
  return StringRef::npos;
}

Operation *blamed(PipelineOp pipeline, StringRef prefix, StringRef message) {
  Operation *found = pipeline;
  int best = 0;
  size_t first = StringRef::npos;
  for (Operation &op : pipeline.getBody().front()) {
    auto func = op.getAttrOfType<FlatSymbolRefAttr>("func");
    size_t at = func && !isa<UpdateOp, OutputOp>(op) ? findName(message, (prefix + func.getValue()).str()) : StringRef::npos;
    if (at == StringRef::npos || at > first)
      continue;
    best = at < first ? 0 : best;
    first = at;
    auto var = op.getAttrOfType<StringAttr>("var");
    int score =
        1 + 4 * (isa<ComputeAtOp>(op) && message.contains("location")) + 2 * (var && findName(message, var.getValue()) != StringRef::npos);
    if (score >= best) {
      best = score;
      found = &op;
    }
  }
  return found;
}

} // namespace tintype::codegen
