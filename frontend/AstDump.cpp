//===- AstDump.cpp - the whole tree, for tests ----------------------------===//
// One line per declaration and statement, every expression fully
// parenthesised as (operator operands..).
#include "frontend/Ast.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using llvm::cast;
using llvm::raw_ostream;

namespace tintype::frontend {

namespace {
struct Dumper {
  raw_ostream &os;
  unsigned indent = 0;

  raw_ostream &line() { return os.indent(2 * indent); }

  void expr(const Expr *e) {
    if (!e) {
      os << "_";
      return;
    }
    switch (e->kind) {
    case Expr::Kind::Unary:
      os << (cast<UnaryExpr>(e)->op == UnaryOp::Not ? "(not " : "(neg ");
      expr(cast<UnaryExpr>(e)->operand.get());
      os << ')';
      break;
    case Expr::Kind::Binary:
      node(spelling(cast<BinaryExpr>(e)->op), {cast<BinaryExpr>(e)->lhs.get(), cast<BinaryExpr>(e)->rhs.get()});
      break;
    case Expr::Kind::Cond: {
      auto *c = cast<CondExpr>(e);
      node("?:", {c->cond.get(), c->then.get(), c->otherwise.get()});
      break;
    }
    case Expr::Kind::List:
      os << "(list";
      for (const ExprPtr &i : cast<ListExpr>(e)->items) {
        os << ' ';
        expr(i.get());
      }
      os << ')';
      break;
    case Expr::Kind::Field:
      os << "(. ";
      expr(cast<FieldExpr>(e)->base.get());
      os << ' ' << cast<FieldExpr>(e)->name << ')';
      break;
    case Expr::Kind::Call:
      os << "(call ";
      expr(cast<CallExpr>(e)->callee.get());
      args(cast<CallExpr>(e)->args);
      os << ')';
      break;
    case Expr::Kind::Subscript: {
      auto *s = cast<SubscriptExpr>(e);
      os << "(at ";
      expr(s->base.get());
      os << ' ';
      dims(s->dims);
      if (s->orElse) {
        os << " ?? ";
        expr(s->orElse.get());
      }
      os << ')';
      break;
    }
    case Expr::Kind::Reduce: {
      auto *r = cast<ReduceExpr>(e);
      os << '(' << spelling(r->op) << ' ';
      binds(r->binds);
      os << " if ";
      expr(r->filter.get());
      os << ' ';
      expr(r->body.get());
      os << ')';
      break;
    }
    default:
      os << toString(*e);
    }
  }

  void node(llvm::StringRef op, std::initializer_list<const Expr *> operands) {
    os << '(' << op;
    for (const Expr *o : operands) {
      os << ' ';
      expr(o);
    }
    os << ')';
  }

  void args(const std::vector<Arg> &list) {
    for (const Arg &a : list) {
      os << ' ' << a.name << (a.name.empty() ? "" : "=");
      expr(a.value.get());
    }
  }

  void dims(const std::vector<Dim> &list) {
    os << '[';
    llvm::interleave(list, os, [&](const Dim &d) { d.isPack() ? (void)(os << "...") : expr(d.expr.get()); }, " ");
    os << ']';
  }

  void binds(const std::vector<Bind> &list) {
    os << '[';
    llvm::interleave(
        list, os,
        [&](const Bind &b) {
          os << (b.isPack ? "..." : b.name) << ':';
          expr(b.extent.get());
        },
        " ");
    os << ']';
  }

  void type(const Type &t) {
    os << '<' << t.name << ' ';
    expr(t.bound.get());
    os << ' ';
    if (t.hasDims)
      dims(t.dims);
    os << '>';
  }

  void params(const std::vector<Parameter> &list) {
    for (const Parameter &p : list) {
      os << ' ' << p.name << ':';
      type(p.type);
      os << '=';
      expr(p.init.get());
    }
  }

  void stmts(const std::vector<StmtPtr> &list) {
    ++indent;
    for (const StmtPtr &s : list)
      stmt(*s);
    --indent;
  }

