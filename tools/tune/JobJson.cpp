//===- JobJson.cpp - jobs and what came of them, as text ------------------===//
#include "tools/tune/Job.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
namespace json = llvm::json;

namespace tintype::tune {

static std::string text(json::Object o) {
  std::string s;
  llvm::raw_string_ostream(s) << json::Value(std::move(o));
  return s;
}
std::string toJson(const Job &j) {
  json::Object dims;
  json::Array settings;
  for (auto &[name, n] : j.dims)
    dims[name] = n;
  for (const Setting &s : j.settings)
    settings.push_back(schedule::printSetting(s));
  return text(json::Object{{"file", j.file},
                           {"target", j.target},
                           {"cache", j.cacheDir},
                           {"settings", std::move(settings)},
                           {"trusted", j.isTrusted},
                           {"dims", std::move(dims)},
                           {"threads", j.threads},
                           {"compile_only", j.compileOnly},
                           {"seconds", j.seconds},
                           {"memory", j.memoryBytes},
                           {"limit", j.limitSeconds},
                           {"fault", j.fault}});
}
std::string toJson(const Outcome &o) {
  json::Array timings;
  for (const Timing &t : o.timings)
    timings.push_back(json::Array{t.seconds, t.ratio, t.error});
  return text(json::Object{{"status", o.status}, {"message", json::fixUTF8(o.message)}, {"timings", std::move(timings)}});
}
static std::optional<json::Object> objectOf(StringRef text) {
  auto value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return {};
  }
  json::Object *o = value->getAsObject();
  return o ? std::optional(std::move(*o)) : std::nullopt;
}
/// The parser takes 1e999 for a number, which no JSON can then hold.
static double finite(std::optional<double> n, double otherwise) { return n && std::isfinite(*n) ? *n : otherwise; }

bool fromJson(StringRef text, Job &j) {
  auto o = objectOf(text);
  json::Array *settings = o ? o->getArray("settings") : nullptr;
  if (!settings)
    return false;
  for (json::Value &v : *settings) {
    auto parsed = schedule::parseSetting(v.getAsString().value_or("="));
    if (failed(parsed))
      return false;
    j.settings.push_back(*parsed);
  }
  j.file = o->getString("file").value_or("").str();
  j.target = o->getString("target").value_or("host").str();
  j.cacheDir = o->getString("cache").value_or("").str();
  j.isTrusted = o->getBoolean("trusted").value_or(false);
  j.threads = o->getInteger("threads").value_or(1);
  j.compileOnly = o->getBoolean("compile_only").value_or(false);
  j.seconds = finite(o->getNumber("seconds"), 0.3);
  j.memoryBytes = o->getInteger("memory").value_or(0);
  j.limitSeconds = finite(o->getNumber("limit"), 60);
  j.fault = o->getString("fault").value_or("").str();
  if (json::Object *dims = o->getObject("dims"))
    for (auto &[name, n] : *dims)
      j.dims[name.str()] = n.getAsInteger().value_or(64);
  return !j.file.empty() && !j.settings.empty();
}
bool fromJson(StringRef text, Outcome &out) {
  auto o = objectOf(text);
  json::Array *timings = o ? o->getArray("timings") : nullptr;
  if (!timings || !o->getString("status"))
    return false;
  out.status = o->getString("status")->str();
  out.message = o->getString("message").value_or("").str();
  for (json::Value &v : *timings) {
    json::Array *t = v.getAsArray();
    if (!t || t->size() != 3 || llvm::any_of(*t, [](json::Value &n) { return std::isnan(finite(n.getAsNumber(), NAN)); }))
      return false;
    auto number = [&](int i) { return *(*t)[i].getAsNumber(); };
    out.timings.push_back({number(0), number(1), number(2)});
  }
  return true;
}

} // namespace tintype::tune
