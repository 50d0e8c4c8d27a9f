//===- Analysis.cpp - one file, loaded, checked and indexed ---------------===//
#include "frontend/Observer.h"
#include "mlir/IR/MLIRContext.h"
#include "tools/lsp/Workspace.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <chrono>

namespace tintype::lsp {

using namespace frontend;

/// `[B, T, 768]`, where the sizes of a tensor are known.
static std::string sizesText(const std::vector<Poly> &dims) {
  std::string s = "[";
  for (const Poly &d : dims) {
    auto n = d.integer();
    s += (s.size() > 1 ? ", " : "") + (n ? std::to_string(*n) : d.str());
  }
  return s + "]";
}

static std::string textOf(const Value &v) {
  auto same = [](const std::string &a, const std::string &b) { return a == b ? a : a + " = " + b; };
  if (auto *t = v.as<Tensor>()) {
    std::string s = same(typeText(*t), t->dims.empty() ? typeText(*t) : sizesText(t->dims));
    return t->dtype == Dtype::Policy && !t->dims.empty() ? s + ", the float of train.precision" : s;
  }
  if (auto *p = v.as<Poly>()) {
    const Atom *a = p->asAtom();
    if (a && a->kind == Atom::Kind::Index) {
      auto n = a->extent.integer();
      return "index, 0 .. " + a->extent.str() + " - 1" + (n && a->extent.str() != std::to_string(*n) ? " = " + std::to_string(*n - 1) : "");
    }
    if (a && a->kind == Atom::Kind::Runtime)
      return "a size known at run time";
    auto n = p->integer();
    return n ? same(p->str(), std::to_string(*n)) : p->str();
  }
  if (auto *d = v.as<double>()) {
    std::string s;
    llvm::raw_string_ostream(s) << llvm::format("%g", *d);
    return s;
  }
  if (auto *l = v.as<std::shared_ptr<List>>()) {
    std::string s = "[";
    constexpr size_t kShown = 8;
    for (size_t i = 0; i < (*l)->size() && i < kShown; ++i)
      s += (i ? ", " : "") + textOf((**l)[i]);
    return s + ((*l)->size() > kShown ? ", ..] of " + std::to_string((*l)->size()) : "]");
  }
  if (auto *i = v.as<const Instance *>())
    return (*i)->block->name + ((*i)->path.empty() ? "" : " at " + (*i)->path);
  return describe(v);
}

class Recorder : public Observer {
public:
  explicit Recorder(Analysis &out) : out(out) {}

  void saw(Loc loc, const Value &value, llvm::StringRef) override {
    // A name is seen once a layer; a few sightings tell what differs.
    constexpr unsigned kLooks = 6;
    Sightings &s = out.sightings[Analysis::key(loc)];
    if (++s.count > kLooks)
      return;
    std::string text = textOf(value);
    if (llvm::find(s.texts, text) == s.texts.end())
      s.texts.push_back(std::move(text));
  }

  void made(Loc loc, llvm::StringRef path, const ParamInfo *param) override {
    Made m{path.str(), "", 0};
    if (param) {
      m.type =
          dimsText(param->dims) == sizesText(param->dims) ? dimsText(param->dims) : dimsText(param->dims) + " = " + sizesText(param->dims);
      m.count = 1;
      for (const Poly &d : param->dims)
        m.count *= d.integer().value_or(1);
    }
    out.things[Analysis::key(loc)].push_back(std::move(m));
    ++out.thingCount;
  }

  bool isTired() override {
    constexpr auto kPatience = std::chrono::milliseconds(1500);
    return std::chrono::steady_clock::now() - start > kPatience;
  }

private:
  Analysis &out;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

Analysis::Analysis(const Document &doc, const std::map<std::string, std::string> &buffers, bool checks) {
  LoadOptions options;
  options.buffers = &buffers;
  options.recovers = true;
  program = loadText(doc.path, doc.text, options, sources, diag);
  if (!program)
    return;
  names = std::make_unique<Names>(*program, sources);
  if (!checks || diag.hasErrors())
    return;
  mlir::MLIRContext ctx(mlir::MLIRContext::Threading::DISABLED);
  Recorder recorder(*this);
  elaborate(*program, sources, &ctx, diag, /*wantsPrograms=*/false, &recorder);
}

const Costs *Analysis::costs() {
  constexpr size_t kMostThings = 5000;
  if (costKnown)
    return cost.get();
  costKnown = true;
  if (!program || diag.hasErrors() || !thingCount || thingCount > kMostThings)
    return nullptr;
  for (const Diagnostic &d : diag.all())
    if (llvm::StringRef(d.messages.front().text).starts_with("checking takes long"))
      return nullptr;
  Diagnostics again(sources);
  mlir::MLIRContext ctx(mlir::MLIRContext::Threading::DISABLED);
  auto result = elaborate(*program, sources, &ctx, again, /*wantsPrograms=*/false);
  if (!result)
    return nullptr;
  cost = std::make_unique<Costs>();
  constexpr int64_t kUsual = 1024;
  for (const Summary::Bound &b : result->summary.bounds)
    if (b.name == "T")
      cost->context = b.max ? b.max : kUsual;
  if (auto forward = result->module->lookupSymbol<mlir::func::FuncOp>("forward"))
    cost->statements = statementCosts(forward, {{"T", cost->context}});
  cost->summary = std::move(result->summary);
  return cost.get();
}

const Unit *Analysis::unitOf(const std::string &identity) const {
  if (program)
    for (const auto &u : program->units)
      if (u->identity == identity)
        return u.get();
  return nullptr;
}

bool Analysis::uses(const std::string &identity) const { return unitOf(identity); }

const Lexed &Analysis::tokens(FileId file) {
  auto it = lexed.find(file);
  if (it != lexed.end())
    return it->second;
  Diagnostics quiet(sources);
  auto tokens = lex(file, sources, quiet, /*recovers=*/true);
  return lexed[file] = tokens ? std::move(*tokens) : Lexed{{{Tok::End, 0, 0}}, {}};
}

size_t Analysis::endOfToken(FileId file, size_t offset) {
  const auto &list = tokens(file).tokens;
  auto it = llvm::lower_bound(list, offset, [](const Token &t, size_t o) { return t.offset < o; });
  while (it != list.end() && it->offset == offset && !it->length)
    ++it;
  return it != list.end() && it->offset == offset ? offset + it->length : offset;
}

const Sightings *Analysis::seen(Loc loc) const {
  auto it = sightings.find(key(loc));
  return it == sightings.end() ? nullptr : &it->second;
}

const std::vector<Made> *Analysis::made(Loc loc) const {
  auto it = things.find(key(loc));
  return it == things.end() ? nullptr : &it->second;
}

} // namespace tintype::lsp
