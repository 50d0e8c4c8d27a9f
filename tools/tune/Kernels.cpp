//===- Kernels.cpp - the kernels of a training step, weighed --------------===//
#include "tools/tune/Kernels.h"
#include "runtime/Probe.h"
#include "tools/tune/KernelCode.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::tune {

Roof probeRoof(const std::vector<std::string> &features, int threads, double seconds) {
  Manifest manifest;
  for (const std::string &f : features)
    manifest.add_features(f);
  rt::Threads pool(threads);
  rt::PeakFlops peak, dots;
  rt::probeFlops(pool, manifest, seconds, peak);
  rt::probeFlops(pool, manifest, seconds, dots, /*bf16=*/true);
  // All by CPU time: other programs take time from us, not speed.
  return {peak.core * threads * 1e9, dots.core * threads * 1e9, rt::probeRead(pool, seconds) * 1e9};
}

/// Less than this need not come from memory.
static constexpr double kCached = 4 << 20;

double Kernel::roof(const Roof &r) const {
  return std::max({flops / (isRounded ? r.dots : r.flops), bytes > kCached ? bytes / r.bytes : 0, 1e-9});
}

llvm::Error checkDims(ModuleOp module, const Dims &given) {
  auto bounds = module->getAttrOfType<DictionaryAttr>("graph.bounds");
  for (auto &[name, n] : given) {
    auto range = bounds ? bounds.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
    if (!range || range.size() < 2) {
      std::string names;
      for (NamedAttribute b : bounds ? bounds.getValue() : ArrayRef<NamedAttribute>())
        names += (names.empty() ? "" : ", ") + b.getName().str();
      return llvm::createStringError("expected a runtime dim of the model (" + names + "), but got " + name);
    }
    if (n < range[0] || n > range[1])
      return llvm::createStringError("expected " + name + " in [" + std::to_string(range[0]) + ", " + std::to_string(range[1]) +
                                     "], but got " + std::to_string(n));
  }
  return llvm::Error::success();
}

Dims dimsOf(ModuleOp module, const Dims &given) {
  Dims dims = given;
  auto add = [&](StringRef name, int64_t n) { dims.insert({name.str(), n}); };
  if (auto text = module->getAttrOfType<StringAttr>("graph.recipe")) {
    if (auto recipe = llvm::json::parse(text.getValue())) {
      auto *train = recipe->getAsObject() ? recipe->getAsObject()->getObject("train") : nullptr;
      for (const char *name : {"B", "T"})
        if (auto n = train ? train->getInteger(name) : std::nullopt; n && *n > 0 && *n < 1 << 24)
          add(name, *n);
    } else {
      llvm::consumeError(recipe.takeError());
    }
  }
  if (auto bounds = module->getAttrOfType<DictionaryAttr>("graph.bounds"))
    for (NamedAttribute b : bounds)
      if (auto range = dyn_cast<DenseI64ArrayAttr>(b.getValue()); range && range.size() >= 2)
        add(b.getName(), std::clamp<int64_t>(b.getName() == "B" ? 8 : 256, range[0], range[1]));
  int64_t parameters = 0;
  for (auto p : module.getOps<ParameterOp>())
    parameters += elementsAt(p.getType(), {});
  add("N", std::clamp<int64_t>(parameters, 64, 1 << 24));
  return dims;
}

std::string printDims(const Dims &dims) {
  std::string text;
  for (auto &[name, n] : dims)
    text += (text.empty() ? "" : ",") + name + "=" + std::to_string(n);
  return text;
}

/// Counts the work of a kernel at these dims; of a block kernel what its blocks leave of it.
static void count(Kernel &k, const Dims &dims, const schedule::Machine &machine) {
  for (Operation &op : k.fn.getBody().front().without_terminator()) {
    double points = 1;
    for (AffineExpr e : extentsOf(&op))
      points *= std::max<int64_t>(extentAt(e, dims), 1);
    int reads = 0;
    op.walk([&](Operation *x) {
      if (isa<ReadOp>(x))
        ++reads;
      if (isa<RandomOp>(x))
        k.calls += 2 * points;
      else if (isa<math::MathDialect>(x->getDialect()))
        k.calls += isa<math::AbsFOp, math::FloorOp, math::FmaOp>(x) ? 0 : points;
      else if (isa<arith::DivFOp>(x))
        k.calls += points / 2;
      if (isa<arith::ArithDialect, math::MathDialect>(x->getDialect()) && x->getNumResults() && isa<FloatType>(x->getResult(0).getType()) &&
          !isa<arith::ConstantOp, arith::SelectOp, arith::ExtFOp, arith::TruncFOp>(x))
        k.flops += points;
    });
    auto compute = dyn_cast<ComputeOp>(op);
    if (!compute || compute.isReduction())
      k.flops += points;
    if (compute && compute.isReduction() && reads >= 2 && compute.getReducer() == Reducer::sum) {
      for (ReadOp r : readsOf(&op))
        k.packed += elementsAt(r.getSource().getType(), dims);
      op.walk([&](arith::ExtFOp x) { k.isRounded |= machine.hasPairs() && x.getIn().getType().isBF16(); });
    }
  }
  for (TypeRange types : {TypeRange(k.fn.getArgumentTypes()), TypeRange(k.fn.getResultTypes())})
    for (Type t : types)
      k.bytes += double(elementsAt(t, dims)) * elementBytes(t);
  auto kind = k.fn->getAttrOfType<StringAttr>("graph.kind");
  k.kind = kind ? kind.str() : "";
  k.isContraction = k.kind == "contraction";
  auto plan = schedule::planKernel(k.fn, machine, {});
  if (failed(plan))
    return;
  auto planned = *plan->module->getOps<func::FuncOp>().begin();
  auto flops = planned->getAttrOfType<DimsAttr>("graph.flops");
  k.isBlock = planned->hasAttr("graph.ranges");
  if (k.isBlock && flops && k.flops > 0) {
    double part = extentAt(flops[0], dims) / k.flops;
    k.flops *= part;
    k.calls *= part;
  }
}

