//===- Init.cpp - the init subcommand: fresh weights ----------------------===//
#include "runtime/Commands.h"
#include "runtime/Weights.h"
#include <filesystem>
#include <iostream>

namespace tintype::rt {

void addInit(CLI::App &app, Context &context) {
  auto out = std::make_shared<std::string>();
  auto *sub = app.add_subcommand("init", "write freshly drawn weights");
  sub->add_option("--out", *out, "folder for model.safetensors")->required();
  sub->callback([&context, out] {
    ParameterStore store(context.manifest, ParameterStore::VALUES);
    store.initialise(context.seed, context.threads());
    std::error_code ec;
    std::filesystem::create_directories(*out, ec);
    if (ec)
      fail(*out, ": cannot create the folder: ", ec.message());
    std::string path = (std::filesystem::path(*out) / "model.safetensors").string();
    writeSafetensors(path, parameterTensors(store, store.values()), {{"format", "pt"}});
    std::cerr << "wrote " << path << "\n";
  });
}

} // namespace tintype::rt
