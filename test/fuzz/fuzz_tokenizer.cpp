//===- fuzz_tokenizer.cpp - tokenizer.json from anywhere ------------------===//
//
// Every input ends in a tokenizer that gives back the text it was given, or in
// an Error. What follows the first zero byte is the text.
//
//===----------------------------------------------------------------------===//
#include "runtime/Error.h"
#include "runtime/Tokenizer.h"
#include <cstdlib>

using namespace tintype::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view all(reinterpret_cast<const char *>(data), size);
  size_t zero = std::min(all.find('\0'), size);
  std::string_view text = all.substr(std::min(zero + 1, size));
  try {
    std::unique_ptr<Tokenizer> tokenizer = parseTokenizer(all.substr(0, zero), "fuzz");
    if (tokenizer->size() > 1 << 20)
      return 0; // ids far apart cost memory, not safety
    std::vector<int32_t> ids = tokenizer->encode(text);
    for (int32_t id : ids)
      if (id < 0 || id >= tokenizer->size())
        abort();
    tokenizer->decode(ids);
    if (tokenizer->cut(text, text.size() / 2) > text.size())
      abort();
  } catch (const Error &) {
  }
  std::unique_ptr<Tokenizer> trained = trainTokenizer({text}, 300);
  if (trained->decode(trained->encode(text)) != text)
    abort();
  Utf8Stream stream;
  for (char c : text)
    stream.push({&c, 1});
  stream.flush();
  return 0;
}
