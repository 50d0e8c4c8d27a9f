//===- Data.cpp - files to windows of tokens ------------------------------===//
#include "runtime/Data.h"
#include "runtime/Error.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <xxhash.h>

namespace tintype::rt {
namespace {

bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// The text between the quotes after `key` in an .npy header, or else what
/// stands there up to `stop`.
std::string_view headerField(std::string_view header, std::string_view key, char open, char close) {
  size_t at = header.find(key);
  if (at == std::string_view::npos)
    return {};
  size_t begin = header.find(open, at + key.size());
  size_t end = begin == std::string_view::npos ? begin : header.find(close, begin + 1);
  return end == std::string_view::npos ? std::string_view() : header.substr(begin + 1, end - begin - 1);
}

/// Finds the integers in an .npy file (format 1 to 3).
void readNpyHeader(DataSet::File &file) {
  std::string_view all = file.bytes();
  auto bad = [&](const std::string &what) { fail(file.path, ": ", what); };
  if (all.size() < 12 || all.substr(0, 6) != std::string_view("\x93NUMPY", 6))
    bad("expected an .npy file, but it does not begin like one");
  bool small = all[6] == 1;
  size_t start = small ? 10 : 12, length = 0;
  std::memcpy(&length, all.data() + 8, small ? 2 : 4);
  if (length > all.size() - start)
    bad("expected a header of " + std::to_string(length) + " bytes, but the file is shorter");
  std::string_view header = all.substr(start, length);
  std::string_view type = headerField(header, "'descr':", '\'', '\'');
  if (type.size() != 3 || (type[0] != '<' && type[0] != '|') || (type[1] != 'u' && type[1] != 'i') || !std::strchr("1248", type[2]))
    bad("expected little-endian integers, but got type '" + std::string(type) + "'");
  file.width = type[2] - '0';
  file.offset = start + length;
  size_t room = (all.size() - file.offset) / file.width, count = 1;
  std::string_view shape = headerField(header, "'shape':", '(', ')');
  for (size_t at = 0; at < shape.size();) {
    size_t digits = 0, value = 0;
    for (; at < shape.size() && shape[at] >= '0' && shape[at] <= '9' && digits < 19; ++at, ++digits)
      value = value * 10 + size_t(shape[at] - '0');
    if (digits && __builtin_mul_overflow(count, value, &count))
      count = ~size_t(0);
    if (!digits)
      ++at;
  }
  if (count > room)
    bad("expected shape (" + std::string(shape) + "), but the file holds only " + std::to_string(room) + " values");
  file.count = count;
}

void checkText(const DataSet::File &file) {
  std::string_view text = file.bytes();
  const void *zero = text.empty() ? nullptr : std::memchr(text.data(), 0, text.size());
  if (zero)
    fail(file.path, ": expected text, but byte ", static_cast<const char *>(zero) - text.data(), " is zero, so it is a binary file",
         "\nhint: token files end in .u16, .u32 or .npy; text is UTF-8 or another encoding without zero bytes");
}

template <typename Int> size_t firstBeyond(const char *data, size_t count, int64_t vocab) {
  constexpr size_t block = 4096;
  for (size_t at = 0; at < count; at += block) {
    size_t end = std::min(count, at + block);
    Int largest = 0;
    for (size_t i = at; i < end; ++i) {
      Int value;
      std::memcpy(&value, data + i * sizeof(Int), sizeof(Int));
      largest = std::max(largest, value);
    }
    if (uint64_t(largest) < uint64_t(vocab))
      continue;
    for (size_t i = at; i < end; ++i) {
      Int value;
      std::memcpy(&value, data + i * sizeof(Int), sizeof(Int));
      if (uint64_t(value) >= uint64_t(vocab))
        return i;
    }
  }
  return count;
}

/// A signed reading, so that a negative id is shown as one.
int64_t valueAt(const char *data, int width) {
  int64_t value = 0;
  std::memcpy(&value, data, width);
  if (width > 2 && width < 8 && value >> (width * 8 - 1))
    value -= int64_t(1) << (width * 8);
  return value;
}

template <typename Int> void widen(const char *data, size_t count, int32_t *out) {
  for (size_t i = 0; i < count; ++i) {
    Int value;
    std::memcpy(&value, data + i * sizeof(Int), sizeof(Int));
    out[i] = int32_t(value);
  }
}

uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

void Tokens::append(const char *data, size_t count, int width, std::shared_ptr<const void> owner, int64_t vocab, const std::string &path,
                    size_t offset) {
  size_t bad = width == 1   ? firstBeyond<uint8_t>(data, count, vocab)
               : width == 2 ? firstBeyond<uint16_t>(data, count, vocab)
               : width == 4 ? firstBeyond<uint32_t>(data, count, vocab)
                            : firstBeyond<uint64_t>(data, count, vocab);
  if (bad < count)
    fail(path, ": expected token ids in [0, ", vocab, "), but the one at byte ", offset + bad * width, " (token ", bad, ") is ",
         valueAt(data + bad * width, width));
  parts.push_back({data, total, count, width, std::move(owner)});
  total += count;
}

void Tokens::read(size_t begin, size_t count, int32_t *out) const {
  auto part = std::upper_bound(parts.begin(), parts.end(), begin, [](size_t at, const Part &part) { return at < part.first + part.count; });
  for (; count; ++part) {
    size_t skip = begin - part->first, now = std::min(count, part->count - skip);
    const char *data = part->data + skip * part->width;
    part->width == 1   ? widen<uint8_t>(data, now, out)
    : part->width == 2 ? widen<uint16_t>(data, now, out)
    : part->width == 4 ? widen<uint32_t>(data, now, out)
                       : widen<uint64_t>(data, now, out);
    begin += now;
    count -= now;
    out += now;
  }
}

//===----------------------------------------------------------------------===//
// DataSet
//===----------------------------------------------------------------------===//

DataSet::DataSet(const std::vector<std::string> &paths, const std::string &what) : given(paths) {
  for (const std::string &path : listFiles(paths)) {
    File file;
    file.path = path;
    file.mapped = std::make_shared<MappedFile>(path);
    size_t size = file.bytes().size();
    if (!size) {
      if (std::find(paths.begin(), paths.end(), path) != paths.end())
        fail(path, ": expected text or tokens, but the file is empty");
      continue; // in a folder it does no harm
    }
    bool is16 = endsWith(path, ".u16"), is32 = endsWith(path, ".u32");
    if (is16 || is32) {
      file.width = is16 ? 2 : 4;
      file.count = size / file.width;
      if (size % file.width)
        fail(path, ": expected a whole number of tokens of ", file.width, " bytes, but got ", size, " bytes");
    } else if (endsWith(path, ".npy")) {
      readNpyHeader(file);
    } else {
      checkText(file);
    }
    file.hash = sumFile(path).hash;
    list.push_back(std::move(file));
  }
  if (list.empty())
    fail(what, ": expected text or tokens, but every file is empty");
}

bool DataSet::hasText() const {
  return std::any_of(list.begin(), list.end(), [](const File &file) { return file.width == 0; });
}

std::vector<std::string_view> DataSet::texts() const {
  std::vector<std::string_view> texts;
  for (const File &file : list)
    if (file.width == 0)
      texts.push_back(file.bytes());
  return texts;
}

std::string DataSet::hash() const {
  std::string all;
  for (const File &file : list)
    all += file.hash + (file.width ? std::to_string(file.width) : "t");
  return hashHex(all);
}

Tokens DataSet::tokens(const Tokenizer &tokenizer, int64_t vocab, const std::string &cacheFolder, int threads) const {
  Tokens result;
  for (const File &file : list) {
    if (file.width)
      result.append(file.bytes().data() + file.offset, file.count, file.width, file.mapped, vocab, file.path, file.offset);
    else if (tokenizer.isBytes())
      result.append(file.bytes().data(), file.bytes().size(), 1, file.mapped, vocab, file.path, 0);
    else
      appendText(file, tokenizer, vocab, cacheFolder, threads, result);
  }
  return result;
}

void DataSet::appendText(const File &file, const Tokenizer &tokenizer, int64_t vocab, const std::string &cacheFolder, int threads,
                         Tokens &to) const {
  int width = tokenizer.size() <= 65536 ? 2 : 4;
  std::string kept;
  if (!cacheFolder.empty()) {
    kept = cacheFolder + "/" + file.hash + "-" + tokenizer.hash() + (width == 2 ? ".u16" : ".u32");
    std::error_code error;
    if (std::filesystem::is_regular_file(kept, error)) {
      auto mapped = std::make_shared<MappedFile>(kept);
      return to.append(mapped->bytes().data(), mapped->bytes().size() / width, width, mapped, vocab, kept, 0);
    }
  }
  constexpr size_t partBytes = 1 << 20;
  std::vector<std::string_view> parts;
  for (std::string_view text = file.bytes(); !text.empty();) {
    size_t end = text.size() > partBytes ? tokenizer.cut(text, partBytes) : text.size();
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  std::vector<std::string> packed(parts.size());
  forEachParallel(parts.size(), threads, [&](size_t i) {
    std::vector<int32_t> ids = tokenizer.encode(parts[i]);
    packed[i].resize(ids.size() * width);
    for (size_t k = 0; k < ids.size(); ++k)
      std::memcpy(&packed[i][k * width], &ids[k], width);
  });
  auto all = std::make_shared<std::string>();
  for (std::string &part : packed) {
    *all += part;
    std::string().swap(part);
  }
  to.append(all->data(), all->size() / width, width, all, vocab, file.path + " (as tokens)", 0);
  if (kept.empty())
    return;
  try {
    makeFolder(cacheFolder);
    writeTextWhole(kept, *all);
  } catch (const Error &) {
    // Only a saving of time the next time.
  }
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

uint64_t permute(uint64_t index, uint64_t count, uint64_t key) {
  // A Feistel network permutes the next power of four; indices that fall outside
  // walk on along their cycle until they are inside again.
  int half = 1;
  while (half < 32 && (uint64_t(1) << (2 * half)) < count)
    ++half;
  uint64_t mask = (uint64_t(1) << half) - 1;
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      uint64_t next = left ^ (mix(right ^ mix(key + round)) & mask);
      left = right;
      right = next;
    }
    index = left << half | right;
  } while (index >= count);
  return index;
}

Windows::Windows(const Tokens &tokens, size_t begin, size_t end, int64_t context, const std::string &what)
    : tokens(tokens), begin(begin), end(end), context(context) {
  size_t have = end - begin;
  if (have < size_t(context) + 1)
    fail(what, ": expected at least ", context + 1, " tokens (a context of ", context, " and the next one), but got ", have,
         "\nhint: more data, or a smaller --context");
  ordered = (have - 1) / size_t(context);
  shuffled = std::max<uint64_t>(1, ordered - 1);
}

void Windows::readInOrder(uint64_t index, int32_t *out) const { tokens.read(begin + index * size_t(context), size_t(context) + 1, out); }

void Windows::readShuffled(uint64_t position, uint64_t seed, int32_t *out) const {
  uint64_t epoch = position / shuffled, key = mix(mix(seed) + epoch);
  uint64_t room = end - begin - 1 - shuffled * uint64_t(context); // tokens that the windows leave over
  uint64_t start = mix(key ^ 0x77696e646f77) % (room + 1);
  uint64_t window = permute(position % shuffled, shuffled, key);
  tokens.read(begin + start + window * size_t(context), size_t(context) + 1, out);
}

size_t splitPoint(size_t total, int64_t context, double fraction) {
  size_t windows = total > size_t(context) ? (total - 1) / size_t(context) : 0;
  size_t held = std::max<size_t>(1, size_t(double(windows) * fraction));
  size_t tokens = held * size_t(context) + 1; // so that the last window is whole
  if (windows < 2 || tokens + size_t(context) + 1 > total)
    fail("expected data for at least one window of ", context + 1, " tokens each to train and to validate, but got ", total,
         " tokens in all\nhint: more data, a smaller --context, or --val 0");
  return total - tokens;
}

} // namespace tintype::rt
