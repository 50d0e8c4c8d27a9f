//===- Load.h - a model file with its imports and overrides -----*- C++ -*-===//
// tuned.tin imports std.nn and base, base imports std.nn:
//
//   units[0] tuned.tin    scope: own names, those of units 1 and 2
//   units[1] std/nn.tin   scope: own names
//   units[2] base.tin     scope: own names, those of unit 1
//
// A name means the same declaration however it came into scope; imports are
// not passed on. Values given from outside (`--set`, `--config`) are kept
// beside the trees as expressions with the place they came from; evaluating
// them is the elaborator's, as for the defaults they replace.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_LOAD_H
#define TINTYPE_FRONTEND_LOAD_H

#include "frontend/Ast.h"
#include "frontend/Diagnostics.h"
#include <map>

namespace tintype::frontend {

struct LoadOptions {
  std::vector<std::string> sets; ///< `name=EXPR`, in the order given; the last of a name counts
  std::string config;            ///< path of a config.json, or empty
  std::string stdDir;            ///< folder that holds `std/`, instead of the embedded library

  /// Texts that stand for files (an editor's unsaved buffers), by `identityOf`.
  const std::map<std::string, std::string> *buffers = nullptr;
  /// Goes on after errors: trees and scopes hold what could be read.
  bool recovers = false;
};

struct Unit;

/// What a name of a file's scope stands for: a ConfigDecl, BlockDecl or FnDecl.
struct Symbol {
  const Decl *decl = nullptr;
  const Unit *unit = nullptr; ///< where it is declared
};

/// One file.
struct Unit {
  std::unique_ptr<File> file;
  std::map<std::string, Symbol> scope;
  std::map<const ImportDecl *, const Unit *> imports;
  std::string identity;    ///< `identityOf` its file
  bool isEmbedded = false; ///< part of the library inside the program
};

/// A value from outside for a config. `value->loc` points into the text it
/// came from: the `--set` argument, or the key in config.json.
struct ConfigOverride {
  ExprPtr value;
  std::string origin; ///< for messages: `--set layers`, or `"n_embd" of dir/config.json`
};

/// `--set train.lr.peak=3e-4`: path {"train", "lr", "peak"}.
struct SectionOverride {
  std::vector<std::string> path;
  ExprPtr value;
};

struct Program {
  std::vector<std::unique_ptr<Unit>> units; ///< the main file is first
  std::map<const ConfigDecl *, ConfigOverride> configs;
  std::vector<SectionOverride> sections;

  const Unit &main() const { return *units.front(); }
};

/// Reads `path` and everything it imports. Null after an error (when recovering:
/// only where `path` itself cannot be read).
std::unique_ptr<Program> load(const std::string &path, const LoadOptions &options, SourceManager &sources, Diagnostics &diag);
/// The same for a main file that is already in memory (an editor's buffer);
/// `name` is its path and decides where imports are looked for.
std::unique_ptr<Program> loadText(const std::string &name, std::string text, const LoadOptions &options, SourceManager &sources,
                                  Diagnostics &diag);

/// One string for every name of a file on disk.
std::string identityOf(const std::string &path);

/// The whole text of a regular file, or nothing after an error at `where`
/// (or without place).
std::optional<std::string> readFile(const std::string &path, Diagnostics &diag, Loc where = {});

} // namespace tintype::frontend

#endif
