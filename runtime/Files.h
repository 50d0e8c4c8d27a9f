//===- Files.h - reading, mapping, and writing so that nothing is lost ----===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tintype::rt {

/// The whole of a regular file of at most `limit` bytes; throws Error.
std::string readFile(const std::string &path, size_t limit);

/// A file mapped for reading, for as long as it lives. Where the file becomes shorter meanwhile, who reads what is gone
/// ends the process with status 1 and a message. Made and destroyed by one thread at a time.
class MappedFile {
public:
  /// Throws Error when `path` is no readable regular file.
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  std::string_view bytes() const { return {data, length}; }
  const std::string path;
  /// The one that an address belongs to, or null.
  static const MappedFile *at(const void *address);

private:
  const char *data = nullptr;
  size_t length = 0;
  MappedFile *next; ///< in a list of all
  static MappedFile *first;
};

/// The regular files of `paths`, folders replaced by what is in them (sorted,
/// hidden files left out, links to folders not followed); throws Error for
/// what is missing.
std::vector<std::string> listFiles(const std::vector<std::string> &paths);

/// Forces a file or folder to the disk; throws Error.
void syncPath(const std::string &path);

/// Throws Error where no file can be written: without a folder that can be, or over a folder or device, which a
/// rename would replace.
void checkWritable(const std::string &path);

/// Writes `bytes` whole or not at all; throws Error, with the old content left in
/// place, when there is no room.
void writeTextWhole(const std::string &path, std::string_view bytes);

/// Makes a folder and those above it; throws Error.
void makeFolder(const std::string &path);

/// Calls `body(0) .. body(count - 1)` on up to `threads` threads; the exception
/// of the lowest index, if any, is thrown again.
template <typename Body> void forEachParallel(size_t count, int threads, const Body &body);

/// Size and XXH3 (in hex) of a regular file, read piece by piece so that it takes
/// no memory; throws Error.
struct FileSum {
  uint64_t bytes = 0;
  std::string hash;
};
FileSum sumFile(const std::string &path);

/// 16 hex digits.
std::string hex64(uint64_t value);
/// XXH3 of `bytes` in hex.
std::string hashHex(std::string_view bytes);

} // namespace tintype::rt

#include <atomic>
#include <exception>
#include <system_error>
#include <thread>

template <typename Body> void tintype::rt::forEachParallel(size_t count, int threads, const Body &body) {
  std::atomic<size_t> next{0};
  std::vector<std::exception_ptr> errors(count);
  auto work = [&] {
    for (size_t i; (i = next++) < count;) {
      try {
        body(i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < size_t(threads > 0 ? threads : 1) && i < count; ++i)
      others.emplace_back(work);
  } catch (const std::system_error &) { // fewer do it, too
  }
  work();
  for (std::thread &thread : others)
    thread.join();
  for (const std::exception_ptr &error : errors)
    if (error)
      std::rethrow_exception(error);
}
