//===- Ast.h - the syntax tree of a .tin file -------------------*- C++ -*-===//
// One struct per production of the grammar. A worked example:
//
//   y[..., o] = sum(i if i < n) x[..., i] * w[o, i] ?? 0
//
//   DefineStmt y
//     binds: pack, o
//     ReduceExpr sum, binds: i, filter: BinaryExpr Less
//       BinaryExpr Mul
//         SubscriptExpr x, dims: pack, i
//         SubscriptExpr w, dims: o, i, orElse: NumberExpr 0
//
// Kinds serve llvm::isa/cast/dyn_cast. Parentheses leave no node. No tree is
// deeper than kMaxHeight (Parser.h), so recursive walks need no guard.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_AST_H
#define TINTYPE_FRONTEND_AST_H

#include "frontend/Source.h"
#include "llvm/Support/Casting.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tintype::frontend {

//===-- Expressions -------------------------------------------------------===//

struct Expr {
  enum class Kind { Number, String, Bool, Name, List, Unary, Binary, Cond, Field, Call, Subscript, Reduce };
  const Kind kind;
  /// Where messages point: the operator of a binary or conditional
  /// expression, else the first token.
  Loc loc;
  /// The first token.
  Loc begin;
  /// Levels of the tree below and including this node.
  unsigned height = 1;

  virtual ~Expr() = default;

protected:
  Expr(Kind kind, Loc loc) : kind(kind), loc(loc), begin(loc) {}
};
using ExprPtr = std::unique_ptr<Expr>;

template <Expr::Kind K> struct ExprOf : Expr {
  explicit ExprOf(Loc loc) : Expr(K, loc) {}
  static bool classof(const Expr *e) { return e->kind == K; }
};

/// `3`, `0.5`, `1e-5`. Written without `.` and exponent it is an integer.
struct NumberExpr : ExprOf<Expr::Kind::Number> {
  using ExprOf::ExprOf;
  bool isInteger = false;
  int64_t integer = 0; ///< valid when isInteger
  double value = 0;    ///< always valid
  std::string text;    ///< as written
};

struct StringExpr : ExprOf<Expr::Kind::String> {
  using ExprOf::ExprOf;
  std::string value;
};

struct BoolExpr : ExprOf<Expr::Kind::Bool> {
  using ExprOf::ExprOf;
  bool value = false;
};

struct NameExpr : ExprOf<Expr::Kind::Name> {
  using ExprOf::ExprOf;
  std::string name;
};

/// `[a, b]` outside a subscript.
struct ListExpr : ExprOf<Expr::Kind::List> {
  using ExprOf::ExprOf;
  std::vector<ExprPtr> items;
};

enum class UnaryOp { Negate, Not };
struct UnaryExpr : ExprOf<Expr::Kind::Unary> {
  using ExprOf::ExprOf;
  UnaryOp op = UnaryOp::Negate;
  ExprPtr operand;
};

enum class BinaryOp { Or, And, Less, Greater, LessEqual, GreaterEqual, Equal, NotEqual, Add, Sub, Mul, Div, FloorDiv, Mod, Pow };
struct BinaryExpr : ExprOf<Expr::Kind::Binary> {
  using ExprOf::ExprOf;
  BinaryOp op = BinaryOp::Add;
  ExprPtr lhs, rhs;
};

/// `cond ? then : otherwise`
struct CondExpr : ExprOf<Expr::Kind::Cond> {
  using ExprOf::ExprOf;
  ExprPtr cond, then, otherwise;
};

/// `base.name`
struct FieldExpr : ExprOf<Expr::Kind::Field> {
  using ExprOf::ExprOf;
  ExprPtr base;
  std::string name;
  Loc nameLoc;
};

/// A positional (empty name) or named argument.
struct Arg {
  std::string name;
  Loc nameLoc;
  ExprPtr value;
};

