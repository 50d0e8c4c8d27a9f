//===- Names.cpp - which name means which declaration ---------------------===//
#include "tools/lsp/Names.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::lsp {

using namespace frontend;
using Kind = Definition::Kind;
using llvm::dyn_cast;

//===-- declarations ------------------------------------------------------===//

static void collect(const std::vector<DeclPtr> &decls, std::vector<const Decl *> &out) {
  for (const DeclPtr &d : decls)
    if (auto *cond = dyn_cast<IfDecl>(d.get()))
      collect(cond->members, out);
    else
      out.push_back(d.get());
}

std::vector<const Decl *> membersOf(const BlockDecl &block) {
  std::vector<const Decl *> r;
  collect(block.members, r);
  return r;
}

std::pair<std::string, Loc> nameOf(const Decl &d) {
  if (auto *c = dyn_cast<ConfigDecl>(&d))
    return {c->name, c->nameLoc};
  if (auto *b = dyn_cast<BlockDecl>(&d))
    return {b->name, b->nameLoc};
  if (auto *f = dyn_cast<FnDecl>(&d))
    return {f->name, f->nameLoc};
  if (auto *p = dyn_cast<ParamDecl>(&d))
    return {p->name, p->nameLoc};
  if (auto *f = dyn_cast<FieldDecl>(&d))
    return {f->name, f->loc};
  return {};
}

const std::vector<Parameter> *parametersOf(const Shape &shape, bool makesBlock) {
  if (shape.fn)
    return &shape.fn->params;
  if (!shape.block || shape.isArray)
    return nullptr;
  if (makesBlock)
    return &shape.block->params;
  for (const Decl *d : membersOf(*shape.block))
    if (auto *fn = dyn_cast<FnDecl>(d); fn && fn->name.empty())
      return &fn->params;
  return nullptr;
}

Shape shapeOf(const Decl &member, const Unit &unit) {
  if (auto *fn = dyn_cast<FnDecl>(&member))
    return {nullptr, &unit, false, fn};
  auto *field = dyn_cast<FieldDecl>(&member);
  auto symbol = field ? unit.scope.find(field->block) : unit.scope.end();
  if (symbol == unit.scope.end())
    return {};
  return {dyn_cast<BlockDecl>(symbol->second.decl), symbol->second.unit, field->count != nullptr, nullptr};
}

//===-- resolution --------------------------------------------------------===//

class Resolver {
public:
  Resolver(Names &out, const SourceManager &sources) : out(out), sources(sources) {}

  void run(const Program &program) {
    for (const auto &u : program.units)
      visitUnit(*u);
    for (auto &[file, list] : out.occurrences) {
      llvm::sort(list, [](const Occurrence &a, const Occurrence &b) { return a.loc.offset < b.loc.offset; });
      list.erase(std::unique(list.begin(), list.end(), [](auto &a, auto &b) { return a.loc == b.loc; }), list.end());
    }
  }

private:
  struct Frame {
    std::map<std::string, Definition *> names;
    const Frame *parent = nullptr;
    const Decl *decl = nullptr; ///< the block or function
    Frame(const Frame *parent, const Decl *decl) : parent(parent), decl(decl) {}
  };

  //===-- definitions -----------------------------------------------------===//
  Definition *make(Kind kind, const std::string &name, Loc loc, const Unit &u, const Decl *decl) {
    Definition &d = out.defs.emplace_back();
    d.kind = kind;
    d.name = name;
    d.loc = loc;
    d.unit = &u;
    d.decl = decl;
    return &d;
  }

  Definition *ofDecl(const Decl &d, const Unit &u) {
    Definition *&slot = byNode[&d];
    if (slot)
      return slot;
    auto [name, loc] = nameOf(d);
    Kind kind = llvm::isa<ConfigDecl>(d)  ? Kind::Config
                : llvm::isa<BlockDecl>(d) ? Kind::Block
                : llvm::isa<FnDecl>(d)    ? Kind::Fn
                : llvm::isa<ParamDecl>(d) ? Kind::Param
                                          : Kind::Member;
    slot = make(kind, name, loc, u, &d);
    slot->shape = shapeOf(d, u);
    if (!name.empty())
      occur(loc, name.size(), slot, true);
    return slot;
  }

