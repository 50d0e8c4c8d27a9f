//===- ElaborateImpl.h - the evaluator of the model language ----*- C++ -*-===//
// One walk over the syntax tree checks and lowers at once: static values are
// computed, tensor values become graph ops. The class is split over files by
// what is evaluated; nothing outside them includes this header.
//
// Refusals: `fail` reports and throws `Refused`, which only `Elaborator::guard`
// catches; nothing is thrown across the public functions of Elaborate.h.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_ELABORATEIMPL_H
#define TINTYPE_FRONTEND_ELABORATEIMPL_H

#include "dialects/graph/Graph.h"
#include "frontend/Bounds.h"
#include "frontend/Diagnostics.h"
#include "frontend/Elaborate.h"
#include "frontend/Emit.h"
#include "frontend/Observer.h"
#include "frontend/Recipe.h"
#include "frontend/Values.h"

namespace tintype::frontend {

struct Refused {};

/// The indices in scope inside a definition or reducer.
struct Indices {
  struct Bound {
    const Atom *atom = nullptr;
    bool annotated = false; ///< `t: T`: uses are proved; else they must agree
    Loc loc;                ///< where the extent comes from
    std::string from;       ///< `tokens`, for notes
  };
  llvm::StringMap<Bound> names;
  bool hasPack = false;
  std::vector<const Atom *> pack;
};

/// Where an expression is evaluated: names, and indices (null: whole tensors).
struct Env {
  Scope *scope = nullptr;
  const Indices *indices = nullptr;
  Env whole() const { return {scope, nullptr}; }
};

using NoteList = std::vector<std::pair<Loc, std::string>>;
using ArgMap = std::map<std::string, std::pair<Value, Loc>>;

class Elaborator {
public:
  Elaborator(const Program &program, const Program &library, mlir::MLIRContext *ctx, Diagnostics &diag, bool wantsPrograms,
             Observer *observer);

  //===-- base (ElaborateBase.cpp) ----------------------------------------===//
  [[noreturn]] void fail(Loc loc, const std::string &message, const NoteList &notes = {}, const std::string &hint = "");
  /// Refuses what the language has and the compiler cannot do yet: an error
  /// when a program is wanted, a warning when the model is only checked.
  [[noreturn]] void unsupported(Loc loc, const std::string &message, const std::string &hint = "");
  [[noreturn]] void refuse(Severity severity, Loc loc, const std::string &message, const NoteList &notes, const std::string &hint);
  /// Runs `body`; false when it was refused.
  bool guard(llvm::function_ref<void()> body);
  mlir::Location location();
  const Unit &unitOf(Loc loc) const;
  const Symbol *symbol(llvm::StringRef name, Loc loc) const;
  const Value &configValue(const ConfigDecl &c);
  std::optional<Value> lookup(llvm::StringRef name, Loc loc, const Env &env);
  [[noreturn]] void unknownName(llvm::StringRef name, Loc loc, const Env &env, const char *what);
  /// Whether `name` may stand for a dimension in a signature: `B`, `T`, `H2`.
  static bool isDimVariable(llvm::StringRef name);

  /// Counts statements, calls and block instances: loops in loops, and functions
  /// that call each other ten times, are refused before they take for ever.
  void work(Loc loc);
  unsigned workDone = 0;

  //===-- blocks (ElaborateBlocks.cpp) ------------------------------------===//
  const Instance *instantiate(const BlockDecl &block, const ArgMap &args, const std::string &path, Loc loc);
  void members(Instance &self, const std::vector<DeclPtr> &decls);
  void declareParam(Instance &self, const ParamDecl &p);
  void reduceInit(ParamInfo &info, const ParamDecl &p, Instance &self);
  Tensor paramTensor(unsigned number);

  //===-- calls (ElaborateCalls.cpp) --------------------------------------===//
  ArgMap bindArgs(const std::vector<Parameter> &params, const std::vector<Arg> &args, const Env &env, Loc loc, const std::string &who);
  Value bindValue(const Parameter &p, Value v, Loc loc, Scope &scope, const std::string &who);
  Value bindStatic(const Type &t, Value v, Loc loc, const std::string &what);
  void bindDim(const Expr &e, const Poly &d, Scope &scope, Loc loc, const std::string &what, const std::string &actual,
               bool atMost = false);
  Value callFn(const FnDecl &fn, const Instance *self, const ArgMap &args, Loc loc);
  void bindParameters(const FnDecl &fn, const ArgMap &args, Scope &scope, Loc loc, const std::string &who);
  /// The value that a call gives a parameter, else its default; and its place.
  std::pair<Value, Loc> given(const Parameter &p, const ArgMap &args, Scope &scope, Loc loc, const std::string &who);
  void checkWhere(const FnDecl &fn, const Expr &fact, Scope &scope, Loc loc);
  Value call(const CallExpr &e, const Env &env);
  Value finish(const FnDecl &fn, Value result, Scope &scope);
  std::optional<Value> runBody(const std::vector<StmtPtr> &body, const Env &env);
  std::optional<Value> statement(const Stmt &s, const Env &env);
  Dtype dtypeOf(const Type &t);
  std::vector<Poly> dimsOf(const std::vector<Dim> &dims, Scope &scope);
  static bool isStaticType(const Type &t);

