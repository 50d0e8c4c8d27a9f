//===- Tokenizer.cpp - what all tokenizers share, and bytes as tokens -----===//
#include "runtime/Tokenizer.h"
#include "runtime/Error.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <xxhash.h>

namespace tintype::rt {

std::string Tokenizer::decode(const std::vector<int32_t> &ids) const {
  std::string text;
  for (int32_t id : ids)
    text += bytes(id);
  return text;
}

std::string Tokenizer::hash() const {
  std::string text = json();
  if (text.empty())
    return "bytes";
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", (unsigned long long)XXH3_64bits(text.data(), text.size()));
  return hex;
}

namespace {

class ByteTokenizer : public Tokenizer {
public:
  ByteTokenizer() {
    for (int i = 0; i < 256; ++i)
      table[i] = char(i);
  }
  int64_t size() const override { return 256; }
  void encode(std::string_view text, std::vector<int32_t> &ids) const override {
    for (char c : text)
      ids.push_back(uint8_t(c));
  }
  std::string_view bytes(int32_t id) const override { return id >= 0 && id < 256 ? std::string_view(&table[id], 1) : std::string_view(); }
  std::string json() const override { return ""; }
  size_t cut(std::string_view text, size_t at) const override { return std::min(at, text.size()); }

private:
  std::array<char, 256> table;
};

} // namespace

std::unique_ptr<Tokenizer> byteTokenizer() { return std::make_unique<ByteTokenizer>(); }

int utf8Length(std::string_view text) {
  if (text.empty())
    return -1;
  auto byte = [&](size_t i) { return uint8_t(text[i]); };
  uint8_t c = byte(0);
  if (c < 0x80)
    return 1;
  int length = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (!length)
    return 0;
  // The second byte also rules out overlong forms, surrogates and what is above U+10FFFF.
  uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  for (int i = 1; i < length; ++i) {
    if (size_t(i) >= text.size())
      return -1;
    if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xbf))
      return 0;
  }
  return length;
}

std::string Utf8Stream::push(std::string_view bytes) {
  held += bytes;
  std::string out;
  size_t at = 0;
  while (at < held.size()) {
    int length = utf8Length(std::string_view(held).substr(at));
    if (length < 0)
      break;
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out.append(held, at, length);
    at += std::max(length, 1);
  }
  held.erase(0, at);
  return out;
}

std::string Utf8Stream::flush() {
  std::string out = held.empty() ? "" : "\xef\xbf\xbd";
  held.clear();
  return out;
}

} // namespace tintype::rt
