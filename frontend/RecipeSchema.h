//===- RecipeSchema.h - which settings a section may have -------*- C++ -*-===//
// For the recipe, and for editors that complete it. Tables only: adding a setting
// is adding a line.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_RECIPESCHEMA_H
#define TINTYPE_FRONTEND_RECIPESCHEMA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace tintype::frontend {

enum class SettingType {
  Int,      ///< whole number >= 0
  Count,    ///< whole number >= 1
  Num,      ///< number
  Str,      ///< string
  Strs,     ///< string or list of strings
  Function, ///< name of a function of the model
  Task,     ///< kind of a task section
  Call,     ///< `name(..)` from a list
  Calls,    ///< one such call, or a list of them
  Value     ///< anything static
};

/// Path patterns are checked against the model after elaboration.
enum class PatternKind { None, Parameters, Blocks, File, Rename };

struct CallSchema;
struct SettingSchema {
  std::string name;
  SettingType type;
  std::vector<CallSchema> calls = {};      ///< for Call and Calls
  std::vector<std::string> choices = {};   ///< for Str: what it may be, if limited
  PatternKind pattern = PatternKind::None; ///< for Str and Strs
  bool mustMatch = false;                  ///< a pattern without match is an error, not a remark
  bool required = false;
};

/// `adamw(beta2 = 0.95)`: arguments by name, or by position in this order.
struct CallSchema {
  std::string name;
  std::vector<SettingSchema> args;
};

struct SectionSchema {
  std::string name;
  std::string kind;         ///< of a task
  bool capitals = false;    ///< `B = 12` sets a runtime dimension
  bool anyFunction = false; ///< further settings name functions (two encoders)
  std::vector<SettingSchema> settings;
};

/// The schema of a section; null for an unknown kind of task.
const SectionSchema *schemaFor(llvm::StringRef section, llvm::StringRef kind);
std::vector<std::string> taskKinds();

} // namespace tintype::frontend

#endif
