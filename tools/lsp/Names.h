//===- Names.h - which name means which declaration -------------*- C++ -*-===//
// Resolves the names of a program's trees by the scoping rules alone, so that
// it works for what does not check, is never called, or holds errors. For
//
//   fn f(x: [B, C]) -> [B] {
//     y[b] = sum(c) x[b, c]
//     return y
//   }
//
// there are definitions f, x, B, C, b, c, y, and one occurrence for each place
// where one of them stands. A variable that is assigned several times is one
// definition with several bindings.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_NAMES_H
#define TINTYPE_TOOLS_LSP_NAMES_H

#include "frontend/Load.h"
#include <deque>
#include <map>

namespace tintype::lsp {

using frontend::Loc;

/// What can follow a `.` or `(`: an instance of a block (or an array of them),
/// or a function.
struct Shape {
  const frontend::BlockDecl *block = nullptr;
  const frontend::Unit *unit = nullptr; ///< of the block or function
  bool isArray = false;
  const frontend::FnDecl *fn = nullptr;
};

struct Definition {
  enum class Kind { File, Config, Block, Fn, Param, Member, Argument, Variable, Loop, Index, Dim };
  Kind kind;
  std::string name;
  Loc loc;
  const frontend::Unit *unit = nullptr;
  const frontend::Decl *decl = nullptr;           ///< itself, or the function or block around it
  const frontend::Parameter *parameter = nullptr; ///< of an Argument
  Shape shape;
  std::vector<Loc> bindings; ///< of a variable, in order
};

struct Occurrence {
  Loc loc;
  unsigned length;
  const Definition *definition;
  bool isBinding;
};

class Names {
public:
  Names(const frontend::Program &program, const frontend::SourceManager &sources);

  /// The occurrence that `offset` lies in or directly behind.
  const Occurrence *at(frontend::FileId file, size_t offset) const;
  const std::deque<Definition> &definitions() const { return defs; }
  /// Of one file, in order.
  const std::vector<Occurrence> &in(frontend::FileId file) const;

private:
  friend class Resolver;
  std::deque<Definition> defs;
  std::map<frontend::FileId, std::vector<Occurrence>> occurrences;
};

/// The members of a block, those inside `if` too.
std::vector<const frontend::Decl *> membersOf(const frontend::BlockDecl &block);
/// Name and place of a declaration; empty for one without name.
std::pair<std::string, Loc> nameOf(const frontend::Decl &d);
/// What a call of the shape binds its arguments to.
const std::vector<frontend::Parameter> *parametersOf(const Shape &shape, bool makesBlock = false);
/// A member of the block that `shape` is an instance of.
Shape shapeOf(const frontend::Decl &member, const frontend::Unit &unit);

} // namespace tintype::lsp

#endif
