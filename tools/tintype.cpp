//===- tintype.cpp - the driver -------------------------------------------===//
#include "tools/Commands.h"
#include "llvm/Support/raw_ostream.h"

using namespace tintype::tools;

void tintype::tools::addModelOptions(CLI::App &command, frontend::LoadOptions &options) {
  command.add_option("--config", options.config, "read sizes from a checkpoint's config.json")->type_name("FILE");
  command.add_option("--set", options.sets, "set a config or setting; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--std", options.stdDir, "folder that holds std/, instead of the built-in library")->type_name("DIR");
}

int main(int argc, char **argv) {
  CLI::App app{"Compiles models written in .tin into programs that train and run them."};
  app.name("tintype");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tintype " TINTYPE_VERSION);
  app.get_formatter()->column_width(34);
  app.footer("Examples:\n"
             "  tintype check gpt2.tin\n"
             "  tintype build gpt2.tin --set layers=6 -o gpt2\n"
             "  tintype fmt gpt2.tin");
  int status = 0;
  addBuildCommand(app, status);
  addCheckCommand(app, status);
  addExplainCommand(app, status);
  addFmtCommand(app, status);
  addTuneCommand(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return app.exit(e);
    std::cerr << "error: " << e.what() << "\nhint: tintype --help\n";
    return 2;
  }
  llvm::outs().flush();
  if (llvm::outs().has_error()) {
    llvm::errs() << "error: standard output: cannot write: " << llvm::outs().error().message() << "\n";
    llvm::outs().clear_error();
    return 1;
  }
  return status;
}
