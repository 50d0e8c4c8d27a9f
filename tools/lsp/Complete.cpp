//===- Complete.cpp - what can stand here ---------------------------------===//
// What surrounds the place is read off the tokens before it, since the tree of
// a file that is being typed has holes: brackets that are open, and the first
// word of the line that opened each brace. Names come from the tree.
//===----------------------------------------------------------------------===//
#include "tools/lsp/Completer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::lsp {

using namespace frontend;
using Kind = Definition::Kind;
using llvm::dyn_cast;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

//===-- context -----------------------------------------------------------===//

void Completer::look() {
  struct Brace {
    Around around;
    std::string section, variant;
  };
  std::vector<Brace> braces;
  size_t lineStart = 0;
  for (const Token &t : a.tokens(file).tokens) {
    // The word under the cursor is not yet there.
    if (t.offset >= offset || (t.offset + t.length >= offset &&
                               (t.kind == Tok::Name || t.kind == Tok::Reducer || (t.kind >= Tok::Import && t.kind <= Tok::False))))
      break;
    if (t.kind == Tok::LBrace) {
      Brace b{braces.empty() ? Around::File : braces.back().around, "", ""};
      if (lineStart < c.before.size()) {
        const Token &first = c.before[lineStart];
        if (first.kind == Tok::Block || first.kind == Tok::Model)
          b.around = Around::Block;
        else if (first.kind == Tok::Fn)
          b.around = Around::Function;
        else if (first.kind == Tok::Name && braces.empty()) {
          b = {Around::Section, word(first).str(), ""};
          if (lineStart + 1 < c.before.size())
            b.variant = word(c.before[lineStart + 1]).str();
        }
      }
      braces.push_back(b);
      c.brackets.clear();
    } else if (t.kind == Tok::RBrace) {
      if (!braces.empty())
        braces.pop_back();
      c.brackets.clear();
    } else if (t.kind == Tok::LParen || t.kind == Tok::LBracket) {
      c.brackets.push_back(c.before.size());
    } else if ((t.kind == Tok::RParen || t.kind == Tok::RBracket) && !c.brackets.empty()) {
      c.brackets.pop_back();
    } else if (t.kind == Tok::Newline) {
      c.brackets.clear();
    }
    c.before.push_back(t);
    if (t.kind == Tok::LBrace || t.kind == Tok::RBrace || t.kind == Tok::Newline)
      lineStart = c.before.size();
  }
  if (!c.before.empty())
    c.last = c.before.back().kind;
  if (!braces.empty()) {
    c.around = braces.back().around;
    c.section = braces.back().section;
    c.variant = braces.back().variant;
  }
  if (c.around == Around::Section)
    for (size_t i = c.brackets.empty() ? c.before.size() : c.brackets.front(); i-- > 1;) {
      Tok kind = c.before[i].kind;
      if (kind == Tok::Assign && c.before[i - 1].kind == Tok::Name)
        c.setting = word(c.before[i - 1]).str();
      if (kind == Tok::Assign || kind == Tok::Comma || kind == Tok::LBrace || kind == Tok::Newline)
        break;
    }
}

const Decl *Completer::enclosing() const {
  const Decl *r = nullptr;
  for (const DeclPtr &d : a.main().file->items)
    if (d->loc.offset <= offset)
      r = d.get();
  // The end of a declaration with an error is where the error is.
  bool isClosed = r && r->end.offset && text[r->end.offset - 1] == '}' && r->end.offset < offset;
  return isClosed ? nullptr : r;
}

const FnDecl *Completer::enclosingFn() const {
  const Decl *d = enclosing();
  if (auto *b = d ? dyn_cast<BlockDecl>(d) : nullptr) {
    d = nullptr;
    for (const Decl *m : membersOf(*b))
      if (m->loc.offset <= offset && (m->end.offset >= offset || text[m->end.offset - 1] != '}'))
        d = m;
  }
  return d ? dyn_cast<FnDecl>(d) : nullptr;
}

//===-- names -------------------------------------------------------------===//

void Completer::addDecl(const Decl &d) {
  auto [name, loc] = nameOf(d);
  int kind = llvm::isa<FnDecl>(d) ? kFunction : llvm::isa<BlockDecl>(d) ? kClass : llvm::isa<ConfigDecl>(d) ? kConstant : kField;
  add(name, kind, headOf(a.sources, d), d.doc);
}