  Definition *ofParameter(const Parameter &p, const Unit &u, const Decl *around) {
    Definition *&slot = byNode[&p];
    if (slot)
      return slot;
    slot = make(Kind::Argument, p.name, p.loc, u, around);
    slot->parameter = &p;
    slot->bindings.push_back(p.loc);
    occur(p.loc, p.name.size(), slot, true);
    return slot;
  }

  void occur(Loc loc, size_t length, const Definition *d, bool isBinding = false) {
    // What was missing has no name of its own in the text.
    if (loc && (d->kind == Kind::File || sources.text(loc.file).substr(loc.offset, length) == d->name))
      out.occurrences[loc.file].push_back({loc, unsigned(length), d, isBinding});
  }

  Definition *find(const std::string &name, const Frame *frame) {
    for (; frame; frame = frame->parent)
      if (auto it = frame->names.find(name); it != frame->names.end())
        return it->second;
    auto it = unit->scope.find(name);
    return it == unit->scope.end() ? nullptr : ofDecl(*it->second.decl, *it->second.unit);
  }

  /// A variable of the function; a second assignment is the same variable.
  Definition *bind(Kind kind, const std::string &name, Loc loc, Frame &frame) {
    Definition *&slot = frame.names[name];
    if (!slot)
      slot = make(kind, name, loc, *unit, frame.decl);
    slot->bindings.push_back(loc);
    occur(loc, name.size(), slot, true);
    return slot;
  }

  //===-- files and blocks ------------------------------------------------===//
  void visitUnit(const Unit &u) {
    unit = &u;
    Frame none(nullptr, nullptr), functions(nullptr, nullptr);
    for (const DeclPtr &d : u.file->items)
      if (auto *b = dyn_cast<BlockDecl>(d.get()); b && b->isModel)
        for (const Decl *m : membersOf(*b))
          if (auto *fn = dyn_cast<FnDecl>(m); fn && !fn->name.empty())
            functions.names[fn->name] = ofDecl(*fn, u);
    for (const DeclPtr &d : u.file->items) {
      if (auto *import = dyn_cast<ImportDecl>(d.get())) {
        auto it = u.imports.find(import);
        if (it == u.imports.end())
          continue;
        Definition *file = make(Kind::File, llvm::join(import->path, "."), {it->second->file->id, 0}, *it->second, nullptr);
        occur(import->pathLoc, import->end.offset - import->pathLoc.offset, file);
      } else if (auto *c = dyn_cast<ConfigDecl>(d.get())) {
        ofDecl(*c, u);
        visit(c->value.get(), none);
      } else if (auto *b = dyn_cast<BlockDecl>(d.get())) {
        visitBlock(*b);
      } else if (auto *fn = dyn_cast<FnDecl>(d.get())) {
        ofDecl(*fn, u);
        visitFn(*fn, nullptr);
      } else if (auto *s = dyn_cast<SectionDecl>(d.get())) {
        for (const SectionDecl::Entry &e : s->entries)
          visit(e.value.get(), functions);
      }
    }
  }

  void visitBlock(const BlockDecl &b) {
    ofDecl(b, *unit);
    Frame frame(nullptr, &b);
    for (const Parameter &p : b.params) {
      frame.names[p.name] = ofParameter(p, *unit, &b);
      visit(p.init.get(), frame);
    }
    for (const Decl *m : membersOf(b))
      if (auto [name, loc] = nameOf(*m); !name.empty())
        frame.names.insert({name, ofDecl(*m, *unit)});
    visitMembers(b.members, frame);
  }

  void visitMembers(const std::vector<DeclPtr> &members, Frame &frame) {
    for (const DeclPtr &m : members) {
      if (auto *cond = dyn_cast<IfDecl>(m.get())) {
        visit(cond->cond.get(), frame);
        visitMembers(cond->members, frame);
      } else if (auto *p = dyn_cast<ParamDecl>(m.get())) {
        visitType(p->type, frame, nullptr);
        visit(p->init.get(), frame);
      } else if (auto *fn = dyn_cast<FnDecl>(m.get())) {
        visitFn(*fn, &frame);
      } else if (auto *f = dyn_cast<FieldDecl>(m.get())) {
        visit(f->count.get(), frame);
        Frame inner(&frame, frame.decl);
        if (!f->var.empty())
          bind(Kind::Index, f->var, f->varLoc, inner);
        auto symbol = unit->scope.find(f->block);
        Shape made;
        if (symbol != unit->scope.end()) {
          occur(f->blockLoc, f->block.size(), ofDecl(*symbol->second.decl, *symbol->second.unit));
          made = {dyn_cast<BlockDecl>(symbol->second.decl), symbol->second.unit, false, nullptr};
        }
        visitArgs(f->args, made, /*makesBlock=*/true, inner);
      }
    }
  }

