//===- Hover.cpp - what a name stands for ---------------------------------===//
#include "tools/Grouped.h"
#include "tools/lsp/Features.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

namespace tintype::lsp {

using namespace frontend;
using Kind = Definition::Kind;
using llvm::dyn_cast;

static constexpr Builtin kBuiltins[] = {{"exp", "x", "e to the power of x, for each element"},
                                        {"log", "x", "natural logarithm of each element"},
                                        {"sqrt", "x", "square root of each element"},
                                        {"rsqrt", "x", "1 / sqrt(x) of each element"},
                                        {"sin", "x", "sine of each element"},
                                        {"cos", "x", "cosine of each element"},
                                        {"tanh", "x", "hyperbolic tangent of each element"},
                                        {"erf", "x", "error function of each element"},
                                        {"abs", "x", "absolute value of each element"},
                                        {"floor", "x", "largest whole number not above x"},
                                        {"maximum", "a, b", "the larger of two values, element by element"},
                                        {"minimum", "a, b", "the smaller of two values, element by element"},
                                        {"uniform", "", "a random number in [0, 1), one at each point"},
                                        {"normal", "", "a random number with mean 0 and deviation 1, one at each point"},
                                        {"f32", "x", "as f32"},
                                        {"i32", "x", "as i32"},
                                        {"clamp", "x, n", "as index(n): values below 0 become 0, from n on n - 1"},
                                        {"reshape", "x, [dims]", "the same elements in another shape"},
                                        {"stop", "x", "x, without a gradient"},
                                        {"int", "x", "a static number that is whole"},
                                        {"len", "list", "items of a static list"},
                                        {"value", "config", "a config's number, without its name"}};

llvm::ArrayRef<Builtin> builtins() { return kBuiltins; }

/// Source text without what follows the head, on one line.
static std::string squeezed(llvm::StringRef text) {
  std::string r;
  for (llvm::StringRef line : llvm::split(text, '\n')) {
    line = line.trim();
    if (!line.empty())
      r += (r.empty() ? "" : " ") + line.str();
  }
  return r;
}

std::string headOf(const SourceManager &sources, const Decl &d) {
  llvm::StringRef text = sources.text(d.loc.file).slice(d.loc.offset, d.end.offset);
  if (llvm::isa<FnDecl>(d) || llvm::isa<BlockDecl>(d))
    text = text.take_until([](char c) { return c == '{'; });
  return squeezed(text.take_until([](char c) { return c == '#'; }));
}

/// `h.0.ln_1`, `h.1.ln_1` .. as `h.*.ln_1`.
static std::string starred(llvm::StringRef path) {
  std::string r;
  for (llvm::StringRef part : llvm::split(path, '.')) {
    unsigned number;
    r += (r.empty() ? "" : ".") + (part.getAsInteger(10, number) ? part.str() : "*");
  }
  return r;
}

static std::string shortNumber(double x) {
  std::string s;
  llvm::raw_string_ostream(s) << llvm::format("%.3g", x);
  return s;
}

namespace {
class Page {
public:
  Page(Analysis &a, const Definition &d, Loc use) : a(a), d(d), use(use) {}

