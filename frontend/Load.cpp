//===- Load.cpp - a model file with its imports and overrides -------------===//
#include "frontend/Load.h"
#include "frontend/Overrides.h"
#include "frontend/Parser.h"
#include "frontend/StdFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace tintype::frontend {

std::string identityOf(const std::string &name) {
  llvm::SmallString<256> real;
  return fs::real_path(name, real) ? name : real.str().str();
}

std::optional<std::string> readFile(const std::string &name, Diagnostics &diag, Loc where) {
  auto refuse = [&](const std::string &why) {
    diag.error(where) << "expected a readable file, but got " << name << ": " << why;
    return std::nullopt;
  };
  fs::file_status status;
  if (std::error_code ec = fs::status(name, status))
    return refuse(llvm::StringRef(ec.message()).lower());
  if (status.type() == fs::file_type::directory_file)
    return refuse("it is a folder");
  if (status.type() != fs::file_type::regular_file && status.type() != fs::file_type::fifo_file)
    return refuse("it is not a regular file");
  if (status.getSize() > kMaxFileBytes)
    return refuse("it is larger than " + llvm::utostr(kMaxFileBytes) + " bytes");
  auto buffer = llvm::MemoryBuffer::getFile(name);
  if (!buffer)
    return refuse(llvm::StringRef(buffer.getError().message()).lower());
  return (*buffer)->getBuffer().str();
}

namespace {
class Loader {
public:
  Loader(const LoadOptions &options, SourceManager &sources, Diagnostics &diag) : options(options), sources(sources), diag(diag) {}

  std::unique_ptr<Program> run(const std::string &name, std::string text) {
    program = std::make_unique<Program>();
    if (!addUnit(identityOf(name), name, std::move(text)))
      return nullptr;
    if (options.recovers)
      return std::move(program);
    if (!options.config.empty() && !applyConfigFile(options.config, *program, sources, diag))
      return nullptr;
    for (const std::string &set : options.sets)
      if (!applySet(set, *program, sources, diag))
        return nullptr;
    return std::move(program);
  }

private:
  Unit *addUnit(const std::string &identity, const std::string &name, std::string text) {
    FileId id = sources.add(name, std::move(text));
    auto tree = options.recovers ? parseRecovering(id, sources, diag) : parseFile(id, sources, diag);
    if (!tree)
      return nullptr;
    Unit *unit = program->units.emplace_back(std::make_unique<Unit>()).get();
    unit->file = std::move(tree);
    unit->identity = identity;
    known[identity] = unit;
    loading.push_back(unit);
    bool ok = (declareOwn(*unit) || options.recovers) && importAll(*unit);
    loading.pop_back();
    return ok || options.recovers ? unit : nullptr;
  }

  static std::pair<llvm::StringRef, Loc> nameOf(const Decl &d) {
    if (auto *c = llvm::dyn_cast<ConfigDecl>(&d))
      return {c->name, c->nameLoc};
    if (auto *b = llvm::dyn_cast<BlockDecl>(&d))
      return {b->name, b->nameLoc};
    if (auto *f = llvm::dyn_cast<FnDecl>(&d))
      return {f->name, f->nameLoc};
    return {};
  }

  bool declareOwn(Unit &unit) {
    bool ok = true;
    for (const DeclPtr &d : unit.file->items) {
      auto [name, where] = nameOf(*d);
      if (name.empty())
        continue;
      auto [slot, isNew] = unit.scope.insert({name.str(), {d.get(), &unit}});
      if (isNew)
        continue;
      auto e = diag.error(where) << "expected a new name, but `" << name << "` is declared twice";
      e.note(nameOf(*slot->second.decl).second) << "first declared here";
      ok = false;
      if (!options.recovers)
        break;
    }
    return ok;
  }

  bool importAll(Unit &unit) {
    for (const DeclPtr &d : unit.file->items)
      if (auto *import = llvm::dyn_cast<ImportDecl>(d.get())) {
        if (import->path.empty() || llvm::is_contained(import->path, "?"))
          continue; // what did not parse
        Unit *imported = find(*import, unit);
        if (imported)
          unit.imports[import] = imported;
        bool ok = imported && bring(*imported, unit, *import);
        if (!ok && !options.recovers)
          return false;
      }
    return true;
  }

