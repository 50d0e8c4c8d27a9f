//===- RunTokenizer.cpp - which tokenizer goes with which weights ---------===//
#include "runtime/RunTokenizer.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include <filesystem>
#include <nlohmann/json.hpp>

namespace fs = std::filesystem;

namespace tintype::rt {

namespace {

/// The folder that tells about the weights: the run itself also for
/// RUN/model.safetensors and RUN/checkpoints/step-N.
std::string folderOf(const std::string &weights) {
  std::error_code error;
  fs::path path = fs::absolute(weights, error).lexically_normal();
  if (!path.has_filename() || !fs::is_directory(path, error))
    path = path.parent_path(); // of a file, or without the slash at the end
  fs::path above = path.parent_path();
  bool inRun = above.filename() == "checkpoints" && fs::exists(above.parent_path() / "run.json", error);
  return (inRun ? above.parent_path() : path).string();
}

} // namespace

RunInfo readRunInfo(const std::string &weights) {
  RunInfo info;
  std::string path = folderOf(weights) + "/run.json";
  std::error_code error;
  if (!fs::exists(path, error))
    return info;
  try {
    nlohmann::json run = nlohmann::json::parse(readFile(path, 16 << 20));
    info.context = run.at("settings").at("context").get<int64_t>();
    info.tokenizer = run.at("tokenizer").get<std::string>();
  } catch (const nlohmann::json::exception &) {
    fail(path, ": expected the settings of a run, but the file is damaged");
  }
  if (info.context < 1 || info.context > INT32_MAX)
    fail(path, ": expected a context of at least 1, but got ", info.context);
  return info;
}

void checkVocab(const Tokenizer &tokenizer, int64_t vocab, const std::string &name) {
  // Bytes are checked one by one: a text of ASCII suits a vocabulary of 128.
  if (!tokenizer.isBytes() && tokenizer.size() > vocab)
    fail(name, ": expected a tokenizer of at most ", vocab, " tokens, the model's vocabulary, but got ", tokenizer.size());
}

std::unique_ptr<Tokenizer> tokenizerFor(const std::string &weights, const std::string &flag, int64_t vocab, bool needed) {
  RunInfo info = readRunInfo(weights);
  std::error_code error;
  std::string beside = folderOf(weights) + "/tokenizer.json";
  std::unique_ptr<Tokenizer> tokenizer;
  std::string name = flag;
  if (flag == "bytes" || (flag.empty() && info.tokenizer == "bytes")) {
    tokenizer = byteTokenizer();
  } else if (!flag.empty()) {
    tokenizer = loadTokenizer(flag);
  } else if (!info.tokenizer.empty() || fs::exists(beside, error)) {
    name = beside;
    tokenizer = loadTokenizer(beside);
    if (!info.tokenizer.empty() && tokenizer->hash() != info.tokenizer)
      fail(beside, ": expected the tokenizer that the run began with, but the file has changed");
  } else if (vocab == 256) {
    tokenizer = byteTokenizer();
  }
  if (tokenizer)
    checkVocab(*tokenizer, vocab, name);
  else if (needed)
    fail("expected a tokenizer for a vocabulary of ", vocab, ", but there is none beside ", weights,
         "\nhint: --tokenizer FILE.json, or --tokenizer bytes");
  return tokenizer;
}

} // namespace tintype::rt
