//===- Recipe.cpp - a model's sections as JSON ----------------------------===//
#include "frontend/Recipe.h"
#include "frontend/Pattern.h"
#include "frontend/RecipeSchema.h"
#include "frontend/RecipeSections.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <nlohmann/json.hpp>

namespace json = llvm::json;
using llvm::dyn_cast;

namespace tintype::frontend {

namespace {
/// LLVM prints 2e-4 as 0.00020000000000000001; people read this text.
nlohmann::json shortest(const json::Value &v) {
  switch (v.kind()) {
  case json::Value::Boolean:
    return *v.getAsBoolean();
  case json::Value::Number:
    if (auto whole = v.getAsInteger())
      return *whole;
    return *v.getAsNumber();
  case json::Value::String:
    return v.getAsString()->str();
  case json::Value::Array: {
    auto out = nlohmann::json::array();
    for (const json::Value &item : *v.getAsArray())
      out.push_back(shortest(item));
    return out;
  }
  case json::Value::Object: {
    auto out = nlohmann::json::object();
    for (const auto &[key, item] : *v.getAsObject())
      out[key.str()] = shortest(item);
    return out;
  }
  default:
    return nullptr;
  }
}

class Builder {
public:
  Builder(const Program &program, llvm::ArrayRef<std::string> functions, EvaluateSetting evaluate, Diagnostics &diag)
      : program(program), functions(functions), evaluate(evaluate), diag(diag) {}

  std::optional<Recipe> run() {
    auto all = collectSections(program, diag);
    if (!all)
      return std::nullopt;
    sections = std::move(*all);
    json::Array tasks;
    for (const Section &s : sections) {
      const SectionSchema *schema = schemaFor(s.name, s.kind);
      auto object = schema ? convert(s, *schema) : std::nullopt;
      if (!object)
        return std::nullopt;
      if (s.name != "task") {
        recipe.json[s.name] = std::move(*object);
        continue;
      }
      object->try_emplace("kind", s.kind);
      tasks.push_back(std::move(*object));
    }
    chooseTask(std::move(tasks));
    return std::move(recipe);
  }

private:
  std::optional<json::Object> convert(const Section &s, const SectionSchema &schema) {
    json::Object out;
    if (!fill(out, s.settings, schema.settings, s.name + (s.kind.empty() ? "" : " " + s.kind), s.loc, &schema))
      return std::nullopt;
    return out;
  }

  /// Adds each of `given` to `out`, the object of `where`, which stands at `loc`. False after an error.
  bool fill(json::Object &out, llvm::ArrayRef<Setting> given, llvm::ArrayRef<SettingSchema> known, const std::string &where, Loc loc,
            const SectionSchema *section = nullptr) {
    for (const Setting &setting : given) {
      auto it = llvm::find_if(known, [&](const SettingSchema &k) { return k.name == setting.key; });
      const SettingSchema *schema = it != known.end() ? it : section ? openSetting(setting, *section) : nullptr;
      if (!schema) {
        unknown(setting, "`" + where + "`", known, section && section->capitals);
        return false;
      }
      auto value = convert(setting, *schema);
      if (!value)
        return false;
      out[setting.key] = std::move(*value);
    }
    for (const SettingSchema &k : known)
      if (k.required && !out.get(k.name)) {
        diag.error(loc) << "expected `" << k.name << "` in `" << where << "`";
        return false;
      }
    return true;
  }

  /// Settings whose names a section leaves open: runtime dimensions, functions.
  static const SettingSchema *openSetting(const Setting &setting, const SectionSchema &section) {
    static const SettingSchema kDim{"", SettingType::Count}, kFunction{"", SettingType::Function};
    llvm::StringRef key = setting.key;
    bool isCapital = !key.empty() && llvm::isUpper(key[0]) && (key.size() == 1 || (key.size() == 2 && llvm::isDigit(key[1])));
    if (section.capitals && isCapital)
      return &kDim;
    return section.anyFunction && llvm::isa<NameExpr>(setting.value) ? &kFunction : nullptr;
  }

  void unknown(const Setting &setting, const std::string &where, llvm::ArrayRef<SettingSchema> known, bool capitals) {
    std::vector<std::string> names;
    for (const SettingSchema &k : known)
      names.push_back(k.name);
    if (capitals && setting.key.size() == 1)
      names.push_back(llvm::StringRef(setting.key).upper());
    auto e = diag.error(setting.loc) << "expected a setting of " << where << ", but got `" << setting.key << "`";
    if (auto near = nearest(setting.key, names))
      e.hint() << "did you mean `" << *near << "`?";
    else
      e.hint() << "it may be " << quoted(names);
  }

