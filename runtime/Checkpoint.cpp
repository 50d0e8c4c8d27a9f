//===- Checkpoint.cpp - a run folder that is valid at every moment --------===//
#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Json.h"
#include "runtime/Weights.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <sys/file.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace tintype::rt {
namespace {

using Json = nlohmann::json;
const char *const kFiles[] = {"model.safetensors", "state.safetensors"};

/// The number in "step-N"; -1 for any other name.
int64_t stepOf(const std::string &name) {
  if (name.rfind("step-", 0) != 0 || name.size() < 6 || name.size() > 23)
    return -1;
  for (size_t i = 5; i < name.size(); ++i)
    if (name[i] < '0' || name[i] > '9')
      return -1;
  return std::stoll(name.substr(5));
}

/// All checkpoints, newest first.
std::vector<std::string> listCheckpoints(const std::string &root) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(root + "/checkpoints", error), end; !error && it != end; it.increment(error))
    if (stepOf(it->path().filename().string()) >= 0)
      names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end(), [](auto &a, auto &b) { return stepOf(a) > stepOf(b); });
  return names;
}

/// The name that the link RUN/checkpoint points to, or the newest where it leads nowhere or is none, as a copy that
/// follows links leaves it; empty when there is none.
std::string currentName(const std::string &root) {
  std::error_code error;
  std::string name = fs::read_symlink(root + "/checkpoint", error).filename().string();
  if (stepOf(name) >= 0 && fs::is_directory(root + "/checkpoints/" + name, error))
    return name;
  std::vector<std::string> names = fs::exists(root + "/run.json", error) ? listCheckpoints(root) : std::vector<std::string>();
  return names.empty() ? "" : names.front();
}

/// Replaces the link `at`, whatever it was, in one step; a folder in its place goes before.
void replaceLink(const std::string &target, const std::string &at) {
  std::string beside = at + ".partial";
  unlink(beside.c_str());
  std::error_code ignored;
  if (fs::is_directory(fs::symlink_status(at, ignored)))
    fs::remove_all(at, ignored);
  if (symlink(target.c_str(), beside.c_str()) != 0 || rename(beside.c_str(), at.c_str()) != 0) {
    int error = errno;
    unlink(beside.c_str());
    fail(at, ": cannot write: ", std::strerror(error));
  }
}

uint64_t number(const std::map<std::string, std::string> &meta, const char *key, const std::string &path) {
  auto found = meta.find(key);
  char *end = nullptr;
  errno = 0;
  uint64_t value = found == meta.end() ? 0 : std::strtoull(found->second.c_str(), &end, 10);
  if (!end || *end || end == found->second.c_str() || errno || found->second[0] == '-')
    fail(path, ": expected a number ", key, " in the metadata, but got ", found == meta.end() ? "none" : found->second.substr(0, 40));
  return value;
}

/// Reads one of the two moments into `to`, which has the store's layout.
void loadMoments(const ParameterStore &store, const SafetensorsFile &file, const std::string &prefix, float *to) {
  std::map<std::string, const TensorView *> byName;
  for (const TensorView &tensor : file.tensors())
    byName[tensor.name] = &tensor;
  for (int i = 0; i < store.manifest.parameters_size(); ++i) {
    std::string name = prefix + store.fileNames[i];
    auto found = byName.find(name);
    if (found == byName.end())
      fail(file.path(), ": ", name, ": missing");
    if (found->second->elements != store.size(i) || found->second->type != StoredType::F32)
      fail(file.path(), ": ", name, ": expected ", store.size(i), " elements of F32, but got ", found->second->elements, " of ",
           typeName(found->second->type));
    found->second->copyTo(to + store.offset(i));
  }
}

} // namespace

std::string checkpointFault(const std::string &folder) {
  std::string list = folder + "/checksums.json";
  try {
    Json sums = parseJson(readFile(list, 1 << 16));
    for (const char *name : kFiles) {
      std::string path = folder + "/" + name;
      if (!sums.is_object() || !sums.contains(name) || !sums[name].is_object())
        return list + ": expected an entry for " + name + ", but there is none";
      FileSum got = sumFile(path);
      Json bytes = sums[name].value("bytes", Json()), hash = sums[name].value("xxh3", Json());
      if (bytes != got.bytes)
        return path + ": expected " + bytes.dump() + " bytes, but got " + std::to_string(got.bytes);
      if (hash != got.hash)
        return path + ": expected checksum " + hash.dump() + ", but got \"" + got.hash + "\"";
    }
  } catch (const Error &error) {
    return error.what();
  } catch (const Json::exception &) { // not UTF-8
    return list + ": expected checksums, but got other text";
  }
  return "";
}

std::string resolveWeights(const std::string &path) {
  std::string name = currentName(path);
  if (name.empty()) {
    std::error_code error;
    if (fs::exists(path + "/run.json", error) && !fs::exists(path + "/model.safetensors", error))
      fail(path, ": expected a run with a checkpoint, but nothing was saved yet");
    return path;
  }
  std::string folder = path + "/checkpoints/" + name;
  std::string fault = checkpointFault(folder);
  if (!fault.empty())
    fail(fault, "\nhint: the checkpoint is damaged; `train --resume` falls back to an older one if there is one");
  return folder;
}

