//===- Translate.cpp - a halide.pipeline as calls of Halide's API ---------===//
// One switch over the ops. Every Func and ImageParam carries the kernel's name,
// so that objects do not depend on what else this process compiled.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Translate.h"
#include "codegen/halide/Math.h"
#include "codegen/halide/Target.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tintype::halide;
namespace H = Halide;
using H::Expr;

namespace tintype::codegen {
namespace {

/// Loop names of one definition of a func, and which of them are reduction loops.
struct Stage {
  llvm::StringMap<H::RVar> rvars;
  H::VarOrRVar loop(StringRef name) const {
    auto it = rvars.find(name);
    return it == rvars.end() ? H::VarOrRVar(H::Var(name.str())) : H::VarOrRVar(it->second);
  }
  /// A loop made from `from`.
  H::VarOrRVar make(StringRef name, std::initializer_list<StringRef> from) {
    for (StringRef f : from)
      if (rvars.count(f))
        rvars[name] = H::RVar(name.str());
    return loop(name);
  }
};

struct FuncState {
  H::Func func;
  std::vector<Stage> stages;
};

class Translator {
public:
  Translator(PipelineOp pipeline, const H::Target &target)
      : pipeline(pipeline), target(target), hasRounding(hasDotBf16(target.to_string())), prefix(pipeline.getKernel().str() + "_") {}
  FailureOr<H::Module> run();

private:
  Expr extent(AffineExpr e);
  Expr affine(AffineExpr e, ArrayRef<Expr> dims);
  void input(InputOp op);
  LogicalResult body(Block &block, DenseMap<Value, Expr> &env);
  LogicalResult func(FuncOp op);
  LogicalResult update(UpdateOp op);
  LogicalResult output(OutputOp op);
  LogicalResult directive(Operation &op);
  LogicalResult visit(Operation &op);
  Operation *blame(StringRef message);

