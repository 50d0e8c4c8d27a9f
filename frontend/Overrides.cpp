//===- Overrides.cpp - values from outside: --set and config.json ---------===//
#include "frontend/Overrides.h"
#include "frontend/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace tintype::frontend {

//===-- Kinds of literals -------------------------------------------------===//

/// What a literal is, in words; empty for an expression that must be evaluated.
static std::string kindOf(const Expr &e) {
  switch (e.kind) {
  case Expr::Kind::Number:
    return llvm::cast<NumberExpr>(e).isInteger ? "an int" : "a num";
  case Expr::Kind::String:
    return "a string";
  case Expr::Kind::Bool:
    return "a flag";
  case Expr::Kind::List:
    return "a list";
  case Expr::Kind::Unary:
    return llvm::cast<UnaryExpr>(e).op == UnaryOp::Negate ? kindOf(*llvm::cast<UnaryExpr>(e).operand) : "a flag";
  default:
    return "";
  }
}

/// A literal must be of the kind of the default where that is a literal too.
/// An int stands for a num.
static bool checkKind(const ConfigDecl &config, Expr &value, const std::string &origin, Diagnostics &diag) {
  std::string want = kindOf(*config.value), got = kindOf(value);
  if (want.empty() || got.empty() || want == got)
    return true;
  if (want == "a num" && got == "an int") {
    if (auto *n = llvm::dyn_cast<NumberExpr>(&value))
      n->isInteger = false;
    return true;
  }
  auto e = diag.error(value.loc) << "expected " << want << " for config `" << config.name << "`, but got " << got << " from " << origin;
  e.note(config.value->loc) << "its default is " << toString(*config.value);
  return false;
}

//===-- config.json -------------------------------------------------------===//

/// A JSON value as a literal; null for an object, and for lists nested deeper
/// than `levels`.
static ExprPtr toExpr(const json &j, Loc where, unsigned levels = kMaxHeight) {
  if (j.is_boolean()) {
    auto e = std::make_unique<BoolExpr>(where);
    e->value = j.get<bool>();
    return e;
  }
  if (j.is_number()) {
    auto e = std::make_unique<NumberExpr>(where);
    e->isInteger = j.is_number_integer() && !(j.is_number_unsigned() && j.get<uint64_t>() > INT64_MAX);
    e->integer = e->isInteger ? j.get<int64_t>() : 0;
    e->value = j.get<double>();
    e->text = j.dump();
    return e;
  }
  if (j.is_string()) {
    auto e = std::make_unique<StringExpr>(where);
    e->value = j.get<std::string>();
    return e;
  }
  if (!j.is_array() || levels == 0)
    return nullptr;
  auto e = std::make_unique<ListExpr>(where);
  for (const json &item : j) {
    ExprPtr i = toExpr(item, where, levels - 1);
    if (!i)
      return nullptr;
    e->height = std::max(e->height, i->height + 1);
    e->items.push_back(std::move(i));
  }
  return e;
}

/// The value at a dotted key; null when a step or the value is absent or null.
static const json *lookup(const json &root, llvm::StringRef key) {
  const json *at = &root;
  llvm::SmallVector<llvm::StringRef> steps;
  key.split(steps, '.');
  for (llvm::StringRef step : steps) {
    auto it = at->is_object() ? at->find(step.str()) : at->end();
    if (it == at->end())
      return nullptr;
    at = &*it;
  }
  return at->is_null() ? nullptr : at;
}

/// Where the key stands in the text: good enough for a caret, the JSON library
/// keeps no places.
static Loc placeOf(FileId file, llvm::StringRef text, llvm::StringRef key) {
  llvm::SmallVector<llvm::StringRef> steps;
  key.split(steps, '.');
  size_t at = 0;
  for (llvm::StringRef step : steps) {
    at = text.find(("\"" + step + "\"").str(), at);
    if (at == llvm::StringRef::npos)
      return {file, Loc::kWholeFile};
  }
  return {file, uint32_t(at)};
}

