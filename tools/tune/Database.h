//===- Database.h - measured schedules, in SQLite ---------------*- C++ -*-===//
// Two tables. `winner`: what a build uses, one row a kernel and machine.
// `trial`: every candidate that was tried, so that a stopped run goes on.
// Both are keyed by everything that a measurement depends on: the kernel (its
// name is a hash of its text), the CPU model, the target's features, threads,
// and the compiler with its schedule templates. A row of another compiler is
// never used. Several processes may read and write at once.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_TUNE_DATABASE_H
#define TINTYPE_TOOLS_TUNE_DATABASE_H

#include "passes/schedule/Tune.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace tintype::tune {

/// What measurements on one machine have in common.
struct Machine {
  std::string cpu, target, compiler;
  int threads = 1;
};
/// This machine and compiler with the kernels' target.
Machine thisMachine(const std::string &target, int threads);

struct Winner {
  std::string kernel, dims; ///< dims: as `B=8,T=256`
  schedule::Setting setting;
  std::string foreign;          ///< the text of a setting that this compiler does not offer; `setting` is empty then
  double before = 0, after = 0; ///< seconds of a launch
  double gain = 1;              ///< before over after, confirmed
  double roof = 0;              ///< seconds that flops or bytes take at the least
  double launches = 0;          ///< in a training step
  int trials = 0;
  std::string why; ///< what bounds it
  Machine machine; ///< where it was measured
};
struct Trial {
  std::string setting, status, message;
  double ratio = 1, seconds = 0;
};

class Database {
public:
  /// Opens or makes the file. An error for a file that is no database, is damaged
  /// or is another program's.
  static llvm::Expected<Database> open(const std::string &path);
  /// Opens a file that must exist, also on a medium that cannot be written.
  static llvm::Expected<Database> openForReading(const std::string &path);
  Database(Database &&) = default;

  /// The row for `kernel`: measured with these threads, or else the nearest number.
  std::optional<Winner> find(const std::string &kernel, const Machine &machine);
  llvm::Error put(const Winner &winner);
  llvm::Error putTrial(const std::string &kernel, const std::string &dims, const Machine &machine, const Trial &trial);
  std::vector<Trial> trials(const std::string &kernel, const std::string &dims, const Machine &machine);
  llvm::Error forgetTrials(const std::string &kernel, const std::string &dims, const Machine &machine);
  /// All rows, of every machine.
  std::vector<Winner> all();

private:
  struct Close {
    void operator()(sqlite3 *db) const;
  };
  explicit Database(std::string path) : path(std::move(path)) {}
  llvm::Error execute(const char *sql);
  llvm::Error useLog();
  std::unique_ptr<sqlite3, Close> db;
  std::string path;
};

/// `$XDG_CACHE_HOME/tintype/tune.db`, beside the compiled kernels.
std::string defaultDatabase();
/// The rows as JSON, and back; text from elsewhere is checked in every field.
std::string exportJson(const std::vector<Winner> &rows);
llvm::Expected<std::vector<Winner>> importJson(llvm::StringRef text);

} // namespace tintype::tune

#endif