//===----------------------------------------------------------------------===//
// RunFolder
//===----------------------------------------------------------------------===//

RunFolder::RunFolder(const std::string &path) : root(path) {
  makeFolder(root);
  lock = open(file(".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0)
    fail(root, ": cannot write into the folder: ", std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    fail(root, ": another process trains in this folder\nhint: wait for it, or choose another --out");
  }
  removeLeftovers();
}

RunFolder::~RunFolder() { close(lock); }

void RunFolder::removeLeftovers() {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (const std::string &folder : {root, file("checkpoints"), file("cache")})
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".partial" || it->path().filename().string().rfind(".old-", 0) == 0)
        leftovers.push_back(it->path());
  for (const fs::path &path : leftovers)
    fs::remove_all(path, error);
}

int64_t RunFolder::savedStep() const { return stepOf(currentName(root)); }

void RunFolder::pointTo(const std::string &name) {
  replaceLink("checkpoints/" + name, file("checkpoint"));
  syncPath(root);
  std::error_code error;
  for (const char *link : kFiles)
    if (fs::read_symlink(file(link), error) != fs::path("checkpoint") / link)
      replaceLink(std::string("checkpoint/") + link, file(link));
}

void RunFolder::save(const ParameterStore &store, const RunState &state, int64_t keep) {
  std::string all = root + "/checkpoints", name = "step-" + std::to_string(state.step);
  std::string partial = all + "/." + name + ".partial", whole = all + "/" + name;
  std::error_code error;
  try {
    makeFolder(all);
    fs::remove_all(partial, error);
    makeFolder(partial);
    writeSafetensors(partial + "/model.safetensors", parameterTensors(store, store.values()), {{"format", "pt"}});
    std::vector<TensorToWrite> moments = parameterTensors(store, store.moment1(), "m.");
    for (TensorToWrite &tensor : parameterTensors(store, store.moment2(), "v."))
      moments.push_back(std::move(tensor));
    writeSafetensors(
        partial + "/state.safetensors", moments,
        {{"step", std::to_string(state.step)}, {"cursor", std::to_string(state.cursor)}, {"seed", std::to_string(state.seed)}});
    Json sums = Json::object();
    for (const char *file : kFiles) {
      FileSum sum = sumFile(partial + "/" + file);
      sums[file] = {{"bytes", sum.bytes}, {"xxh3", sum.hash}};
    }
    writeTextWhole(partial + "/checksums.json", sums.dump(1) + "\n");
    syncPath(partial);
    // One of the same step is there only if it never became current or is damaged.
    if (fs::exists(whole, error)) {
      fs::rename(whole, all + "/.old-" + name, error);
      fs::remove_all(all + "/.old-" + name, error);
    }
    if (rename(partial.c_str(), whole.c_str()) != 0)
      fail(whole, ": cannot write: ", std::strerror(errno));
    syncPath(all);
    pointTo(name);
  } catch (const Error &) {
    fs::remove_all(partial, error);
    throw;
  }
  std::vector<std::string> names = listCheckpoints(root);
  int64_t kept = 0;
  for (const std::string &other : names) {
    // What is newer than the current one is from before a fallback to it.
    if (other == name || (stepOf(other) < state.step && ++kept < std::max<int64_t>(keep, 1)))
      continue;
    // Renamed first: a half-removed folder must not look like a checkpoint.
    fs::path old = all + "/.old-" + other;
    fs::remove_all(old, error);
    fs::rename(all + "/" + other, old, error);
    fs::remove_all(old, error);
  }
}

RunState RunFolder::load(ParameterStore &store, Threads &threads) {
  std::string name = currentName(root);
  if (name.empty())
    fail(root, ": expected a run with a checkpoint, but there is none");
  std::string fault = checkpointFault(root + "/checkpoints/" + name);
  if (!fault.empty()) {
    std::string damaged = name;
    name.clear();
    for (const std::string &other : listCheckpoints(root))
      if (other != damaged && checkpointFault(root + "/checkpoints/" + other).empty()) {
        name = other;
        break;
      }
    if (name.empty())
      fail(fault, "\nnote: the checkpoint ", damaged, " is damaged and there is no other in ", root);
    std::cerr << "warning: " << fault << "\nnote: going on from the older " << name << "\n";
    pointTo(name);
    // Out of the way of what is to be kept, but there for a closer look.
    std::error_code error;
    std::string aside = root + "/checkpoints/damaged-" + damaged;
    fs::remove_all(aside, error);
    fs::rename(root + "/checkpoints/" + damaged, aside, error);
  }
  std::string folder = root + "/checkpoints/" + name, path = folder + "/state.safetensors";
  loadWeights(store, TensorSource(folder), threads);
  SafetensorsFile file(path);
  loadMoments(store, file, "m.", store.moment1());
  loadMoments(store, file, "v.", store.moment2());
  RunState state;
  state.step = int64_t(number(file.metadata(), "step", path));
  state.cursor = number(file.metadata(), "cursor", path);
  state.seed = number(file.metadata(), "seed", path);
  if (state.step != stepOf(name))
    fail(path, ": expected step ", stepOf(name), ", but got ", state.step);
  return state;
}

} // namespace tintype::rt
