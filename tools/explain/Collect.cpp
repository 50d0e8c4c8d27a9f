//===- Collect.cpp - facts about blocks, programs and kernels -------------===//
#include "dialects/graph/Graph.h"
#include "dialects/halide/Halide.h"
#include "frontend/Cost.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tools/explain/Report.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace tintype::explain {

std::string Report::anchor(StringRef file, unsigned line) const {
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i].name == file)
      return "s" + std::to_string(i + 1) + "-" + std::to_string(line);
  return "";
}

std::string Report::anchorOf(StringRef label) const {
  auto [front, column] = label.rsplit(':');
  auto [file, line] = front.rsplit(':');
  unsigned l;
  return line.getAsInteger(10, l) ? "" : anchor(file, l);
}

//===-- sizes -------------------------------------------------------------===//

using Sizes = std::map<std::string, int64_t>;

using frontend::sizeOf;

static std::string shapeOf(ArrayRef<AffineExpr> dims, const Sizes &sizes) {
  std::string text;
  for (AffineExpr e : dims)
    text += (text.empty() ? "" : " × ") + std::to_string(int64_t(sizeOf(e, sizes)));
  return text.empty() ? "1" : text;
}

static std::string dimsText(ArrayRef<AffineExpr> dims) {
  std::string text;
  for (AffineExpr e : dims)
    text += (text.empty() ? "" : " × ") + graph::printDim(e);
  return text.empty() ? "1" : text;
}

/// Floating-point operations of a definition.
static double flopsOf(Operation *definition, const Sizes &sizes) {
  double points = 1, ops = 0;
  for (AffineExpr e : graph::extentsOf(definition))
    points *= sizeOf(e, sizes);
  if (auto c = dyn_cast<graph::ComputeOp>(definition); !c || c.isReduction())
    ++ops;
  for (Operation &inner : definition->getRegion(0).front())
    if (inner.getNumResults() == 1 && isa<FloatType>(inner.getResult(0).getType()) &&
        isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) && !isa<arith::ConstantOp, arith::SelectOp>(inner))
      ++ops;
  return points * ops;
}

//===-- blocks ------------------------------------------------------------===//

std::string Block::signature() const {
  std::string text = std::to_string(parameters) + "(";
  for (const Definition &d : definitions)
    text += d.what + ";";
  for (const auto &part : parts)
    text += part->name + part->signature() + ",";
  return text + ")";
}

static Block &blockAt(Block &root, StringRef path) {
  Block *at = &root;
  SmallVector<StringRef> names;
  path.split(names, '.', -1, /*KeepEmpty=*/false);
  for (StringRef name : names) {
    auto it = llvm::find_if(at->parts, [&](auto &p) { return p->name == name; });
    if (it == at->parts.end()) {
      at->parts.push_back(std::make_unique<Block>());
      it = at->parts.end() - 1;
      (*it)->name = name.str();
      (*it)->path = at->path.empty() ? name.str() : at->path + "." + name.str();
    }
    at = it->get();
  }
  return *at;
}

/// Sums up, drops what computes nothing, and makes equal neighbours in a list one.
static void finish(Block &block) {
  for (auto &part : block.parts) {
    finish(*part);
    block.flops += part->flops;
    block.parameters += part->parameters;
  }
  for (const Definition &d : block.definitions)
    block.flops += d.flops;
  std::vector<std::unique_ptr<Block>> kept;
  for (auto &part : block.parts) {
    int number;
    bool isNumbered = !StringRef(part->name).getAsInteger(10, number);
    if (isNumbered && !kept.empty() && kept.back()->signature() == part->signature()) {
      kept.back()->last = part->name;
      ++kept.back()->count;
      continue;
    }
    kept.push_back(std::move(part));
  }
  block.parts = std::move(kept);
}

