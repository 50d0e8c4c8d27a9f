//===- fuzz_weights.cpp - weights and batches from anywhere ---------------===//
//
// The first byte chooses what the rest is: the file that `BIN trace` takes, or
// the index of weights in several files. Every input ends in a trace that can be
// read, in the tensors that the index names, or in an Error.
//
//===----------------------------------------------------------------------===//
#include "runtime/Commands.h"
#include "runtime/Files.h"
#include "runtime/Safetensors.h"
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

using namespace tintype::rt;

/// A folder with the files that an index may name.
static std::string makeFiles() {
  namespace fs = std::filesystem;
  fs::path base = fs::temp_directory_path() / ("fuzz-weights-" + std::to_string(getpid()));
  fs::create_directories(base);
  const float values[4] = {1, 2, 3, 4};
  for (const char *name : {"a", "b"})
    writeSafetensors(base / (std::string(name) + ".safetensors"), {{name, StoredType::F32, {2, 2}, values}});
  std::freopen("/dev/null", "w", stdout);
  return base;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string base = makeFiles(), in = base + "/in.safetensors", out = base + "/out.safetensors";
  if (size < 1)
    return 0;
  std::string_view content(reinterpret_cast<const char *>(data) + 1, size - 1);
  try {
    if (data[0] % 2) {
      writeTextWhole(base + "/model.safetensors.index.json", content);
      TensorSource source(base);
      for (const auto &[name, tensor] : source.tensors()) {
        std::vector<float> values(tensor->elements);
        tensor->copyTo(values.data());
      }
      return 0;
    }
    writeTextWhole(in, content);
    Context context(linkedManifest(), "fuzz");
    CLI::App app;
    addTrace(app, context);
    app.parse("trace --in " + in + " --out " + out + " --steps 2");
  } catch (const Error &) {
    return 0;
  }
  SafetensorsFile(out).tensors().at(0);
  return 0;
}
