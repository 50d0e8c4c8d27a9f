//===- Bpe.h - the parts of byte-level BPE that reading and training share ===//
//
// A tokenizer.json spells bytes as printable characters, as GPT-2's files do:
// those that are printable in Latin-1 stand for themselves, the other 68 are
// U+0100, U+0101 ... in the order of the bytes. The space is "Ġ" (U+0120).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pcre2_real_code_8;

namespace tintype::rt {

/// The printable spelling of `bytes` (UTF-8).
std::string spellBytes(std::string_view bytes);
/// Undoes it; false when a character spells no byte.
bool unspellBytes(std::string_view spelled, std::string &bytes);
/// The bytes in the order of the characters that spell them: the ids of a
/// freshly trained vocabulary.
const std::vector<uint8_t> &bytesInOrder();

/// A regular expression that isolates its matches; what lies between two
/// matches is a piece too, and so is a run of bytes that are no UTF-8.
class Splitter {
public:
  /// Throws Error when PCRE2 refuses `pattern`; `where` says whose it is.
  Splitter(const std::string &pattern, const std::string &where);
  using Piece = std::function<void(std::string_view)>;
  void split(std::string_view text, const Piece &piece) const;

private:
  void splitValid(std::string_view text, const Piece &piece) const;
  std::shared_ptr<pcre2_real_code_8> code;
  std::string where;
};

/// The split of GPT-2, as published and as compiled here.
extern const char *const publishedGpt2Split;
const Splitter &gpt2Splitter();
/// The first place after `at` where a letter meets a space: text cut there splits
/// into the same pieces. text.size() when there is none.
size_t gpt2Cut(std::string_view text, size_t at);

/// From a pair of ids to 64 bits; open addressing, since the lookups of an
/// encoder are almost all misses.
class PairTable {
public:
  explicit PairTable(size_t entries);
  static uint64_t key(uint32_t left, uint32_t right) { return uint64_t(left) << 32 | right; }
  void insert(uint64_t key, uint64_t value); ///< keeps an entry that is there
  /// Null when there is none.
  const uint64_t *find(uint64_t key) const;

private:
  static constexpr uint64_t none = ~uint64_t(0);
  size_t slot(uint64_t key) const;
  std::vector<std::pair<uint64_t, uint64_t>> slots;
};

} // namespace tintype::rt
