//===- BpeTrain.cpp - learning a byte-level BPE from text -----------------===//
//
// The texts become distinct pieces with counts, so the work after the split does
// not grow with the length of the corpus. Pair counts are kept up to date: a
// merge touches only the pieces that hold the pair.
//
//===----------------------------------------------------------------------===//
#include "runtime/Bpe.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>
#include <unordered_map>

namespace tintype::rt {
namespace {

struct Word {
  std::vector<uint32_t> ids;
  int64_t count;
};

struct Pair {
  int64_t count = 0;
  std::vector<uint32_t> words; // that held it once
};

struct Candidate {
  int64_t count;
  uint64_t key;
  bool operator<(const Candidate &other) const { return count != other.count ? count < other.count : key > other.key; }
};

using Counts = std::unordered_map<std::string_view, int64_t>;

/// Counts the pieces of `texts`, cut into parts that threads take in turn.
Counts countPieces(const std::vector<std::string_view> &texts, int threads) {
  constexpr size_t partBytes = 1 << 20;
  // A piece without end, as in encoded binary data, would be rescanned at every merge.
  constexpr size_t longestPiece = 256;
  std::vector<std::string_view> parts;
  for (std::string_view text : texts)
    while (!text.empty()) {
      size_t end = text.size() > partBytes ? gpt2Cut(text, partBytes) : text.size();
      parts.push_back(text.substr(0, end));
      text.remove_prefix(end);
    }
  std::vector<Counts> counts(parts.size());
  forEachParallel(parts.size(), threads, [&](size_t i) {
    gpt2Splitter().split(parts[i], [&](std::string_view piece) {
      for (; piece.size() > longestPiece; piece.remove_prefix(longestPiece))
        ++counts[i][piece.substr(0, longestPiece)];
      ++counts[i][piece];
    });
  });
  Counts total;
  for (Counts &part : counts)
    for (const auto &[piece, count] : part)
      total[piece] += count;
  return total;
}

class Learner {
public:
  Learner(const Counts &pieces, int64_t vocab) {
    for (uint8_t byte : bytesInOrder())
      tokens.emplace_back(1, char(byte));
    uint32_t idOf[256];
    for (uint32_t id = 0; id < 256; ++id)
      idOf[uint8_t(tokens[id][0])] = id;
    for (const auto &[piece, count] : pieces) {
      Word word{{}, count};
      for (char c : piece)
        word.ids.push_back(idOf[uint8_t(c)]);
      words.push_back(std::move(word));
    }
    for (uint32_t w = 0; w < words.size(); ++w)
      count(w, +1, [](uint32_t, uint32_t) { return true; });
    for (const auto &[key, pair] : pairs)
      queue.push({pair.count, key});
    while (int64_t(tokens.size()) < vocab && mergeNext()) {
    }
  }

  std::vector<std::string> tokens;
  std::vector<std::pair<uint32_t, uint32_t>> merges;

private:
  /// Adds the pairs of word `w` to the counts, or takes them off; those that are
  /// `fresh` get to know the word.
  template <typename Fresh> void count(uint32_t w, int sign, const Fresh &fresh) {
    const Word &word = words[w];
    for (size_t i = 0; i + 1 < word.ids.size(); ++i) {
      Pair &pair = pairs[PairTable::key(word.ids[i], word.ids[i + 1])];
      pair.count += sign * word.count;
      if (sign > 0 && fresh(word.ids[i], word.ids[i + 1]) && (pair.words.empty() || pair.words.back() != w))
        pair.words.push_back(w);
    }
  }

  /// Merges the most frequent pair; false when there is none.
  bool mergeNext() {
    if (queue.empty())
      return false;
    Candidate best = queue.top();
    queue.pop();
    auto found = pairs.find(best.key);
    if (found == pairs.end())
      return true;
    if (found->second.count != best.count) { // it has changed since it was queued
      if (found->second.count > 0)
        queue.push({found->second.count, best.key});
      else
        pairs.erase(found);
      return true;
    }
    uint32_t left = uint32_t(best.key >> 32), right = uint32_t(best.key), merged = uint32_t(tokens.size());
    merges.push_back({left, right});
    tokens.push_back(tokens[left] + tokens[right]);
    std::vector<uint32_t> touched = std::move(found->second.words);
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    std::vector<uint64_t> grown;
    auto isNew = [&](uint32_t a, uint32_t b) {
      if (a != merged && b != merged)
        return false;
      grown.push_back(PairTable::key(a, b));
      return true;
    };
    for (uint32_t w : touched) {
      count(w, -1, isNew);
      replace(words[w].ids, left, right, merged);
      count(w, +1, isNew);
    }
    pairs.erase(best.key);
    std::sort(grown.begin(), grown.end());
    grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
    for (uint64_t key : grown)
      queue.push({pairs[key].count, key});
    return true;
  }

  static void replace(std::vector<uint32_t> &ids, uint32_t left, uint32_t right, uint32_t merged) {
    size_t to = 0;
    for (size_t from = 0; from < ids.size(); ++to) {
      bool here = ids[from] == left && from + 1 < ids.size() && ids[from + 1] == right;
      ids[to] = here ? merged : ids[from];
      from += here ? 2 : 1;
    }
    ids.resize(to);
  }

  std::vector<Word> words;
  std::unordered_map<uint64_t, Pair> pairs;
  std::priority_queue<Candidate> queue;
};

} // namespace

std::unique_ptr<Tokenizer> trainTokenizer(const std::vector<std::string_view> &texts, int64_t vocab, int threads) {
  if (vocab < 256)
    fail("expected a vocabulary of at least 256 for byte-level BPE, but got " + std::to_string(vocab));
  Learner learner(countPieces(texts, threads), vocab);
  nlohmann::ordered_json byteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  nlohmann::ordered_json merges = nlohmann::ordered_json::array();
  for (const auto &[left, right] : learner.merges)
    merges.push_back({spellBytes(learner.tokens[left]), spellBytes(learner.tokens[right])});
  // An ordered object looks its keys up one by one, so the vocabulary is written by hand.
  std::string vocabText = "{";
  for (size_t id = 0; id < learner.tokens.size(); ++id)
    vocabText += (id ? ",\n   " : "\n   ") + nlohmann::json(spellBytes(learner.tokens[id])).dump() + ": " + std::to_string(id);
  vocabText += "\n  }";
  std::string text = "{\n \"version\": \"1.0\",\n \"truncation\": null,\n \"padding\": null,\n"
                     " \"added_tokens\": [],\n \"normalizer\": null,\n \"pre_tokenizer\": " +
                     byteLevel.dump() + ",\n \"post_processor\": null,\n \"decoder\": " + byteLevel.dump() +
                     ",\n \"model\": {\n  \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null,\n"
                     "  \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,\n"
                     "  \"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,\n  \"vocab\": " +
                     vocabText + ",\n  \"merges\": " + merges.dump() + "\n }\n}\n";
  return parseTokenizer(text, "the trained tokenizer");
}

} // namespace tintype::rt
