//===- cmd_check.cpp - tintype check --------------------------------------===//
#include "tools/Commands.h"

using namespace tintype;
using namespace tintype::frontend;

void tools::addCheckCommand(CLI::App &app, int &status) {
  auto *command = app.add_subcommand("check", "Checks a model and lists its parameters and programs.");
  struct Options {
    std::string model;
    LoadOptions load;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "the .tin file")->required()->type_name("FILE");
  addModelOptions(*command, options->load);
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer("Examples:\n"
                  "  tintype check gpt2.tin\n"
                  "  tintype check gpt2.tin --set layers=6 --set width=384\n"
                  "  tintype check llama.tin --config checkpoint/config.json --json");
  command->callback([options, &status] {
    SourceManager sources;
    Diagnostics diag(sources);
    auto program = load(options->model, options->load, sources, diag);
    diag.print(llvm::errs());
    if (!program)
      status = 1;
  });
}