  std::string text() {
    switch (d.kind) {
    case Kind::File:
      code("import " + d.name);
      line(a.sources.name(d.loc.file).str() + (Workspace::isLibrary(*d.unit) ? " (library)" : ""));
      documentation(d.unit->file->items.empty() ? "" : leading());
      break;
    case Kind::Config:
      code(headOf(a.sources, *d.decl));
      documentation(d.decl->doc);
      value(d.loc, "value");
      break;
    case Kind::Fn:
    case Kind::Block:
      code(headOf(a.sources, *d.decl));
      documentation(d.decl->doc);
      if (auto *fn = dyn_cast<FnDecl>(d.decl); fn && d.kind == Kind::Fn)
        callCost();
      break;
    case Kind::Param:
      code(headOf(a.sources, *d.decl));
      documentation(d.decl->doc);
      made("tensor");
      break;
    case Kind::Member:
      code(headOf(a.sources, *d.decl));
      documentation(d.decl->doc);
      members();
      break;
    case Kind::Dim:
      code("dim " + d.name);
      value(use, "here");
      facts();
      break;
    case Kind::Argument:
      code(d.name + ": " + toString(d.parameter->type) + (d.parameter->init ? " = " + toString(*d.parameter->init) : ""));
      value(use, "here");
      break;
    case Kind::Index:
      code(d.name);
      value(use, "");
      break;
    case Kind::Variable:
    case Kind::Loop:
      code(d.name);
      value(use, "");
      statementCost();
      state();
      break;
    }
    return out;
  }

private:
  void code(const std::string &s) { out += "```tin\n" + s + "\n```\n"; }
  void line(const std::string &s) { out += "\n" + s + "\n"; }
  void documentation(const std::string &doc) {
    if (!doc.empty())
      line(doc);
  }
  /// The `##` lines at the start of an imported file.
  std::string leading() {
    std::string r;
    for (llvm::StringRef l : llvm::split(a.textOf(*d.unit), '\n')) {
      if (!l.starts_with("##"))
        break;
      r += (r.empty() ? "" : "\n") + l.drop_front(2).trim().str();
    }
    return r;
  }

  void value(Loc at, const std::string &label) {
    const Sightings *s = a.seen(at);
    if (!s && !d.bindings.empty())
      s = a.seen(bindingBefore());
    if (!s)
      return;
    for (size_t i = 0; i < s->texts.size() && i < 3; ++i)
      line((label.empty() ? "" : label + ": ") + "`" + s->texts[i] + "`");
    if (s->texts.size() > 3)
      line("and others");
  }

  /// The assignment that this use sees.
  Loc bindingBefore() const {
    Loc best = d.bindings.front();
    for (Loc b : d.bindings)
      if (b.file == use.file && b.offset <= use.offset)
        best = b;
    return best;
  }

  void made(const std::string &what) {
    const std::vector<Made> *list = a.made(d.loc);
    if (!list)
      return;
    std::map<std::pair<std::string, std::string>, std::pair<size_t, int64_t>> groups;
    for (const Made &m : *list) {
      auto &[n, count] = groups[{starred(m.path), m.type}];
      ++n;
      count += m.count;
    }
    size_t shown = 0;
    for (auto &[key, group] : groups) {
      if (++shown > 8) {
        line("and " + std::to_string(groups.size() - 8) + " more");
        break;
      }
      line("`" + key.first + "` `" + key.second + "`: " + (group.first > 1 ? std::to_string(group.first) + " " + what + "s, " : "") +
           grouped(group.second) + (group.second == 1 ? " number" : " numbers"));
    }
  }

  /// A sub-block: where its instances are and what they hold.
  void members() {
    const std::vector<Made> *list = a.made(d.loc);
    if (!list)
      return;
    std::set<std::string> paths;
    for (const Made &m : *list)
      paths.insert(starred(m.path));
    int64_t total = 0;
    for (const Definition &p : a.names->definitions())
      if (p.kind == Kind::Param)
        if (const std::vector<Made> *tensors = a.made(p.loc))
          for (const Made &t : *tensors)
            for (const Made &m : *list)
              if (llvm::StringRef(t.path).starts_with(m.path + "."))
                total += t.count;
    std::string where;
    for (const std::string &p : paths)
      where += (where.empty() ? "`" : ", `") + p + "`";
    line(where + ": " + std::to_string(list->size()) + (list->size() == 1 ? " block, " : " blocks, ") + grouped(total) + " parameters");
  }

  void facts() {
    auto *fn = d.decl ? dyn_cast<FnDecl>(d.decl) : nullptr;
    if (!fn)
      return;
    for (const ExprPtr &fact : fn->where) {
      std::string text = toString(*fact);
      if (mentions(*fact))
        line("where `" + text + "`");
    }
    if (const Costs *c = a.costs())
      for (const Summary::Bound &b : c->summary.bounds)
        if (b.name == d.name && a.seen(use) && a.seen(use)->texts.front() == "a size known at run time")
          line("at run time: " + std::to_string(b.min) + (b.max ? " .. " + std::to_string(b.max) : " or more") +
               (b.multiple > 1 ? ", a multiple of " + std::to_string(b.multiple) : ""));
  }

