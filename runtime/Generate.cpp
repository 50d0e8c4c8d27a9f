//===- Generate.cpp - the generate command --------------------------------===//
//
// Runs `forward` on all tokens so far for each new one. Lengths are rounded up,
// so that few are planned; what stands after the last token cannot change its
// logits in a causal model. Past the longest context the window slides.
//
//===----------------------------------------------------------------------===//
#include "runtime/Checkpoint.h"
#include "runtime/Clock.h"
#include "runtime/Commands.h"
#include "runtime/Files.h"
#include "runtime/Flags.h"
#include "runtime/RunTokenizer.h"
#include "runtime/Sampler.h"
#include "runtime/Settings.h"
#include "runtime/TextBatch.h"
#include "runtime/Weights.h"
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

namespace tintype::rt {
namespace {

struct Flags {
  std::string weights, prompt, promptFile, tokens, tokenizer;
  int64_t most = 128, context = 0;
  std::optional<double> temperature, topP;
  std::optional<int64_t> topK;
  bool json = false;
};

std::vector<int32_t> parseTokens(const std::string &text, int64_t vocab) {
  std::vector<int32_t> ids;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    std::string word = text.substr(at, end - at);
    char *stop = nullptr;
    errno = 0;
    long long id = std::strtoll(word.c_str(), &stop, 10);
    if (word.empty() || *stop || errno)
      fail("--tokens: expected ids such as 1,2,3, but got \"", text, "\"");
    if (id < 0 || id >= vocab)
      fail("--tokens: expected ids in [0, ", vocab, "), but got ", id);
    ids.push_back(int32_t(id));
    at = end + 1;
  }
  return ids;
}

/// The model as a function from tokens to the logits of the next one.
class Predictor {
public:
  Predictor(const Manifest &m, ParameterStore &store, Threads &threads, int64_t context)
      : manifest(m), store(store), threads(threads), program(getProgram(m, "forward")), context(context) {
    unit = contextMultiple(m, program);
    while (unit < kUnit)
      unit *= 2;
  }

