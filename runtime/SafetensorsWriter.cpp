//===- SafetensorsWriter.cpp - files that appear whole --------------------===//
#include "runtime/Files.h"
#include "runtime/Manifest.h"
#include "runtime/Safetensors.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace tintype::rt {

/// Writes all of it or says why not.
static void writeAll(int fd, const std::string &path, const void *data, size_t size) {
  auto *at = static_cast<const uint8_t *>(data);
  while (size > 0) {
    ssize_t n = write(fd, at, std::min<size_t>(size, size_t(1) << 30));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      fail(path, ": cannot write: ", n == 0 ? "nothing was written" : strerror(errno));
    at += n;
    size -= static_cast<size_t>(n);
  }
}

void writeFileWhole(const std::string &path, const std::vector<std::pair<const void *, size_t>> &pieces) {
  checkWritable(path);
  std::string partial = path + ".partial";
  int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    fail(path, ": cannot write: ", strerror(errno));
  try {
    for (auto &[data, size] : pieces)
      writeAll(fd, path, data, size);
    if (fsync(fd) != 0)
      fail(path, ": cannot write: ", strerror(errno));
  } catch (...) {
    close(fd);
    unlink(partial.c_str());
    throw;
  }
  close(fd);
  if (rename(partial.c_str(), path.c_str()) != 0) {
    int error = errno;
    unlink(partial.c_str());
    fail(path, ": cannot write: ", strerror(error));
  }
  // The rename itself lasts only once the folder is on disk.
  std::string folder = std::filesystem::path(path).parent_path().string();
  int dir = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    fsync(dir);
    close(dir);
  }
}

void writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                      const std::map<std::string, std::string> &metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  // Widest types first keeps every tensor aligned to its element.
  std::vector<const TensorToWrite *> order;
  for (const TensorToWrite &t : tensors)
    order.push_back(&t);
  std::stable_sort(order.begin(), order.end(), [](auto *a, auto *b) { return byteSize(a->type) > byteSize(b->type); });
  uint64_t offset = 0;
  std::vector<std::pair<const void *, size_t>> pieces(2);
  for (const TensorToWrite *t : order) {
    uint64_t bytes = static_cast<uint64_t>(elementCount(t->shape, t->name)) * byteSize(t->type);
    if (header.contains(t->name))
      fail(path, ": ", t->name, ": the name comes twice");
    header[t->name] = {{"dtype", typeName(t->type)}, {"shape", t->shape}, {"data_offsets", {offset, offset + bytes}}};
    if (bytes)
      pieces.emplace_back(t->data, bytes);
    offset += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception &) {
    fail(path, ": a tensor's name is not UTF-8");
  }
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' '); // data starts at a multiple of 64
  uint64_t n = text.size();
  pieces[0] = {&n, 8};
  pieces[1] = {text.data(), text.size()};
  writeFileWhole(path, pieces);
}

} // namespace tintype::rt
