//===- Safetensors.h - reading and writing weight files ---------*- C++ -*-===//
//
// A file is: u64 length n, n bytes of JSON, data.
//
//   {"wte.weight": {"dtype": "F32", "shape": [256, 128], "data_offsets": [0, 131072]}, "__metadata__": {..}}
//
// Files come from anywhere, so nothing in the header is believed: every fault
// is an Error that names file, tensor and reason.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Error.h"
#include "runtime/Files.h"
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tintype::rt {

enum class StoredType { F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E4M3, F8_E5M2 };
const char *typeName(StoredType type);
size_t byteSize(StoredType type);

/// A tensor inside a mapped file; valid as long as the file object.
struct TensorView {
  std::string name;
  StoredType type;
  std::vector<int64_t> shape;
  const uint8_t *data;
  int64_t elements;
  const std::string *file; ///< for messages

  bool isFloat() const;   ///< F32, F16, BF16
  bool isInteger() const; ///< I64, I32, I16, I8, U8 .. and BOOL
  /// Writes the elements as f32; of a type that is no float an Error.
  void copyTo(float *out) const;
  /// Writes the elements as i64; of a type that is no integer an Error.
  void copyTo(int64_t *out) const;
};

/// One mapped file.
class SafetensorsFile {
public:
  explicit SafetensorsFile(const std::string &path);

  const std::vector<TensorView> &tensors() const { return views; } ///< in the order of their data
  const std::map<std::string, std::string> &metadata() const { return meta; }
  const std::string &path() const { return file.path; }

private:
  MappedFile file;
  std::vector<TensorView> views;
  std::map<std::string, std::string> meta;
};

/// Parses a file image in memory; the pieces of SafetensorsFile that a fuzzer drives.
void parseSafetensors(const std::string &file, const uint8_t *base, size_t size, std::vector<TensorView> &views,
                      std::map<std::string, std::string> &metadata);

/// All tensors of a file, a sharded set (its .index.json or any folder with
/// one), or a folder with model.safetensors.
class TensorSource {
public:
  explicit TensorSource(const std::string &path);
  const TensorView *find(const std::string &name) const; ///< null when there is none
  const std::map<std::string, const TensorView *> &tensors() const { return byName; }
  const std::string &path() const { return name; }

private:
  void addFile(const std::string &path);
  void addIndex(const std::string &path);
  std::string name;
  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::map<std::string, const TensorView *> byName;
};

/// A tensor to write; `data` stays the caller's.
struct TensorToWrite {
  std::string name;
  StoredType type;
  std::vector<int64_t> shape;
  const void *data;
};

/// Writes beside `path`, syncs, renames: a reader sees the old file or the new
/// one, whole. The same tensors and metadata give the same bytes.
void writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                      const std::map<std::string, std::string> &metadata = {});

/// Writes any bytes the same way.
void writeFileWhole(const std::string &path, const std::vector<std::pair<const void *, size_t>> &pieces);

} // namespace tintype::rt