/// `callee(args)`
struct CallExpr : ExprOf<Expr::Kind::Call> {
  using ExprOf::ExprOf;
  ExprPtr callee;
  std::vector<Arg> args;
};

/// One entry of a subscript or of a type's dimensions; `...` has no expr.
struct Dim {
  Loc loc;
  ExprPtr expr;
  bool isPack() const { return !expr; }
};

/// `base[dims]`, with `?? orElse` outside the range when orElse is set.
struct SubscriptExpr : ExprOf<Expr::Kind::Subscript> {
  using ExprOf::ExprOf;
  ExprPtr base;
  std::vector<Dim> dims;
  ExprPtr orElse;
  Loc bracketLoc;
};

/// One index of a definition or reducer: `t`, `t: extent`, or `...`.
struct Bind {
  Loc loc;
  bool isPack = false;
  std::string name; ///< empty for `...`
  ExprPtr extent;   ///< may be null
};

enum class Reducer {
  Sum,
  Prod,
  Mean,
  Max,
  Min,
  Any,
  All,
  ArgMax,
  LogSumExp, // drop the index
  Softmax,
  CumSum // keep the index
};
/// `sum(i, j: n if filter) body`
struct ReduceExpr : ExprOf<Expr::Kind::Reduce> {
  using ExprOf::ExprOf;
  Reducer op = Reducer::Sum;
  std::vector<Bind> binds;
  ExprPtr filter; ///< may be null
  ExprPtr body;
};

//===-- Types and parameters ----------------------------------------------===//

/// `[dims]` (name empty: the policy float), `f32[dims]`, `index(bound)[dims]`,
/// `int`. Whether brackets were written matters: `f32` and `f32[]` differ in
/// text only, `int[..]` is refused by the checker.
struct Type {
  Loc loc;
  std::string name;
  ExprPtr bound; ///< the argument of `index(..)`, else null
  bool hasDims = false;
  std::vector<Dim> dims;
};

/// A parameter of a function or block.
struct Parameter {
  Loc loc;
  std::string name;
  Type type;
  ExprPtr init; ///< default value, may be null
};

//===-- Statements --------------------------------------------------------===//

struct Stmt {
  enum class Kind { Let, Define, For, If, Return };
  const Kind kind;
  Loc loc; ///< the first token
  Loc end; ///< behind the last token
  virtual ~Stmt() = default;

protected:
  Stmt(Kind kind, Loc loc) : kind(kind), loc(loc) {}
};
using StmtPtr = std::unique_ptr<Stmt>;

template <Stmt::Kind K> struct StmtOf : Stmt {
  explicit StmtOf(Loc loc) : Stmt(K, loc) {}
  static bool classof(const Stmt *s) { return s->kind == K; }
};

/// `name = value`
struct LetStmt : StmtOf<Stmt::Kind::Let> {
  using StmtOf::StmtOf;
  std::string name;
  ExprPtr value;
};

/// `name[binds] = value`, after `scan(scanIndex)` when that is not empty.
struct DefineStmt : StmtOf<Stmt::Kind::Define> {
  using StmtOf::StmtOf;
  std::string name;
  Loc nameLoc;
  std::vector<Bind> binds;
  ExprPtr value;
  std::string scanIndex;
  Loc scanLoc;
};

/// `for var in first { body }` over a list, or `first .. last` (last excluded).
struct ForStmt : StmtOf<Stmt::Kind::For> {
  using StmtOf::StmtOf;
  std::string var;
  Loc varLoc;
  ExprPtr first;
  ExprPtr last; ///< null when iterating over a list
  std::vector<StmtPtr> body;
};

struct IfStmt : StmtOf<Stmt::Kind::If> {
  using StmtOf::StmtOf;
  ExprPtr cond;
  std::vector<StmtPtr> body;
};

struct ReturnStmt : StmtOf<Stmt::Kind::Return> {
  using StmtOf::StmtOf;
  ExprPtr value;
};

//===-- Declarations: items of a file and members of a block --------------===//