std::string Kernel::boundBy(const Roof &r, double seconds) const {
  // A call is about 13 cycles a vector, in which 52 operations a lane would fit; packing an element takes a
  // load, a store and half a shuffle, two or three times over for blocks on both sides.
  const bool isCached = bytes <= kCached;
  std::pair<double, const char *> parts[] = {
      {isCached && (isContraction || isBlock) ? 0 : bytes / r.bytes, isCached ? "data from a cache (as if from memory)" : "memory"},
      {calls * 52 / r.flops, "transcendental functions"},
      {isBlock || isContraction ? flops / (isRounded ? r.dots : r.flops) : 0, "products"},
      {isContraction && !isBlock ? packed * 4 * 3 / (r.bytes * 2) : 0, "packing"},
      {isContraction || isBlock ? 0 : 2 * flops / r.flops, "arithmetic without products"}};
  if (seconds < 2e-5)
    return "a few microseconds, too short to say";
  std::sort(std::begin(parts), std::end(parts), [](auto &a, auto &b) { return a.first > b.first; });
  std::string text;
  for (auto [part, name] : parts)
    if (text.empty() || part > 0.05 * seconds)
      text += (text.empty() ? "" : ", ") + llvm::formatv("{0} {1:f0} %", name, 100 * std::min(part / seconds, 1.0)).str();
  return text + " of its time";
}

static std::string roleOf(const std::string &dtype) { return dtype == "bf16" ? "train_step_bf16" : "train_step"; }
static bool hasRole(ModuleOp module, StringRef role) {
  return llvm::any_of(module.getOps<func::FuncOp>(), [&](func::FuncOp f) {
    auto is = f->getAttrOfType<StringAttr>("graph.role");
    return is && is.getValue() == role;
  });
}

std::string dtypeOf(ModuleOp module) {
  auto text = module->getAttrOfType<StringAttr>("graph.recipe");
  auto recipe = llvm::json::parse(text ? text.getValue() : "{}");
  if (!recipe) {
    llvm::consumeError(recipe.takeError());
    return "f32";
  }
  auto *train = recipe->getAsObject() ? recipe->getAsObject()->getObject("train") : nullptr;
  bool isBf16 = train && train->getString("precision") == StringRef("bf16") && hasRole(module, roleOf("bf16"));
  return isBf16 ? "bf16" : "f32";
}

std::vector<Kernel> kernelsOf(ModuleOp module, const std::string &dtype, const Dims &dims, const Roof &roof,
                              const schedule::Machine &machine) {
  if (!hasRole(module, roleOf(dtype)))
    return {};
  std::map<std::string, double> launches;
  for (auto f : module.getOps<func::FuncOp>()) {
    auto role = f->getAttrOfType<StringAttr>("graph.role");
    if (!role)
      continue;
    bool isStep = role.getValue() == roleOf(dtype) || role == "update" || role == "grad_norm";
    if (isStep)
      f.walk([&](func::CallOp call) { ++launches[call.getCallee().str()]; });
  }
  std::vector<Kernel> list;
  for (auto f : module.getOps<func::FuncOp>()) {
    auto it = launches.find(f.getName().str());
    if (!f->hasAttr("graph.kernel") || f.isExternal() || it == launches.end())
      continue;
    Kernel k;
    k.fn = f;
    k.name = f.getName().str();
    k.launches = it->second;
    count(k, dims, machine);
    list.push_back(k);
  }
  std::stable_sort(list.begin(), list.end(),
                   [&](const Kernel &a, const Kernel &b) { return a.launches * a.roof(roof) > b.launches * b.roof(roof); });
  return list;
}

} // namespace tintype::tune