  //===-- functions -------------------------------------------------------===//
  void visitType(const Type &t, Frame &frame, Frame *signature) {
    visitDim(t.bound.get(), frame, signature);
    for (const Dim &d : t.dims)
      visitDim(d.expr.get(), frame, signature);
  }

  /// In a signature a capital that means nothing else is a dim variable.
  void visitDim(const Expr *e, Frame &frame, Frame *signature) {
    if (signature)
      declareDims(e, frame, *signature);
    visit(e, frame);
  }

  void declareDims(const Expr *e, Frame &frame, Frame &signature) {
    if (!e)
      return;
    if (auto *n = dyn_cast<NameExpr>(e)) {
      bool isCapital = n->name.size() <= 2 && n->name[0] >= 'A' && n->name[0] <= 'Z';
      if (isCapital && !find(n->name, &frame))
        bind(Kind::Dim, n->name, n->loc, signature);
    } else if (auto *b = dyn_cast<BinaryExpr>(e)) {
      declareDims(b->lhs.get(), frame, signature);
      declareDims(b->rhs.get(), frame, signature);
    }
  }

  void visitFn(const FnDecl &fn, const Frame *around) {
    Frame frame(around, &fn);
    for (const Parameter &p : fn.params)
      frame.names[p.name] = ofParameter(p, *unit, &fn);
    for (const Parameter &p : fn.params)
      visitType(p.type, frame, &frame);
    visitType(fn.result, frame, &frame);
    for (const Parameter &p : fn.params)
      visit(p.init.get(), frame);
    for (const ExprPtr &fact : fn.where)
      visit(fact.get(), frame);
    visitBody(fn.body, frame);
  }

  void visitBody(const std::vector<StmtPtr> &body, Frame &frame) {
    for (const StmtPtr &s : body) {
      if (auto *r = dyn_cast<ReturnStmt>(s.get())) {
        visit(r->value.get(), frame);
      } else if (auto *let = dyn_cast<LetStmt>(s.get())) {
        Shape shape = visit(let->value.get(), frame);
        bind(Kind::Variable, let->name, let->loc, frame)->shape = shape;
      } else if (auto *c = dyn_cast<IfStmt>(s.get())) {
        visit(c->cond.get(), frame);
        visitBody(c->body, frame);
      } else if (auto *loop = dyn_cast<ForStmt>(s.get())) {
        Shape list = visit(loop->first.get(), frame);
        visit(loop->last.get(), frame);
        list.isArray = false;
        bind(Kind::Loop, loop->var, loop->varLoc, frame)->shape = list;
        visitBody(loop->body, frame);
      } else if (auto *d = dyn_cast<DefineStmt>(s.get())) {
        Frame inner(&frame, frame.decl);
        visitBinds(d->binds, inner);
        bool isScan = !d->scanIndex.empty();
        if (isScan) { // it reads itself
          bind(Kind::Variable, d->name, d->nameLoc, frame);
          if (Definition *index = find(d->scanIndex, &inner))
            occur(d->scanLoc, d->scanIndex.size(), index);
        }
        visit(d->value.get(), inner);
        if (!isScan)
          bind(Kind::Variable, d->name, d->nameLoc, frame);
      }
    }
  }

  void visitBinds(const std::vector<Bind> &binds, Frame &inner) {
    for (const Bind &b : binds)
      if (b.extent)
        visit(b.extent.get(), *const_cast<Frame *>(inner.parent));
    for (const Bind &b : binds)
      if (!b.isPack && !b.name.empty())
        bind(Kind::Index, b.name, b.loc, inner);
  }

