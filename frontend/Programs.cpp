//===- Programs.cpp - the functions of a model's task ---------------------===//
// Every function of the model is checked once with rigid runtime dims; the
// functions that the task names become `@forward`, `@loss` and `@train_loss`.
// Losses that a task implies are ordinary functions of std/tasks.tin.
//===----------------------------------------------------------------------===//
#include "frontend/Cost.h"
#include "frontend/Derive.h"
#include "frontend/ElaborateImpl.h"
#include "frontend/StdFiles.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"

namespace tintype::frontend {

using mlir::func::FuncOp;
using mlir::func::ReturnOp;

//===-- the module --------------------------------------------------------===//

static mlir::RankedTensorType rngType(mlir::OpBuilder &b) { return mlir::RankedTensorType::get({2}, b.getI32Type()); }

void Elaborator::startModule() {
  module = mlir::ModuleOp::create(mlir::UnknownLoc::get(ctx));
  builder.setInsertionPointToEnd(module->getBody());
  auto type = builder.getFunctionType({rngType(builder)}, {});
  scratch = FuncOp::create(builder, mlir::UnknownLoc::get(ctx), "scratch", type);
  builder.setInsertionPointToStart(scratch.addEntryBlock());
  current = {};
  current.rng = scratch.getArgument(0);
}

const FnDecl *Elaborator::modelFn(llvm::StringRef name) {
  auto it = root->scope.names.find(name);
  auto *m = it == root->scope.names.end() ? nullptr : it->second.as<Method>();
  return m && m->self == root ? m->fn : nullptr;
}

//===-- programs ----------------------------------------------------------===//

void Elaborator::buildFunction(const std::string &role, bool training, const std::vector<Argument> &args,
                               const std::vector<std::string> &results,
                               llvm::function_ref<std::vector<Tensor>(const std::vector<Tensor> &)> body) {
  llvm::SmallVector<mlir::Type> types;
  for (const Argument &a : args) {
    llvm::SmallVector<mlir::AffineExpr> dims;
    for (const Poly &p : a.type.dims)
      dims.push_back(toExtent(ctx, p));
    types.push_back(graph::tensorOf(dims, elementType(ctx, elemOf(a.type.dtype))));
  }
  types.push_back(rngType(builder));
  mlir::OpBuilder top = mlir::OpBuilder::atBlockEnd(module->getBody());
  auto at = diag.getSources().lineCol(modelBlock->nameLoc);
  mlir::Location loc = mlir::FileLineColLoc::get(ctx, diag.getSources().name(modelBlock->nameLoc.file), at.line, at.column);
  FuncOp func = FuncOp::create(top, loc, role, top.getFunctionType(types, {}));
  mlir::Block *block = func.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  current = {};
  current.training = training;
  current.lowering = true;
  current.rng = block->getArgument(args.size());
  std::vector<Tensor> values;
  for (size_t i = 0; i < args.size(); ++i) {
    const Tensor &type = args[i].type;
    Tensor t = fromValue(block->getArgument(i), type.dtype, type.bound, type.dims);
    t.declared = type.declared;
    t.name = args[i].name;
    values.push_back(t);
    func.setArgAttr(i, "graph.name", builder.getStringAttr(args[i].name));
    func.setArgAttr(i, "graph.role", builder.getStringAttr(args[i].role));
    auto bound = type.bound.integer();
    if (type.dtype == Dtype::Index && bound)
      func.setArgAttr(i, "graph.bound", builder.getI64IntegerAttr(*bound));
  }
  llvm::SmallVector<mlir::Value> out;
  try {
    for (const Tensor &t : body(values))
      out.push_back(valueOf(t));
  } catch (const Refused &) {
    func.erase();
    throw;
  }
  ReturnOp::create(builder, loc, out);
  if (current.usesRng) {
    func.setArgAttr(args.size(), "graph.name", builder.getStringAttr("rng"));
    func.setArgAttr(args.size(), "graph.role", builder.getStringAttr("rng"));
  }
  llvm::SmallVector<mlir::Type> resultTypes;
  llvm::SmallVector<mlir::Attribute> names;
  for (auto [v, name] : llvm::zip(out, results)) {
    resultTypes.push_back(v.getType());
    names.push_back(builder.getStringAttr(name));
  }
  func.setFunctionType(builder.getFunctionType(types, resultTypes));
  if (!current.usesRng)
    (void)func.eraseArgument(args.size());
  func->setAttr("graph.role", builder.getStringAttr(role));
  func->setAttr("graph.results", builder.getArrayAttr(names));
  // What no result needs was only checked.
  for (mlir::Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (mlir::isOpTriviallyDead(&op))
      op.erase();
}

/// The result `t` of `program`, computed in the function at hand as well: by a copy of its ops, where another evaluation
/// would give the same.
Tensor Elaborator::again(FuncOp program, Tensor t, const std::vector<Tensor> &in) {
  mlir::IRMapping copies;
  for (auto [arg, own] : llvm::zip(program.getArguments(), in))
    copies.map(arg, valueOf(own));
  if (program.getNumArguments() > in.size()) {
    copies.map(program.getArguments().back(), current.rng);
    current.usesRng = true;
  }
  for (mlir::Operation &op : program.getBody().front().without_terminator())
    builder.clone(op, copies);
  if (!t.body->isConstant())
    t.body = scalars.read(copies.lookup(t.body->tensor), t.body->elem, t.body->args, false);
  return t;
}

void Elaborator::buildPrograms(const Recipe &recipe) {
  const llvm::json::Object *task = recipe.json.getObject("task");
  if (!task)
    return;
  std::string kind = task->getString("kind").value_or("").str();
  auto named = [&](llvm::StringRef key) -> const FnDecl * {
    auto s = task->getString(key);
    return s ? modelFn(*s) : nullptr;
  };
  const FnDecl *forward = nullptr;
  std::string result = "logits";
  for (const char *key : {"logits", "encode", "denoise", "text"})
    if (!forward && (forward = named(key)))
      result = key;
  if (!forward)
    return;
  const FnDecl *loss = named("loss");
  bool overTokens = kind == "causal_lm" || kind == "masked_lm", classifies = kind == "classify";

  guard([&] {
    std::vector<Argument> args = entryArguments(*forward, kind);
    entryFacts(*forward);
    Tensor output;
    buildFunction("forward", false, args, {result}, [&](const std::vector<Tensor> &in) {
      output = lift(callEntry(*forward, root, in), forward->loc);
      return std::vector<Tensor>{output};
    });
    int sites = current.sites;
    const char *name = overTokens ? "token_loss" : classifies ? "label_loss" : nullptr;
    if (!name)
      return;
    if (output.dims.size() != (overTokens ? 3u : 2u))
      fail(forward->result.loc, "expected " + std::string(overTokens ? "[B, T, vocab]" : "[B, classes]") + " as result of " +
                                    forward->name + " for task " + kind + ", but got " + typeText(output));
    auto &lossFn = *llvm::cast<FnDecl>(library.main().scope.at(name).decl);
    std::vector<Argument> lossArgs = args;
    Argument target{overTokens ? "targets" : "labels", overTokens ? "targets" : "labels", {}};
    target.type.dtype = Dtype::Index;
    target.type.bound = output.dims.back();
    target.type.dims.assign(output.dims.begin(), output.dims.end() - 1);
    lossArgs.push_back(target);
    if (overTokens) {
      target.type.dtype = Dtype::Bool;
      target.name = "keep_targets";
      target.role = "targets_keep";
      lossArgs.push_back(target);
    }
    double smoothing = 0;
    if (auto *train = recipe.json.getObject("train"))
      smoothing = train->getNumber("smoothing").value_or(0);
    auto lossOf = [&](const std::vector<Tensor> &in, Tensor &logits) {
      std::vector<Tensor> own(in.begin(), in.begin() + args.size()), rest(in.begin() + args.size(), in.end());
      if (current.training) {
        logits = lift(callEntry(*forward, root, own), forward->loc);
      } else {
        logits = again(module->lookupSymbol<FuncOp>("forward"), output, own);
        current.sites = sites;
      }
      rest.insert(rest.begin(), logits);
      // Labels are smoothed in training only; elsewhere the loss is plain cross entropy.
      ArgMap given = {{"smoothing", {Value(current.training ? smoothing : 0.0), lossFn.loc}}};
      return lift(callEntry(lossFn, nullptr, rest, given), forward->loc);
    };
    buildFunction("loss", false, lossArgs, {"logits", "loss"}, [&](const std::vector<Tensor> &in) {
      Tensor logits, value = lossOf(in, logits);
      return std::vector<Tensor>{logits, value};
    });
    if (!loss)
      buildFunction("train_loss", true, lossArgs, {"loss"}, [&](const std::vector<Tensor> &in) {
        Tensor logits;
        return std::vector<Tensor>{lossOf(in, logits)};
      });
  });
  if (loss)
    guard([&] {
      std::vector<Argument> args = entryArguments(*loss, kind);
      entryFacts(*loss);
      buildFunction("train_loss", true, args, {"loss"}, [&](const std::vector<Tensor> &in) {
        Tensor value = lift(callEntry(*loss, root, in), loss->loc);
        if (!value.dims.empty())
          fail(loss->result.loc, "expected one number as loss, but got " + typeText(value));
        return std::vector<Tensor>{value};
      });
    });
}

void Elaborator::declareParameters(const Recipe &recipe) {
  mlir::OpBuilder top = mlir::OpBuilder::atBlockBegin(module->getBody());
  for (const ParamInfo &p : params) {
    if (!p.hasForm)
      guard([&] {
        unsupported(p.init->begin, "expected an initial value of the form mean + scale * draw, but got " + toString(*p.init),
                    "a draw is normal() or uniform(); other initial values cannot be built yet");
      });
    llvm::SmallVector<mlir::AffineExpr> dims;
    for (const Poly &d : p.dims)
      dims.push_back(toExtent(ctx, d));
    auto at = diag.getSources().lineCol(p.loc);
    auto loc = mlir::FileLineColLoc::get(ctx, diag.getSources().name(p.loc.file), at.line, at.column);
    mlir::Type type = graph::tensorOf(dims, elementType(ctx, elemOf(p.dtype)));
    auto draw = graph::DrawAttr::get(ctx, p.isNormal ? graph::Draw::normal : graph::Draw::uniform);
    auto op = graph::ParameterOp::create(top, loc, top.getStringAttr(p.path), mlir::TypeAttr::get(type), draw, top.getF64FloatAttr(p.mean),
                                         top.getF64FloatAttr(p.scale), mlir::StringAttr());
    if (decays(p.path, p.dims.size(), recipe))
      op->setAttr("graph.decay", top.getUnitAttr());
  }
}

/// A setting of a section as JSON.
std::optional<llvm::json::Value> Elaborator::setting(const Expr &e) {
  std::optional<llvm::json::Value> result;
  auto toJson = [&](const Value &v, auto &self) -> llvm::json::Value {
    if (auto *p = v.as<Poly>()) {
      auto n = p->value();
      if (!n)
        fail(e.begin, "expected a static value, but got " + describe(v));
      return n->isInteger() ? llvm::json::Value(n->num) : llvm::json::Value(n->toDouble());
    }
    if (auto *d = v.as<double>())
      return *d;
    if (auto *b = v.as<bool>())
      return *b;
    if (auto *s = v.as<std::string>())
      return *s;
    if (auto *l = v.as<std::shared_ptr<List>>()) {
      llvm::json::Array a;
      for (const Value &item : **l)
        a.push_back(self(item, self));
      return a;
    }
    fail(e.begin, "expected a static value, but got " + describe(v));
  };
  guard([&] {
    Scope empty;
    frames.push_back({{}, "", "", e.begin, std::nullopt});
    Value v = eval(e, {&empty, nullptr});
    result = toJson(v, toJson);
    frames.pop_back();
  });
  return result;
}

//===-- the whole ---------------------------------------------------------===//

std::optional<Elaborated> Elaborator::run() {
  startModule();
  for (auto &unit : program.units)
    for (const DeclPtr &d : unit->file->items)
      if (auto *c = llvm::dyn_cast<ConfigDecl>(d.get()))
        guard([&] { configValue(*c); });
  for (const DeclPtr &d : program.main().file->items)
    if (auto *b = llvm::dyn_cast<BlockDecl>(d.get()); b && b->isModel) {
      if (modelBlock) {
        guard([&] {
          fail(b->nameLoc, "expected one model in a file, but " + b->name + " is the second", {{modelBlock->nameLoc, "the first is here"}});
        });
        return std::nullopt;
      }
      modelBlock = b;
    }
  Elaborated result;
  if (diag.hasErrors())
    return std::nullopt;
  if (modelBlock) {
    if (!guard([&] { root = instantiate(*modelBlock, {}, "", {}); }))
      return std::nullopt;
    checkFunctions();
  }
  std::vector<std::string> functions, paths, blocks;
  if (modelBlock)
    for (auto &entry : root->scope.names)
      if (modelFn(entry.getKey()))
        functions.push_back(entry.getKey().str());
  std::sort(functions.begin(), functions.end());
  auto recipe = buildRecipe(program, functions, [&](const Expr &e) { return setting(e); }, diag);
  if (!recipe)
    return std::nullopt;
  for (const ParamInfo &p : params)
    paths.push_back(p.path);
  for (const Instance &i : instances)
    if (!i.path.empty())
      blocks.push_back(i.path);
  bool matched = !modelBlock || checkPatterns(*recipe, paths, blocks, diag);
  if (!matched || diag.hasErrors())
    return std::nullopt;
  if (modelBlock) {
    declareParameters(*recipe);
    buildPrograms(*recipe);
    module.get()->setAttr("graph.model", builder.getStringAttr(modelBlock->name));
    auto *task = recipe->json.getObject("task");
    for (const char *key : {"kind", "tokenizer"})
      if (auto s = task ? task->getString(key) : std::nullopt)
        module.get()->setAttr(key == llvm::StringRef("kind") ? "graph.task" : "graph.tokenizer", builder.getStringAttr(*s));
    module.get()->setAttr("graph.recipe", builder.getStringAttr(recipe->text()));
    llvm::SmallVector<mlir::NamedAttribute> dims;
    for (auto &[name, l] : limits)
      dims.push_back(builder.getNamedAttr(name, builder.getDenseI64ArrayAttr({l.min, l.max, l.multiple})));
    module.get()->setAttr("graph.bounds", builder.getDictionaryAttr(dims));
  }
  if (diag.hasErrors())
    return std::nullopt;
  scratch.erase();
  summarize(result.summary, *recipe);
  if (mlir::failed(mlir::verify(*module)))
    return std::nullopt; // a bug of ours; MLIR has said where
  result.module = std::move(module);
  return result;
}

void Elaborator::summarize(Summary &out, const Recipe &recipe) {
  if (!modelBlock)
    return;
  out.model = modelBlock->name;
  for (const ParamInfo &p : params) {
    Summary::Param s{p.path, dimsText(p.dims), {}, "f32", 1, {}};
    for (const Poly &d : p.dims) {
      s.shape.push_back(*d.integer());
      s.count *= s.shape.back();
    }
    out.paramCount += s.count;
    out.params.push_back(std::move(s));
  }
  if (auto *tasks = recipe.json.getArray("tasks"))
    for (const llvm::json::Value &t : *tasks)
      if (auto *o = t.getAsObject())
        out.tasks.push_back(o->getString("kind").value_or("").str());
  module->walk([&](FuncOp f) { out.programs.push_back(f.getName().str()); });
  for (const DeclPtr &d : modelBlock->members)
    if (auto *fn = llvm::dyn_cast<FnDecl>(d.get()); fn && !fn->name.empty()) {
      std::string text = "(";
      for (const Parameter &p : fn->params)
        text += (text.size() > 1 ? ", " : "") + p.name + ": " + toString(p.type);
      out.functions.push_back({fn->name, text + ") -> " + toString(fn->result)});
    }
  for (auto &[name, l] : limits)
    out.bounds.push_back({name, l.min, l.max == Limits().max ? 0 : l.max, l.multiple});
  auto forward = module->lookupSymbol<FuncOp>("forward");
  if (!forward || observer)
    return;
  // Along a whole context of one example.
  std::map<std::string, int64_t> sizes;
  int64_t length = limits.count("T") ? limits["T"].max : 1;
  constexpr int64_t kUnbounded = 1 << 20, kUsual = 1024;
  sizes["T"] = length = length == kUnbounded ? kUsual : length;
  out.length = length;
  std::map<std::string, std::vector<std::string>> uses = usesOfParameters(forward);
  for (Summary::Param &p : out.params)
    if (auto it = uses.find(p.path); it != uses.end() && it->second.size() > 1)
      p.tiedTo = it->second;
  out.flopsPerToken = countFlops(forward, sizes) / double(length);
  auto *task = recipe.json.getObject("task");
  if (task && task->getString("kind").value_or("") == "causal_lm" && limits.count("T"))
    deriveState(forward, "T", diag.getSources(), out);
}

std::optional<Elaborated> elaborate(const Program &program, SourceManager &sources, mlir::MLIRContext *ctx, Diagnostics &diag,
                                    bool wantsPrograms, Observer *observer) {
  ctx->loadDialect<graph::GraphDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::func::FuncDialect>();
  std::unique_ptr<Program> library;
  for (const StdFile &f : stdFiles())
    if (f.name == "std/tasks.tin")
      library = loadText("std/tasks.tin", f.text.str(), {}, sources, diag);
  if (!library)
    return std::nullopt;
  return Elaborator(program, *library, ctx, diag, wantsPrograms, observer).run();
}

} // namespace tintype::frontend
