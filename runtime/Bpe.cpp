//===- Bpe.cpp - byte-level BPE read from a tokenizer.json ----------------===//
//
// The file may come from anywhere, so everything in it is checked before use:
// sizes, types, ids, and that every merge speaks of tokens that exist.
//
//===----------------------------------------------------------------------===//
#include "runtime/Bpe.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Tokenizer.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <queue>
#include <unordered_map>

namespace tintype::rt {
namespace {

using Json = nlohmann::json;
constexpr size_t largestFile = size_t(128) << 20;
constexpr int64_t largestVocab = 1 << 22;
constexpr int deepestNesting = 32;

struct AddedToken {
  std::string content;
  int32_t id;
};

class BpeTokenizer : public Tokenizer {
public:
  BpeTokenizer(std::string_view text, const std::string &name);
  int64_t size() const override { return int64_t(tokens.size()); }
  void encode(std::string_view text, std::vector<int32_t> &ids) const override;
  std::string_view bytes(int32_t id) const override {
    return id >= 0 && size_t(id) < tokens.size() ? std::string_view(tokens[id]) : std::string_view();
  }
  std::string json() const override { return source; }
  int32_t endOfText() const override { return end; }
  size_t cut(std::string_view text, size_t at) const override;

private:
  using Words = std::unordered_map<std::string_view, std::vector<int32_t>>;
  void readVocab(const Json &model);
  void readMerges(const Json &model);
  void readAdded(const Json &file);
  void readSplit(const Json &step, const std::string &where);
  void encodePlain(std::string_view text, std::vector<int32_t> &ids, Words &words) const;
  void splitFrom(size_t step, std::string_view text, const Splitter::Piece &piece) const;
  void merge(std::string_view piece, std::vector<int32_t> &ids) const;
  const AddedToken *addedAt(std::string_view text) const;
  [[noreturn]] void bad(const std::string &what) const { fail(name + ": " + what); }

