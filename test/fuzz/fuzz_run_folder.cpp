//===- fuzz_run_folder.cpp - a run folder with any content ----------------===//
//
// The first byte chooses which file of a valid run the rest replaces. Reading
// the run ends in what a run holds, or in an Error.
//
//===----------------------------------------------------------------------===//
#include "runtime/Checkpoint.h"
#include "runtime/Data.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/RunTokenizer.h"
#include "runtime/Settings.h"
#include "runtime/TrainLog.h"
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace tintype::rt;

static const char *const kFiles[] = {"run.json",          "log.jsonl",         "checksums.json",
                                     "state.safetensors", "model.safetensors", "data.npy"};

static std::string makeRoot() {
  std::string root = std::filesystem::temp_directory_path() / ("fuzz-run-" + std::to_string(getpid()));
  std::freopen("/dev/null", "w", stdout);
  return root;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string root = makeRoot();
  static Threads threads(1);
  static ParameterStore store(linkedManifest(), ParameterStore::TRAINING);
  if (size < 1)
    return 0;
  std::filesystem::remove_all(root);
  std::string_view content(reinterpret_cast<const char *>(data) + 1, size - 1);
  const char *name = kFiles[data[0] % 6];
  try {
    RunFolder folder(root);
    folder.save(store, {3, 12, 0}, 1);
    std::string step = root + "/checkpoints/step-3/";
    bool inStep = std::string_view(name).find("s.json") != std::string_view::npos ||
                  std::string_view(name).find(".safetensors") != std::string_view::npos;
    writeTextWhole((inStep ? step : root + "/") + name, content);
    if (std::string_view(name).find(".safetensors") != std::string_view::npos) {
      nlohmann::json sums; // so that the fault is found behind the checksum
      for (const char *file : {"model.safetensors", "state.safetensors"}) {
        std::string bytes = readFile(step + file, 1 << 24);
        sums[file] = {{"bytes", bytes.size()}, {"xxh3", hashHex(bytes)}};
      }
      writeTextWhole(step + "checksums.json", sums.dump());
    }
    if (name == kFiles[5]) {
      DataSet set({root + "/data.npy"}, "--data");
      set.tokens(*byteTokenizer(), 256, "", 1);
    }
    if (name == kFiles[1])
      lossCurve(TrainLog({root + "/log.jsonl"}, 1000).lines(), "fuzz");
    if (name == kFiles[0]) {
      readRunInfo(root);
      TrainSettings settings = TrainSettings::fromRecipe(linkedManifest());
      nlohmann::json run = nlohmann::json::parse(content, nullptr, false);
      if (run.is_object() && run.contains("settings"))
        settings.takeJson(run["settings"], "fuzz");
      settings.check();
      settings.toJson();
    }
    resolveWeights(root);
    folder.load(store, threads);
  } catch (const Error &) {
  }
  return 0;
}