  PipelineOp pipeline;
  H::Target target;
  bool hasRounding; ///< the target rounds to bf16 in one instruction
  std::string prefix;
  llvm::StringMap<H::Param<int32_t>> symbols;
  llvm::StringMap<H::ImageParam> inputs;
  llvm::StringMap<FuncState> funcs;
  std::vector<H::Argument> arguments;
  std::vector<H::Func> outputs;
  /// Where each result's buffer stands among the arguments of the outputs.
  std::map<int64_t, std::pair<std::string, int64_t>> results;
};

/// Halide lowers the cast to integer arithmetic on every target. In its library for AVX-512 stands a vector
/// form under this name, one vcvtne2ps2bf16; single values call the runtime's (runtime/Halide.cpp).
static Expr roundToBf16(Expr x) {
  using H::Internal::Call;
  return H::reinterpret(H::BFloat(16), Call::make(H::UInt(16), "vcvtne2ps2bf16", {std::move(x)}, Call::PureExtern));
}

Expr Translator::extent(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return (int)c.getValue();
  if (auto s = dyn_cast<AffineSymbolExpr>(e))
    return symbols[e.getContext()->getOrLoadDialect<graph::GraphDialect>()->symbolName(s.getPosition())];
  return affine(e, {});
}

Expr Translator::affine(AffineExpr e, ArrayRef<Expr> dims) {
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return dims[d.getPosition()];
  auto b = dyn_cast<AffineBinaryOpExpr>(e);
  if (!b)
    return extent(e);
  Expr l = affine(b.getLHS(), dims), r = affine(b.getRHS(), dims);
  switch (e.getKind()) {
  case AffineExprKind::Add: return l + r;
  case AffineExprKind::Mul: return l * r;
  case AffineExprKind::FloorDiv: return l / r; // rounds down, as in affine maps
  case AffineExprKind::Mod: return l % r;
  default: return (l + r - 1) / r;
  }
}

void Translator::input(InputOp op) {
  auto dims = op.getDims();
  H::ImageParam p(halideType(op.getType()), dims.size(), prefix + op.getSymName().str());
  Expr stride = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    Expr n = extent(dims[i]);
    p.dim(i).set_bounds(0, n);
    if (i)
      p.dim(i).set_stride(stride);
    stride = H::Internal::simplify(stride * n);
  }
  inputs[op.getSymName()] = p;
  arguments.push_back(p);
}

LogicalResult Translator::body(Block &block, DenseMap<Value, Expr> &env) {
  for (Operation &op : block.without_terminator()) {
    SmallVector<Expr> in;
    for (Value v : op.getOperands())
      in.push_back(env.lookup(v));
    std::vector<Expr> list(in.begin(), in.end());
    Expr r;
    if (auto load = dyn_cast<LoadOp>(op)) {
      auto f = funcs.find(load.getSource());
      if (f == funcs.end())
        r = inputs[load.getSource()](list);
      else if (f->second.func.outputs() > 1)
        r = f->second.func(list)[load.getElement().value_or(0)];
      else
        r = f->second.func(list);
    } else if (auto index = dyn_cast<IndexOp>(op)) {
      r = affine(index.getMap().getResult(0), in);
    } else if (auto size = dyn_cast<graph::SizeOp>(op)) {
      r = extent(size.getDims()[0]);
    } else if (isa<PromiseOp>(op)) {
      r = H::unsafe_promise_clamped(in[0], in[1], in[2]);
    } else if (isa<LikelyOp>(op)) {
      r = H::likely(in[0]);
    } else if (isa<UndefOp>(op)) {
      r = H::undef(halideType(op.getResult(0).getType()));
    } else if (auto random = dyn_cast<RandomOp>(op)) {
      auto [w0, w1] = philox(H::cast<uint32_t>(in[0]), H::cast<uint32_t>(in[1]), H::cast<uint32_t>(in[2]));
      r = random.getDraw() == Draw::uniform
              ? H::cast<float>(H::cast<int>(w0 >> 8)) * 5.9604644775390625e-8f
              : H::sqrt(-2.0f * vectorLog((H::cast<float>(H::cast<int>(w0 >> 8)) + 1.0f) * 5.9604644775390625e-8f)) *
                    vectorCos(H::cast<float>(H::cast<int>(w1 >> 8)) * (6.28318531f * 5.9604644775390625e-8f));
    } else if (auto wide = dyn_cast<arith::MulUIExtendedOp>(op)) {
      Expr p = H::cast<uint64_t>(H::cast<uint32_t>(in[0])) * H::cast<uint64_t>(H::cast<uint32_t>(in[1]));
      env[wide.getLow()] = H::cast<int>(H::cast<uint32_t>(p));
      env[wide.getHigh()] = H::cast<int>(H::cast<uint32_t>(p >> 32));
      continue;
    } else {
      r = hasRounding && isa<arith::TruncFOp>(op) && op.getResult(0).getType().isBF16() ? roundToBf16(in[0]) : scalarExpr(&op, in);
      if (!r.defined())
        return op.emitError() << "expected an operation with a Halide form, but got " << op.getName();
    }
    env[op.getResult(0)] = r;
  }
  return success();
}

LogicalResult Translator::func(FuncOp op) {
  DenseMap<Value, Expr> env;
  std::vector<H::Var> vars;
  for (auto [name, arg] : llvm::zip(op.getVars().getAsValueRange<StringAttr>(), op.getBody().getArguments())) {
    vars.push_back(H::Var(name.str()));
    env[arg] = vars.back();
  }
  if (failed(body(op.getBody().front(), env)))
    return failure();
  std::vector<Expr> values;
  for (Value v : cast<YieldOp>(op.getBody().front().back()).getValues())
    values.push_back(env.lookup(v));
  FuncState &state = funcs[op.getSymName()];
  state.func = H::Func(prefix + op.getSymName().str());
  state.stages.emplace_back();
  if (values.size() == 1)
    state.func(vars) = values[0];
  else
    state.func(vars) = H::Tuple(values);
  return success();
}

LogicalResult Translator::update(UpdateOp op) {
  FuncState &state = funcs[op.getFunc()];
  DenseMap<Value, Expr> env;
  std::vector<Expr> places;
  Block &block = op.getBody().front();
  unsigned n = op.getVars().size();
  for (auto [i, name] : llvm::enumerate(op.getVars().getAsValueRange<StringAttr>())) {
    places.push_back(H::Var(name.str()));
    env[block.getArgument(i)] = places.back();
  }
  Stage stage;
  H::RDom domain;
  if (!op.getRvars().empty()) {
    H::Region region;
    for (AffineExpr e : op.getExtents().getExprs())
      region.push_back({0, extent(e)});
    domain = H::RDom(region, prefix + op.getFunc().str() + "_r" + std::to_string(state.stages.size()));
    for (auto [i, name] : llvm::enumerate(op.getRvars().getAsValueRange<StringAttr>())) {
      stage.rvars[name] = domain[i];
      env[block.getArgument(n + i)] = domain[i];
    }
  }
  if (failed(body(block, env)))
    return failure();
  auto yield = cast<YieldOp>(block.back());
  if (yield.getFilter()) {
    if (op.getRvars().empty())
      return yield.emitError() << "expected a reduction var under a filter, but there is none";
    domain.where(env.lookup(yield.getFilter()));
  }
  if (!yield.getPlaces().empty()) {
    places.clear();
    for (Value v : yield.getPlaces())
      places.push_back(env.lookup(v));
  }
  std::vector<Expr> values;
  for (Value v : yield.getValues())
    values.push_back(env.lookup(v));
  // Halide forgets a domain that nothing mentions, as in a sum of ones.
  auto mentions = [&](const Expr &e) {
    for (unsigned i = 0; i < op.getRvars().size(); ++i)
      if (H::Internal::expr_uses_var(e, domain[i].name()))
        return true;
    return false;
  };
  if (!op.getRvars().empty() && llvm::none_of(places, mentions) && llvm::none_of(values, mentions))
    for (Expr &v : values)
      v = H::select(domain[0] >= 0, v, v);
  if (values.size() == 1)
    state.func(places) = values[0];
  else
    state.func(places) = H::Tuple(values);
  state.stages.push_back(stage);
  return success();
}

LogicalResult Translator::output(OutputOp op) {
  H::Func f = funcs[op.getFunc()].func;
  int64_t element = op.getElement().value_or(0);
  if (element >= (int64_t)f.outputs())
    return op.emitError() << "expected an element below " << f.outputs() << ", but got " << element;
  H::OutputImageParam b = f.output_buffers()[element];
  Expr stride = 1;
  for (auto [i, block] : llvm::enumerate(op.getBlocks())) {
    Expr n = extent(op.getDims()[i]);
    if (i)
      b.dim(i).set_stride(stride);
    stride = H::Internal::simplify(stride * n);
    if (element)
      continue; // the buffers of a tuple share bounds; Halide takes them from the first
    if (block == 0)
      b.dim(i).set_bounds(0, n);
    else if (block == 1)
      b.dim(i).set_extent(1);
    else
      b.dim(i).set_min((b.dim(i).min() / (int)block) * (int)block);
  }
  if (llvm::none_of(outputs, [&](H::Func &o) { return o.name() == f.name(); }))
    outputs.push_back(f);
  results[op.getResult()] = {f.name(), element};
  return success();
}

H::TailStrategy tailOf(std::optional<Tail> tail) {
  switch (tail.value_or(Tail::automatic)) {
  case Tail::guard: return H::TailStrategy::GuardWithIf;
  case Tail::round_up: return H::TailStrategy::RoundUp;
  case Tail::shift: return H::TailStrategy::ShiftInwards;
  case Tail::predicate: return H::TailStrategy::Predicate;
  default: return H::TailStrategy::Auto;
  }
}

LogicalResult Translator::directive(Operation &op) {
  StringRef name = op.getAttrOfType<FlatSymbolRefAttr>("func").getValue();
  auto it = funcs.find(name);
  if (it == funcs.end())
    return op.emitError() << "expected a func, but there is no @" << name;
  H::Func f = it->second.func;
  int64_t index = -1;
  if (auto a = op.getAttrOfType<IntegerAttr>("stage"))
    index = a.getInt();
  if (index + 1 >= (int64_t)it->second.stages.size())
    return op.emitError() << "expected one of " << it->second.stages.size() - 1 << " updates of @" << name << ", but got update "
                          << index;
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
      .Case<ReorderOp>([&](ReorderOp o) { stage.reorder(loops(o.getVars())); return success(); })
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
      .Case<AtomicOp>([&](AtomicOp) { stage.atomic(); return success(); })
      .Case<ComputeRootOp>([&](ComputeRootOp) { f.compute_root(); return success(); })
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
        f.store_in(o.getMemory() == Memory::stack       ? H::MemoryType::Stack
                   : o.getMemory() == Memory::registers ? H::MemoryType::Register
                                                        : H::MemoryType::Heap);
        return success();
      })
      .Case<BoundOp>([&](BoundOp o) { f.bound(var(o.getVar()), (int)o.getMin(), (int)o.getExtent()); return success(); })
      .Case<BoundExtentOp>([&](BoundExtentOp o) { f.bound_extent(var(o.getVar()), (int)o.getExtent()); return success(); })
      .Case<AlignBoundsOp>([&](AlignBoundsOp o) { f.align_bounds(var(o.getVar()), (int)o.getModulus()); return success(); })
      .Case<ReorderStorageOp>([&](ReorderStorageOp o) {
        std::vector<H::Var> order;
        for (StringRef v : o.getVars().getAsValueRange<StringAttr>())
          order.push_back(var(v));
        f.reorder_storage(order);
        return success();
      })
      .Default([&](Operation *o) { return o->emitError() << "expected a member of a pipeline, but got " << o->getName(); });
}