  void stmt(const Stmt &s) {
    switch (s.kind) {
    case Stmt::Kind::Let:
      line() << "let " << cast<LetStmt>(s).name << ' ';
      expr(cast<LetStmt>(s).value.get());
      break;
    case Stmt::Kind::Define: {
      const auto &d = cast<DefineStmt>(s);
      line() << "define " << d.name << ' ';
      binds(d.binds);
      os << " scan=" << d.scanIndex << ' ';
      expr(d.value.get());
      break;
    }
    case Stmt::Kind::For: {
      const auto &f = cast<ForStmt>(s);
      line() << "for " << f.var << ' ';
      expr(f.first.get());
      os << " .. ";
      expr(f.last.get());
      os << '\n';
      return stmts(f.body);
    }
    case Stmt::Kind::If:
      line() << "if ";
      expr(cast<IfStmt>(s).cond.get());
      os << '\n';
      return stmts(cast<IfStmt>(s).body);
    case Stmt::Kind::Return:
      line() << "return ";
      expr(cast<ReturnStmt>(s).value.get());
      break;
    }
    os << '\n';
  }

  void decls(const std::vector<DeclPtr> &list) {
    ++indent;
    for (const DeclPtr &d : list)
      decl(*d);
    --indent;
  }

  void decl(const Decl &d) {
    if (!d.doc.empty()) {
      line() << "doc ";
      os.write_escaped(d.doc) << '\n';
    }
    switch (d.kind) {
    case Decl::Kind::Import:
      line() << "import ";
      llvm::interleave(cast<ImportDecl>(d).path, os, ".");
      break;
    case Decl::Kind::Config:
      line() << "config " << cast<ConfigDecl>(d).name << ' ';
      expr(cast<ConfigDecl>(d).value.get());
      for (const std::string &k : cast<ConfigDecl>(d).keys)
        os << " at \"" << k << '"';
      break;
    case Decl::Kind::Block: {
      const auto &b = cast<BlockDecl>(d);
      line() << (b.isModel ? "model " : "block ") << b.name;
      params(b.params);
      os << '\n';
      return decls(b.members);
    }
    case Decl::Kind::Fn: {
      const auto &f = cast<FnDecl>(d);
      line() << "fn " << f.name;
      params(f.params);
      os << " -> ";
      type(f.result);
      for (const ExprPtr &w : f.where) {
        os << " where ";
        expr(w.get());
      }
      os << '\n';
      return stmts(f.body);
    }
    case Decl::Kind::Section:
      line() << "section " << cast<SectionDecl>(d).name << ' ' << cast<SectionDecl>(d).variant;
      for (const auto &entry : cast<SectionDecl>(d).entries) {
        os << '\n';
        os.indent(2 * indent + 2) << entry.key << " = ";
        expr(entry.value.get());
      }
      break;
    case Decl::Kind::Param: {
      const auto &p = cast<ParamDecl>(d);
      line() << "param " << p.name << ' ';
      type(p.type);
      os << ' ';
      expr(p.init.get());
      if (p.hasAt)
        os << " at \"" << p.at << '"';
      break;
    }
    case Decl::Kind::Field: {
      const auto &f = cast<FieldDecl>(d);
      line() << "member " << f.name << " [" << f.var << ':';
      expr(f.count.get());
      os << "] " << f.block;
      args(f.args);
      if (f.hasAt)
        os << " at \"" << f.at << '"';
      break;
    }
    case Decl::Kind::If:
      line() << "if ";
      expr(cast<IfDecl>(d).cond.get());
      os << '\n';
      return decls(cast<IfDecl>(d).members);
    }
    os << '\n';
  }
};
} // namespace

std::string dump(const File &file) {
  std::string text;
  llvm::raw_string_ostream os(text);
  Dumper dumper{os};
  for (const DeclPtr &d : file.items)
    dumper.decl(*d);
  return text;
}

} // namespace tintype::frontend