  //===-- expressions -----------------------------------------------------===//
  void visitArgs(const std::vector<Arg> &args, const Shape &callee, bool makesBlock, Frame &frame) {
    const std::vector<Parameter> *params = parametersOf(callee, makesBlock);
    const Decl *around = callee.fn ? static_cast<const Decl *>(callee.fn) : callee.block;
    for (const Arg &a : args) {
      if (!a.name.empty() && params)
        for (const Parameter &p : *params)
          if (p.name == a.name)
            occur(a.nameLoc, a.name.size(), ofParameter(p, *callee.unit, around));
      visit(a.value.get(), frame);
    }
  }

  Shape visit(const Expr *e, Frame &frame) {
    if (!e)
      return {};
    switch (e->kind) {
    case Expr::Kind::Number:
    case Expr::Kind::String:
    case Expr::Kind::Bool:
      return {};
    case Expr::Kind::Name: {
      auto *n = llvm::cast<NameExpr>(e);
      Definition *d = find(n->name, &frame);
      if (!d)
        return {};
      occur(n->loc, n->name.size(), d);
      return d->shape;
    }
    case Expr::Kind::List: {
      Shape first;
      for (const ExprPtr &item : llvm::cast<ListExpr>(e)->items) {
        Shape s = visit(item.get(), frame);
        if (!first.block)
          first = s;
      }
      first.isArray = true;
      return first;
    }
    case Expr::Kind::Unary:
      visit(llvm::cast<UnaryExpr>(e)->operand.get(), frame);
      return {};
    case Expr::Kind::Binary:
      visit(llvm::cast<BinaryExpr>(e)->lhs.get(), frame);
      visit(llvm::cast<BinaryExpr>(e)->rhs.get(), frame);
      return {};
    case Expr::Kind::Cond: {
      auto *c = llvm::cast<CondExpr>(e);
      visit(c->cond.get(), frame);
      Shape s = visit(c->then.get(), frame);
      visit(c->otherwise.get(), frame);
      return s;
    }
    case Expr::Kind::Field: {
      auto *f = llvm::cast<FieldExpr>(e);
      Shape base = visit(f->base.get(), frame);
      if (!base.block || base.isArray)
        return {};
      for (const Decl *m : membersOf(*base.block))
        if (nameOf(*m).first == f->name) {
          Definition *d = ofDecl(*m, *base.unit);
          occur(f->nameLoc, f->name.size(), d);
          return d->shape;
        }
      return {};
    }
    case Expr::Kind::Call: {
      auto *c = llvm::cast<CallExpr>(e);
      Shape callee = visit(c->callee.get(), frame);
      visitArgs(c->args, callee, /*makesBlock=*/false, frame);
      return {};
    }
    case Expr::Kind::Subscript: {
      auto *s = llvm::cast<SubscriptExpr>(e);
      Shape base = visit(s->base.get(), frame);
      for (const Dim &d : s->dims)
        visit(d.expr.get(), frame);
      visit(s->orElse.get(), frame);
      bool isItem = base.isArray;
      base.isArray = false;
      return isItem ? base : Shape();
    }
    case Expr::Kind::Reduce: {
      auto *r = llvm::cast<ReduceExpr>(e);
      Frame inner(&frame, frame.decl);
      visitBinds(r->binds, inner);
      visit(r->filter.get(), inner);
      visit(r->body.get(), inner);
      return {};
    }
    }
    return {};
  }

  Names &out;
  const SourceManager &sources;
  const Unit *unit = nullptr;
  std::map<const void *, Definition *> byNode;
};

Names::Names(const Program &program, const SourceManager &sources) { Resolver(*this, sources).run(program); }

const std::vector<Occurrence> &Names::in(FileId file) const {
  static const std::vector<Occurrence> none;
  auto it = occurrences.find(file);
  return it == occurrences.end() ? none : it->second;
}

const Occurrence *Names::at(FileId file, size_t offset) const {
  const std::vector<Occurrence> &list = in(file);
  auto after = llvm::upper_bound(list, offset, [](size_t o, const Occurrence &x) { return o < x.loc.offset; });
  if (after == list.begin())
    return nullptr;
  const Occurrence &o = *std::prev(after);
  return offset <= o.loc.offset + o.length ? &o : nullptr;
}

} // namespace tintype::lsp
