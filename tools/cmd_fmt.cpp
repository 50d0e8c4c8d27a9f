//===- cmd_fmt.cpp - tintype fmt ------------------------------------------===//
#include "codegen/WholeFile.h"
#include "frontend/Format.h"
#include "frontend/Parser.h"
#include "tools/Commands.h"
#include "llvm/Support/FileSystem.h"

using namespace tintype;
using namespace tintype::frontend;

namespace {
struct FmtOptions {
  std::vector<std::string> files;
  bool check = false, ast = false;
};
} // namespace

/// Writes beside the file (the one a link points to) and renames, so that no
/// moment shows half a file.
static bool replaceFile(const std::string &path, const std::string &text, Diagnostics &diag) {
  namespace fs = llvm::sys::fs;
  llvm::SmallString<256> target;
  fs::file_status status;
  std::error_code ec = fs::real_path(path, target);
  if (!ec)
    ec = fs::status(target, status);
  if (!ec)
    ec = writeWhole(target, [&](llvm::StringRef partial) {
      std::error_code ec = writeTo(partial, [&](llvm::raw_ostream &os) { os << text; });
      return ec ? ec : fs::setPermissions(partial, status.permissions());
    });
  if (!ec)
    return true;
  diag.error({}) << "expected to write " << path << ", but got: " << llvm::StringRef(ec.message()).lower();
  return false;
}

/// Formats one file; false when it is at fault.
static bool formatOne(const std::string &path, const FmtOptions &options, SourceManager &sources, Diagnostics &diag) {
  auto text = readFile(path, diag);
  if (!text)
    return false;
  FileId file = sources.add(path, *text);
  if (options.ast) {
    auto tree = parseFile(file, sources, diag);
    llvm::outs() << (tree ? dump(*tree) : "");
    return tree != nullptr;
  }
  auto result = format(file, sources, diag);
  if (!result || *result == *text)
    return result.has_value();
  if (!options.check)
    return replaceFile(path, *result, diag);
  size_t same = std::mismatch(text->begin(), text->end(), result->begin(), result->end()).first - text->begin();
  auto e = diag.error({file, uint32_t(same)}) << "expected the layout of `tintype fmt`";
  e.hint() << "run `tintype fmt " << path << "`";
  return false;
}

void tools::addFmtCommand(CLI::App &app, int &status) {
  auto *command = app.add_subcommand("fmt", "Rewrites .tin files in the one layout.");
  auto options = std::make_shared<FmtOptions>();
  command->add_option("MODEL", options->files, ".tin files")->required()->type_name("FILE");
  command->add_flag("--check", options->check, "change nothing; exit 1 when a file would change");
  command->add_flag("--ast", options->ast, "print the syntax tree instead")->group("");
  command->footer("Examples:\n"
                  "  tintype fmt gpt2.tin\n"
                  "  tintype fmt models/*.tin\n"
                  "  tintype fmt --check gpt2.tin");
  command->callback([options, &status] {
    SourceManager sources;
    Diagnostics diag(sources);
    for (const std::string &path : options->files)
      if (!formatOne(path, *options, sources, diag))
        status = 1;
    diag.print(llvm::errs());
  });
}
