//===- Translate.cpp - a halide.pipeline as calls of Halide's API ---------===//
// One switch over the ops. Every Func and ImageParam carries the kernel's name,
// so that objects do not depend on what else this process compiled.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Translate.h"
#include "codegen/halide/Directives.h"
#include "codegen/halide/Lowered.h"
#include "codegen/halide/Math.h"
#include "codegen/halide/Target.h"

using namespace mlir;
using namespace tintype::halide;
namespace H = Halide;
using H::Expr;

namespace tintype::codegen {
namespace {

class Translator {
public:
  Translator(PipelineOp pipeline, const H::Target &target)
      : pipeline(pipeline), target(target), hasRounding(hasBf16(target.to_string())), prefix(pipeline.getKernel().str() + "_") {}
  FailureOr<H::Module> run();

private:
  Expr extent(AffineExpr e);
  Expr affine(AffineExpr e, ArrayRef<Expr> dims);
  void input(InputOp op);
  LogicalResult body(Block &block, DenseMap<Value, Expr> &env);
  LogicalResult func(FuncOp op);
  LogicalResult update(UpdateOp op);
  LogicalResult output(OutputOp op);
  LogicalResult visit(Operation &op);

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

/// To nearest, ties to even; subnormals become zeros, as the machine's instruction does. Halide lowers the cast to
/// integer arithmetic on every target. In its library for AVX-512 stands a vector form under this name, one
/// vcvtne2ps2bf16; single values call the runtime's (runtime/Halide.cpp). Else the same in integers.
static Expr roundToBf16(Expr x, bool hasInstruction) {
  using H::Internal::Call;
  if (hasInstruction)
    return H::reinterpret(H::BFloat(16), Call::make(H::UInt(16), "vcvtne2ps2bf16", {std::move(x)}, Call::PureExtern));
  auto word = [](uint32_t bits) { return Expr(bits); };
  Expr bits = H::reinterpret<uint32_t>(x), magnitude = bits & word(0x7fffffff);
  Expr rounded = bits + word(0x7fff) + ((bits >> 16) & word(1));
  Expr all = H::select(magnitude > word(0x7f800000), bits | word(0x400000), magnitude < word(0x800000), bits & word(0x80000000), rounded);
  return H::reinterpret(H::BFloat(16), H::cast<uint16_t>(all >> 16));
}

/// A random number from 24 bits of a word, or of two.
static Expr drawn(Draw draw, Expr key, Expr c0, Expr c1) {
  constexpr float kUnit = 5.9604644775390625e-8f; // 2^-24
  auto words = philox(H::cast<uint32_t>(key), H::cast<uint32_t>(c0), H::cast<uint32_t>(c1));
  auto top = [](Expr word) { return H::cast<float>(H::cast<int>(word >> 8)); };
  if (draw == Draw::uniform)
    return top(words.first) * kUnit;
  return H::sqrt(-2.0f * vectorLog((top(words.first) + 1.0f) * kUnit)) * vectorCos(top(words.second) * (6.28318531f * kUnit));
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
  case AffineExprKind::Add:
    return l + r;
  case AffineExprKind::Mul:
    return l * r;
  case AffineExprKind::FloorDiv:
    return l / r; // rounds down, as in affine maps
  case AffineExprKind::Mod:
    return l % r;
  default:
    return (l + r - 1) / r;
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
      r = drawn(random.getDraw(), in[0], in[1], in[2]);
    } else if (auto wide = dyn_cast<arith::MulUIExtendedOp>(op)) {
      Expr p = H::cast<uint64_t>(H::cast<uint32_t>(in[0])) * H::cast<uint64_t>(H::cast<uint32_t>(in[1]));
      env[wide.getLow()] = H::cast<int>(H::cast<uint32_t>(p));
      env[wide.getHigh()] = H::cast<int>(H::cast<uint32_t>(p >> 32));
      continue;
    } else {
      bool rounds = isa<arith::TruncFOp>(op) && op.getResult(0).getType().isBF16();
      r = rounds ? roundToBf16(in[0], hasRounding) : scalarExpr(&op, in);
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
    return applyDirective(op, funcs);
  } catch (const H::Error &e) {
    return op.emitError() << messageOf(e);
  }
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
    H::Pipeline whole(outputs);
    auto turn = turnSquares();
    whole.add_custom_lowering_pass(turn.get(), nullptr);
    auto callers = alignNoCallersLoads();
    whole.add_custom_lowering_pass(callers.get(), nullptr);
    std::set<std::string> tiles;
    for (auto &f : funcs)
      if (f.second.isOnTiles)
        tiles.insert(f.second.func.name());
    auto multiply = useTiles(tiles);
    if (!tiles.empty())
      whole.add_custom_lowering_pass(multiply.get(), nullptr);
    H::Module m = whole.compile_to_module(arguments, name, target, H::LinkageType::ExternalPlusArgv);
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
    return blamed(pipeline, prefix, message)->emitError() << message;
  }
}
} // namespace

std::string messageOf(const H::Error &e) {
  StringRef text = StringRef(e.what()).trim();
  for (StringRef kind : {"Error:", "Warning:", "Internal Error at"})
    if (text.consume_front(kind))
      text = text.ltrim();
  std::string line;
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, false);
  for (StringRef l : lines)
    line += (line.empty() ? "" : " ") + l.trim().str();
  if (line.empty())
    return "expected a schedule that Halide takes, but it failed without a reason";
  if (line.size() < 2 || !isupper(line[1]))
    line[0] = tolower(line[0]);
  return line;
}

FailureOr<H::Module> translate(PipelineOp pipeline, const H::Target &target) { return Translator(pipeline, target).run(); }

} // namespace tintype::codegen
