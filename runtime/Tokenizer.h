//===- Tokenizer.h - text to token ids and back ---------------------------===//
//
// Two kinds. Bytes: the id of a token is the byte (vocabulary 256). Byte-level
// BPE: the text is split into pieces by a Unicode regular expression, every
// piece starts as its bytes, and the pair of neighbours that was merged first in
// training is merged first here, until no known pair is left:
//
//   "lower low"  ->  "lower" " low"  ->  l o w e r | ' ' l o w  ->  low er | ' low'
//
// Either way any bytes survive encode and decode, also those that are no UTF-8.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tintype::rt {

class Tokenizer {
public:
  virtual ~Tokenizer() = default;
  /// One more than the largest id.
  virtual int64_t size() const = 0;
  /// Appends the ids of `text` to `ids`. Safe to call from several threads.
  virtual void encode(std::string_view text, std::vector<int32_t> &ids) const = 0;
  /// The bytes that token `id` stands for; empty for an id that has none.
  virtual std::string_view bytes(int32_t id) const = 0;
  /// The token that ends a text, or -1.
  virtual int32_t endOfText() const { return -1; }
  /// The text of a Hugging Face tokenizer.json; empty for the byte tokenizer.
  virtual std::string json() const = 0;
  /// A place in `text` after `at` where it can be cut without changing the ids;
  /// text.size() when there is none.
  virtual size_t cut(std::string_view text, size_t at) const = 0;

  std::vector<int32_t> encode(std::string_view text) const {
    std::vector<int32_t> ids;
    encode(text, ids);
    return ids;
  }
  std::string decode(const std::vector<int32_t> &ids) const;
  bool isBytes() const { return json().empty(); }
  /// Equal for tokenizers that give equal ids: 16 hex digits, or "bytes".
  std::string hash() const;
};

std::unique_ptr<Tokenizer> byteTokenizer();

/// Reads byte-level BPE from the text of a tokenizer.json; throws Error
/// naming `name` and what is wrong.
std::unique_ptr<Tokenizer> parseTokenizer(std::string_view json, const std::string &name);
std::unique_ptr<Tokenizer> loadTokenizer(const std::string &path);

/// Learns a byte-level BPE of at most `vocab` tokens (256 bytes first) with the
/// GPT-2 split: at each step the most frequent pair, of equals the one with the
/// smaller ids. The same texts give the same tokenizer for any `threads`.
std::unique_ptr<Tokenizer> trainTokenizer(const std::vector<std::string_view> &texts, int64_t vocab, int threads = 1);

/// Holds back the bytes of a character until it is whole, so that what is
/// printed is always valid UTF-8. Bytes that cannot become one turn into U+FFFD.
class Utf8Stream {
public:
  /// The printable part of what was held back and `bytes`.
  std::string push(std::string_view bytes);
  /// What is left at the end.
  std::string flush();

private:
  std::string held;
};

/// Length of the valid UTF-8 character at the start of `text`: 1 to 4; 0 when
/// there is none; -1 when it may become one with more bytes.
int utf8Length(std::string_view text);

} // namespace tintype::rt