struct Decl {
  enum class Kind { Import, Config, Block, Fn, Section, Param, Field, If };
  const Kind kind;
  Loc loc;         ///< the first token
  Loc end;         ///< behind the last token
  std::string doc; ///< the `##` lines above, without marks, joined by newlines
  virtual ~Decl() = default;

protected:
  Decl(Kind kind, Loc loc) : kind(kind), loc(loc) {}
};
using DeclPtr = std::unique_ptr<Decl>;

template <Decl::Kind K> struct DeclOf : Decl {
  explicit DeclOf(Loc loc) : Decl(K, loc) {}
  static bool classof(const Decl *d) { return d->kind == K; }
};

/// `import std.nn`
struct ImportDecl : DeclOf<Decl::Kind::Import> {
  using DeclOf::DeclOf;
  std::vector<std::string> path;
  Loc pathLoc;
};

/// `config name = value at "key"`, or `at ["key", "other.key"]`
struct ConfigDecl : DeclOf<Decl::Kind::Config> {
  using DeclOf::DeclOf;
  std::string name;
  Loc nameLoc;
  ExprPtr value;
  std::vector<std::string> keys; ///< tried in order
};

/// `fn name(params) -> result where facts { body }`; the name may be empty
/// inside a block.
struct FnDecl : DeclOf<Decl::Kind::Fn> {
  using DeclOf::DeclOf;
  std::string name;
  Loc nameLoc;
  std::vector<Parameter> params;
  Type result;
  std::vector<ExprPtr> where;
  std::vector<StmtPtr> body;
};

/// `block name(params) { members }` or `model ..`; members are ParamDecl,
/// FieldDecl, IfDecl and FnDecl.
struct BlockDecl : DeclOf<Decl::Kind::Block> {
  using DeclOf::DeclOf;
  bool isModel = false;
  std::string name;
  Loc nameLoc;
  std::vector<Parameter> params;
  std::vector<DeclPtr> members;
};

/// `param name: type = init at "path"`
struct ParamDecl : DeclOf<Decl::Kind::Param> {
  using DeclOf::DeclOf;
  std::string name;
  Loc nameLoc;
  Type type;
  ExprPtr init;
  bool hasAt = false;
  std::string at;
};

/// `name: block(args) at "path"`, `name[count]: ..`, `name[var: count]: ..`
struct FieldDecl : DeclOf<Decl::Kind::Field> {
  using DeclOf::DeclOf;
  std::string name;
  ExprPtr count;   ///< null unless an array
  std::string var; ///< the loop variable of an array, may be empty
  Loc varLoc;
  std::string block;
  Loc blockLoc;
  std::vector<Arg> args;
  bool hasAt = false;
  std::string at;
};

/// `if cond { members }`
struct IfDecl : DeclOf<Decl::Kind::If> {
  using DeclOf::DeclOf;
  ExprPtr cond;
  std::vector<DeclPtr> members;
};

/// `train { key = value, .. }`, `task causal_lm { .. }`
struct SectionDecl : DeclOf<Decl::Kind::Section> {
  using DeclOf::DeclOf;
  struct Entry {
    std::string key;
    Loc keyLoc;
    ExprPtr value;
  };
  std::string name;
  std::string variant; ///< the second name (`causal_lm`), may be empty
  Loc variantLoc;
  std::vector<Entry> entries; ///< in the order written; keys are unique
};

/// One parsed file; items in the order written.
struct File {
  FileId id = 0;
  std::vector<DeclPtr> items;
};

//===-- Spellings ---------------------------------------------------------===//

llvm::StringRef spelling(BinaryOp op);
llvm::StringRef spelling(Reducer op);
/// The expression as compact text for messages, e.g. `scale * sum(e) q[b, e]`.
std::string toString(const Expr &e);
std::string toString(const Type &t);
/// The tree in a stable textual form without locations; equal trees give equal
/// text. Used by tests.
std::string dump(const File &file);

} // namespace tintype::frontend

#endif
