//===- Edit.cpp - definitions, references, renaming, layout ---------------===//
// A definition of one analysis is found again in another by its file and
// offset.
//===----------------------------------------------------------------------===//
#include "frontend/Format.h"
#include "tools/lsp/Features.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::lsp {

using namespace frontend;
using Kind = Definition::Kind;
using llvm::dyn_cast;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

static Object rangeOfName(const Analysis &a, Loc loc, size_t length) {
  return rangeOf(a.sources.text(loc.file), loc.offset, loc.offset + length);
}

static llvm::Error refuse(const std::string &why) { return llvm::createStringError(llvm::inconvertibleErrorCode(), why); }

Value definition(const Workspace &w, Analysis &a, size_t offset) {
  const Occurrence *o = a.names->at(a.main().file->id, offset);
  if (!o)
    return nullptr;
  const Definition &d = *o->definition;
  std::string uri = w.uriOfUnit(a, *d.unit);
  if (uri.empty())
    return nullptr;
  if (d.kind == Kind::File)
    return Object{{"uri", uri}, {"range", rangeOf("", 0, 0)}};
  // A variable that is assigned again: the assignment before this use.
  Loc at = d.loc;
  if (!o->isBinding)
    for (Loc b : d.bindings)
      if (b.file == o->loc.file && b.offset < o->loc.offset)
        at = b;
  return Object{{"uri", uri}, {"range", rangeOfName(a, at, d.name.size())}};
}

//===-- all places of a name ----------------------------------------------===//

namespace {
struct Place {
  std::string uri;
  Value range;
  bool isBinding;
};
} // namespace

static std::vector<Place> placesOf(Workspace &w, Analysis &a, const Definition &d) {
  std::vector<Place> r;
  std::vector<std::unique_ptr<Analysis>> closed;
  std::set<std::pair<std::string, uint32_t>> done;
  auto add = [&](Analysis &other, const Definition &there) {
    for (const auto &u : other.program->units)
      for (const Occurrence &o : other.names->in(u->file->id)) {
        if (o.definition != &there || !done.insert({u->identity, o.loc.offset}).second)
          continue;
        std::string uri = w.uriOfUnit(other, *u);
        if (!uri.empty())
          r.push_back({uri, rangeOfName(other, o.loc, o.length), o.isBinding});
      }
  };
  bool isLocal = d.kind == Kind::Index || d.kind == Kind::Variable || d.kind == Kind::Loop || d.kind == Kind::Dim;
  add(a, d);
  if (isLocal)
    return r;
  for (Analysis *other : w.around(*d.unit, closed)) {
    if (!other->program || other == &a)
      continue;
    const Unit *u = other->unitOf(d.unit->identity);
    for (const Definition &there : other->names->definitions())
      if (there.unit == u && there.kind == d.kind && there.loc.offset == d.loc.offset && there.name == d.name)
        add(*other, there);
  }
  return r;
}

Value references(Workspace &w, Analysis &a, size_t offset, bool withDeclaration) {
  const Occurrence *o = a.names->at(a.main().file->id, offset);
  if (!o)
    return nullptr;
  Array r;
  for (Place &p : placesOf(w, a, *o->definition))
    if (withDeclaration || !p.isBinding)
      r.push_back(Object{{"uri", p.uri}, {"range", std::move(p.range)}});
  return r;
}

Value highlights(Analysis &a, size_t offset) {
  FileId file = a.main().file->id;
  const Occurrence *o = a.names->at(file, offset);
  if (!o)
    return nullptr;
  Array r;
  for (const Occurrence &other : a.names->in(file))
    if (other.definition == o->definition)
      r.push_back(Object{{"range", rangeOfName(a, other.loc, other.length)}, {"kind", other.isBinding ? 3 : 2}});
  return r;
}

//===-- renaming ----------------------------------------------------------===//

static llvm::Expected<const Occurrence *> renamable(Analysis &a, size_t offset) {
  const Occurrence *o = a.names->at(a.main().file->id, offset);
  if (!o)
    return refuse("expected a name that this project declares, but there is none here");
  const Definition &d = *o->definition;
  if (d.kind == Kind::File)
    return refuse("expected a name, but got the import of a file");
  if (Workspace::isLibrary(*d.unit))
    return refuse("expected a name of this project, but " + d.name + " belongs to the standard library");
  return o;
}

llvm::Expected<Value> prepareRename(Analysis &a, size_t offset) {
  auto o = renamable(a, offset);
  if (!o)
    return o.takeError();
  return Object{{"range", rangeOfName(a, (*o)->loc, (*o)->length)}, {"placeholder", (*o)->definition->name}};
}

/// Whether `name` is one NAME of the language.
static bool isName(llvm::StringRef name) {
  SourceManager sources;
  Diagnostics quiet(sources);
  auto lexed = lex(sources.add("name", name.str()), sources, quiet);
  return lexed && !lexed->tokens.empty() && lexed->tokens[0].kind == Tok::Name && lexed->tokens[0].length == name.size();
}

/// What a name must differ in: a function, a block, or a file.
static const void *scopeOf(const Definition &d) {
  bool isLocal = d.kind != Kind::Config && d.kind != Kind::Block && d.kind != Kind::Fn && d.kind != Kind::Param && d.kind != Kind::Member;
  if (isLocal)
    return d.decl;
  for (const DeclPtr &item : d.unit->file->items)
    if (auto *b = dyn_cast<BlockDecl>(item.get()); b && llvm::is_contained(membersOf(*b), d.decl))
      return b;
  return d.unit;
}

