//===- Workspace.h - open files and what is known about them ----*- C++ -*-===//
// Each open `.tin` file is a root: it is loaded with what it imports (from
// other open buffers first) and checked after a change of one of its files: when
// somebody asks about it, else when no message is waiting, so that a burst of
// changes costs one analysis.
// The same load, parse and check as the compiler's; what is only for editors is
// kept beside them.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_WORKSPACE_H
#define TINTYPE_TOOLS_LSP_WORKSPACE_H

#include "frontend/Cost.h"
#include "frontend/Elaborate.h"
#include "frontend/Lexer.h"
#include "tools/lsp/Names.h"
#include "tools/lsp/Text.h"
#include <unordered_map>

namespace tintype::lsp {

struct Document {
  std::string uri, path, identity, text;
};

/// What the elaborator said about one place.
struct Sightings {
  std::vector<std::string> texts; ///< different ones, in order; a few
  unsigned count = 0;
};
/// One tensor or block of the model that a declaration stands for.
struct Made {
  std::string path, type;
  int64_t count = 0; ///< numbers in it
};

/// What costs a full evaluation; worked out when somebody asks.
struct Costs {
  frontend::Summary summary;
  std::vector<frontend::StatementCost> statements;
  int64_t context = 1; ///< positions that `flops` are for
};

class Analysis {
public:
  /// Checks `doc`; `buffers` by identity.
  Analysis(const Document &doc, const std::map<std::string, std::string> &buffers, bool checks = true);

  const frontend::Unit &main() const { return *program->units.front(); }
  bool uses(const std::string &identity) const;
  const frontend::Unit *unitOf(const std::string &identity) const;
  llvm::StringRef textOf(const frontend::Unit &u) const { return sources.text(u.file->id); }
  /// The tokens of a file, errors left out.
  const frontend::Lexed &tokens(frontend::FileId file);
  /// Where the token at `offset` ends; `offset` itself where there is none.
  size_t endOfToken(frontend::FileId file, size_t offset);
  const Sightings *seen(Loc loc) const;
  const std::vector<Made> *made(Loc loc) const;
  /// Nothing for a model with errors, or one too large to wait for.
  const Costs *costs();

  frontend::SourceManager sources;
  frontend::Diagnostics diag{sources};
  std::unique_ptr<frontend::Program> program; ///< null when the file cannot be read
  std::unique_ptr<Names> names;

private:
  friend class Recorder;
  static uint64_t key(Loc loc) { return uint64_t(loc.file) << 32 | loc.offset; }
  std::unordered_map<uint64_t, Sightings> sightings;
  std::unordered_map<uint64_t, std::vector<Made>> things;
  size_t thingCount = 0;
  std::map<frontend::FileId, frontend::Lexed> lexed;
  std::unique_ptr<Costs> cost;
  bool costKnown = false;
};

class Workspace {
public:
  void open(const std::string &uri, std::string text);
  void close(const std::string &uri);
  /// Marks what depends on the document as out of date.
  void changed(const Document &doc);
  /// Makes one analysis that is out of date anew; false when there is none.
  bool work();
  Document *find(llvm::StringRef uri);
  /// Up to date.
  Analysis *analysisOf(llvm::StringRef uri);

  /// What to publish: messages by URI. A URI that had some and has none now is
  /// there with an empty list. Empties the list of what is to be published.
  std::map<std::string, llvm::json::Array> takeDiagnostics();

  /// An analysis for each file that may hold names of the unit's file: the open
  /// ones, and closed ones beside it that import it.
  std::vector<Analysis *> around(const frontend::Unit &u, std::vector<std::unique_ptr<Analysis>> &closed);
  /// The URI of a unit; a file of the library inside the program is written to
  /// the user's cache folder first. Empty when that fails.
  std::string uriOfUnit(const Analysis &a, const frontend::Unit &u) const;
  static bool isLibrary(const frontend::Unit &u);

private:
  std::map<std::string, std::string> buffers() const;
  void analyse(const std::string &uri);
  std::map<std::string, llvm::json::Array> diagnosticsOf(Analysis &a, const std::string &uri);

  std::map<std::string, Document> docs; ///< by URI
  std::map<std::string, std::unique_ptr<Analysis>> analyses;
  std::map<std::string, std::map<std::string, llvm::json::Array>> byRoot; ///< root URI: messages by URI
  std::set<std::string> stale;                                            ///< URIs whose messages may have changed
  std::deque<std::string> outdated;                                       ///< roots to analyse, the one at hand first
};

} // namespace tintype::lsp

#endif