  //===-- equal calls, where nothing is kept (ElaborateReuse.cpp) ---------===//
  /// One evaluated call: what it was given, and a tensor like its result.
  struct Known {
    const FnDecl *fn;
    const Instance *self; ///< a block like this one
    bool training, lowering;
    std::map<std::string, Value> given;
    Tensor result;
  };
  /// Whether only the messages and types of an evaluation count.
  bool onlyChecks() const { return observer || !current.lowering; }
  bool isAlike(const Value &a, const Value &b);
  bool isAlike(const Instance *a, const Instance *b);
  std::optional<Value> knownResult(const FnDecl &fn, const Instance *self, const Scope &given);
  void remember(const FnDecl &fn, const Instance *self, std::map<std::string, Value> given, const Value &result);
  void see(Loc loc, const Value &v) {
    if (observer && loc)
      observer->saw(loc, v, frames.empty() ? "" : frames.back().path);
  }

  //===-- built-in functions (ElaborateBuiltins.cpp) ----------------------===//
  std::optional<Value> builtin(llvm::StringRef name, const CallExpr &e, const Env &env);
  Value wholeNumber(double d, const CallExpr &e);
  Value elementFunction(Op op, const CallExpr &e, const Env &env);
  Value reshape(const CallExpr &e, const Env &env);
  Value random(bool isNormal, const CallExpr &e);
  Value cast(Dtype to, const CallExpr &e, const Env &env);
  Value clamp(const CallExpr &e, const Env &env);

  //===-- expressions (ElaborateExprs.cpp) --------------------------------===//
  Value eval(const Expr &e, const Env &env);
  Value evalInner(const Expr &e, const Env &env);
  Value binary(const BinaryExpr &e, const Env &env);
  Value logic(const BinaryExpr &e, const Env &env);
  Value staticInts(const BinaryExpr &e, const Poly &a, const Poly &b);
  std::optional<Value> staticBinary(const BinaryExpr &e, const Value &a, const Value &b);
  Value conditional(const CondExpr &e, const Env &env);
  Value field(const FieldExpr &e, const Env &env);
  bool staticFlag(const Expr &e, const Env &env, const char *what);
  int64_t staticInt(const Expr &e, const Env &env, const char *what);
  /// The value if it can be had without a message and without emitting ops.
  std::optional<Value> peek(const Expr &e, const Env &env);

  //===-- arithmetic (ElaborateArith.cpp) ---------------------------------===//
  Tensor lift(const Value &v, Loc loc);
  Dtype join(Dtype a, Dtype b, Loc loc);
  /// Rewrites both over common dims; refuses when names do not align.
  void align(Tensor &a, Tensor &b, const Expr &at, const char *verb);
  Tensor combine(Op op, const BinaryExpr &at, Tensor a, Tensor b);
  Value power(const BinaryExpr &e, Value a, Value b);
  ScalarPtr coerce(ScalarPtr s, Elem elem);

  //===-- tensors (ElaborateIndexed.cpp) ----------------------------------===//
  Tensor fromValue(mlir::Value v, Dtype dtype, const Poly &bound, const std::vector<Poly> &dims);
  /// A tensor of the type of `like` that is 0 (or false) everywhere: for what is only checked.
  Tensor zeros(const Tensor &like, const std::string &name, mlir::Location loc);
  /// The tensor with a body that is one read (or a constant, or depends on
  /// indices of a definition around this call and has no dims).
  Tensor materialize(Tensor t);
  mlir::Value valueOf(const Tensor &t);
  /// `reducer(by) body if filter` as a value at the free indices.
  ScalarPtr reduce(graph::Reducer reducer, const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter);
  ScalarPtr readAt(const Tensor &t, const std::vector<ScalarPtr> &subscripts, bool guarded);
  Value subscript(const SubscriptExpr &e, const Env &env);
  Value listItem(const SubscriptExpr &e, const List &list, const Env &env);
  void define(const DefineStmt &s, const Env &env);
  Indices makeIndices(const std::vector<Bind> &binds, const Env &env, const std::vector<const Expr *> &uses, const std::string &skip,
                      std::vector<const Atom *> &order);

