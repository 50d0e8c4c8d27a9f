//===- Database.cpp - measured schedules, in SQLite -----------------------===//
#include "tools/tune/Database.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <fstream>
#include <sqlite3.h>

using llvm::Error, llvm::Expected, llvm::Twine;

namespace tintype::tune {

/// "TINT", the mark of our files.
static constexpr int kApplication = 0x54494e54, kLayout = 1;

static Error fail(const Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

Machine thisMachine(const std::string &target, int threads) {
  Machine m;
  m.target = target;
  m.threads = threads;
  m.compiler = TINTYPE_VERSION " " + schedule::templatesVersion().str();
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; m.cpu.empty() && std::getline(info, line);)
    if (llvm::StringRef(line).starts_with("model name"))
      m.cpu = llvm::StringRef(line).split(':').second.trim().str();
  if (m.cpu.empty())
    m.cpu = "unknown";
  return m;
}

std::string defaultDatabase() {
  llvm::SmallString<128> path;
  llvm::sys::path::cache_directory(path);
  llvm::sys::path::append(path, "tintype", "tune.db");
  return std::string(path);
}

namespace {
/// A prepared statement; parameters are bound in order.
class Statement {
public:
  Statement(sqlite3 *db, const char *sql) : rc(sqlite3_prepare_v2(db, sql, -1, &s, nullptr)) {}
  ~Statement() { sqlite3_finalize(s); }
  Statement(const Statement &) = delete;
  Statement &operator<<(const std::string &v) { return sqlite3_bind_text(s, ++at, v.data(), v.size(), SQLITE_TRANSIENT), *this; }
  Statement &operator<<(double v) { return sqlite3_bind_double(s, ++at, v), *this; }
  Statement &operator<<(int v) { return sqlite3_bind_int(s, ++at, v), *this; }
  Statement &operator<<(const Machine &m) { return *this << m.cpu << m.target << m.threads << m.compiler; }
  /// Whether there is a row.
  bool step() { return rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW ? (rc = SQLITE_OK, true) : false; }
  bool isDone() const { return rc == SQLITE_DONE; }
  std::string text(int i) const {
    auto *p = (const char *)sqlite3_column_text(s, i);
    return p ? std::string(p, sqlite3_column_bytes(s, i)) : std::string();
  }
  double number(int i) const { return sqlite3_column_double(s, i); }
  int integer(int i) const { return sqlite3_column_int(s, i); }

private:
  sqlite3_stmt *s = nullptr;
  int rc, at = 0;
};
} // namespace

void Database::Close::operator()(sqlite3 *db) const { sqlite3_close_v2(db); }

static constexpr int kBusy = 20000; ///< milliseconds to wait for other processes

/// Why the last call failed.
static Error unusable(sqlite3 *db, const std::string &path) {
  switch (sqlite3_errcode(db) & 0xff) {
  case SQLITE_BUSY:
    return fail(path + ": expected a database that others leave free, but one has kept it locked for " + Twine(kBusy / 1000) +
                " s\nhint: name another one with --db FILE, or try again when that one is done");
  case SQLITE_READONLY:
    return fail(path + ": expected a file that can be written, but got: " + sqlite3_errmsg(db) + "\nhint: name another one with --db FILE");
  default:
    return fail(path + ": " + sqlite3_errmsg(db));
  }
}

Error Database::execute(const char *sql) {
  if (sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK)
    return Error::success();
  return unusable(db.get(), path);
}

/// Of two that make a new file a log at once SQLite refuses one without waiting, lest they wait for each other.
Error Database::useLog() {
  constexpr int kTries = 200;
  const char *sql = "pragma journal_mode = wal; pragma synchronous = normal;";
  for (int i = 1; i < kTries && sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr) == SQLITE_BUSY; ++i)
    sqlite3_sleep(20); // milliseconds
  return execute(sql);
}

static int pragma(sqlite3 *db, const char *sql) {
  Statement s(db, sql);
  return s.step() ? s.integer(0) : -1;
}