  std::optional<json::Value> convert(const Setting &s, const SettingSchema &schema) {
    if (!s.args.empty() && schema.type != SettingType::Call && schema.type != SettingType::Calls) {
      diag.error(s.args.front().loc) << "expected `" << s.key << "` to be a call to set its `" << s.args.front().key << "`";
      return std::nullopt;
    }
    switch (schema.type) {
    case SettingType::Function:
      return name(s, functions, "a function of the model");
    case SettingType::Task: {
      std::vector<std::string> kinds;
      for (const Section &other : sections)
        if (other.name == "task")
          kinds.push_back(other.kind);
      return name(s, kinds, "a task of the model");
    }
    case SettingType::Call:
      return convertCall(s, *s.value, schema);
    case SettingType::Calls: {
      json::Array out;
      auto *list = dyn_cast<ListExpr>(s.value);
      size_t count = list ? list->items.size() : 1;
      for (size_t i = 0; i < count; ++i) {
        auto one = convertCall(s, list ? *list->items[i] : *s.value, schema);
        if (!one)
          return std::nullopt;
        out.push_back(std::move(*one));
      }
      return out;
    }
    case SettingType::Strs:
      return strings(s, schema);
    default:
      return scalar(s, schema);
    }
  }

  std::optional<json::Value> name(const Setting &s, llvm::ArrayRef<std::string> known, const char *what) {
    auto *n = dyn_cast<NameExpr>(s.value);
    if (n && llvm::is_contained(known, n->name))
      return json::Value(n->name);
    auto e = diag.error(s.value->begin) << "expected " << what << " for `" << s.key << "`, but got `" << toString(*s.value) << "`";
    if (auto near = n ? nearest(n->name, known) : std::nullopt)
      e.hint() << "did you mean `" << *near << "`?";
    else if (!known.empty())
      e.hint() << "it may be " << quoted(known);
    return std::nullopt;
  }

  std::optional<json::Value> valueOf(const Setting &s, const Expr &e) {
    // The shell takes the quotes of `--set train.precision="bf16"` away.
    if (auto *n = dyn_cast<NameExpr>(&e); n && s.fromSet && !llvm::isa_and_nonnull<ConfigDecl>(declOf(n->name)))
      return json::Value(n->name);
    return evaluate(e);
  }

  const Decl *declOf(const std::string &name) const {
    auto it = program.main().scope.find(name);
    return it == program.main().scope.end() ? nullptr : it->second.decl;
  }

  std::nullopt_t wrong(const Setting &s, const Expr &e, const std::string &want, const json::Value &got) {
    diag.error(e.begin) << "expected " << want << " for `" << s.key << "`, but got " << shortest(got).dump();
    return std::nullopt;
  }

  std::optional<json::Value> scalar(const Setting &s, const SettingSchema &schema) {
    auto v = valueOf(s, *s.value);
    if (!v)
      return std::nullopt;
    auto whole = v->getAsInteger();
    switch (schema.type) {
    case SettingType::Int:
      return whole && *whole >= 0 ? v : wrong(s, *s.value, "a whole number", *v);
    case SettingType::Count:
      return whole && *whole >= 1 ? v : wrong(s, *s.value, "a whole number from 1", *v);
    case SettingType::Num:
      return v->getAsNumber() ? v : wrong(s, *s.value, "a number", *v);
    case SettingType::Str:
      if (!v->getAsString())
        return wrong(s, *s.value, "a string", *v);
      if (!schema.choices.empty() && !llvm::is_contained(schema.choices, v->getAsString()->str()))
        return wrong(s, *s.value, quoted(schema.choices), *v);
      return v;
    default:
      return v;
    }
  }

  std::optional<json::Value> strings(const Setting &s, const SettingSchema &schema) {
    json::Array out;
    auto *list = dyn_cast<ListExpr>(s.value);
    size_t count = list ? list->items.size() : 1;
    for (size_t i = 0; i < count; ++i) {
      const Expr &e = list ? *list->items[i] : *s.value;
      auto v = valueOf(s, e);
      if (!v)
        return std::nullopt;
      if (!v->getAsString())
        return wrong(s, e, "a string or a list of strings", *v);
      if (!notePattern(v->getAsString()->str(), e.begin, schema))
        return std::nullopt;
      out.push_back(std::move(*v));
    }
    return out;
  }

  bool notePattern(const std::string &text, Loc loc, const SettingSchema &schema) {
    std::string path = text; // a rename makes paths of the model by its right side
    if (schema.pattern == PatternKind::Rename) {
      auto rename = parseRename(text, loc, diag);
      if (!rename)
        return false;
      path = rename->to;
    }
    // Of File only the checkpoint's reader knows the names.
    if (schema.pattern != PatternKind::None && schema.pattern != PatternKind::File)
      recipe.patterns.push_back({schema.pattern == PatternKind::Blocks, schema.mustMatch, std::move(path), loc});
    return true;
  }

