//===- DatabaseJson.cpp - measured schedules as text ----------------------===//
#include "runtime/Depth.h"
#include "tools/tune/Database.h"
#include "llvm/Support/JSON.h"
#include <cmath>

using llvm::Error, llvm::Expected, llvm::StringRef, llvm::Twine;
namespace json = llvm::json;

namespace tintype::tune {

std::string exportJson(const std::vector<Winner> &rows) {
  json::Array list;
  for (const Winner &w : rows)
    if (w.foreign.empty())
      list.push_back(json::Object{{"kernel", w.kernel},
                                  {"cpu", json::fixUTF8(w.machine.cpu)},
                                  {"target", w.machine.target},
                                  {"threads", w.machine.threads},
                                  {"compiler", w.machine.compiler},
                                  {"dims", w.dims},
                                  {"setting", schedule::printSetting(w.setting)},
                                  {"before", w.before},
                                  {"after", w.after},
                                  {"gain", w.gain},
                                  {"roof", w.roof},
                                  {"launches", w.launches},
                                  {"trials", w.trials},
                                  {"why", json::fixUTF8(w.why)}});
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", json::Value(json::Object{{"format", "tintype schedules 1"},
                                                                                    {"schedules", std::move(list)}}))
                                 << "\n";
  return text;
}

/// Text that may go to a terminal and into a key.
static bool isPlain(StringRef s, size_t most) {
  return s.size() <= most && llvm::all_of(s, [](unsigned char c) { return c >= 32 && c < 127; });
}

Expected<std::vector<Winner>> importJson(StringRef text) {
  auto fail = [](const Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); };
  if (text.size() > size_t(64) << 20)
    return fail("expected at most 64 MB of schedules");
  if (tooDeep(text))
    return fail("expected schedules as `tintype tune --export` writes them, but got text with too many open brackets");
  auto value = json::parse(text);
  if (!value)
    return fail("expected JSON, but got: " + llvm::toString(value.takeError()));
  json::Object *top = value->getAsObject();
  if (!top || top->getString("format") != StringRef("tintype schedules 1"))
    return fail("expected \"format\": \"tintype schedules 1\", as `tintype tune --export` writes it");
  json::Array *list = top->getArray("schedules");
  if (!list)
    return fail("expected a list \"schedules\"");
  std::vector<Winner> rows;
  for (auto [i, v] : llvm::enumerate(*list)) {
    std::string at = "schedule " + std::to_string(i) + ": ";
    json::Object *o = v.getAsObject();
    if (!o)
      return fail(at + "expected an object");
    Winner w;
    std::string setting;
    for (auto [name, field, most] : {std::tuple<const char *, std::string *, size_t>{"kernel", &w.kernel, 64},
                                     {"cpu", &w.machine.cpu, 200},
                                     {"target", &w.machine.target, 1000},
                                     {"compiler", &w.machine.compiler, 100},
                                     {"dims", &w.dims, 200},
                                     {"setting", &setting, 1000},
                                     {"why", &w.why, 400}}) {
      auto s = o->getString(name);
      if (!s || !isPlain(*s, most))
        return fail(at + "expected \"" + name + "\" to be plain text of at most " + Twine(most) + " characters");
      *field = s->str();
    }
    if (!StringRef(w.kernel).starts_with("k_") || !llvm::all_of(StringRef(w.kernel).drop_front(2), llvm::isHexDigit))
      return fail(at + "expected \"kernel\" to be the name of a kernel, but got " + w.kernel);
    auto parsed = schedule::parseSetting(setting);
    if (mlir::failed(parsed) || !schedule::isOffered(*parsed))
      return fail(at + "expected \"setting\" to hold parameters with values that tuning offers, but got " + setting);
    w.setting = *parsed;
    for (auto [name, field] : {std::pair<const char *, double *>{"before", &w.before},
                               {"after", &w.after},
                               {"gain", &w.gain},
                               {"roof", &w.roof},
                               {"launches", &w.launches}}) {
      auto n = o->getNumber(name);
      if (!n || !std::isfinite(*n) || *n < 0 || *n > 1e12)
        return fail(at + "expected \"" + name + "\" to be a number that is not negative");
      *field = *n;
    }
    auto threads = o->getInteger("threads"), trials = o->getInteger("trials");
    if (!threads || *threads < 1 || *threads > 4096 || !trials || *trials < 0 || *trials > 1 << 30)
      return fail(at + "expected \"threads\" in [1, 4096] and \"trials\" not negative");
    w.machine.threads = *threads;
    w.trials = *trials;
    rows.push_back(w);
  }
  return rows;
}

} // namespace tintype::tune
