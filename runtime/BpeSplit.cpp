//===- BpeSplit.cpp - byte spellings and the split into pieces ------------===//
#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/Bpe.h"
#include "runtime/Error.h"
#include "runtime/Tokenizer.h"

#include <algorithm>
#include <array>
#include <pcre2.h>

namespace tintype::rt {

//===----------------------------------------------------------------------===//
// Spelling
//===----------------------------------------------------------------------===//

namespace {

bool standsForItself(int byte) { return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae; }

struct Spelling {
  std::array<int, 256> character;
  std::array<int, 512> byte;
  std::vector<uint8_t> order;
  Spelling() {
    byte.fill(-1);
    int next = 256;
    for (int b = 0; b < 256; ++b) {
      character[b] = standsForItself(b) ? b : next++;
      byte[character[b]] = b;
    }
    for (int b : byte)
      if (b >= 0)
        order.push_back(b);
  }
};

const Spelling &spelling() {
  static const Spelling instance;
  return instance;
}

} // namespace

const std::vector<uint8_t> &bytesInOrder() { return spelling().order; }

std::string spellBytes(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    int character = spelling().character[uint8_t(c)];
    if (character < 0x80) {
      out += char(character);
    } else {
      out += char(0xc0 | character >> 6);
      out += char(0x80 | (character & 63));
    }
  }
  return out;
}

bool unspellBytes(std::string_view spelled, std::string &bytes) {
  bytes.clear();
  while (!spelled.empty()) {
    int length = utf8Length(spelled);
    if (length != 1 && length != 2)
      return false;
    int character = length == 1 ? uint8_t(spelled[0]) : (uint8_t(spelled[0]) & 31) << 6 | (uint8_t(spelled[1]) & 63);
    if (character >= 512 || spelling().byte[character] < 0)
      return false;
    bytes += char(spelling().byte[character]);
    spelled.remove_prefix(length);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Splitting
//===----------------------------------------------------------------------===//

const char *const publishedGpt2Split = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

const Splitter &gpt2Splitter() {
  // PCRE2's \s also takes U+180E, which Unicode counts as white space no longer.
  static const Splitter instance(R"('(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\x09-\x0d\x{85}\p{Z}\p{L}\p{N}]+)"
                                 R"(|[\x09-\x0d\x{85}\p{Z}]+(?![^\x09-\x0d\x{85}\p{Z}])|[\x09-\x0d\x{85}\p{Z}]+)",
                                 "the GPT-2 split");
  return instance;
}

size_t gpt2Cut(std::string_view text, size_t at) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (at = std::max<size_t>(at, 1); at < text.size(); ++at)
    if (text[at] == ' ' && isLetter(text[at - 1]))
      return at;
  return text.size();
}

Splitter::Splitter(const std::string &pattern, const std::string &where) : where(where) {
  constexpr size_t longest = 1 << 14;
  if (pattern.size() > longest)
    fail(where + ": expected a pattern of at most " + std::to_string(longest) + " bytes, but got " + std::to_string(pattern.size()));
  int error;
  PCRE2_SIZE offset;
  // Every subject is checked for UTF-8 before it is matched.
  uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code *compiled = pcre2_compile(PCRE2_SPTR(pattern.data()), pattern.size(), options, &error, &offset, nullptr);
  if (!compiled) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(error, text, sizeof text);
    fail(where + ": expected a regular expression, but at character " + std::to_string(offset + 1) + ": " + reinterpret_cast<char *>(text));
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); // without it matching is slower, not different
  code = std::shared_ptr<pcre2_real_code_8>(compiled, pcre2_code_free);
}

void Splitter::splitValid(std::string_view text, const Piece &piece) const {
  std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data *)> data(pcre2_match_data_create_from_pattern(code.get(), nullptr),
                                                                       pcre2_match_data_free);
  size_t done = 0, at = 0;
  while (at < text.size()) {
    int found = pcre2_match(code.get(), PCRE2_SPTR(text.data()), text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (found == PCRE2_ERROR_NOMATCH)
      break;
    if (found < 0) {
      PCRE2_UCHAR reason[256];
      pcre2_get_error_message(found, reason, sizeof reason);
      fail(where + ": the pattern gave up on the text: " + reinterpret_cast<char *>(reason));
    }
    PCRE2_SIZE *span = pcre2_get_ovector_pointer(data.get());
    size_t begin = span[0], end = span[1];
    if (begin < done || end <= begin) { // an empty match separates nothing
      at = std::max(at, std::min(end, text.size()));
      at += at < text.size() ? std::max(1, utf8Length(text.substr(at))) : 1;
      continue;
    }
    if (begin > done)
      piece(text.substr(done, begin - done));
    piece(text.substr(begin, end - begin));
    done = at = end;
  }
  if (done < text.size())
    piece(text.substr(done));
}

void Splitter::split(std::string_view text, const Piece &piece) const {
  size_t begin = 0, at = 0;
  while (at < text.size()) {
    int length = uint8_t(text[at]) < 0x80 ? 1 : utf8Length(text.substr(at));
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > begin)
      splitValid(text.substr(begin, at - begin), piece);
    size_t broken = at;
    while (at < text.size() && utf8Length(text.substr(at)) <= 0)
      ++at;
    piece(text.substr(broken, at - broken));
    begin = at;
  }
  if (at > begin)
    splitValid(text.substr(begin), piece);
}

//===----------------------------------------------------------------------===//
// PairTable
//===----------------------------------------------------------------------===//

PairTable::PairTable(size_t entries) {
  size_t size = 16;
  while (size < entries * 2)
    size *= 2;
  slots.assign(size, {none, 0});
}

size_t PairTable::slot(uint64_t key) const {
  uint64_t mixed = key * 0x9e3779b97f4a7c15;
  size_t at = (mixed ^ mixed >> 32) & (slots.size() - 1);
  while (slots[at].first != none && slots[at].first != key)
    at = (at + 1) & (slots.size() - 1);
  return at;
}

void PairTable::insert(uint64_t key, uint64_t value) {
  auto &entry = slots[slot(key)];
  if (entry.first == none)
    entry = {key, value};
}

const uint64_t *PairTable::find(uint64_t key) const {
  const auto &entry = slots[slot(key)];
  return entry.first == key ? &entry.second : nullptr;
}

} // namespace tintype::rt
