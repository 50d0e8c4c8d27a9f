//===- Data.h - files to windows of tokens --------------------------------===//
//
// Data are text files (or folders of them), or token files: .u16, .u32 (little
// endian) and .npy of any integer type. All of them one after the other are one
// sequence of tokens, cut into windows of T + 1; neighbours share one token, so
// each token is a target once:
//
//   tokens   a b c d e f g h i     T = 3
//   windows  a b c d
//                  d e f g
//
// An epoch visits all windows in an order drawn from (seed, epoch), with the
// first window at a place drawn likewise. Nothing is stored: position `n` of the
// sequence of all epochs is computed, so a run goes on from one number.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Files.h"
#include "runtime/Tokenizer.h"
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tintype::rt {

/// A sequence of token ids in mapped files or memory.
class Tokens {
public:
  size_t size() const { return total; }
  /// Copies ids [begin, begin + count).
  void read(size_t begin, size_t count, int32_t *out) const;

  /// Appends `count` little-endian integers of `width` (1, 2, 4 or 8) bytes at
  /// `data`, which `owner` keeps alive. An id not in [0, vocab) is an Error that
  /// names `path` and the place; `offset` is that of `data` in the file.
  void append(const char *data, size_t count, int width, std::shared_ptr<const void> owner, int64_t vocab, const std::string &path,
              size_t offset);

private:
  struct Part {
    const char *data;
    size_t first, count;
    int width;
    std::shared_ptr<const void> owner;
  };
  std::vector<Part> parts;
  size_t total = 0;
};

/// The files of --data or --val, opened, checked and hashed.
class DataSet {
public:
  struct File {
    std::string path, hash;
    std::shared_ptr<MappedFile> mapped;
    int width = 0;                // of a token; 0: text
    size_t offset = 0, count = 0; // where the tokens are
    std::string_view bytes() const { return mapped->bytes(); }
  };
  /// Throws an Error for what is missing, unreadable, empty, or binary where
  /// text is expected. `what` is the option the paths come from.
  DataSet(const std::vector<std::string> &paths, const std::string &what);

  const std::vector<File> &files() const { return list; }
  bool hasText() const;
  std::vector<std::string_view> texts() const;
  /// Of all names-apart content: 16 hex digits.
  std::string hash() const;

  /// Text through `tokenizer`, token files as they are. With a `cacheFolder`
  /// (may be empty) the tokens of a text are kept there for the next time.
  Tokens tokens(const Tokenizer &tokenizer, int64_t vocab, const std::string &cacheFolder, int threads) const;

private:
  void appendText(const File &file, const Tokenizer &tokenizer, int64_t vocab, const std::string &cacheFolder, int threads,
                  Tokens &to) const;
  std::vector<File> list;
  std::vector<std::string> given;
};

/// A pseudo-random permutation of [0, count) that needs no memory.
uint64_t permute(uint64_t index, uint64_t count, uint64_t key);

/// The windows of tokens [begin, end) at context `context`.
class Windows {
public:
  /// Fewer than context + 1 tokens are an Error that calls them `what`.
  Windows(const Tokens &tokens, size_t begin, size_t end, int64_t context, const std::string &what);
  /// Windows in all, one after the other.
  uint64_t inOrder() const { return ordered; }
  /// Windows of one shuffled epoch: one less, for a first place that varies.
  uint64_t perEpoch() const { return shuffled; }
  /// Copies window `index` of the plain order: context + 1 ids.
  void readInOrder(uint64_t index, int32_t *out) const;
  /// Copies the window at `position` in the sequence of shuffled epochs.
  void readShuffled(uint64_t position, uint64_t seed, int32_t *out) const;

private:
  const Tokens &tokens;
  size_t begin, end;
  int64_t context;
  uint64_t ordered, shuffled;
};

/// Where validation begins when it takes `fraction` of the windows, whole ones,
/// at the end; training ends there, and no token is in both.
size_t splitPoint(size_t total, int64_t context, double fraction);

} // namespace tintype::rt
