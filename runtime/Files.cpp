//===- Files.cpp - reading, mapping, and writing so that nothing is lost --===//
#include "runtime/Files.h"
#include "runtime/Error.h"
#include "runtime/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

namespace fs = std::filesystem;

namespace tintype::rt {
namespace {

[[noreturn]] void failErrno(const std::string &path, const std::string &what) {
  int error = errno;
  const char *hint = error == ENOENT   ? "\nhint: check the path"
                     : error == EACCES ? "\nhint: check the permissions of the file and of the folders above it"
                     : error == ENOSPC ? "\nhint: make room on the disk"
                                       : "";
  fail(path, ": ", what, ": ", std::strerror(error), hint);
}

/// An open file that closes itself.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      close(fd);
  }
};

/// Opens a regular file for reading and gives its size.
int openRegular(const std::string &path, size_t &size) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not block
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0)
    failErrno(path, "cannot read");
  if (!S_ISREG(info.st_mode)) {
    close(fd);
    fail(path + ": expected a file, but got a " + (S_ISDIR(info.st_mode) ? "folder" : "device, pipe or socket"));
  }
  size = size_t(info.st_size);
  return fd;
}

} // namespace

std::string readFile(const std::string &path, size_t limit) {
  size_t size;
  Descriptor file(openRegular(path, size));
  if (size > limit)
    fail(path + ": expected at most " + std::to_string(limit) + " bytes, but got " + std::to_string(size));
  std::string text(size, '\0');
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(file.fd, text.data() + done, size - done);
    if (got < 0 && errno != EINTR)
      failErrno(path, "cannot read");
    if (got == 0)
      break; // it shrank meanwhile
    done += size_t(std::max<ssize_t>(got, 0));
  }
  text.resize(done);
  return text;
}

/// A signal that a page of a file does not exist any more; others end the process as ever.
static void onBusError(int, siginfo_t *info, void *) {
  const MappedFile *file = MappedFile::at(info->si_addr);
  if (!file) {
    signal(SIGBUS, SIG_DFL); // it comes again at once
    return;
  }
  for (const char *part :
       {isatty(2) ? "\nerror: " : "error: ", file->path.c_str(), ": expected the file as it was opened, but it has become shorter\n"})
    if (write(2, part, std::strlen(part)) < 0)
      break;
  _exit(1);
}

MappedFile *MappedFile::first = nullptr;

const MappedFile *MappedFile::at(const void *address) {
  const MappedFile *file = first;
  while (file && (address < file->data || address >= file->data + file->length))
    file = file->next;
  return file;
}

MappedFile::MappedFile(const std::string &path) : path(path), next(first) {
  Descriptor file(openRegular(path, length));
  if (!length)
    return; // there is no mapping of nothing
  void *mapped = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED)
    failErrno(path, "cannot map");
  data = static_cast<const char *>(mapped);
  first = this;
  struct sigaction action{};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

MappedFile::~MappedFile() {
  if (!data)
    return;
  MappedFile **link = &first;
  while (*link != this)
    link = &(*link)->next;
  *link = next;
  munmap(const_cast<char *>(data), length);
}

std::vector<std::string> listFiles(const std::vector<std::string> &paths) {
  std::vector<std::string> files;
  for (const std::string &path : paths) {
    std::error_code error;
    fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found)
      fail(path + ": expected a file or folder, but there is none\nhint: check the path");
    if (status.type() != fs::file_type::directory) {
      files.push_back(path); // what is no regular file is refused when it is opened
      continue;
    }
    std::vector<std::string> inside;
    fs::recursive_directory_iterator it(path, error), end;
    while (!error && it != end) {
      bool hidden = it->path().filename().string()[0] == '.';
      if (hidden && it->is_directory(error))
        it.disable_recursion_pending();
      else if (!hidden && it->is_regular_file(error))
        inside.push_back(it->path().string());
      it.increment(error);
    }
    if (error)
      fail(path + ": cannot list the folder: " + error.message());
    if (inside.empty())
      fail(path + ": expected a folder with files, but it has none");
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

void syncPath(const std::string &path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0 || fsync(file.fd) != 0)
    failErrno(path, "cannot sync");
}

void checkWritable(const std::string &path) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    fail(path + ": expected a file to write, but got a " + (fs::is_directory(status) ? "folder" : "device, pipe or socket"));
  std::string folder = fs::path(path).parent_path().string();
  if (access(folder.empty() ? "." : folder.c_str(), W_OK) != 0)
    failErrno(path, "cannot write");
}

void writeTextWhole(const std::string &path, std::string_view bytes) { writeFileWhole(path, {{bytes.data(), bytes.size()}}); }

void makeFolder(const std::string &path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && !fs::is_directory(path, error))
    error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    fail(path + ": cannot make the folder: " + error.message());
}

FileSum sumFile(const std::string &path) {
  size_t size;
  Descriptor file(openRegular(path, size));
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t *)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> piece(1 << 20);
  FileSum sum;
  while (ssize_t got = read(file.fd, piece.data(), piece.size())) {
    if (got < 0 && errno != EINTR)
      failErrno(path, "cannot read");
    if (got < 0)
      continue;
    XXH3_64bits_update(state.get(), piece.data(), size_t(got));
    sum.bytes += uint64_t(got);
  }
  sum.hash = hex64(XXH3_64bits_digest(state.get()));
  return sum;
}

std::string hex64(uint64_t value) {
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", (unsigned long long)value);
  return hex;
}

std::string hashHex(std::string_view bytes) { return hex64(XXH3_64bits(bytes.data(), bytes.size())); }

} // namespace tintype::rt