LogicalResult Translator::visit(Operation &op) {
  try {
    if (auto o = dyn_cast<InputOp>(op))
      return input(o), success();
    if (auto o = dyn_cast<FuncOp>(op))
      return func(o);
    if (auto o = dyn_cast<UpdateOp>(op))
      return update(o);
    if (auto o = dyn_cast<OutputOp>(op))
      return output(o);
    return directive(op);
  } catch (const H::Error &e) {
    return op.emitError() << messageOf(e);
  }
}

/// Where `message` holds `name`, and not as a part of a longer one, or npos.
static size_t findName(StringRef message, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = message.find(name); at != StringRef::npos; at = message.find(name, at + 1))
    if ((at == 0 || !isPart(message[at - 1])) && (at + name.size() == message.size() || !isPart(message[at + name.size()])))
      return at;
  return StringRef::npos;
}

/// What Halide finds out when it lowers the whole has no place in our text. Of the
/// func that the message names first: where it is computed, if the message is about
/// that; else the directive on a loop that the message names, or the last one.
Operation *Translator::blame(StringRef message) {
  Operation *found = pipeline;
  int best = 0;
  size_t first = StringRef::npos;
  for (Operation &op : pipeline.getBody().front()) {
    auto func = op.getAttrOfType<FlatSymbolRefAttr>("func");
    size_t at = func && !isa<UpdateOp, OutputOp>(op) ? findName(message, prefix + func.getValue().str()) : StringRef::npos;
    if (at == StringRef::npos || at > first)
      continue;
    best = at < first ? 0 : best;
    first = at;
    auto var = op.getAttrOfType<StringAttr>("var");
    int score = 1 + 4 * (isa<ComputeAtOp>(op) && message.contains("location")) + 2 * (var && findName(message, var.getValue()) != StringRef::npos);
    if (score >= best) {
      best = score;
      found = &op;
    }
  }
  return found;
}