/// The handle, open and known to be ours (or empty, where `mayBeNew`).
static Error check(sqlite3 *db, const std::string &path, bool mayBeNew) {
  sqlite3_busy_timeout(db, kBusy);
  int tables = pragma(db, "select count(*) from sqlite_master");
  if (tables < 0) {
    int code = sqlite3_errcode(db);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
      return fail(path + ": expected a database of schedules, but the file is damaged or something else");
    return unusable(db, path);
  }
  if (tables == 0 && mayBeNew)
    return Error::success();
  if (int owner = pragma(db, "pragma application_id"); owner != kApplication)
    return fail(path + ": expected a database of schedules, but it " + (tables || owner ? "belongs to another program" : "is empty"));
  if (int layout = pragma(db, "pragma user_version"); layout != kLayout)
    return fail(path + ": expected a database of layout " + Twine(kLayout) + ", but got " + Twine(layout));
  // A view or trigger is not ours and may never end.
  if (pragma(db, "select count(*) from sqlite_master where type not in ('table', 'index')") != 0)
    return fail(path + ": expected a database of schedules, but it holds views or triggers");
  Statement quick(db, "pragma quick_check(1)");
  if (!quick.step() || quick.text(0) != "ok")
    return fail(path + ": expected a whole database, but it is damaged");
  return Error::success();
}

Expected<Database> Database::open(const std::string &path) {
  const char *hint = "\nhint: name another one with --db FILE or the variable XDG_CACHE_HOME";
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (auto ec = folder.empty() ? std::error_code() : llvm::sys::fs::create_directories(folder))
    return fail(path + ": expected a file that can be written, but got: " + ec.message() + hint);
  Database d(path);
  sqlite3 *handle = nullptr;
  int rc = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  d.db.reset(handle);
  if (rc != SQLITE_OK)
    return fail(path + ": expected a file that can be written, but got: " + (handle ? sqlite3_errmsg(handle) : "no memory") + hint);
  if (Error e = check(handle, path, true))
    return std::move(e);
  if (Error e = d.useLog())
    return std::move(e);
  std::string layout = "begin immediate;"
                       "create table if not exists winner(kernel text, cpu text, target text, threads int, compiler text, dims text, "
                       "setting text, before real, after real, gain real, roof real, launches real, trials int, why text, "
                       "primary key(kernel, cpu, target, threads, compiler));"
                       "create table if not exists trial(kernel text, cpu text, target text, threads int, compiler text, dims text, "
                       "setting text, status text, message text, ratio real, seconds real, "
                       "primary key(kernel, cpu, target, threads, compiler, dims, setting));"
                       "pragma application_id = " +
                       std::to_string(kApplication) +
                       ";"
                       "pragma user_version = " +
                       std::to_string(kLayout) + "; commit;";
  if (Error e = d.execute(layout.c_str()))
    return std::move(e);
  return std::move(d);
}

Expected<Database> Database::openForReading(const std::string &path) {
  if (!llvm::sys::fs::exists(path))
    return fail(path + ": expected a database of schedules, but there is no such file");
  Database d(path);
  // A log that is not merged needs a file beside it; where that cannot be, the file alone is read.
  std::string uri = "file:";
  for (char c : path)
    uri += isalnum((unsigned char)c) || strchr("/._-", c)
               ? std::string(1, c)
               : "%" + std::string(1, "0123456789ABCDEF"[(c >> 4) & 15]) + "0123456789ABCDEF"[c & 15];
  const std::pair<const char *, int> ways[] = {
      {"", SQLITE_OPEN_READWRITE}, {"", SQLITE_OPEN_READONLY}, {"?immutable=1", SQLITE_OPEN_READONLY}};
  for (auto [query, flags] : ways) {
    sqlite3 *handle = nullptr;
    int rc = sqlite3_open_v2((uri + query).c_str(), &handle, flags | SQLITE_OPEN_URI, nullptr);
    d.db.reset(handle);
    Error e = rc == SQLITE_OK ? check(handle, path, false) : fail(path + ": " + (handle ? sqlite3_errmsg(handle) : "no memory"));
    if (!e)
      return std::move(d);
    int code = handle ? sqlite3_errcode(handle) : 0;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || *query)
      return std::move(e);
    llvm::consumeError(std::move(e));
  }
  llvm_unreachable("the last way returns");
}