void collectBlocks(ModuleOp module, int64_t batch, int64_t context, Report &report) {
  Sizes sizes{{"B", batch}, {"T", context}};
  if (auto bounds = module->getAttrOfType<DictionaryAttr>("graph.bounds"))
    for (NamedAttribute a : bounds)
      if (auto v = dyn_cast<DenseI64ArrayAttr>(a.getValue()); v && v.size() == 3) {
        int64_t &size = sizes.try_emplace(a.getName().str(), 256).first->second;
        size = std::max(v[0], std::min(size, v[1]) / std::max<int64_t>(v[2], 1) * std::max<int64_t>(v[2], 1));
      }
  for (auto p : module.getOps<graph::ParameterOp>()) {
    auto type = cast<RankedTensorType>(p.getType());
    blockAt(report.root, StringRef(p.getSymName()).rsplit('.').second.empty() ? "" : StringRef(p.getSymName()).rsplit('.').first)
        .parameters += type.getNumElements();
    report.parameters += type.getNumElements();
  }
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (!forward)
    return;
  for (Operation &op : forward.getBody().front()) {
    if (!isa<graph::ComputeOp, graph::ScatterOp>(op))
      continue;
    std::vector<Place> places = placesOf(op.getLoc());
    std::string path;
    for (const Place &p : places)
      if (path.empty())
        path = p.block;
    Block &block = blockAt(report.root, path);
    auto c = dyn_cast<graph::ComputeOp>(op);
    SmallVector<AffineExpr> over(c ? c.getOver().getExprs() : cast<graph::ScatterOp>(op).getOver().getExprs());
    std::string what = !c ? "scatter " : c.isReduction() ? (graph::stringifyReducer(c.getReducer()) + " over ").str() : "each of ";
    what += dimsText(over);
    if (c && c.isReduction())
      what += ", by " + dimsText(c.getBy().getExprs());
    std::string shape = shapeOf(graph::dimsOf(op.getResult(0).getType()), sizes);
    block.definitions.push_back({what, shape, flopsOf(&op, sizes), places.empty() ? Place() : places.front()});
    for (Block *b = &report.root;;) { // what is computed last in each block around it
      b->shape = shape;
      auto next = llvm::find_if(b->parts, [&](auto &p) { return path == p->path || StringRef(path).starts_with(p->path + "."); });
      if (next == b->parts.end())
        break;
      b = next->get();
    }
  }
  finish(report.root);
}

//===-- programs and kernels ----------------------------------------------===//

/// The places of everything that `loc` stands for; a kernel's main definition first.
static std::vector<std::vector<Place>> allPlaces(Location loc) {
  std::vector<std::vector<Place>> all;
  auto fused = dyn_cast<FusedLoc>(loc);
  for (Location l : fused ? fused.getLocations() : ArrayRef<Location>(loc))
    all.push_back(placesOf(l));
  return all;
}

static std::string print(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os, OpPrintingFlags().useLocalScope());
  return text;
}

/// `f32[B * T, 768]`
static std::string typeText(Type type) {
  std::string text, element;
  llvm::raw_string_ostream os(element);
  os << cast<RankedTensorType>(type).getElementType();
  for (AffineExpr e : graph::dimsOf(type))
    text += (text.empty() ? "" : ", ") + graph::printDim(e);
  return element + "[" + text + "]";
}

static std::string signatureOf(func::FuncOp f) {
  auto list = [](ArrayRef<Type> types) {
    std::string text;
    for (Type t : types)
      text += (text.empty() ? "" : ", ") + typeText(t);
    return text;
  };
  return list(f.getArgumentTypes()) + " → " + list(f.getResultTypes());
}

/// Funcs and directives of a pipeline apart, without the prefix of the dialect.
static void splitPipeline(halide::PipelineOp pipeline, Kernel &k) {
  for (Operation &op : pipeline.getBody().front()) {
    std::string text = print(&op), plain;
    for (size_t at = 0; at < text.size();)
      if (StringRef(text).substr(at).starts_with("halide."))
        at += 7;
      else
        plain += text[at++];
    bool isDirective = !isa<halide::FuncOp, halide::UpdateOp, halide::InputOp, halide::OutputOp>(op);
    (isDirective ? k.schedule : k.algorithm) += plain + "\n";
  }
}

static Kernel &kernelOf(Report &report, llvm::StringMap<int> &index, func::FuncOp f) {
  auto [it, isNew] = index.try_emplace(f.getSymName(), int(report.kernels.size()));
  if (!isNew)
    return report.kernels[it->second];
  Kernel k;
  k.name = f.getSymName().str();
  if (auto kind = f->getAttrOfType<StringAttr>("graph.kind"))
    k.kind = kind.str();
  k.signature = signatureOf(f);
  k.definition = print(f);
  if (auto pipeline = halide::pipelineOf(f))
    splitPipeline(pipeline, k);
  report.kernels.push_back(std::move(k));
  return report.kernels.back();
}

static Launch launchOf(const tintype::Launch &l, const Dims &dims) {
  Launch out;
  out.label = l.label();
  out.flops = double(evaluate(l.flops(), dims));
  out.bytes = double(evaluate(l.bytes(), dims));
  for (const Axis &a : l.grid()) {
    int64_t count = (evaluate(a.extent(), dims) + a.block() - 1) / std::max<int64_t>(a.block(), 1);
    out.grid += (out.grid.empty() ? "" : " × ") + std::to_string(count);
  }
  if (out.grid.empty())
    out.grid = "1";
  if (l.results_size()) {
    for (const Size &d : l.results(0).dims())
      out.shape += (out.shape.empty() ? "" : " × ") + std::to_string(evaluate(d, dims));
    if (l.results_size() > 1)
      out.shape += " and " + std::to_string(l.results_size() - 1) + " more";
  }
  return out;
}