  bool mentions(const Expr &e) const {
    if (auto *n = dyn_cast<NameExpr>(&e))
      return n->name == d.name;
    if (auto *b = dyn_cast<BinaryExpr>(&e))
      return mentions(*b->lhs) || mentions(*b->rhs);
    if (auto *u = dyn_cast<UnaryExpr>(&e))
      return mentions(*u->operand);
    return false;
  }

  /// Costs of the statements that begin at one of `places`.
  void cost(const std::vector<Loc> &places) {
    const Costs *c = a.costs();
    if (!c)
      return;
    double flops = 0;
    std::map<std::string, double> terms;
    for (Loc at : places) {
      auto lc = a.sources.lineCol(at);
      for (const StatementCost &s : c->statements)
        if (s.file == a.sources.name(at.file) && s.line == lc.line && s.column == lc.column) {
          flops += s.flops;
          for (auto &[term, factor] : s.terms)
            terms[term] += factor;
        }
    }
    if (!(flops > 0))
      return;
    std::string formula;
    for (auto &[term, factor] : terms)
      formula += (formula.empty() ? "" : " + ") + shortNumber(factor) + (term.empty() ? "" : " * " + term);
    line("forward: `" + formula + "` flops in all, " + shortNumber(flops / double(c->context)) +
         " per token at T = " + std::to_string(c->context));
  }

  void statementCost() {
    if (d.kind == Kind::Variable)
      cost({bindingBefore()});
  }

  /// What all calls of a function cost: its statements'.
  void callCost() {
    std::vector<Loc> places;
    auto walk = [&](const std::vector<StmtPtr> &body, auto &self) -> void {
      for (const StmtPtr &s : body)
        if (auto *loop = dyn_cast<ForStmt>(s.get()))
          self(loop->body, self);
        else if (auto *cond = dyn_cast<IfStmt>(s.get()))
          self(cond->body, self);
        else
          places.push_back(s->loc);
    };
    walk(llvm::cast<FnDecl>(d.decl)->body, walk);
    cost(places);
  }

  /// What decoding keeps of this definition.
  void state() {
    const Costs *c = a.costs();
    if (!c)
      return;
    auto lc = a.sources.lineCol(bindingBefore());
    for (const Summary::State &s : c->summary.state)
      if (s.file == a.sources.name(bindingBefore().file) && s.line == lc.line && s.column == lc.column)
        line("decoding keeps: " + s.kind + " `" + s.name + " " + s.type + "` in `" + s.where + "`");
  }

  Analysis &a;
  const Definition &d;
  Loc use;
  std::string out;
};
} // namespace

llvm::json::Value hover(Analysis &a, size_t offset) {
  FileId file = a.main().file->id;
  auto page = [&](const std::string &markdown, size_t begin, size_t end) {
    return llvm::json::Object{{"contents", llvm::json::Object{{"kind", "markdown"}, {"value", clean(markdown)}}},
                              {"range", rangeOf(a.sources.text(file), begin, end)}};
  };
  if (const Occurrence *o = a.names->at(file, offset)) {
    std::string text = Page(a, *o->definition, o->loc).text();
    return page(text, o->loc.offset, o->loc.offset + o->length);
  }
  // A word that no declaration stands for: built in, or nothing known.
  for (const Token &t : a.tokens(file).tokens) {
    if (t.offset > offset || offset > t.offset + t.length || t.kind != Tok::Name)
      continue;
    llvm::StringRef word = a.sources.text(file).substr(t.offset, t.length);
    for (const Builtin &b : builtins())
      if (word == b.name)
        return page(("```tin\n" + b.name + "(" + b.parameters + ")\n```\n\n" + b.doc + "\n").str(), t.offset, t.offset + t.length);
  }
  return nullptr;
}

} // namespace tintype::lsp