/// Another definition that the new name would meet.
static const Definition *taken(const Analysis &a, const Definition &d, llvm::StringRef name) {
  const void *scope = scopeOf(d);
  for (const Definition &other : a.names->definitions())
    if (other.name == name && scopeOf(other) == scope)
      return &other;
  if (scope == d.unit) {
    // A file that sees it may have the name from elsewhere.
    for (const auto &u : a.program->units)
      if (auto it = u->scope.find(name.str()); it != u->scope.end() && u->scope.count(d.name))
        for (const Definition &other : a.names->definitions())
          if (other.decl == it->second.decl && other.name == name)
            return &other;
    return nullptr;
  }
  // Inside a function or block the new name could hide what it is used for.
  auto *decl = static_cast<const Decl *>(scope);
  for (const Occurrence &o : decl ? a.names->in(decl->loc.file) : std::vector<Occurrence>())
    if (o.loc.offset >= decl->loc.offset && o.loc.offset < decl->end.offset && o.definition->name == name)
      return o.definition;
  return nullptr;
}

llvm::Expected<Value> rename(Workspace &w, Analysis &a, size_t offset, llvm::StringRef name) {
  auto o = renamable(a, offset);
  if (!o)
    return o.takeError();
  const Definition &d = *(*o)->definition;
  if (!isName(name))
    return refuse("expected a name of letters, digits and _ that is no reserved word, but got `" + clean(name) + "`");
  bool isCapital = name.size() <= 2 && llvm::isUpper(name[0]);
  if (d.kind == Kind::Config && !llvm::isLower(name[0]))
    return refuse("expected a config name that starts with a lower-case letter, but got `" + name.str() + "`");
  if (d.kind == Kind::Dim && (!isCapital || (name.size() == 2 && !llvm::isDigit(name[1]))))
    return refuse("expected a dim variable, one capital and perhaps a digit, but got `" + name.str() + "`");
  if (name != d.name)
    if (const Definition *other = taken(a, d, name))
      return refuse("expected a new name, but `" + name.str() + "` is declared at " + a.sources.describe(other->loc));
  Object changes;
  for (Place &p : placesOf(w, a, d)) {
    Value &list = changes.try_emplace(p.uri, Array()).first->second;
    list.getAsArray()->push_back(Object{{"range", std::move(p.range)}, {"newText", name.str()}});
  }
  return Object{{"changes", std::move(changes)}};
}

//===-- outline and layout ------------------------------------------------===//

static std::optional<Object> symbolOf(const Analysis &a, const Decl &d) {
  constexpr int kModule = 2, kClass = 5, kField = 8, kFunction = 12, kConstant = 14, kObject = 19, kMethod = 6;
  auto [name, loc] = nameOf(d);
  int kind = kField;
  Array children;
  if (auto *b = dyn_cast<BlockDecl>(&d)) {
    kind = kClass;
    for (const Decl *m : membersOf(*b))
      if (auto s = symbolOf(a, *m))
        children.push_back(std::move(*s));
  } else if (llvm::isa<FnDecl>(d)) {
    kind = name.empty() ? kMethod : kFunction;
    if (name.empty())
      name = "fn";
  } else if (llvm::isa<ConfigDecl>(d)) {
    kind = kConstant;
  } else if (llvm::isa<FieldDecl>(d)) {
    kind = kObject;
  } else if (auto *s = dyn_cast<SectionDecl>(&d)) {
    kind = kModule;
    name = s->name + (s->variant.empty() ? "" : " " + s->variant);
    loc = s->loc;
  }
  if (name.empty() || name == "?" || !loc)
    return std::nullopt;
  llvm::StringRef text = a.sources.text(d.loc.file);
  size_t end = std::max<size_t>(d.end.offset, loc.offset + name.size());
  size_t nameEnd = llvm::isa<FnDecl>(d) && name == "fn" ? loc.offset + 2 : loc.offset + name.size();
  Object o{{"name", clean(name)},
           {"kind", kind},
           {"range", rangeOf(text, d.loc.offset, std::max(end, nameEnd))},
           {"selectionRange", rangeOf(text, loc.offset, std::min(nameEnd, end))}};
  if (!children.empty())
    o["children"] = std::move(children);
  return o;
}

Value documentSymbols(Analysis &a) {
  Array r;
  for (const DeclPtr &d : a.main().file->items)
    if (auto s = symbolOf(a, *d))
      r.push_back(std::move(*s));
  return r;
}

llvm::Expected<Value> formatting(Analysis &a) {
  SourceManager sources;
  Diagnostics diag(sources);
  llvm::StringRef text = a.textOf(a.main());
  auto fresh = format(sources.add(a.sources.name(1).str(), text.str()), sources, diag);
  if (!fresh)
    return refuse(diag.all().empty() ? "the file cannot be formatted" : clean(diag.all().front().messages.front().text));
  if (*fresh == text)
    return Array();
  return Array{Object{{"range", rangeOf(text, 0, text.size())}, {"newText", clean(*fresh)}}};
}

} // namespace tintype::lsp