static std::string signatureOf(const Manifest &m, const Program &p, bool isInput) {
  std::string text;
  auto add = [&](const std::string &name, const auto &dims) {
    text += (text.empty() ? "" : ", ") + name + "[";
    bool first = true;
    for (const Size &d : dims) {
      text += first ? "" : ", ";
      first = false;
      bool isSymbol = d.ops_size() == 1 && d.ops(0).kind() == Size::SYMBOL;
      text += isSymbol ? m.symbols(d.ops(0).value()).name() : d.ops_size() == 1 ? std::to_string(d.ops(0).value()) : "…";
    }
    text += "]";
  };
  if (isInput)
    for (const Input &i : p.inputs())
      add(i.name(), i.dims());
  else
    for (const Output &o : p.outputs())
      add(o.name(), o.dims());
  return text;
}

static void collectProgram(func::FuncOp host, const Manifest &m, const Program &p, const Dims &dims, bool isMain,
                           llvm::StringMap<int> &index, Report &report) {
  ProgramFacts facts{p.role(), toString(m, dims), signatureOf(m, p, true), signatureOf(m, p, false), {}, 0};
  int number = 0;
  for (auto call : host.getOps<func::CallOp>()) {
    auto f = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    if (!f || number >= p.launches_size())
      continue;
    Launch l = launchOf(p.launches(number++), dims);
    Kernel &k = kernelOf(report, index, f);
    l.kernel = index[f.getSymName()];
    if (k.label.empty())
      k.label = l.label;
    for (const auto &places : allPlaces(call.getLoc())) {
      for (const Place &place : places)
        if (std::string a = report.anchor(place.file, place.line); !a.empty())
          k.lines.insert(a);
      if (places.empty())
        continue;
      k.places.insert(places.front().str());
      auto inBlock = llvm::find_if(places, [](const Place &x) { return !x.block.empty(); });
      if (inBlock == places.end())
        continue;
      if (l.block.empty())
        l.block = inBlock->block;
      k.blocks.insert(inBlock->block);
    }
    if (isMain) {
      k.flops += l.flops;
      k.bytes += l.bytes;
      ++k.launches;
    }
    facts.flops += l.flops;
    facts.launches.push_back(std::move(l));
  }
  report.programs.push_back(std::move(facts));
}

void collectPrograms(ModuleOp module, const Manifest &m, const Program *main, int64_t batch, int64_t context, Report &report) {
  report.model = m.model();
  report.task = m.task();
  report.target = m.target();
  report.version = m.version();
  llvm::StringMap<int> index;
  std::vector<const Program *> order;
  if (main)
    order.push_back(main);
  for (const Program &p : m.programs())
    if (&p != main)
      order.push_back(&p);
  for (const Program *p : order)
    for (auto host : module.getOps<func::FuncOp>())
      if (auto role = host->getAttrOfType<StringAttr>("graph.role"); role && role.getValue() == p->role())
        collectProgram(host, m, *p, typicalDims(m, *p, batch, context), p == main, index, report);
  if (!main)
    return;
  Dims dims = typicalDims(m, *main, batch, context);
  report.dims = toString(m, dims);
  report.plan.emplace(m, *main, dims);
  for (const Plan::Tensor &t : report.plan->tensors) {
    report.tensorLabels.push_back(main->buffers(t.buffer).label());
    report.tensorBlocks.push_back(size_t(t.first) < report.programs[0].launches.size() ? report.programs[0].launches[t.first].block : "");
  }
  for (int i = 0; i < main->launches_size(); ++i)
    for (const Arg &r : main->launches(i).results())
      if (const Buffer &b = main->buffers(r.buffer()); b.kind() == Buffer::OUTPUT && main->outputs(b.index()).name() == "loss")
        report.lossLaunch = i;
}

void attachRemarks(Report &report) {
  for (Kernel &k : report.kernels) {
    std::set<std::string> seen;
    for (const Remark &r : report.remarks) {
      bool isOwn = r.function == k.name;
      bool isAbout = !r.places.empty() && k.places.count(r.places.front().str()) && r.pass != "memory-plan" &&
                     r.pass != "schedule-kernels" && (r.places.front().block.empty() || k.blocks.count(r.places.front().block));
      if ((!isOwn && !isAbout) || !seen.insert(r.pass + r.message).second)
        continue;
      if (r.pass == "schedule-kernels")
        k.whence = StringRef(r.message).split(": ").second.str();
      k.remarks.push_back(r);
    }
  }
}

} // namespace tintype::explain