FailureOr<H::Module> Translator::run() {
  for (StringRef s : pipeline.getSymbols().getAsValueRange<StringAttr>()) {
    H::Param<int32_t> p(prefix + s.str());
    symbols[s] = p;
    arguments.push_back(p);
  }
  for (Operation &op : pipeline.getBody().front())
    if (failed(visit(op)))
      return failure();
  try {
    std::string name = pipeline.getKernel().str();
    H::Module m = H::Pipeline(outputs).compile_to_module(arguments, name, target, H::LinkageType::ExternalPlusArgv);
    // Halide puts outputs in the order of their computation; the contract wants results in order.
    for (auto &fn : m.functions()) {
      if (fn.name != name)
        continue;
      std::map<std::pair<std::string, int64_t>, size_t> position;
      size_t at = arguments.size();
      for (H::Func &o : outputs)
        for (int e = 0; e < (int)o.outputs(); ++e)
          position[{o.name(), e}] = at++;
      auto old = fn.args;
      for (auto &[result, buffer] : results)
        fn.args[arguments.size() + result] = old[position[buffer]];
    }
    return m;
  } catch (const H::Error &e) {
    std::string message = messageOf(e);
    return blame(message)->emitError() << message;
  }
}
} // namespace

std::string messageOf(const H::Error &e) {
  StringRef text = StringRef(e.what()).trim();
  for (StringRef kind : {"Error: ", "Warning: ", "Internal Error at "})
    text.consume_front(kind);
  std::string line;
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, false);
  for (StringRef l : lines)
    line += (line.empty() ? "" : " ") + l.trim().str();
  if (!line.empty() && (line.size() < 2 || !isupper(line[1])))
    line[0] = tolower(line[0]);
  return line;
}

FailureOr<H::Module> translate(PipelineOp pipeline, const H::Target &target) { return Translator(pipeline, target).run(); }

} // namespace tintype::codegen
