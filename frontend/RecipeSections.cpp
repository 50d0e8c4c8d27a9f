//===- RecipeSections.cpp - a model's sections after overrides ------------===//
#include "frontend/RecipeSections.h"
#include "frontend/RecipeSchema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::dyn_cast;

namespace tintype::frontend {

std::string quoted(llvm::ArrayRef<std::string> names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "`" : i + 1 == names.size() ? " or `" : ", `") + names[i] + "`";
  return out;
}

void put(std::vector<Setting> &list, Setting fresh) {
  for (Setting &s : list)
    if (s.key == fresh.key) {
      s = std::move(fresh);
      return;
    }
  list.push_back(std::move(fresh));
}

static bool checkHeader(const Section &s, llvm::ArrayRef<Section> sections, Diagnostics &diag) {
  bool isTask = s.name == "task";
  if (isTask && !schemaFor("task", s.kind)) {
    auto e = diag.error(s.kind.empty() ? s.loc : s.kindLoc) << "expected " << quoted(taskKinds()) << " after `task`";
    if (auto near = nearest(s.kind, taskKinds()); near && !s.kind.empty())
      e.hint() << "did you mean `" << *near << "`?";
    return false;
  }
  if (!isTask && !s.kind.empty()) {
    diag.error(s.kindLoc) << "expected `{`, but got `" << s.kind << "`: a model has one section `" << s.name << "`";
    return false;
  }
  for (const Section &other : sections)
    if (other.name == s.name && other.kind == s.kind) {
      auto e = diag.error(s.loc) << "expected one section `" << s.name << (isTask ? " " + s.kind : "") << "`, but got two";
      e.note(other.loc) << "the first is here";
      return false;
    }
  return true;
}

/// `--set train.lr.peak=3e-4`, `--set task.tokenizer=..`,
/// `--set task.masked_lm.tokenizer=..`.
static bool applyOverride(const SectionOverride &o, std::vector<Section> &sections, Diagnostics &diag) {
  std::vector<std::string> names = {"task", "train", "adapt", "serve", "checkpoint"};
  if (!llvm::is_contained(names, o.path[0])) {
    auto e = diag.error(o.value->loc) << "expected --set of a config or section, but got `" << o.path[0] << "`";
    if (auto near = nearest(o.path[0], names))
      e.hint() << "did you mean `" << *near << "`?";
    return false;
  }
  llvm::ArrayRef<std::string> rest = llvm::ArrayRef(o.path).drop_front();
  auto named = [&](const Section &s) { return s.name == o.path[0] && !s.kind.empty() && s.kind == rest.front(); };
  auto it = llvm::find_if(sections, named);
  if (it != sections.end())
    rest = rest.drop_front();
  else
    it = llvm::find_if(sections, [&](const Section &s) { return s.name == o.path[0]; });
  if (it == sections.end()) {
    if (o.path[0] == "task") {
      diag.error(o.value->loc) << "expected a `task` section to set, but the model has none";
      return false;
    }
    sections.push_back({o.path[0], "", o.value->loc, {}, {}});
    it = std::prev(sections.end());
  }
  if (rest.empty() || rest.size() > 2) {
    diag.error(o.value->loc) << "expected --set SECTION.NAME or SECTION.NAME.ARGUMENT, but got " << llvm::join(o.path, ".");
    return false;
  }
  Setting fresh{rest.back(), o.value->loc, o.value.get(), true};
  if (rest.size() == 1) {
    put(it->settings, std::move(fresh));
    return true;
  }
  auto setting = llvm::find_if(it->settings, [&](const Setting &s) { return s.key == rest[0]; });
  if (setting == it->settings.end()) {
    diag.error(o.value->loc) << "expected `" << it->name << "." << rest[0] << "` to be set before its `" << rest[1] << "`";
    return false;
  }
  put(setting->args, std::move(fresh));
  return true;
}

std::optional<std::vector<Section>> collectSections(const Program &program, Diagnostics &diag) {
  std::vector<Section> sections;
  for (const DeclPtr &d : program.main().file->items) {
    auto *decl = dyn_cast<SectionDecl>(d.get());
    if (!decl)
      continue;
    Section s{decl->name, decl->variant, decl->loc, decl->variantLoc, {}};
    if (!checkHeader(s, sections, diag))
      return std::nullopt;
    for (const auto &entry : decl->entries)
      s.settings.push_back({entry.key, entry.keyLoc, entry.value.get()});
    sections.push_back(std::move(s));
  }
  if (!llvm::all_of(program.sections, [&](const SectionOverride &o) { return applyOverride(o, sections, diag); }))
    return std::nullopt;
  return sections;
}

} // namespace tintype::frontend
