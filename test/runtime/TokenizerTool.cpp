//===- TokenizerTool.cpp - tokenizers by themselves, for tests ------------===//
//
// usage: tokenizer-tool encode TOKENIZER.json < TEXT        ids, one a line
//        tokenizer-tool train VOCAB THREADS TEXT OUT.json
//
// `encode` also checks that the ids give back the text, and that cutting the
// text where the tokenizer says it may be cut changes nothing.
//
//===----------------------------------------------------------------------===//
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Tokenizer.h"
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

using namespace tintype::rt;

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