  std::optional<json::Value> convertCall(const Setting &s, const Expr &e, const SettingSchema &schema) {
    auto *call = dyn_cast<CallExpr>(&e);
    auto *callee = call ? dyn_cast<NameExpr>(call->callee.get()) : nullptr;
    std::vector<std::string> known;
    const CallSchema *found = nullptr;
    for (const CallSchema &c : schema.calls) {
      known.push_back(c.name + "(..)");
      if (callee && callee->name == c.name)
        found = &c;
    }
    if (!found) {
      auto error = diag.error(e.begin) << "expected " << quoted(known) << " for `" << s.key << "`, but got `" << toString(e) << "`";
      for (std::string &k : known)
        k = llvm::StringRef(k).drop_back(4).str();
      auto *bare = dyn_cast<NameExpr>(&e);
      if (auto near = callee ? nearest(callee->name, known) : bare ? nearest(bare->name, known) : std::nullopt)
        error.hint() << "did you mean `" << *near << "(..)`?";
      return std::nullopt;
    }
    return convertArgs(s, *call, *found);
  }

  std::optional<json::Value> convertArgs(const Setting &s, const CallExpr &call, const CallSchema &schema) {
    std::vector<Setting> args;
    for (size_t i = 0; i < call.args.size(); ++i) {
      const Arg &a = call.args[i];
      if (a.name.empty() && i >= schema.args.size()) {
        diag.error(a.value->begin) << "expected at most " << schema.args.size() << " arguments of `" << schema.name << "`";
        return std::nullopt;
      }
      Setting arg{a.name.empty() ? schema.args[i].name : a.name, a.nameLoc, a.value.get(), s.fromSet};
      for (const Setting &other : args)
        if (other.key == arg.key) {
          auto e = diag.error(arg.loc) << "expected each argument once, but got `" << arg.key << "` twice";
          e.note(other.loc) << "first given here";
          return std::nullopt;
        }
      args.push_back(std::move(arg));
    }
    for (const Setting &o : s.args)
      put(args, o);
    json::Object out{{"call", schema.name}};
    if (!fill(out, args, schema.args, schema.name + "(..)", call.loc))
      return std::nullopt;
    return out;
  }

  void chooseTask(json::Array tasks) {
    if (tasks.empty())
      return;
    const json::Object *chosen = tasks.front().getAsObject();
    if (const json::Object *train = recipe.json.getObject("train"))
      if (auto wanted = train->getString("task"))
        for (const json::Value &t : tasks)
          if (t.getAsObject()->getString("kind") == wanted)
            chosen = t.getAsObject();
    recipe.json["task"] = json::Object(*chosen);
    recipe.json["tasks"] = std::move(tasks);
  }

  const Program &program;
  llvm::ArrayRef<std::string> functions;
  EvaluateSetting evaluate;
  Diagnostics &diag;
  std::vector<Section> sections;
  Recipe recipe;
};
} // namespace

std::string Recipe::text() const { return shortest(json::Object(json)).dump(); }

std::optional<Recipe> buildRecipe(const Program &program, llvm::ArrayRef<std::string> functions, EvaluateSetting evaluate,
                                  Diagnostics &diag) {
  return Builder(program, functions, evaluate, diag).run();
}

bool checkPatterns(const Recipe &recipe, llvm::ArrayRef<std::string> parameters, llvm::ArrayRef<std::string> blocks, Diagnostics &diag) {
  bool ok = true;
  for (const PatternUse &use : recipe.patterns) {
    llvm::ArrayRef<std::string> paths = use.overBlocks ? blocks : parameters;
    if (llvm::any_of(paths, [&](const std::string &p) { return matches(use.text, p); }))
      continue;
    reportNoMatch(use.text, use.loc, use.overBlocks ? "block" : "parameter", paths, use.mustMatch ? Severity::Error : Severity::Remark,
                  diag);
    ok &= !use.mustMatch;
  }
  return ok;
}

bool decays(llvm::StringRef path, unsigned rank, const Recipe &recipe) {
  const json::Object *train = recipe.json.getObject("train");
  const json::Array *optimizers = train ? train->getArray("optimizer") : nullptr;
  auto anyMatches = [&](const json::Array &patterns) {
    return llvm::any_of(patterns, [&](const json::Value &p) { return matches(*p.getAsString(), path); });
  };
  if (optimizers)
    for (const json::Value &v : *optimizers) {
      const json::Object &o = *v.getAsObject();
      if (const json::Array *on = o.getArray("on"); on && !anyMatches(*on))
        continue;
      if (const json::Array *except = o.getArray("no_decay"))
        return !anyMatches(*except);
      break;
    }
  return rank >= 2;
}

} // namespace tintype::frontend
