//===- Features.h - answers about a place in a file -------------*- C++ -*-===//
// Each takes the analysis of the file as root and a byte offset in it, and
// gives the protocol's answer; null where there is none.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_FEATURES_H
#define TINTYPE_TOOLS_LSP_FEATURES_H

#include "tools/lsp/Workspace.h"
#include "llvm/Support/Error.h"

namespace tintype::lsp {

llvm::json::Value hover(Analysis &a, size_t offset);
llvm::json::Value definition(const Workspace &w, Analysis &a, size_t offset);
llvm::json::Value references(Workspace &w, Analysis &a, size_t offset, bool withDeclaration);
llvm::json::Value highlights(Analysis &a, size_t offset);
/// The range of the name that can be renamed, or why it cannot.
llvm::Expected<llvm::json::Value> prepareRename(Analysis &a, size_t offset);
llvm::Expected<llvm::json::Value> rename(Workspace &w, Analysis &a, size_t offset, llvm::StringRef name);
llvm::json::Value documentSymbols(Analysis &a);
/// The edits that make the file look as `tintype fmt` leaves it.
llvm::Expected<llvm::json::Value> formatting(Analysis &a);
llvm::json::Value completion(Analysis &a, size_t offset);
llvm::json::Value signatureHelp(Analysis &a, size_t offset);

/// A declaration's head as written: `fn f(x: [B]) -> [B] where B > 1`.
std::string headOf(const frontend::SourceManager &sources, const frontend::Decl &d);

/// Functions that are built in, with their parameters and what they do.
struct Builtin {
  llvm::StringRef name, parameters, doc;
};
llvm::ArrayRef<Builtin> builtins();

} // namespace tintype::lsp

#endif
