//===- AstPrint.cpp - expressions and types as text for messages ----------===//
#include "frontend/Ast.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using llvm::cast;
using llvm::dyn_cast;
using llvm::isa;
using llvm::raw_ostream;

namespace tintype::frontend {

llvm::StringRef spelling(BinaryOp op) {
  static constexpr llvm::StringLiteral kText[] = {"or", "and", "<", ">", "<=", ">=", "==", "!=", "+", "-", "*", "/", "//", "%", "^"};
  return kText[unsigned(op)];
}

llvm::StringRef spelling(Reducer op) {
  static constexpr llvm::StringLiteral kText[] = {"sum", "prod",   "mean",      "max",     "min",   "any",
                                                  "all", "argmax", "logsumexp", "softmax", "cumsum"};
  return kText[unsigned(op)];
}

//===-- Expressions as text -----------------------------------------------===//

namespace {
/// How tightly an expression binds, from the grammar.
enum Level { kCond, kOr, kAnd, kNot, kCompare, kSum, kTerm, kUnary, kPower, kPostfix };

Level levelOf(const Expr &e) {
  switch (e.kind) {
  case Expr::Kind::Cond:
    return kCond;
  case Expr::Kind::Unary:
    return cast<UnaryExpr>(e).op == UnaryOp::Not ? kNot : kUnary;
  case Expr::Kind::Reduce:
    return kUnary;
  case Expr::Kind::Subscript: // `x[i] ?? y` takes a whole unary on its right
    return cast<SubscriptExpr>(e).orElse ? kUnary : kPostfix;
  case Expr::Kind::Binary: {
    BinaryOp op = cast<BinaryExpr>(e).op;
    return op == BinaryOp::Or         ? kOr
           : op == BinaryOp::And      ? kAnd
           : op <= BinaryOp::NotEqual ? kCompare
           : op <= BinaryOp::Sub      ? kSum
           : op <= BinaryOp::Mod      ? kTerm
                                      : kPower;
  }
  default:
    return kPostfix;
  }
}

/// Whether the text of `e` ends with the body of a reducer, which would take
/// in a following `* ..`.
bool endsInReduce(const Expr &e) {
  if (isa<ReduceExpr>(e))
    return true;
  if (auto *u = dyn_cast<UnaryExpr>(&e))
    return levelOf(*u->operand) >= kUnary && endsInReduce(*u->operand);
  if (auto *s = dyn_cast<SubscriptExpr>(&e))
    return s->orElse && levelOf(*s->orElse) >= kUnary && endsInReduce(*s->orElse);
  if (auto *b = dyn_cast<BinaryExpr>(&e))
    return endsInReduce(*b->rhs) && levelOf(*b->rhs) >= (b->op == BinaryOp::Pow ? kUnary : levelOf(e) + 1);
  return false;
}

struct ExprPrinter {
  raw_ostream &os;

  void print(const Expr &e, int atLeast) {
    bool parens = levelOf(e) < atLeast;
    os << (parens ? "(" : "");
    plain(e);
    os << (parens ? ")" : "");
  }

  void plain(const Expr &e) {
    switch (e.kind) {
    case Expr::Kind::Number:
      os << cast<NumberExpr>(e).text;
      break;
    case Expr::Kind::String:
      os << '"' << cast<StringExpr>(e).value << '"';
      break;
    case Expr::Kind::Bool:
      os << (cast<BoolExpr>(e).value ? "true" : "false");
      break;
    case Expr::Kind::Name:
      os << cast<NameExpr>(e).name;
      break;
    case Expr::Kind::List:
      os << '[';
      llvm::interleaveComma(cast<ListExpr>(e).items, os, [&](const ExprPtr &i) { print(*i, kCond); });
      os << ']';
      break;
    case Expr::Kind::Unary: {
      const auto &u = cast<UnaryExpr>(e);
      os << (u.op == UnaryOp::Not ? "not " : "-");
      print(*u.operand, u.op == UnaryOp::Not ? kNot : kUnary);
      break;
    }
    case Expr::Kind::Binary:
      binary(cast<BinaryExpr>(e));
      break;
    case Expr::Kind::Cond: {
      const auto &c = cast<CondExpr>(e);
      print(*c.cond, kOr);
      os << " ? ";
      print(*c.then, kCond);
      os << " : ";
      print(*c.otherwise, kCond);
      break;
    }
    case Expr::Kind::Field:
      print(*cast<FieldExpr>(e).base, kPostfix);
      os << '.' << cast<FieldExpr>(e).name;
      break;
    case Expr::Kind::Call:
      print(*cast<CallExpr>(e).callee, kPostfix);
      os << '(';
      llvm::interleaveComma(cast<CallExpr>(e).args, os, [&](const Arg &a) {
        if (!a.name.empty())
          os << a.name << " = ";
        print(*a.value, kCond);
      });
      os << ')';
      break;
    case Expr::Kind::Subscript: {
      const auto &s = cast<SubscriptExpr>(e);
      print(*s.base, kPostfix);
      dims(s.dims);
      if (s.orElse) {
        os << " ?? ";
        print(*s.orElse, kUnary);
      }
      break;
    }
    case Expr::Kind::Reduce:
      reduce(cast<ReduceExpr>(e));
      break;
    }
  }

  void binary(const BinaryExpr &b) {
    Level level = levelOf(b);
    if (b.op == BinaryOp::Pow) {
      print(*b.lhs, kPostfix);
      os << '^';
      print(*b.rhs, kUnary);
      return;
    }
    bool shut = level == kTerm && levelOf(*b.lhs) >= kTerm && endsInReduce(*b.lhs);
    print(*b.lhs, shut ? kPostfix + 1 : level);
    os << ' ' << spelling(b.op) << ' ';
    print(*b.rhs, level + 1);
  }

  void reduce(const ReduceExpr &r) {
    os << spelling(r.op) << '(';
    binds(r.binds);
    if (r.filter) {
      os << " if ";
      print(*r.filter, kCond);
    }
    os << ") ";
    print(*r.body, kTerm);
  }

  void binds(const std::vector<Bind> &list) {
    llvm::interleaveComma(list, os, [&](const Bind &b) {
      os << (b.isPack ? "..." : b.name);
      if (b.extent) {
        os << ": ";
        print(*b.extent, kCond);
      }
    });
  }

  void dims(const std::vector<Dim> &list) {
    os << '[';
    llvm::interleaveComma(list, os, [&](const Dim &d) {
      if (d.isPack())
        os << "...";
      else
        print(*d.expr, kCond);
    });
    os << ']';
  }

  void type(const Type &t) {
    os << t.name;
    if (t.bound) {
      os << '(';
      print(*t.bound, kCond);
      os << ')';
    }
    if (t.hasDims)
      dims(t.dims);
  }
};
} // namespace

std::string toString(const Expr &e) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ExprPrinter{os}.print(e, kCond);
  return text;
}

std::string toString(const Type &t) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ExprPrinter{os}.type(t);
  return text;
}

} // namespace tintype::frontend