  /// Puts the names that `from` itself declares into `unit`'s scope.
  bool bring(const Unit &from, Unit &unit, const ImportDecl &import) {
    for (const auto &[name, symbol] : from.scope) {
      if (symbol.unit != &from)
        continue;
      auto [slot, isNew] = unit.scope.insert({name, symbol});
      if (isNew || slot->second.decl == symbol.decl)
        continue;
      auto [_, here] = nameOf(*symbol.decl);
      auto [__, other] = nameOf(*slot->second.decl);
      bool own = slot->second.unit == &unit;
      auto e = diag.error(own ? other : import.pathLoc)
               << "expected names to differ, but `" << name << "` is " << (own ? "also imported" : "imported from two files");
      e.note(here) << "declared here";
      if (own)
        e.note(import.pathLoc) << "imported here";
      else
        e.note(other) << "and declared here";
      if (!options.recovers)
        return false;
    }
    return true;
  }

  /// Beside the importing file, then in its parent folder, then the library.
  Unit *find(const ImportDecl &import, Unit &importer) {
    std::string relative = llvm::join(import.path, "/") + ".tin";
    std::string from = sources.name(importer.file->id).str();
    std::vector<std::string> tried;
    if (!importer.isEmbedded) {
      llvm::SmallString<256> beside(path::parent_path(from)), above(beside);
      path::append(beside, relative);
      tried.push_back(beside.str().str());
      path::append(above, "..", relative);
      tried.push_back(cleaned(above));
    }
    if (!options.stdDir.empty()) {
      llvm::SmallString<256> library(options.stdDir);
      path::append(library, relative);
      tried.push_back(library.str().str());
    }
    for (const std::string &candidate : tried) {
      std::string identity = identityOf(candidate);
      auto buffer = options.buffers ? options.buffers->find(identity) : decltype(options.buffers->end())();
      if (options.buffers && buffer != options.buffers->end())
        return unitOf(identity, candidate, import, [&] { return std::optional(buffer->second); });
      if (fs::is_regular_file(candidate))
        return unitOf(identity, candidate, import, [&] { return readFile(candidate, diag, import.loc); });
    }
    for (const StdFile &f : stdFiles()) {
      if (!options.stdDir.empty() || relative != f.name)
        continue;
      Unit *u = unitOf("embedded:" + relative, relative, import, [&] { return std::optional(f.text.str()); });
      if (u)
        u->isEmbedded = true;
      return u;
    }
    auto e = diag.error(import.pathLoc) << "expected a file " << relative << ", but there is none";
    for (std::string &t : tried)
      t = "`" + t + "`";
    if (options.stdDir.empty())
      tried.push_back("the standard library");
    e.hint() << "looked for it in " << llvm::join(tried, ", ");
    return nullptr;
  }

  static std::string cleaned(llvm::SmallString<256> p) {
    path::remove_dots(p, /*remove_dot_dot=*/true);
    return p.str().str();
  }

  template <typename Read> Unit *unitOf(const std::string &identity, const std::string &name, const ImportDecl &import, Read read) {
    auto it = known.find(identity);
    if (it == known.end()) {
      auto text = read();
      return text ? addUnit(identity, name, std::move(*text)) : nullptr;
    }
    if (!llvm::is_contained(loading, it->second))
      return it->second;
    auto e = diag.error(import.pathLoc) << "expected imports without a cycle, but got " << sources.name(it->second->file->id)
                                        << " importing itself";
    for (Unit *u : loading)
      for (const DeclPtr &d : u->file->items)
        if (auto *other = llvm::dyn_cast<ImportDecl>(d.get()); other && other != &import && u != loading.back()) {
          e.note(other->pathLoc) << "by way of this import";
          break;
        }
    return nullptr;
  }

  const LoadOptions &options;
  SourceManager &sources;
  Diagnostics &diag;
  std::unique_ptr<Program> program;
  std::map<std::string, Unit *> known;
  std::vector<Unit *> loading; ///< from the main file to the one being read
};
} // namespace

std::unique_ptr<Program> load(const std::string &name, const LoadOptions &options, SourceManager &sources, Diagnostics &diag) {
  auto text = readFile(name, diag);
  return text ? loadText(name, std::move(*text), options, sources, diag) : nullptr;
}

std::unique_ptr<Program> loadText(const std::string &name, std::string text, const LoadOptions &options, SourceManager &sources,
                                  Diagnostics &diag) {
  return Loader(options, sources, diag).run(name, std::move(text));
}

} // namespace tintype::frontend