static void collectNames(const std::vector<StmtPtr> &body, size_t offset, llvm::function_ref<void(llvm::StringRef)> add) {
  auto bindsOf = [&](const std::vector<Bind> &binds) {
    for (const Bind &b : binds)
      add(b.name);
  };
  for (const StmtPtr &s : body) {
    if (s->loc.offset >= offset)
      return;
    if (auto *let = dyn_cast<LetStmt>(s.get()))
      add(let->name);
    else if (auto *d = dyn_cast<DefineStmt>(s.get())) {
      add(d->name);
      if (s->end.offset >= offset || &s == &body.back())
        bindsOf(d->binds);
    } else if (auto *loop = dyn_cast<ForStmt>(s.get())) {
      add(loop->var);
      collectNames(loop->body, offset, add);
    } else if (auto *cond = dyn_cast<IfStmt>(s.get()))
      collectNames(cond->body, offset, add);
  }
}

void Completer::names() {
  const FnDecl *fn = enclosingFn();
  if (fn) {
    for (const Parameter &p : fn->params)
      add(p.name, kVariable, toString(p.type));
    collectNames(fn->body, offset, [&](llvm::StringRef n) { add(n.str(), kVariable); });
    for (const Definition &d : a.names->definitions())
      if (d.kind == Kind::Dim && d.decl == fn)
        add(d.name, kVariable, "dim");
  }
  if (auto *b = enclosing() ? dyn_cast<BlockDecl>(enclosing()) : nullptr) {
    for (const Parameter &p : b->params)
      add(p.name, kVariable, toString(p.type));
    for (const Decl *m : membersOf(*b))
      addDecl(*m);
  }
  for (auto &[name, symbol] : a.main().scope)
    addDecl(*symbol.decl);
  for (const Builtin &b : builtins())
    add(b.name.str(), kFunction, (b.name + "(" + b.parameters + ")").str(), b.doc.str());
  for (const char *r : {"sum", "prod", "mean", "max", "min", "any", "all", "argmax", "logsumexp", "softmax", "cumsum"})
    add(r, kFunction, std::string(r) + "(index) value", "reducer");
  for (const char *w : {"true", "false", "not", "training"})
    add(w, kKeyword);
}

const Definition *Completer::local(llvm::StringRef name) const {
  const FnDecl *fn = enclosingFn();
  const Decl *block = enclosing();
  const Definition *r = nullptr;
  auto *b = block ? dyn_cast<BlockDecl>(block) : nullptr;
  for (const Definition &d : a.names->definitions()) {
    if (d.name != name)
      continue;
    if (fn && d.decl == fn)
      return &d;
    if (b && d.decl && llvm::is_contained(membersOf(*b), d.decl) && (d.kind == Kind::Member || d.kind == Kind::Fn || d.kind == Kind::Param))
      r = &d;
    auto it = a.main().scope.find(name.str());
    if (!r && it != a.main().scope.end() && it->second.decl == d.decl)
      r = &d;
  }
  return r;
}

/// The shape of `a.b[i].c` that ends before token `end`.
Shape Completer::shapeBefore(size_t end) const {
  if (!end)
    return {};
  const Token &t = c.before[end - 1];
  if (t.kind == Tok::RBracket) {
    size_t depth = 0, i = end;
    while (i-- > 0) {
      depth += c.before[i].kind == Tok::RBracket;
      depth -= c.before[i].kind == Tok::LBracket;
      if (!depth)
        break;
    }
    Shape list = i < end ? shapeBefore(i) : Shape();
    bool isItem = list.isArray;
    list.isArray = false;
    return isItem ? list : Shape();
  }
  if (t.kind != Tok::Name)
    return {};
  if (end >= 2 && c.before[end - 2].kind == Tok::Dot) {
    Shape base = shapeBefore(end - 2);
    if (base.block && !base.isArray)
      for (const Decl *m : membersOf(*base.block))
        if (nameOf(*m).first == word(t))
          return shapeOf(*m, *base.unit);
    return {};
  }
  const Definition *d = local(word(t));
  return d ? d->shape : Shape();
}

void Completer::members() {
  Shape base = shapeBefore(c.before.size() - 1);
  if (!base.block || base.isArray)
    return;
  for (const Decl *m : membersOf(*base.block))
    addDecl(*m);
}

//===-- arguments ---------------------------------------------------------===//

