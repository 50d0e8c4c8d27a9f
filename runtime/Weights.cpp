//===- Weights.cpp --------------------------------------------------------===//
#include "runtime/Weights.h"
#include "runtime/Json.h"
#include <algorithm>
#include <cmath>

namespace tintype::rt {

/// Backtracking over stars; patterns and names are short.
static bool matchFrom(const char *p, const char *s, std::vector<std::string> &stars) {
  for (; *p && *p != '*'; ++p, ++s)
    if (*p != *s)
      return false;
  if (!*p)
    return !*s;
  bool deep = p[1] == '*';
  const char *rest = p + (deep ? 2 : 1);
  for (const char *end = s;; ++end) {
    stars.emplace_back(s, end);
    if (matchFrom(rest, end, stars))
      return true;
    stars.pop_back();
    if (!*end || (!deep && *end == '.'))
      return false;
  }
}

bool matchPattern(const std::string &pattern, const std::string &name, std::vector<std::string> *stars) {
  std::vector<std::string> found;
  if (!matchFrom(pattern.c_str(), name.c_str(), found))
    return false;
  if (stars)
    *stars = std::move(found);
  return true;
}

CheckpointRules CheckpointRules::fromRecipe(const std::string &recipe) {
  CheckpointRules rules;
  auto json = parseJson(recipe);
  if (!json.is_object() || !json.contains("checkpoint") || !json["checkpoint"].is_object())
    return rules;
  const auto &section = json["checkpoint"];
  auto list = [&](const char *key) {
    std::vector<std::string> out;
    if (section.contains(key) && section[key].is_array())
      for (const auto &v : section[key])
        if (v.is_string())
          out.push_back(v.get<std::string>());
    return out;
  };
  rules.ignore = list("ignore");
  rules.fresh = list("fresh");
  auto trim = [](std::string s) {
    s.erase(0, s.find_first_not_of(' '));
    s.erase(s.find_last_not_of(' ') + 1);
    return s;
  };
  for (const std::string &r : list("rename")) {
    size_t arrow = r.find("->");
    if (arrow == std::string::npos)
      fail("checkpoint.rename: expected \"file pattern -> model pattern\", but got \"", r, "\"");
    rules.rename.emplace_back(trim(r.substr(0, arrow)), trim(r.substr(arrow + 2)));
  }
  return rules;
}

std::string CheckpointRules::renamed(const std::string &fileName) const {
  for (const auto &[from, to] : rename) {
    std::vector<std::string> stars;
    if (!matchPattern(from, fileName, &stars))
      continue;
    std::string out;
    size_t next = 0;
    for (size_t i = 0; i < to.size(); ++i) {
      if (to[i] != '*') {
        out += to[i];
        continue;
      }
      if (next < stars.size())
        out += stars[next++];
      i += i + 1 < to.size() && to[i + 1] == '*';
    }
    return out;
  }
  return fileName;
}

static bool matchesAny(const std::vector<std::string> &patterns, const std::string &name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string &p) { return matchPattern(p, name); });
}

bool CheckpointRules::ignores(const std::string &fileName) const {
  return matchesAny(ignore, fileName) || (!ignore.empty() && matchesAny(ignore, renamed(fileName)));
}
bool CheckpointRules::isFresh(const std::string &path) const { return matchesAny(fresh, path); }

namespace {
/// Collects faults so that the user sees all of them at once.
class Faults {
public:
  explicit Faults(const std::string &path) : path(path) {}
  template <typename... Ts> void add(const Ts &...parts) {
    if (++count > 8)
      return;
    std::ostringstream out;
    (out << ... << parts);
    text += (text.empty() ? "" : "\nerror: ") + out.str();
  }
  void check() const {
    if (count > 8)
      fail(text, "\nnote: and ", count - 8, " more faults in ", path);
    if (count)
      fail(text);
  }

private:
  std::string path, text;
  int count = 0;
};
} // namespace

/// Position of the first element that is not finite, or -1.
static int64_t findNonFinite(const float *values, int64_t n, Threads &threads) {
  constexpr int64_t kChunk = 1 << 18;
  std::atomic<int64_t> first{INT64_MAX};
  threads.parallelFor((n + kChunk - 1) / kChunk, [&](int64_t c) {
    for (int64_t i = c * kChunk, end = std::min(n, (c + 1) * kChunk); i < end; ++i) {
      if (std::isfinite(values[i]))
        continue;
      int64_t seen = first.load();
      while (i < seen && !first.compare_exchange_weak(seen, i)) {
      }
      return;
    }
  });
  return first == INT64_MAX ? -1 : first.load();
}

void loadWeights(ParameterStore &store, const TensorSource &source, Threads &threads, const LoadOptions &options) {
  const Manifest &m = store.manifest;
  store.populate(threads);
  CheckpointRules rules = CheckpointRules::fromRecipe(m.recipe());
  std::map<std::string, const TensorView *> byPath;
  Faults faults(source.path());
  std::map<std::string, int> wanted;
  for (int i = 0; i < m.parameters_size(); ++i)
    wanted[m.parameters(i).path()] = i;
  for (const auto &[name, tensor] : source.tensors()) {
    // A file that already uses the model's paths needs no renaming.
    std::string path = wanted.count(name) ? name : rules.renamed(name);
    if (!wanted.count(path)) {
      if (!options.allowExtra && !rules.ignores(name))
        faults.add(*tensor->file, ": ", name, ": this model has no such parameter",
                   "\nhint: `checkpoint { ignore = [..] }` in the model admits it, rename maps it");
      continue;
    }
    auto [it, isNew] = byPath.emplace(path, tensor);
    if (!isNew)
      faults.add(*tensor->file, ": ", name, ": means the parameter ", path, ", and so does ", it->second->name);
  }
  for (int i = 0; i < m.parameters_size(); ++i) {
    const Parameter &p = m.parameters(i);
    auto it = byPath.find(p.path());
    std::vector<int64_t> shape(p.shape().begin(), p.shape().end());
    if (it == byPath.end()) {
      if (rules.isFresh(p.path()))
        store.initialise(options.seed, i, threads);
      else
        faults.add(source.path(), ": ", p.path(), ": missing; expected F32, F16 or BF16 ", toString(shape));
      continue;
    }
    const TensorView &t = *it->second;
    if (t.shape != shape) {
      faults.add(*t.file, ": ", t.name, ": expected shape ", toString(shape), ", but got ", toString(t.shape),
                 "\nhint: sizes come from the file with `tintype build --config config.json`");
      continue;
    }
    if (!t.isFloat()) {
      faults.add(*t.file, ": ", t.name, ": expected F32, F16 or BF16, but got ", typeName(t.type));
      continue;
    }
    t.copyTo(store.value(i));
    int64_t bad = findNonFinite(store.value(i), store.size(i), threads);
    if (bad >= 0)
      faults.add(*t.file, ": ", t.name, ": element ", bad, " is ", store.value(i)[bad] != store.value(i)[bad] ? "NaN" : "infinite");
    store.fileNames[i] = t.name;
  }
  faults.check();
}

std::vector<TensorToWrite> parameterTensors(const ParameterStore &store, const float *values, const std::string &prefix) {
  std::vector<TensorToWrite> out;
  for (int i = 0; i < store.manifest.parameters_size(); ++i) {
    const Parameter &p = store.manifest.parameters(i);
    out.push_back({prefix + store.fileNames[i], StoredType::F32, {p.shape().begin(), p.shape().end()}, values + store.offset(i)});
  }
  return out;
}

} // namespace tintype::rt
