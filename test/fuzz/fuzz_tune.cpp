//===- fuzz_tune.cpp - measurements from anywhere -------------------------===//
//
// The first byte chooses what the rest is: schedules to import, a database of
// them, a job or what came of one, or what a binary says of its speed. What is
// taken can be written and read again.
//
//===----------------------------------------------------------------------===//
#include "tools/explain/Report.h"
#include "tools/tune/Database.h"
#include "tools/tune/Job.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace tintype;
using namespace tintype::tune;

static std::string databaseFile() {
  namespace fs = std::filesystem;
  fs::path base = fs::temp_directory_path() / ("fuzz-tune-" + std::to_string(getpid()));
  fs::create_directories(base);
  return base / "tune.db";
}

static void import(llvm::StringRef text) {
  auto rows = importJson(text);
  if (!rows)
    return llvm::consumeError(rows.takeError());
  auto again = importJson(exportJson(*rows));
  if (!again || again->size() != rows->size())
    abort();
}

static void open(llvm::StringRef bytes) {
  static const std::string path = databaseFile();
  for (const char *beside : {"-wal", "-shm"})
    std::filesystem::remove(path + beside);
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  auto db = Database::openForReading(path);
  if (!db)
    return llvm::consumeError(db.takeError());
  for (const Winner &w : db->all()) {
    db->find(w.kernel, w.machine);
    db->trials(w.kernel, w.dims, w.machine);
  }
}

static void job(llvm::StringRef text) {
  Job j;
  if (Job again; fromJson(text, j) && !fromJson(toJson(j), again))
    abort();
  Outcome o;
  if (Outcome again; fromJson(text, o) && !fromJson(toJson(o), again))
    abort();
}

static void profile(llvm::StringRef text) {
  explain::Report report;
  report.kernels.resize(1);
  report.kernels[0].name = "k_1";
  report.kernels[0].launches = 1;
  (void)explain::takeProfile(text, "fuzz", report);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const kReaders[])(llvm::StringRef) = {import, open, job, profile};
  if (size > 0)
    kReaders[data[0] % 4](llvm::StringRef(reinterpret_cast<const char *>(data) + 1, size - 1));
  return 0;
}