/// What the innermost open `(` calls.
std::optional<Shape> Completer::callee(bool &makesBlock) const {
  if (c.brackets.empty() || c.before[c.brackets.back()].kind != Tok::LParen)
    return std::nullopt;
  size_t open = c.brackets.back();
  if (!open || c.before[open - 1].kind != Tok::Name)
    return std::nullopt;
  auto it = a.main().scope.find(word(c.before[open - 1]).str());
  makesBlock = open >= 2 && c.before[open - 2].kind == Tok::Colon && c.around == Around::Block;
  if (makesBlock && it != a.main().scope.end())
    return Shape{dyn_cast<BlockDecl>(it->second.decl), it->second.unit, false, nullptr};
  return shapeBefore(open);
}

void Completer::arguments() {
  bool makesBlock = false;
  auto shape = callee(makesBlock);
  if (const std::vector<Parameter> *params = shape ? parametersOf(*shape, makesBlock) : nullptr)
    for (const Parameter &p : *params)
      add(p.name + " = ", kProperty, toString(p.type) + (p.init ? " = " + toString(*p.init) : ""));
}

//===-- the whole ---------------------------------------------------------===//

Value Completer::run() {
  // Nothing to say inside comments and strings.
  for (const Comment &comment : a.tokens(file).comments)
    if (comment.offset < offset && offset <= comment.offset + comment.length)
      return Array();
  for (const Token &t : a.tokens(file).tokens)
    if (t.kind == Tok::String && t.offset < offset && offset < t.offset + t.length)
      return Array();
  size_t start = c.before.size();
  while (start && c.before[start - 1].kind != Tok::Newline && c.before[start - 1].kind != Tok::LBrace)
    --start;
  bool isImport = start < c.before.size() && c.before[start].kind == Tok::Import;
  if (isImport)
    imports();
  else if (c.last == Tok::Dot)
    members();
  else if (c.around == Around::Section)
    settings();
  else if (c.around == Around::File && start == c.before.size()) {
    for (const char *w : {"import", "config", "block", "model", "fn", "task", "train", "adapt", "serve", "checkpoint"})
      add(w, kKeyword);
  } else if (c.around == Around::File && start < c.before.size() && word(c.before[start]) == "task") {
    for (const std::string &kind : taskKinds())
      add(kind, kValue);
  } else {
    bool isFirst = start == c.before.size();
    if (isFirst)
      for (const char *w : c.around == Around::Block ? std::vector<const char *>{"param", "fn", "if"}
                                                     : std::vector<const char *>{"for", "if", "return", "scan"})
        add(w, kKeyword);
    arguments();
    bool isType = c.last == Tok::Colon || c.last == Tok::Arrow;
    if (isType)
      for (const char *t : {"f32", "i32", "bool", "index", "int", "num", "flag", "str"})
        add(t, kKeyword, "type");
    names();
  }
  return std::move(items);
}

Value Completer::signature() {
  bool makesBlock = false;
  auto shape = callee(makesBlock);
  const std::vector<Parameter> *params = shape ? parametersOf(*shape, makesBlock) : nullptr;
  if (!params)
    return nullptr;
  int64_t active = 0, depth = 0;
  llvm::StringRef named;
  for (size_t i = c.brackets.back() + 1; i < c.before.size(); ++i) {
    Tok kind = c.before[i].kind;
    depth += kind == Tok::LParen || kind == Tok::LBracket;
    depth -= kind == Tok::RParen || kind == Tok::RBracket;
    if (!depth && kind == Tok::Comma) {
      ++active;
      named = "";
    }
    if (!depth && kind == Tok::Assign && c.before[i - 1].kind == Tok::Name)
      named = word(c.before[i - 1]);
  }
  std::string label = word(c.before[c.brackets.back() - 1]).str() + "(";
  Array list;
  for (size_t i = 0; i < params->size(); ++i) {
    const Parameter &p = (*params)[i];
    std::string one = p.name + ": " + toString(p.type) + (p.init ? " = " + toString(*p.init) : "");
    label += (i ? ", " : "") + one;
    list.push_back(Object{{"label", clean(one)}});
    if (p.name == named)
      active = int64_t(i);
  }
  label += ")" + (shape->fn ? " -> " + toString(shape->fn->result) : "");
  Object one{{"label", clean(label)}, {"parameters", std::move(list)}};
  if (const Decl *d = shape->fn ? static_cast<const Decl *>(shape->fn) : shape->block; d && !d->doc.empty())
    one["documentation"] = clean(d->doc);
  return Object{{"signatures", Array{std::move(one)}}, {"activeSignature", 0}, {"activeParameter", active}};
}

Value completion(Analysis &a, size_t offset) { return Completer(a, offset).run(); }
Value signatureHelp(Analysis &a, size_t offset) { return Completer(a, offset).signature(); }

} // namespace tintype::lsp
