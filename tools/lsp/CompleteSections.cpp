//===- CompleteSections.cpp - settings of sections, names of files --------===//
#include "frontend/StdFiles.h"
#include "tools/lsp/Completer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace tintype::lsp {

using namespace frontend;
using Kind = Definition::Kind;
using llvm::dyn_cast;

static std::string describe(const SettingSchema &s) {
  auto of = [](SettingType t) -> const char * {
    switch (t) {
    case SettingType::Int:
      return "whole number from 0";
    case SettingType::Count:
      return "whole number from 1";
    case SettingType::Num:
      return "number";
    case SettingType::Str:
      return "string";
    case SettingType::Strs:
      return "string or list of strings";
    case SettingType::Function:
      return "function of the model";
    case SettingType::Task:
      return "kind of a task";
    case SettingType::Call:
    case SettingType::Calls:
      return "one of";
    case SettingType::Value:
      return "value";
    }
    return "";
  };
  std::string r = of(s.type);
  for (size_t i = 0; i < s.calls.size(); ++i)
    r += (i ? ", " : " ") + s.calls[i].name + "(..)";
  for (size_t i = 0; i < s.choices.size(); ++i)
    r += (i ? ", \"" : ": \"") + s.choices[i] + "\"";
  return r + (s.required ? ", required" : "");
}

void Completer::values(const std::vector<SettingSchema> &schema, llvm::StringRef setting) {
  for (const SettingSchema &s : schema) {
    if (s.name != setting)
      continue;
    for (const CallSchema &call : s.calls)
      add(call.name, kFunction, "of " + s.name);
    for (const std::string &choice : s.choices)
      add("\"" + choice + "\"", kValue);
    if (s.type == SettingType::Function)
      for (const Definition &d : a.names->definitions())
        if (d.kind == Kind::Fn && d.unit == &a.main())
          add(d.name, kFunction, headOf(a.sources, *d.decl));
    if (s.type == SettingType::Task)
      for (const std::string &kind : taskKinds())
        add(kind, kValue);
  }
  for (auto &[name, symbol] : a.main().scope)
    if (llvm::isa<ConfigDecl>(symbol.decl))
      addDecl(*symbol.decl);
}

void Completer::settings() {
  const SectionSchema *schema = schemaFor(c.section, c.variant);
  if (!schema)
    return;
  // Inside `lr = cosine(`: the arguments of the call.
  if (!c.brackets.empty() && c.before[c.brackets.back()].kind == Tok::LParen && c.brackets.back()) {
    llvm::StringRef called = word(c.before[c.brackets.back() - 1]);
    for (const SettingSchema &s : schema->settings)
      for (const CallSchema &call : s.calls)
        if (s.name == c.setting && call.name == called) {
          if (c.last == Tok::Assign)
            values(call.args, word(c.before[c.before.size() - 2]));
          else
            for (const SettingSchema &arg : call.args)
              add(arg.name + " = ", kProperty, describe(arg));
        }
    return;
  }
  if (!c.setting.empty() && c.last != Tok::Comma && c.last != Tok::Newline)
    return values(schema->settings, c.setting);
  if (!c.brackets.empty())
    return values(schema->settings, c.setting);
  std::set<std::string> present;
  if (auto *s = enclosing() ? dyn_cast<SectionDecl>(enclosing()) : nullptr)
    for (const SectionDecl::Entry &e : s->entries)
      present.insert(e.key);
  for (const SettingSchema &s : schema->settings)
    if (!present.count(s.name))
      add(s.name, kProperty, describe(s));
  if (schema->capitals)
    for (const char *dim : {"B", "T"})
      if (!present.count(dim))
        add(dim, kProperty, "size of a runtime dim");
}

void Completer::imports() {
  std::string prefix;
  for (size_t i = c.before.size(); i-- > 0 && c.before[i].kind != Tok::Import;)
    prefix = word(c.before[i]).str() + prefix;
  llvm::StringRef folder = llvm::StringRef(prefix).rtrim('.');
  for (const StdFile &f : stdFiles()) {
    if (folder.empty())
      add("std", kModule, "the standard library");
    else if (folder == "std")
      add(llvm::sys::path::stem(f.name).str(), kModule);
  }
  llvm::SmallString<256> where(llvm::sys::path::parent_path(a.sources.name(file)));
  for (llvm::StringRef part : llvm::split(folder, '.'))
    if (!part.empty())
      llvm::sys::path::append(where, part);
  std::error_code ec;
  constexpr int kMost = 500;
  int seen = 0;
  for (llvm::sys::fs::directory_iterator it(where, ec), end; it != end && !ec && ++seen < kMost; it.increment(ec))
    if (llvm::sys::path::extension(it->path()) == ".tin" &&
        llvm::sys::path::filename(it->path()) != llvm::sys::path::filename(a.sources.name(file)))
      add(llvm::sys::path::stem(it->path()).str(), kModule);
}

} // namespace tintype::lsp
