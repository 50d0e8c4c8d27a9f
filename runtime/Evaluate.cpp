//===- Evaluate.cpp - the loss of a model on text, and the eval command ---===//
#include "runtime/Evaluate.h"
#include "runtime/Checkpoint.h"
#include "runtime/Commands.h"
#include "runtime/Flags.h"
#include "runtime/RunTokenizer.h"
#include "runtime/TextBatch.h"
#include "runtime/Weights.h"
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace tintype::rt {

EvalResult evaluateText(const Manifest &manifest, ParameterStore &store, Threads &threads, const Windows &windows, int64_t batch,
                        int64_t context, uint64_t most, const Tokenizer *tokenizer, const std::function<bool(uint64_t, uint64_t)> &tick) {
  const Program &program = getProgram(manifest, "loss");
  uint64_t all = windows.inOrder(), count = most && most < all ? most : all;
  EvalResult result;
  double sum = 0;
  std::unique_ptr<Executor> executor;
  int64_t planned = 0;
  std::vector<int32_t> ids;
  for (uint64_t done = 0; done < count;) {
    int64_t rows = int64_t(std::min<uint64_t>(uint64_t(batch), count - done));
    if (rows != planned) {
      executor.reset(); // its memory first
      executor = std::make_unique<Executor>(manifest, "loss", textDims(manifest, program, rows, context), &store, threads);
      planned = rows;
      ids.resize(size_t(rows * (context + 1)));
    }
    for (int64_t row = 0; row < rows; ++row) {
      auto index = uint64_t(double(done + uint64_t(row)) * double(all) / double(count));
      int32_t *window = ids.data() + row * (context + 1);
      windows.readInOrder(index, window);
      for (int64_t t = 1; tokenizer && t <= context; ++t)
        result.bytes += tokenizer->bytes(window[t]).size();
    }
    fillText(*executor, ids, rows, context, 0, 0);
    executor->run();
    const float *loss = executor->output<float>("loss");
    if (!loss)
      fail("program loss of this binary has no output loss");
    sum += double(*loss) * double(rows);
    done += uint64_t(rows);
    result.tokens = done * uint64_t(context);
    result.loss = sum / double(done);
    if (tick && !tick(done, count))
      break;
  }
  return result;
}

void addEval(CLI::App &app, Context &context) {
  struct Flags {
    std::string weights, tokenizer;
    std::vector<std::string> data;
    int64_t batch = 8, length = 0;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  auto *sub = app.add_subcommand("eval", "measure the loss on text");
  sub->add_option("--weights", flags->weights, "run folder, weight file, or folder with one");
  sub->add_option("--data", flags->data, "text or token files (.u16 .u32 .npy), or folders of them");
  sub->add_option("--tokenizer", flags->tokenizer, "bytes, or a tokenizer.json (default: that of the weights)");
  sub->add_option("--batch", flags->batch, "windows at a time (default: 8)")->check(inRange(1, 1 << 20));
  sub->add_option("--context", flags->length, "tokens in a window (default: as trained, or the most)")->check(inRange(1, 1 << 30));
  sub->add_flag("--json", flags->json, "print one JSON object");
  sub->callback([&context, flags] {
    if (flags->weights.empty())
      throw CLI::RequiredError("--weights"); // not before a wrong flag is named
    if (flags->data.empty())
      throw CLI::RequiredError("--data"); // not before a wrong flag is named
    const Manifest &m = context.manifest;
    const Program &program = getProgram(m, "loss");
    expectCausal(m, "measure the loss on text");
    int64_t vocab = vocabOf(m, "loss");
    DataSet data(flags->data, "--data");
    RunInfo info = readRunInfo(flags->weights);
    std::unique_ptr<Tokenizer> tokenizer = tokenizerFor(flags->weights, flags->tokenizer, vocab, data.hasText());
    std::unique_ptr<Tokenizer> none = tokenizer ? nullptr : byteTokenizer();
    Tokens tokens = data.tokens(tokenizer ? *tokenizer : *none, vocab, "", context.threads().count());
    int64_t length = flags->length ? flags->length : info.context ? info.context : largestContext(m, program, 1024);
    if (!flags->length && tokens.size() > 1 && int64_t(tokens.size()) <= length)
      length = (int64_t(tokens.size()) - 1) / contextMultiple(m, program) * contextMultiple(m, program);
    Windows windows(tokens, 0, tokens.size(), std::max<int64_t>(length, 1), flags->data.front());
    ParameterStore store(m, ParameterStore::VALUES);
    loadWeights(store, TensorSource(resolveWeights(flags->weights)), context.threads());
    bool terminal = isatty(2);
    EvalResult result =
        evaluateText(m, store, context.threads(), windows, flags->batch, length, 0, tokenizer.get(), [&](uint64_t done, uint64_t of) {
          if (terminal)
            fprintf(stderr, "\r\x1b[K%llu of %llu windows", (unsigned long long)done, (unsigned long long)of);
          return true;
        });
    if (terminal)
      fprintf(stderr, "\r\x1b[K");
    nlohmann::ordered_json out = {{"loss", result.loss}, {"perplexity", std::exp(result.loss)}, {"tokens", result.tokens}};
    if (result.bytes)
      out["bits_per_byte"] = result.loss * double(result.tokens) / double(result.bytes) / std::log(2.0);
    if (!std::isfinite(result.loss))
      fail("the loss is ", result.loss, "\nnote: the weights are ", flags->weights);
    if (flags->json) {
      std::cout << out.dump() << "\n";
    } else {
      printf("loss %.4f nats per token, perplexity %.2f", result.loss, std::exp(result.loss));
      if (result.bytes)
        printf(", %.4f bits per byte", out["bits_per_byte"].get<double>());
      printf(", over %llu tokens\n", (unsigned long long)result.tokens);
      if (fflush(stdout) != 0)
        fail("standard output: cannot write");
    }
  });
}

} // namespace tintype::rt
