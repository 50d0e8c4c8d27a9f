//===- WholeFile.cpp - files that appear whole or not at all --------------===//
#include "codegen/WholeFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace llvm;
namespace fs = llvm::sys::fs;

static constexpr StringRef kMark = ".partial-";

void tintype::removeLeftovers(const Twine &twine) {
  constexpr std::chrono::hours dead{1}; // nobody writes one file for as long
  const std::string path = twine.str();
  StringRef folder = sys::path::parent_path(path);
  std::error_code ec;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, ec), end; it != end && !ec; it.increment(ec)) {
    StringRef name = sys::path::filename(it->path());
    fs::file_status status;
    if (name.consume_front(sys::path::filename(path)) && name.starts_with(kMark) && !fs::status(it->path(), status) &&
        fs::is_regular_file(status) && std::chrono::system_clock::now() - status.getLastModificationTime() > dead)
      fs::remove(it->path());
  }
}

std::error_code tintype::writeWhole(const Twine &twine, function_ref<std::error_code(StringRef partial)> fill) {
  const std::string path = twine.str();
  std::string partial;
  std::error_code ec;
  do {
    SmallString<16> own; // apart from the path, in which % stands for itself
    fs::createUniquePath("%%%%%%%%", own, /*MakeAbsolute=*/false);
    partial = path + kMark.str() + own.str().str();
    int fd;
    ec = fs::openFileForWrite(partial, fd, fs::CD_CreateNew);
    if (!ec)
      ec = sys::Process::SafelyCloseFileDescriptor(fd);
  } while (ec == std::errc::file_exists);
  if (ec)
    return ec;
  sys::RemoveFileOnSignal(partial);
  ec = fill(partial);
  if (!ec)
    ec = fs::rename(partial, path);
  if (ec)
    fs::remove(partial);
  sys::DontRemoveFileOnSignal(partial);
  return ec;
}

std::error_code tintype::writeWhole(const Twine &path, function_ref<void(raw_ostream &)> print) {
  return writeWhole(path, [&](StringRef partial) { return writeTo(partial, print); });
}

std::error_code tintype::writeTo(StringRef path, function_ref<void(raw_ostream &)> print) {
  std::error_code ec;
  raw_fd_ostream os(path, ec);
  if (ec)
    return ec;
  print(os);
  os.close();
  ec = os.error();
  os.clear_error();
  return ec;
}
