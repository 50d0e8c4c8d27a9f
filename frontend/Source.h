//===- Source.h - source texts and places in them ---------------*- C++ -*-===//
// A `Loc` is eight bytes: a file number and a byte offset. Lines and columns
// (both from 1, columns in bytes) are worked out when somebody asks.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_SOURCE_H
#define TINTYPE_FRONTEND_SOURCE_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace tintype::frontend {

/// Numbers from 1; 0 means no file.
using FileId = uint32_t;

struct Loc {
  static constexpr uint32_t kWholeFile = ~0u;
  FileId file = 0;
  uint32_t offset = kWholeFile;

  explicit operator bool() const { return file != 0; }
  bool operator==(Loc o) const { return file == o.file && offset == o.offset; }
};

/// Holds every text that a location may point into. Names are shown in
/// messages as they were given.
class SourceManager {
public:
  FileId add(std::string name, std::string text);

  llvm::StringRef name(FileId file) const { return files[file - 1].name; }
  llvm::StringRef text(FileId file) const { return files[file - 1].text; }
  size_t size() const { return files.size(); }

  struct LineCol {
    unsigned line = 0, column = 0; ///< 0 for a whole file
  };
  LineCol lineCol(Loc loc) const;
  /// The line that holds `loc`, without its end.
  llvm::StringRef lineText(Loc loc) const;
  /// `file:line:col`, `file` for a whole file, empty for no location.
  std::string describe(Loc loc) const;

private:
  struct Entry {
    std::string name, text;
    std::vector<uint32_t> lineStarts;
  };
  std::deque<Entry> files; ///< a deque, so that StringRefs stay valid
};

} // namespace tintype::frontend

#endif