  const float *logits(const std::vector<int32_t> &ids) {
    int64_t have = std::min(int64_t(ids.size()), context);
    int64_t length = std::min(context, (have + unit - 1) / unit * unit);
    if (!executor || planned != length) {
      executor.reset();
      executor = std::make_unique<Executor>(manifest, "forward", textDims(manifest, program, 1, length), &store, threads);
      planned = length;
    }
    std::vector<int32_t> window(size_t(length) + 1, 0);
    std::copy(ids.end() - have, ids.end(), window.begin());
    fillText(*executor, window, 1, length, 0, 0);
    executor->run();
    int index = findOutput(program, "logits");
    if (index < 0 || program.outputs(index).dtype() != F32)
      fail("program forward of this binary has no output logits of type F32");
    std::vector<int64_t> shape = executor->outputShape(index);
    if (shape.size() != 3 || shape[1] != length)
      fail("expected logits [B, T, vocabulary], but the model gives ", toString(shape));
    vocab = shape[2];
    return executor->output<float>("logits") + (have - 1) * vocab;
  }
  int64_t vocab = 0;

private:
  static constexpr int64_t kUnit = 32;
  const Manifest &manifest;
  ParameterStore &store;
  Threads &threads;
  const Program &program;
  int64_t context, unit, planned = 0;
  std::unique_ptr<Executor> executor;
};

void generate(Context &context, const Flags &flags) {
  const Manifest &m = context.manifest;
  const Program &program = getProgram(m, "forward");
  expectCausal(m, "continue a text");
  int64_t vocab = vocabOf(m, "forward");
  bool given = !flags.tokens.empty();
  std::unique_ptr<Tokenizer> tokenizer = tokenizerFor(flags.weights, flags.tokenizer, vocab, !given);
  std::string prompt = flags.promptFile.empty() ? flags.prompt : readFile(flags.promptFile, 64 << 20);
  std::vector<int32_t> ids = given ? parseTokens(flags.tokens, vocab) : tokenizer->encode(prompt);
  if (ids.empty())
    fail("expected a prompt of at least one token, but it is empty");
  for (int32_t id : ids)
    if (id >= vocab)
      fail("--prompt: expected tokens in [0, ", vocab, "), but the prompt has ", id);

  RunInfo info = readRunInfo(flags.weights);
  // A model can only be trusted in the contexts that it has seen.
  int64_t length = flags.context ? flags.context : info.context ? info.context : largestContext(m, program, 1024);
  int64_t multiple = contextMultiple(m, program);
  length = std::max(multiple, length / multiple * multiple);
  nlohmann::json serve = recipeSection(m, "serve");
  auto served = [&](const char *key, double otherwise) {
    return serve.contains(key) && serve[key].is_number() ? serve[key].get<double>() : otherwise;
  };
  SamplerSettings settings;
  settings.temperature = flags.temperature.value_or(served("temperature", 1));
  settings.topK = flags.topK.value_or(int64_t(served("top_k", 0)));
  settings.topP = flags.topP.value_or(served("top_p", 1));
  settings.seed = context.seed;

  ParameterStore store(m, ParameterStore::VALUES);
  loadWeights(store, TensorSource(resolveWeights(flags.weights)), context.threads());
  Predictor predictor(m, store, context.threads(), length);
  Sampler sampler(settings);
  Utf8Stream stream;
  std::vector<int32_t> made;
  std::string text;
  double prefillSeconds = 0, decodeSeconds = 0;
  int64_t prefilled = std::min(int64_t(ids.size()), length);
  auto print = [&](const std::string &part) {
    text += part;
    if (flags.json)
      return;
    fwrite(part.data(), 1, part.size(), stdout);
    if (fflush(stdout) != 0)
      fail("standard output: cannot write: ", std::strerror(errno));
  };
  if (!flags.json && tokenizer && !given) // the continuation reads on from the prompt
    fwrite(prompt.data(), 1, prompt.size(), stdout);
  while (int64_t(made.size()) < flags.most) {
    Clock::time_point start = Clock::now();
    const float *logits = predictor.logits(ids);
    int32_t id = sampler.next(logits, std::min(vocab, predictor.vocab));
    (made.empty() ? prefillSeconds : decodeSeconds) += since(start);
    if (tokenizer && id == tokenizer->endOfText())
      break;
    ids.push_back(id);
    made.push_back(id);
    print(tokenizer ? stream.push(tokenizer->bytes(id)) : (made.size() > 1 ? "," : "") + std::to_string(id));
  }
  print(stream.flush());
  if (!flags.json) {
    print("\n");
    return;
  }
  nlohmann::ordered_json out = {{"tokens", made},
                                {"text", tokenizer ? text : ""},
                                {"prompt_tokens", ids.size() - made.size()},
                                {"prefill_tokens_per_s", prefillSeconds > 0 ? double(prefilled) / prefillSeconds : 0},
                                {"decode_tokens_per_s", decodeSeconds > 0 ? double(made.size() - 1) / decodeSeconds : 0}};
  std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

} // namespace

void addGenerate(CLI::App &app, Context &context) {
  auto flags = std::make_shared<Flags>();
  auto *sub = app.add_subcommand("generate", "continue a text");
  sub->add_option("--weights", flags->weights, "run folder, weight file, or folder with one");
  sub->add_option("--prompt", flags->prompt, "text to continue");
  sub->add_option("--prompt-file", flags->promptFile, "file with the text to continue");
  sub->add_option("--tokens", flags->tokens, "token ids to continue: 1,2,3");
  sub->add_option("--tokenizer", flags->tokenizer, "bytes, or a tokenizer.json (default: that of the weights)");
  sub->add_option("--max-tokens", flags->most, "tokens to write (default: 128)")->check(inRange(int64_t(1), int64_t(1) << 40));
  sub->add_option("--context", flags->context, "tokens to look back at (default: as trained, or the most)")->check(inRange(1, 1 << 30));
  sub->add_option("--temperature", flags->temperature, "0: always the likeliest token (default: the model's, or 1)")->check(inRange(0.0));
  sub->add_option("--top-k", flags->topK, "choose among the K likeliest tokens")->check(inRange<int64_t>(0));
  sub->add_option("--top-p", flags->topP, "choose among the likeliest that have this share together")->check(inRange(0.0, 1.0));
  sub->add_flag("--json", flags->json, "print one JSON object");
  sub->callback([&context, flags, sub] {
    if (flags->weights.empty())
      throw CLI::RequiredError("--weights"); // not before a wrong flag is named
    if (sub->count("--prompt") + sub->count("--prompt-file") + sub->count("--tokens") != 1)
      throw CLI::RequiredError("one of --prompt, --prompt-file and --tokens");
    generate(context, *flags);
  });
}

} // namespace tintype::rt
