//===- Completer.h - what surrounds a place, and what can stand there -----===//
#ifndef TINTYPE_TOOLS_LSP_COMPLETER_H
#define TINTYPE_TOOLS_LSP_COMPLETER_H

#include "frontend/RecipeSchema.h"
#include "tools/lsp/Features.h"

namespace tintype::lsp {

enum class Around { File, Block, Function, Section };

/// What the tokens before a place say.
struct Context {
  Around around = Around::File;
  std::string section, variant;        ///< of a Section
  std::vector<frontend::Token> before; ///< all tokens before the word at hand
  std::vector<size_t> brackets;        ///< open `(` and `[`, as positions in `before`
  frontend::Tok last = frontend::Tok::Newline;
  std::string setting; ///< `lr` of `lr = cosine(..` in a section
};

constexpr int kFunction = 3, kField = 5, kVariable = 6, kClass = 7, kModule = 9, kProperty = 10, kValue = 12, kKeyword = 14, kConstant = 21;

/// Completion and signature help at one place of the main file.
class Completer {
public:
  Completer(Analysis &a, size_t offset) : a(a), file(a.main().file->id), text(a.sources.text(file)), offset(offset) { look(); }

  llvm::json::Value run();
  llvm::json::Value signature();

private:
  void look();
  llvm::StringRef word(const frontend::Token &t) const { return text.substr(t.offset, t.length); }
  void add(const std::string &label, int kind, const std::string &detail = "", const std::string &doc = "") {
    if (!taken.insert(label).second || label.empty() || label == "?")
      return;
    llvm::json::Object o{{"label", clean(label)}, {"kind", kind}};
    if (!detail.empty())
      o["detail"] = clean(detail);
    if (!doc.empty())
      o["documentation"] = clean(doc);
    items.push_back(std::move(o));
  }
  void addDecl(const frontend::Decl &d);
  void names();
  void members();
  void arguments();
  void settings();
  void values(const std::vector<frontend::SettingSchema> &schema, llvm::StringRef setting);
  void imports();
  const frontend::Decl *enclosing() const;
  const frontend::FnDecl *enclosingFn() const;
  Shape shapeBefore(size_t end) const;
  const Definition *local(llvm::StringRef name) const;
  std::optional<Shape> callee(bool &makesBlock) const;

  Analysis &a;
  frontend::FileId file;
  llvm::StringRef text;
  size_t offset;
  Context c;
  llvm::json::Array items;
  std::set<std::string> taken;
};

} // namespace tintype::lsp

#endif
