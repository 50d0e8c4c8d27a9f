//===- Workspace.cpp - open files and their messages ----------------------===//
#include "tools/lsp/Workspace.h"
#include "frontend/StdFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

namespace tintype::lsp {

using namespace frontend;
using llvm::json::Array;
using llvm::json::Object;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

//===-- documents ---------------------------------------------------------===//

std::map<std::string, std::string> Workspace::buffers() const {
  std::map<std::string, std::string> r;
  for (const auto &[uri, d] : docs)
    r[d.identity] = d.text;
  return r;
}

void Workspace::open(const std::string &uri, std::string text) {
  Document &d = docs[uri];
  d.uri = uri;
  d.path = pathOf(uri).value_or(uri);
  d.identity = identityOf(d.path);
  d.text = std::move(text);
  changed(d);
}

void Workspace::changed(const Document &doc) {
  llvm::erase(outdated, doc.uri);
  outdated.push_front(doc.uri);
  for (auto &[uri, a] : analyses) // an import that was missing may be there now
    if (!llvm::is_contained(outdated, uri) && (a->uses(doc.identity) || a->diag.hasErrors()))
      outdated.push_back(uri);
}

bool Workspace::work() {
  if (outdated.empty())
    return false;
  std::string uri = outdated.front();
  analyse(uri);
  return true;
}

void Workspace::close(const std::string &uri) {
  auto it = docs.find(uri);
  if (it == docs.end())
    return;
  std::string identity = it->second.identity;
  docs.erase(it);
  analyses.erase(uri);
  llvm::erase(outdated, uri);
  for (auto &[target, unused] : byRoot[uri])
    stale.insert(target);
  byRoot.erase(uri);
  for (auto &[other, a] : analyses)
    if (a->uses(identity) && !llvm::is_contained(outdated, other))
      outdated.push_back(other); // the file on disk counts again
}

Document *Workspace::find(llvm::StringRef uri) {
  auto it = docs.find(uri.str());
  return it == docs.end() ? nullptr : &it->second;
}

Analysis *Workspace::analysisOf(llvm::StringRef uri) {
  if (llvm::is_contained(outdated, uri))
    analyse(uri.str());
  auto it = analyses.find(uri.str());
  return it == analyses.end() || !it->second->program ? nullptr : it->second.get();
}

void Workspace::analyse(const std::string &root) {
  std::string uri = root;
  llvm::erase(outdated, uri);
  auto fresh = std::make_unique<Analysis>(docs[uri], buffers());
  for (auto &[target, unused] : byRoot[uri])
    stale.insert(target);
  byRoot[uri] = diagnosticsOf(*fresh, uri);
  for (auto &[target, unused] : byRoot[uri])
    stale.insert(target);
  stale.insert(uri);
  analyses[uri] = std::move(fresh);
}

//===-- messages ----------------------------------------------------------===//

std::map<std::string, Array> Workspace::diagnosticsOf(Analysis &a, const std::string &uri) {
  std::map<std::string, Array> r;
  std::map<FileId, const Unit *> units;
  if (a.program)
    for (const auto &u : a.program->units)
      units[u->file->id] = u.get();
  auto uriOfFile = [&](FileId file) {
    auto it = units.find(file);
    return file == 1 ? uri : it == units.end() ? std::string() : uriOfUnit(a, *it->second);
  };
  auto rangeAt = [&](Loc loc) {
    llvm::StringRef text = a.sources.text(loc.file);
    if (loc.offset == Loc::kWholeFile)
      return rangeOf(text, 0, 0);
    return rangeOf(text, loc.offset, a.endOfToken(loc.file, loc.offset));
  };
  constexpr size_t kMost = 200;
  size_t count = 0;
  for (const Diagnostic &d : a.diag.all()) {
    if (++count > kMost)
      break;
    const Message &first = d.messages.front();
    std::string text = first.text;
    // What goes wrong in the library goes wrong for a call in this file.
    Loc at = first.loc;
    if (at.file != 1)
      for (const Message &m : d.messages)
        if (m.loc.file == 1 && at.file != 1)
          at = m.loc;
    Array related;
    for (const Message &m : d.messages) {
      if (m.severity == Severity::Hint) {
        text += "\nhint: " + m.text;
        continue;
      }
      if (!m.loc || (&m == &first && m.loc == at))
        continue;
      std::string target = uriOfFile(m.loc.file);
      if (target.empty())
        text += "\nnote: " + a.sources.describe(m.loc) + ": " + m.text;
      else
        related.push_back(Object{{"location", Object{{"uri", target}, {"range", rangeAt(m.loc)}}}, {"message", clean(m.text)}});
    }
    std::string target = at ? uriOfFile(at.file) : uri;
    if (target.empty()) {
      text += " (" + a.sources.describe(at) + ")";
      target = uri;
      at = {};
    }
    int severity = first.severity == Severity::Error ? 1 : first.severity == Severity::Warning ? 2 : 3;
    Object o{{"range", at ? rangeAt(at) : rangeOf("", 0, 0)}, {"severity", severity}, {"source", "tintype"}, {"message", clean(text)}};
    if (!related.empty())
      o["relatedInformation"] = std::move(related);
    r[target].push_back(std::move(o));
  }
  return r;
}

std::map<std::string, Array> Workspace::takeDiagnostics() {
  std::map<std::string, Array> r;
  for (const std::string &target : stale) {
    Array &list = r[target];
    for (auto &[root, messages] : byRoot) {
      auto it = messages.find(target);
      if (it == messages.end())
        continue;
      for (const llvm::json::Value &v : it->second)
        if (llvm::find(list, v) == list.end())
          list.push_back(v);
    }
  }
  stale.clear();
  return r;
}

//===-- files beside the open ones ----------------------------------------===//

bool Workspace::isLibrary(const Unit &u) { return u.isEmbedded || path::filename(path::parent_path(u.identity)) == "std"; }

std::string Workspace::uriOfUnit(const Analysis &a, const Unit &u) const {
  for (const auto &[uri, d] : docs)
    if (d.identity == u.identity)
      return uri;
  if (!u.isEmbedded)
    return uriOf(u.identity);
  llvm::StringRef text = a.textOf(u);
  llvm::SmallString<256> file;
  if (!path::cache_directory(file))
    return "";
  path::append(file, "tintype", "library-" + llvm::utohexstr(llvm::xxh3_64bits(text)), a.sources.name(u.file->id));
  if (!fs::exists(file)) {
    if (fs::create_directories(path::parent_path(file)))
      return "";
    auto wrote = llvm::writeToOutput(file, [&](llvm::raw_ostream &os) {
      os << text;
      return llvm::Error::success();
    });
    if (wrote) {
      llvm::consumeError(std::move(wrote));
      return "";
    }
  }
  return uriOf(file);
}

std::vector<Analysis *> Workspace::around(const Unit &u, std::vector<std::unique_ptr<Analysis>> &closed) {
  std::vector<Analysis *> r;
  for (auto &[uri, a] : analyses)
    if (a->uses(u.identity))
      r.push_back(a.get());
  if (u.isEmbedded)
    return r;
  // An importer stands beside the file, in a folder beside it, or (for
  // `import folder.file`) one folder up.
  constexpr size_t kMostFiles = 200;
  std::vector<std::string> files;
  std::string own = path::parent_path(u.identity).str();
  for (const std::string &base : {own, path::parent_path(own).str()}) {
    std::error_code ec;
    size_t seen = 0;
    for (fs::recursive_directory_iterator it(base, ec, false), end; it != end && !ec && ++seen < 10 * kMostFiles; it.increment(ec)) {
      if (it.level() > 0)
        it.no_push();
      if (path::extension(it->path()) == ".tin" && files.size() < kMostFiles)
        files.push_back(it->path());
    }
  }
  auto texts = buffers();
  std::set<std::string> done;
  for (const std::string &file : files) {
    std::string identity = identityOf(file);
    if (identity == u.identity || texts.count(identity) || !done.insert(identity).second)
      continue;
    SourceManager sources;
    Diagnostics quiet(sources);
    auto text = readFile(file, quiet);
    if (!text || !llvm::StringRef(*text).contains(path::stem(u.identity)))
      continue;
    Document d{uriOf(identity), file, identity, std::move(*text)};
    auto a = std::make_unique<Analysis>(d, texts, /*checks=*/false);
    if (a->uses(u.identity))
      r.push_back(closed.emplace_back(std::move(a)).get());
  }
  return r;
}

} // namespace tintype::lsp
