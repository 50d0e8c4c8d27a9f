//===- ElaborateBase.cpp - names, messages and places ---------------------===//
#include "frontend/ElaborateImpl.h"

namespace tintype::frontend {

Elaborator::Elaborator(const Program &program, const Program &library, mlir::MLIRContext *ctx, Diagnostics &diag, bool wantsPrograms,
                       Observer *observer)
    : program(program), library(library), ctx(ctx), diag(diag), wantsPrograms(wantsPrograms), observer(observer), builder(ctx) {
  for (const Program *p : {&library, &program})
    for (auto &unit : p->units)
      units[unit->file->id] = unit.get();
}

//===-- messages ----------------------------------------------------------===//

void Elaborator::fail(Loc loc, const std::string &message, const NoteList &notes, const std::string &hint) {
  refuse(Severity::Error, loc, message, notes, hint);
}

void Elaborator::unsupported(Loc loc, const std::string &message, const std::string &hint) {
  refuse(wantsPrograms ? Severity::Error : Severity::Warning, loc, message, {}, hint);
}

void Elaborator::refuse(Severity severity, Loc loc, const std::string &message, const NoteList &notes, const std::string &hint) {
  // Many functions of a model may run into one mistake; it is told once.
  if (reported.insert(diag.getSources().describe(loc) + message).second) {
    DiagBuilder e = severity == Severity::Error ? diag.error(loc) : diag.warning(loc);
    e << message;
    for (auto &[where, text] : notes)
      e.note(where) << text;
    constexpr size_t kShown = 4;
    size_t shown = 0;
    for (auto it = frames.rbegin(); it != frames.rend() && shown < kShown; ++it) {
      if (!it->call)
        continue;
      constexpr size_t kLongest = 80;
      std::string path = it->path.size() > kLongest ? it->path.substr(0, kLongest) + ".." : it->path;
      e.note(it->call) << "called from here" << (path.empty() ? "" : ", in " + path);
      ++shown;
    }
    if (!hint.empty())
      e.hint() << hint;
  }
  throw Refused();
}

bool Elaborator::guard(llvm::function_ref<void()> body) {
  // What was begun is left as it is; the state below belongs to one evaluation.
  auto savedFrames = frames;
  try {
    body();
    return true;
  } catch (const Refused &) {
    frames = savedFrames;
    domain.clear();
    bounds.path.clear();
    bases.clear();
    return false;
  }
}

/// The statement being evaluated, and the calls that led to it.
mlir::Location Elaborator::location() {
  if (frames.empty())
    return mlir::UnknownLoc::get(ctx);
  Frame &f = frames.back();
  const SourceManager &sources = diag.getSources();
  auto at = sources.lineCol(f.statement);
  llvm::StringRef file = f.statement ? sources.name(f.statement.file) : "";
  mlir::Location here = mlir::FileLineColLoc::get(ctx, file, at.line, at.column);
  if (!f.path.empty())
    here = mlir::NameLoc::get(mlir::StringAttr::get(ctx, f.path), here);
  return f.caller ? mlir::Location(mlir::CallSiteLoc::get(here, *f.caller)) : here;
}

//===-- names -------------------------------------------------------------===//

const Unit &Elaborator::unitOf(Loc loc) const {
  auto it = units.find(loc.file);
  // Values from outside (`--set`) see the names of the main file.
  return it == units.end() ? program.main() : *it->second;
}

const Symbol *Elaborator::symbol(llvm::StringRef name, Loc loc) const {
  const Unit &unit = unitOf(loc);
  auto it = unit.scope.find(name.str());
  return it == unit.scope.end() ? nullptr : &it->second;
}

bool Elaborator::isDimVariable(llvm::StringRef name) {
  return !name.empty() && name.size() <= 2 && name[0] >= 'A' && name[0] <= 'Z' && (name.size() == 1 || (name[1] >= '0' && name[1] <= '9'));
}

const Value &Elaborator::configValue(const ConfigDecl &c) {
  auto it = configValues.find(&c);
  if (it != configValues.end())
    return it->second;
  if (!llvm::isLower(c.name[0]) && c.name[0] != '_')
    fail(c.nameLoc, "expected a config name in lower case, but got " + c.name, {},
         "single capitals are dimension variables; write `" + llvm::StringRef(c.name).lower() + "`");
  auto outside = program.configs.find(&c);
  const Expr &e = outside == program.configs.end() ? *c.value : *outside->second.value;
  static const Value kInProgress = std::string("in progress");
  configValues.insert({&c, kInProgress}); // met again only in a cycle
  Scope empty;
  frames.push_back({{}, "", "", e.begin, std::nullopt});
  Value v = eval(e, {&empty, nullptr});
  frames.pop_back();
  if (v.as<Tensor>() || v.as<const Instance *>() || v.as<Method>())
    fail(e.begin, "expected a static value for config " + c.name + ", but got " + describe(v));
  if (auto *p = v.as<Poly>()) {
    // An expression over other configs stays an alias, a number is a name.
    if (auto n = p->constant()) {
      if (!n->isInteger())
        fail(e.begin, "expected a whole number for config " + c.name + ", but got " + p->str());
      v = Poly(atoms.config(c.name, n->num));
    }
  }
  if (outside != program.configs.end() && v.v.index() == 0) {
    // Set from outside it is a name of its own, whatever it was set to.
    if (auto n = v.as<Poly>()->integer())
      v = Poly(atoms.config(c.name, *n));
  }
  see(c.nameLoc, v);
  return configValues[&c] = v;
}

std::optional<Value> Elaborator::lookup(llvm::StringRef name, Loc loc, const Env &env) {
  if (env.indices) {
    auto it = env.indices->names.find(name);
    if (it != env.indices->names.end())
      return Value(Poly(it->second.atom));
  }
  if (const Value *v = env.scope->find(name))
    return *v;
  if (const Symbol *s = symbol(name, loc))
    if (auto *c = llvm::dyn_cast<ConfigDecl>(s->decl)) {
      bool inProgress = configValues.count(c) && configValues[c].as<std::string>() && *configValues[c].as<std::string>() == "in progress";
      if (inProgress)
        fail(loc, "expected a config that does not depend on itself, but got " + name.str());
      return configValue(*c);
    }
  if (name == "training")
    return Value(current.training);
  return std::nullopt;
}

void Elaborator::unknownName(llvm::StringRef name, Loc loc, const Env &env, const char *what) {
  std::vector<std::string> candidates;
  for (const Scope *s = env.scope; s; s = s->parent)
    for (auto &entry : s->names)
      candidates.push_back(entry.getKey().str());
  if (env.indices)
    for (auto &entry : env.indices->names)
      candidates.push_back(entry.getKey().str());
  for (auto &[known, symbol] : unitOf(loc).scope)
    candidates.push_back(known);
  // Any single letter is close to any other.
  auto close = name.size() > 1 ? nearest(name, candidates) : std::nullopt;
  std::string hint = close ? "did you mean `" + *close + "`?" : "";
  if (name.size() == 1 && env.indices)
    hint = "a reducer's body is one term: `sum(i) a[i] + b[i]` is `(sum(i) a[i]) + b[i]`";
  fail(loc, std::string("unknown ") + what + " " + name.str(), {}, hint);
}

} // namespace tintype::frontend