static bool applyKeys(const ConfigDecl &config, const json &root, FileId file, Program &program, SourceManager &sources,
                      Diagnostics &diag) {
  for (const std::string &key : config.keys) {
    const json *found = lookup(root, key);
    if (!found)
      continue;
    Loc where = placeOf(file, sources.text(file), key);
    std::string origin = llvm::formatv("\"{0}\" of {1}", key, sources.name(file)).str();
    ExprPtr value = toExpr(*found, where);
    if (!value) {
      auto e = diag.error(where);
      if (found->is_object())
        e << "expected a number, string, flag or list for config `" << config.name << "`, but got an object from " << origin;
      else
        e << "expected at most " << kMaxHeight << " levels of lists for config `" << config.name << "`, and no objects in them";
      e.note(config.nameLoc) << "declared here";
      return false;
    }
    if (!checkKind(config, *value, origin, diag))
      return false;
    program.configs[&config] = {std::move(value), origin};
    return true;
  }
  return true;
}

bool applyConfigFile(const std::string &path, Program &program, SourceManager &sources, Diagnostics &diag) {
  auto text = readFile(path, diag);
  if (!text)
    return false;
  FileId file = sources.add(path, *text);
  json root;
  try {
    root = json::parse(*text);
  } catch (const json::exception &e) {
    auto *error = dynamic_cast<const json::parse_error *>(&e); // or a number that is too large, which has no place
    uint32_t at = !error ? Loc::kWholeFile : std::min<size_t>(error->byte ? error->byte - 1 : 0, text->size());
    // The library's text repeats its own place; only the part after it is news.
    auto [place, what] = llvm::StringRef(e.what()).split(error ? ": " : "] ");
    diag.error({file, at}) << "expected JSON: " << (what.empty() ? place : what);
    return false;
  }
  if (!root.is_object()) {
    diag.error({file, Loc::kWholeFile}) << "expected a JSON object, but got " << root.type_name();
    return false;
  }
  for (const auto &unit : program.units)
    for (const DeclPtr &d : unit->file->items)
      if (auto *config = llvm::dyn_cast<ConfigDecl>(d.get()))
        if (!applyKeys(*config, root, file, program, sources, diag))
          return false;
  return true;
}

//===-- --set -------------------------------------------------------------===//

/// The config called `name`: the main file's scope first, then any file's.
static const ConfigDecl *findConfig(const std::string &name, const Program &program) {
  for (const auto &unit : program.units) {
    auto it = unit->scope.find(name);
    if (it != unit->scope.end())
      if (auto *config = llvm::dyn_cast<ConfigDecl>(it->second.decl))
        return config;
  }
  return nullptr;
}

static std::vector<std::string> configNames(const Program &program) {
  std::vector<std::string> names;
  for (const auto &unit : program.units)
    for (const auto &[name, symbol] : unit->scope)
      if (llvm::isa<ConfigDecl>(symbol.decl))
        names.push_back(name);
  return names;
}

bool applySet(const std::string &set, Program &program, SourceManager &sources, Diagnostics &diag) {
  auto [left, right] = llvm::StringRef(set).split('=');
  std::string name = left.trim().str();
  FileId file = sources.add("--set " + name, right.str());
  if (name.empty() || right.trim().empty()) {
    auto e = diag.error({}) << "expected --set NAME=VALUE, but got --set " << set;
    e.hint() << "for example --set layers=6 or --set train.lr.peak=3e-4";
    return false;
  }
  ExprPtr value = parseExpression(file, sources, diag);
  if (!value)
    return false;
  llvm::SmallVector<llvm::StringRef> steps;
  llvm::StringRef(name).split(steps, '.');
  if (steps.size() > 1) {
    program.sections.push_back({{steps.begin(), steps.end()}, std::move(value)});
    return true;
  }
  const ConfigDecl *config = findConfig(name, program);
  if (!config) {
    auto e = diag.error({}) << "expected --set of a config, but there is no config `" << name << "`";
    if (auto near = nearest(name, configNames(program)))
      e.hint() << "did you mean `" << *near << "`?";
    else
      e.hint() << "settings are set as --set train." << name << "=..";
    return false;
  }
  // The shell takes the quotes of `--set act="relu"` away.
  if (auto *bare = llvm::dyn_cast<NameExpr>(value.get()); bare && llvm::isa<StringExpr>(config->value.get())) {
    auto text = std::make_unique<StringExpr>(bare->loc);
    text->value = bare->name;
    value = std::move(text);
  }
  std::string origin = "--set " + name;
  if (!checkKind(*config, *value, origin, diag))
    return false;
  program.configs[config] = {std::move(value), origin};
  return true;
}

} // namespace tintype::frontend
