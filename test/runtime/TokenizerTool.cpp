//===- TokenizerTool.cpp - tokenizers by themselves, for tests ------------===//
//
// usage: tokenizer-tool encode TOKENIZER.json < TEXT        ids, one a line
//        tokenizer-tool train VOCAB THREADS TEXT OUT.json
//        tokenizer-tool windows                             checks the order of data
//
// `encode` also checks that the ids give back the text, and that cutting the
// text where the tokenizer says it may be cut changes nothing.
//
//===----------------------------------------------------------------------===//
#include "runtime/Data.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Tokenizer.h"
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

using namespace tintype::rt;

static void expect(bool condition, const char *what, uint64_t at) {
  if (!condition)
    fail(what, " at ", at);
}

/// Every epoch has every window once, in an order of its own, and no token of
/// the validation windows is one of training.
static void checkWindows() {
  for (uint64_t count : {1, 2, 3, 7, 64, 65, 1000, 4097})
    for (uint64_t key : {0, 1, 99}) {
      std::vector<bool> seen(count);
      for (uint64_t i = 0; i < count; ++i) {
        uint64_t at = permute(i, count, key);
        expect(at < count && !seen[at], "no permutation", i);
        seen[at] = true;
      }
    }
  std::vector<uint32_t> numbers(1003);
  for (uint32_t i = 0; i < numbers.size(); ++i)
    numbers[i] = i;
  Tokens tokens; // in three parts of two widths
  std::vector<uint16_t> middle(numbers.begin() + 100, numbers.begin() + 700);
  auto bytes = [](const auto *data) { return reinterpret_cast<const char *>(data); };
  tokens.append(bytes(numbers.data()), 100, 4, nullptr, 1003, "a", 0);
  tokens.append(bytes(middle.data()), 600, 2, nullptr, 1003, "b", 0);
  tokens.append(bytes(numbers.data() + 700), 303, 4, nullptr, 1003, "c", 0);
  constexpr int64_t context = 10;
  size_t split = splitPoint(tokens.size(), context, 0.1);
  Windows train(tokens, 0, split, context, "train"), val(tokens, split, tokens.size(), context, "val");
  expect(val.inOrder() == 10 && train.inOrder() == 90, "windows of the split", val.inOrder());
  int32_t ids[context + 1];
  std::vector<int32_t> firsts[2];
  for (uint64_t epoch : {0, 1}) {
    std::vector<int> targets(tokens.size());
    for (uint64_t i = 0; i < train.perEpoch(); ++i) {
      train.readShuffled(epoch * train.perEpoch() + i, 5, ids);
      firsts[epoch].push_back(ids[0]);
      for (int64_t t = 1; t <= context; ++t) {
        expect(ids[t] == ids[t - 1] + 1, "a window is not one piece", i);
        expect(size_t(ids[t]) < split && ++targets[ids[t]] == 1, "a target comes twice, or is one of validation", i);
      }
    }
  }
  expect(firsts[0] != firsts[1], "two epochs in one order", 0);
  for (uint64_t i = 0; i < val.inOrder(); ++i) {
    val.readInOrder(i, ids);
    expect(size_t(ids[0]) == split + i * context, "validation windows", i);
  }
}

int main(int argc, char **argv) {
  std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "encode" && argc == 3) {
      auto tokenizer = loadTokenizer(argv[2]);
      std::string text{std::istreambuf_iterator<char>(std::cin), {}};
      std::vector<int32_t> ids = tokenizer->encode(text), parts;
      for (size_t at = 0, end; at < text.size(); at = end) {
        end = at + tokenizer->cut(std::string_view(text).substr(at), 3);
        tokenizer->encode(std::string_view(text).substr(at, end - at), parts);
      }
      if (tokenizer->decode(ids) != text || parts != ids)
        fail("the text does not come back");
      for (int32_t id : ids)
        std::printf("%d\n", id);
      return 0;
    }
    if (what == "windows" && argc == 2) {
      checkWindows();
      return 0;
    }
    if (what == "train" && argc == 6) {
      MappedFile text(argv[4]);
      writeTextWhole(argv[5], trainTokenizer({text.bytes()}, std::atoll(argv[2]), std::atoi(argv[3]))->json());
      return 0;
    }
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: tokenizer-tool encode TOKENIZER.json | train VOCAB THREADS TEXT OUT.json\n");
  return 2;
}