  std::string source, name;
  std::vector<std::string> tokens; // bytes, by id
  std::unordered_map<std::string, int32_t> spelled;
  std::unordered_map<std::string_view, int32_t> ids;
  int32_t byteId[256];
  std::unique_ptr<PairTable> merges; // pair -> rank << 32 | id
  std::vector<Splitter> splits;
  std::vector<AddedToken> added; // by first byte, longest first
  int32_t addedFrom[257];
  int32_t end = -1;        // the first of the usual names for it
  bool wholeWords = false; // a piece that is a token needs no merges
  bool cuttable = true;    // nothing spans a letter and the space after it
};

/// What a JSON value is, for messages.
std::string describe(const Json &value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

/// Member `key` of `object`, or null.
const Json &member(const Json &object, const char *key) {
  static const Json null;
  if (!object.is_object())
    return null;
  auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool isTrue(const Json &object, const char *key) {
  const Json &value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

BpeTokenizer::BpeTokenizer(std::string_view text, const std::string &name) : source(text), name(name) {
  if (text.size() > largestFile)
    bad("expected at most " + std::to_string(largestFile >> 20) + " MiB, but got " + std::to_string(text.size()) + " bytes");
  Json file;
  try {
    file = Json::parse(text, [&](int depth, Json::parse_event_t, Json &) {
      if (depth > deepestNesting)
        bad("expected JSON nested at most " + std::to_string(deepestNesting) + " deep, but it is deeper");
      return true;
    });
  } catch (const Json::exception &error) {
    const char *reason = std::strstr(error.what(), "] ");
    bad(std::string("expected JSON, but got ") + (reason ? reason + 2 : error.what()));
  }
  const Json &model = member(file, "model");
  if (!model.is_object())
    bad("expected an object \"model\", but there is none");
  if (const Json &type = member(model, "type"); !type.is_null() && type != "BPE")
    bad("model.type: expected \"BPE\", but got " + describe(type));
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const Json &value = member(model, key); !value.is_null() && value != "")
      bad(std::string("model.") + key + ": expected none (byte-level BPE), but got " + describe(value));
  if (isTrue(model, "byte_fallback"))
    bad("model.byte_fallback: expected false (byte-level BPE), but got true");
  if (const Json &value = member(file, "normalizer"); !value.is_null())
    bad("normalizer: expected none, but got " + describe(value));
  wholeWords = isTrue(model, "ignore_merges");
  readVocab(model);
  readMerges(model);
  readAdded(file);
  const Json &split = member(file, "pre_tokenizer");
  if (!split.is_object())
    bad("pre_tokenizer: expected a ByteLevel split, but there is none");
  readSplit(split, "pre_tokenizer");
  spelled.clear();
}

void BpeTokenizer::readVocab(const Json &model) {
  const Json &vocab = member(model, "vocab");
  if (!vocab.is_object() || vocab.empty())
    bad("model.vocab: expected an object of tokens and ids, but got " + describe(vocab));
  std::fill(std::begin(byteId), std::end(byteId), -1);
  std::vector<bool> used;
  for (const auto &[token, id] : vocab.items()) {
    if (!id.is_number_integer() || id < 0 || id >= largestVocab)
      bad("model.vocab: expected an id in [0, " + std::to_string(largestVocab) + ") for " + describe(token) + ", but got " + describe(id));
    size_t at = id.get<size_t>();
    if (at >= tokens.size()) {
      tokens.resize(at + 1);
      used.resize(at + 1);
    }
    if (used[at])
      bad("model.vocab: expected one token an id, but " + std::to_string(at) + " has " + describe(token) + " and another");
    used[at] = true;
    spelled.emplace(token, int32_t(at));
    // What is no spelling of bytes, like "<|endoftext|>" with a space in it, stands for itself.
    if (!unspellBytes(token, tokens[at]))
      tokens[at] = token;
    else if (tokens[at].size() == 1)
      byteId[uint8_t(tokens[at][0])] = int32_t(at);
  }
}

void BpeTokenizer::readMerges(const Json &model) {
  const Json &list = member(model, "merges");
  if (!list.is_array())
    bad("model.merges: expected a list, but got " + describe(list));
  if (list.size() > size_t(largestVocab))
    bad("model.merges: expected at most " + std::to_string(largestVocab) + " merges, but got " + std::to_string(list.size()));
  merges = std::make_unique<PairTable>(list.size());
  for (size_t rank = 0; rank < list.size(); ++rank) {
    std::string where = "model.merges[" + std::to_string(rank) + "]", left, right;
    const Json &entry = list[rank];
    if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
      left = entry[0].get<std::string>();
      right = entry[1].get<std::string>();
    } else if (entry.is_string()) {
      std::string text = entry.get<std::string>();
      size_t space = text.find(' ');
      if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
        left = text.substr(0, space);
        right = text.substr(space + 1);
      }
    }
    if (left.empty() || right.empty())
      bad(where + ": expected two tokens, but got " + describe(entry));
    auto lookUp = [&](const std::string &token) {
      auto found = spelled.find(token);
      if (found == spelled.end())
        bad(where + ": expected tokens of model.vocab, but " + describe(token) + " is not in it");
      return found->second;
    };
    uint32_t a = lookUp(left), b = lookUp(right), merged = lookUp(left + right);
    merges->insert(PairTable::key(a, b), uint64_t(rank) << 32 | merged);
  }
}

void BpeTokenizer::readAdded(const Json &file) {
  const Json &list = member(file, "added_tokens");
  if (!list.is_null() && !list.is_array())
    bad("added_tokens: expected a list, but got " + describe(list));
  for (size_t i = 0; i < list.size(); ++i) {
    std::string where = "added_tokens[" + std::to_string(i) + "]";
    const Json &content = member(list[i], "content"), &id = member(list[i], "id");
    if (!content.is_string() || content == "")
      bad(where + ".content: expected a text, but got " + describe(content));
    if (!id.is_number_integer() || id < 0 || id >= largestVocab)
      bad(where + ".id: expected an id in [0, " + std::to_string(largestVocab) + "), but got " + describe(id));
    for (const char *key : {"single_word", "lstrip", "rstrip"})
      if (isTrue(list[i], key))
        bad(where + "." + key + ": expected false, but got true");
    AddedToken token{content.get<std::string>(), id.get<int32_t>()};
    auto known = spelled.find(token.content);
    bool taken = size_t(token.id) < tokens.size() && !tokens[token.id].empty();
    if (known != spelled.end() ? known->second != token.id : taken)
      bad(where + ": expected an id of its own for " + describe(content) + ", but " + std::to_string(token.id) +
          " is taken or is not its id in model.vocab");
    if (size_t(token.id) >= tokens.size())
      tokens.resize(token.id + 1);
    tokens[token.id] = token.content;
    for (const char *usual : {"<|endoftext|>", "</s>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>"})
      if (end < 0 && token.content == usual)
        end = token.id;
    for (size_t at = 1; at < token.content.size(); ++at)
      cuttable &= token.content[at] != ' ';
    added.push_back(std::move(token));
  }
  std::sort(added.begin(), added.end(), [](const AddedToken &a, const AddedToken &b) {
    uint8_t x = a.content[0], y = b.content[0];
    return x != y ? x < y : a.content.size() != b.content.size() ? a.content.size() > b.content.size() : a.content < b.content;
  });
  for (int byte = 0, at = 0; byte <= 256; ++byte) {
    while (at < int(added.size()) && uint8_t(added[at].content[0]) < byte)
      ++at;
    addedFrom[byte] = at;
  }
  for (const auto &entry : spelled)
    ids.emplace(tokens[entry.second], entry.second);
}

void BpeTokenizer::readSplit(const Json &step, const std::string &where) {
  const Json &type = member(step, "type");
  if (type == "Sequence") {
    const Json &list = member(step, "pretokenizers");
    if (!list.is_array() || list.empty() || list.size() > 16)
      bad(where + ".pretokenizers: expected a list of 1 to 16 steps, but got " + describe(list));
    for (size_t i = 0; i < list.size(); ++i) {
      if (member(list[i], "type") == "Sequence")
        bad(where + ": expected no sequence in a sequence");
      readSplit(list[i], where + ".pretokenizers[" + std::to_string(i) + "]");
    }
  } else if (type == "ByteLevel") {
    if (isTrue(step, "add_prefix_space"))
      bad(where + ".add_prefix_space: expected false, but got true");
    const Json &regex = member(step, "use_regex");
    if (regex.is_null() || regex == true)
      splits.push_back(gpt2Splitter());
  } else if (type == "Digits") {
    splits.emplace_back(isTrue(step, "individual_digits") ? "\\p{N}" : "\\p{N}+", name + ": " + where);
  } else if (type == "Split") {
    const Json &regex = member(member(step, "pattern"), "Regex");
    const Json &behavior = member(step, "behavior");
    bool inverted = isTrue(step, "invert");
    if (!regex.is_string())
      bad(where + ".pattern.Regex: expected a text, but got " + describe(regex));
    if (inverted ? behavior != "Removed" && behavior != "Isolated" : behavior != "Isolated")
      bad(where + ".behavior: expected \"Isolated\", but got " + describe(behavior));
    if (regex == publishedGpt2Split) {
      splits.push_back(gpt2Splitter());
    } else {
      splits.emplace_back(regex.get<std::string>(), name + ": " + where);
      cuttable = false;
    }
  } else {
    bad(where + ".type: expected ByteLevel, Split, Digits or Sequence, but got " + describe(type));
  }
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

/// Merges the pair of lowest rank, of equals the leftmost, until none is left.
void BpeTokenizer::merge(std::string_view piece, std::vector<int32_t> &out) const {
  struct Symbol {
    int32_t id, before, after; // id -1: merged away
  };
  struct Candidate {
    uint64_t merge; // rank << 32 | id
    int32_t at;
    bool operator<(const Candidate &other) const { return merge != other.merge ? merge > other.merge : at > other.at; }
  };
  std::vector<Symbol> symbols(piece.size());
  std::priority_queue<Candidate> queue;
  auto mergeAt = [&](int32_t at) -> const uint64_t * {
    const Symbol &symbol = symbols[at];
    if (symbol.id < 0 || symbol.after < 0)
      return nullptr;
    return merges->find(PairTable::key(symbol.id, symbols[symbol.after].id));
  };
  for (size_t i = 0; i < piece.size(); ++i) {
    int32_t id = byteId[uint8_t(piece[i])];
    if (id < 0)
      bad("expected a token for every byte, but the text has byte " + std::to_string(uint8_t(piece[i])) + ", which has none");
    symbols[i] = {id, int32_t(i) - 1, i + 1 < piece.size() ? int32_t(i) + 1 : -1};
  }
  auto offer = [&](int32_t at) {
    if (const uint64_t *found = at >= 0 ? mergeAt(at) : nullptr)
      queue.push({*found, at});
  };
  for (size_t i = 0; i < piece.size(); ++i)
    offer(int32_t(i));
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    const uint64_t *now = mergeAt(best.at);
    if (!now || *now != best.merge)
      continue; // one of the two has been merged since
    Symbol &left = symbols[best.at], &right = symbols[left.after];
    left.id = int32_t(uint32_t(best.merge));
    right.id = -1;
    left.after = right.after;
    if (left.after >= 0)
      symbols[left.after].before = best.at;
    offer(left.before);
    offer(best.at);
  }
  for (int32_t at = symbols.empty() ? -1 : 0; at >= 0; at = symbols[at].after)
    out.push_back(symbols[at].id);
}

void BpeTokenizer::splitFrom(size_t step, std::string_view text, const Splitter::Piece &piece) const {
  if (step == splits.size())
    return piece(text);
  splits[step].split(text, [&](std::string_view part) { splitFrom(step + 1, part, piece); });
}

void BpeTokenizer::encodePlain(std::string_view text, std::vector<int32_t> &out, Words &words) const {
  constexpr size_t longestKept = 64;
  splitFrom(0, text, [&](std::string_view piece) {
    auto append = [&](std::vector<int32_t> &to) {
      auto whole = wholeWords ? ids.find(piece) : ids.end();
      if (whole != ids.end())
        to.push_back(whole->second);
      else
        merge(piece, to);
    };
    if (piece.size() > longestKept)
      return append(out);
    auto [entry, fresh] = words.try_emplace(piece);
    if (fresh)
      append(entry->second);
    out.insert(out.end(), entry->second.begin(), entry->second.end());
  });
}

const AddedToken *BpeTokenizer::addedAt(std::string_view text) const {
  for (int32_t i = addedFrom[uint8_t(text[0])]; i < addedFrom[uint8_t(text[0]) + 1]; ++i)
    if (text.substr(0, added[i].content.size()) == added[i].content)
      return &added[i];
  return nullptr;
}

void BpeTokenizer::encode(std::string_view text, std::vector<int32_t> &out) const {
  Words words; // its keys point into `text`
  size_t begin = 0;
  for (size_t at = 0; !added.empty() && at < text.size();) {
    const AddedToken *token = addedAt(text.substr(at));
    if (!token) {
      ++at;
      continue;
    }
    encodePlain(text.substr(begin, at - begin), out, words);
    out.push_back(token->id);
    begin = at += token->content.size();
  }
  encodePlain(text.substr(begin), out, words);
}

size_t BpeTokenizer::cut(std::string_view text, size_t at) const { return cuttable ? gpt2Cut(text, at) : text.size(); }

} // namespace

std::unique_ptr<Tokenizer> parseTokenizer(std::string_view json, const std::string &name) {
  return std::make_unique<BpeTokenizer>(json, name);
}

std::unique_ptr<Tokenizer> loadTokenizer(const std::string &path) {
  std::string text = readFile(path, largestFile);
  return parseTokenizer(text, path);
}

} // namespace tintype::rt