  //===-- bounds of subscripts (ElaborateBounds.cpp) ----------------------===//
  struct Access {
    const Expr *expr = nullptr; ///< null inside `...`
    ScalarPtr value = nullptr;
    bool isGather = false;
    Poly bound;          ///< of a gather
    bool agrees = false; ///< a bare index with this very dim
    Poly dim;
  };
  std::vector<Access> accessesOf(const SubscriptExpr &e, const Tensor &t, const std::string &name, const Env &env);
  Access accessOf(const Dim &d, const Poly &dim, bool mayLeave, const std::string &name, const Env &env);
  Tensor orElse(Tensor read, const Expr &expr, ScalarPtr inside, const Env &env);
  bool isInside(const Access &a, bool usePath);
  bool scalarInside(ScalarPtr s, const Poly &dim, bool usePath);
  [[noreturn]] void outside(const Access &a, const Tensor &t, const std::string &base, const Env &env);
  void assume(ScalarPtr condition, bool truth);

  struct Extents {
    std::map<std::string, Indices::Bound> found; ///< atom unset, see `dims`
    std::map<std::string, Poly> dims;
    std::optional<std::vector<Poly>> pack;
    /// A subscript with another number of dims than its tensor has.
    const SubscriptExpr *mismatch = nullptr;
    size_t rank = 0;
  };
  [[noreturn]] void wrongCount(const SubscriptExpr &e, size_t rank, const NoteList &notes = {});
  void inferExtents(const Expr &e, const std::set<std::string> &names, const Env &env, Extents &out);
  void inferAt(const SubscriptExpr &e, const std::set<std::string> &names, const Env &env, Extents &out);

  //===-- reducers (ElaborateReducers.cpp) --------------------------------===//
  Value reduceExpr(const ReduceExpr &e, const Env &env);
  Value keepIndex(const ReduceExpr &e, const Env &env);
  ScalarPtr logSumExp(const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter);
  ScalarPtr mean(const std::vector<const Atom *> &by, ScalarPtr body, ScalarPtr filter);
  /// exp(body - max), safe at points that the filter leaves out.
  ScalarPtr shiftedExp(ScalarPtr body, ScalarPtr top, ScalarPtr filter);

  //===-- programs (Programs.cpp) -----------------------------------------===//
  std::optional<Elaborated> run();
  struct Argument {
    std::string name, role;
    Tensor type; ///< without a body
  };
  void startModule();
  void checkFunctions();
  std::vector<Argument> entryArguments(const FnDecl &fn, const std::string &kind);
  void entryFacts(const FnDecl &fn);
  void buildPrograms(const Recipe &recipe);
  Tensor again(mlir::func::FuncOp program, Tensor t, const std::vector<Tensor> &in);
  void buildFunction(const std::string &role, bool training, const std::vector<Argument> &args, const std::vector<std::string> &results,
                     llvm::function_ref<std::vector<Tensor>(const std::vector<Tensor> &)> body);
  Value callEntry(const FnDecl &fn, const Instance *self, const std::vector<Tensor> &args, ArgMap given = {});
  const FnDecl *modelFn(llvm::StringRef name);
  void declareParameters(const Recipe &recipe);
  std::optional<llvm::json::Value> setting(const Expr &e);
  void summarize(Summary &out, const Recipe &recipe);

  //===-- state -----------------------------------------------------------===//
  const Program &program; ///< the model
  const Program &library; ///< std/tasks.tin and what it imports
  mlir::MLIRContext *ctx;
  Diagnostics &diag;
  bool wantsPrograms; ///< what cannot be lowered is an error
  Observer *observer; ///< may be null
  std::deque<Known> knownCalls;
  Atoms atoms;
  Scalars scalars{atoms};
  Bounds bounds{atoms};
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  std::map<FileId, const Unit *> units;
  std::map<const ConfigDecl *, Value> configValues;
  std::deque<Instance> instances;
  std::vector<ParamInfo> params;
  std::map<std::string, Loc> paramPaths;
  const BlockDecl *modelBlock = nullptr;
  const Instance *root = nullptr;
  mlir::func::FuncOp scratch; ///< takes what is only checked
  struct Limits {
    int64_t min = 1, max = 1 << 20, multiple = 1;
  };
  std::map<std::string, Limits> limits; ///< of runtime dims, from `where`

  /// One entry for each call on the way to the expression at hand.
  struct Frame {
    Loc call;         ///< where it was called
    std::string name; ///< of the function
    std::string path; ///< of the block instance, may be empty
    Loc statement;    ///< the statement being evaluated
    std::optional<mlir::Location> caller;
  };
  std::vector<Frame> frames;

  /// What holds while one function of the program is built.
  struct Current {
    bool training = false;
    bool lowering = false; ///< false: only checking, nothing is kept
    mlir::Value rng;       ///< state of random numbers
    bool usesRng = false;
    int sites = 0;
    std::map<unsigned, mlir::Value> params;
  };
  Current current;
  /// The indices around the expression at hand, outermost first.
  std::vector<const Atom *> domain;
  std::map<const Expr *, Value> bases; ///< bases of subscripts, evaluated once in a statement
  std::set<std::string> reported;
  unsigned depth = 0; ///< of eval, over all calls
};

} // namespace tintype::frontend

#endif
