//===- RecipeSections.h - a model's sections after overrides ----*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_RECIPESECTIONS_H
#define TINTYPE_FRONTEND_RECIPESECTIONS_H

#include "frontend/Load.h"

namespace tintype::frontend {

/// An argument or setting.
struct Setting {
  std::string key;
  Loc loc; ///< of the key
  const Expr *value = nullptr;
  bool fromSet = false;
  std::vector<Setting> args = {}; ///< overrides of single arguments of a call
};

struct Section {
  std::string name, kind;
  Loc loc, kindLoc;
  std::vector<Setting> settings;
};

/// The sections of the main file, with `--set` in place. Nothing after an error.
std::optional<std::vector<Section>> collectSections(const Program &program, Diagnostics &diag);

/// Replaces the setting of that name, or adds it.
void put(std::vector<Setting> &list, Setting fresh);

/// "`a`, `b` or `c`"
std::string quoted(llvm::ArrayRef<std::string> names);

} // namespace tintype::frontend

#endif