static const char *kColumns = "kernel, cpu, target, threads, compiler, dims, setting, before, after, gain, roof, launches, trials, why";
static Winner rowOf(const Statement &s) {
  Winner w;
  w.kernel = s.text(0);
  w.machine = {s.text(1), s.text(2), s.text(4), s.integer(3)};
  w.dims = s.text(5);
  std::string text = s.text(6);
  auto setting = schedule::parseSetting(text);
  if (mlir::succeeded(setting) && schedule::isOffered(*setting))
    w.setting = *setting;
  else
    for (char c : llvm::StringRef(text).take_front(200))
      w.foreign += llvm::isPrint(c) ? c : '?'; // it goes to terminals
  w.before = s.number(7), w.after = s.number(8), w.gain = s.number(9), w.roof = s.number(10), w.launches = s.number(11);
  w.trials = s.integer(12);
  w.why = s.text(13);
  return w;
}

std::optional<Winner> Database::find(const std::string &kernel, const Machine &m) {
  std::string sql =
      std::string("select ") + kColumns +
      " from winner where kernel = ? and cpu = ? and target = ? and compiler = ? order by abs(threads - ?), threads desc limit 1";
  Statement s(db.get(), sql.c_str());
  s << kernel << m.cpu << m.target << m.compiler << m.threads;
  return s.step() ? std::optional(rowOf(s)) : std::nullopt;
}

Error Database::put(const Winner &w) {
  std::string sql = std::string("insert or replace into winner(") + kColumns + ") values(?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
  Statement s(db.get(), sql.c_str());
  s << w.kernel << w.machine << w.dims << schedule::printSetting(w.setting) << w.before << w.after << w.gain << w.roof << w.launches
    << w.trials << w.why;
  s.step();
  return s.isDone() ? Error::success() : unusable(db.get(), path);
}

Error Database::putTrial(const std::string &kernel, const std::string &dims, const Machine &m, const Trial &t) {
  Statement s(db.get(),
              "insert or replace into trial(kernel, cpu, target, threads, compiler, dims, setting, status, message, ratio, seconds) "
              "values(?,?,?,?,?,?,?,?,?,?,?)");
  s << kernel << m << dims << t.setting << t.status << t.message << t.ratio << t.seconds;
  s.step();
  return s.isDone() ? Error::success() : unusable(db.get(), path);
}

std::vector<Trial> Database::trials(const std::string &kernel, const std::string &dims, const Machine &m) {
  Statement s(db.get(), "select setting, status, message, ratio, seconds from trial where kernel = ? and cpu = ? and target = ? "
                        "and threads = ? and compiler = ? and dims = ? order by rowid");
  s << kernel << m << dims;
  std::vector<Trial> list;
  while (s.step())
    list.push_back({s.text(0), s.text(1), s.text(2), s.number(3), s.number(4)});
  return list;
}

Error Database::forgetTrials(const std::string &kernel, const std::string &dims, const Machine &m) {
  Statement s(db.get(), "delete from trial where kernel = ? and cpu = ? and target = ? and threads = ? and compiler = ? and dims = ?");
  s << kernel << m << dims;
  s.step();
  return s.isDone() ? Error::success() : unusable(db.get(), path);
}

std::vector<Winner> Database::all() {
  std::string sql =
      std::string("select ") + kColumns + " from winner order by cpu, target, threads, compiler, launches * before desc, kernel";
  Statement s(db.get(), sql.c_str());
  std::vector<Winner> list;
  while (s.step())
    list.push_back(rowOf(s));
  return list;
}

} // namespace tintype::tune
