//===- fuzz_run_folder.cpp - a run folder with any content ----------------===//
//
// The first byte chooses which file of a valid run the rest replaces. Reading
// the run ends in what a run holds, or in an Error. A run that goes on writes a
// run.json with which it goes on again.
//
//===----------------------------------------------------------------------===//
#include "runtime/Data.h"
#include "runtime/Files.h"
#include "runtime/RunTokenizer.h"
#include "runtime/Train.h"
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <unistd.h>

using namespace tintype::rt;

static const char *const kFiles[] = {"run.json", "log.jsonl", "checksums.json", "state.safetensors", "model.safetensors", "data.npy"};

/// A folder, with its name and .txt the data of the run.
static std::string makeRoot() {
  std::string root = std::filesystem::temp_directory_path() / ("fuzz-run-" + std::to_string(getpid()));
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += char(1 + i * i % 17); // tokens of the model
  writeTextWhole(root + ".txt", text);
  std::freopen("/dev/null", "w", stdout);
  std::cerr.setstate(std::ios::failbit);
  return root;
}

static void resume(const std::string &root) {
  Context context(linkedManifest(), "fuzz");
  TrainFlags flags;
  flags.out = root;
  flags.resume = true;
  flags.data = {root + ".txt"};
  Trainer trainer(context, flags);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string root = makeRoot();
  static Threads threads(1);
  static ParameterStore store(linkedManifest(), ParameterStore::TRAINING);
  if (size < 1)
    return 0;
  std::filesystem::remove_all(root);
  std::string_view content(reinterpret_cast<const char *>(data) + 1, size - 1);
  const std::string name = kFiles[data[0] % 6];
  const bool isWeights = name.find(".safetensors") != name.npos;
  bool isResumed = false;
  try {
    {
      RunFolder folder(root);
      folder.save(store, {3, 12, 0}, 1);
      std::string step = root + "/checkpoints/step-3/";
      writeTextWhole((isWeights || name == "checksums.json" ? step : root + "/") + name, content);
      if (isWeights) {
        nlohmann::json sums; // so that the fault is found behind the checksum
        for (const char *file : {"model.safetensors", "state.safetensors"}) {
          std::string bytes = readFile(step + file, 1 << 24);
          sums[file] = {{"bytes", bytes.size()}, {"xxh3", hashHex(bytes)}};
        }
        writeTextWhole(step + "checksums.json", sums.dump());
      }
      if (name == "data.npy") {
        DataSet set({root + "/data.npy"}, "--data");
        set.tokens(*byteTokenizer(), 256, "", 1);
      }
      if (name == "log.jsonl")
        lossCurve(TrainLog({root + "/log.jsonl"}, 1000).lines(), "fuzz");
      resolveWeights(root);
      if (name != "run.json")
        folder.load(store, threads);
    }
    if (name == "run.json") {
      resume(root);
      isResumed = true;
      resume(root);
    }
  } catch (const Error &) {
    if (isResumed)
      abort();
  }
  return 0;
}
