//===- Overrides.h - values from outside: --set and config.json -*- C++ -*-===//
// Private to loading.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_OVERRIDES_H
#define TINTYPE_FRONTEND_OVERRIDES_H

#include "frontend/Load.h"

namespace tintype::frontend {

/// Fills in every config whose `at` key the JSON file has. False after an error.
bool applyConfigFile(const std::string &path, Program &program, SourceManager &sources, Diagnostics &diag);
/// Parses one `--set` argument into the program. False after an error.
bool applySet(const std::string &set, Program &program, SourceManager &sources, Diagnostics &diag);

} // namespace tintype::frontend

#endif
