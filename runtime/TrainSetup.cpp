//===- TrainSetup.cpp - everything before the first step ------------------===//
#include "runtime/Error.h"
#include "runtime/Files.h"
#include "runtime/Json.h"
#include "runtime/MemoryLimit.h"
#include "runtime/Precision.h"
#include "runtime/RunTokenizer.h"
#include "runtime/TextBatch.h"
#include "runtime/Train.h"
#include "runtime/Weights.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>

namespace fs = std::filesystem;

namespace tintype::rt {
namespace {

using Json = nlohmann::json;

std::vector<std::string> absolute(std::vector<std::string> paths) {
  for (std::string &path : paths) {
    std::error_code error;
    fs::path whole = fs::absolute(path, error);
    if (!error)
      path = whole.lexically_normal().string();
  }
  return paths;
}

std::optional<double> parseFraction(const std::string &text) {
  char *end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  bool whole = !text.empty() && end == text.c_str() + text.size();
  return whole ? std::optional<double>(value) : std::nullopt;
}

std::vector<std::string> pathsIn(const Json &json) {
  std::vector<std::string> paths;
  if (json.is_array())
    for (const Json &path : json)
      if (path.is_string())
        paths.push_back(path.get<std::string>());
  return paths;
}

} // namespace

Trainer::Trainer(Context &context, TrainFlags given)
    : context(context), manifest(context.manifest), flags(std::move(given)), folder(flags.out), store(manifest, ParameterStore::TRAINING) {
  getProgram(manifest, "train_step");
  if (!flags.trace.empty())
    checkWritable(flags.trace); // before the work rather than after it
  readRun();
  settle();
  openData();
  openVal();
  loadState();
  plan();
  writeRun();
}

/// Reads RUN/run.json and decides whether this is a new run or goes on.
void Trainer::readRun() {
  std::string path = folder.file("run.json");
  std::error_code error;
  bool there = fs::exists(path, error);
  if (!flags.resume) {
    if (folder.savedStep() >= 0)
      fail(folder.path(), ": expected an empty folder, but it holds a run at step ", folder.savedStep(),
           "\nhint: --resume goes on with it; otherwise choose another --out");
    if (flags.data.empty())
      fail("expected --data for a new run, but got none");
    return;
  }
  if (!there)
    fail(folder.path(), ": expected a run to resume, but there is no run.json in it");
  run = parseJson(readFile(path, 16 << 20));
  if (!run.is_object() || !run.value("settings", Json()).is_object() || !run.value("data", Json()).is_object())
    fail(path, ": expected the settings of a run, but the file is damaged");
  if (run.value("model", Json()) != manifest.model())
    fail(path, ": expected a run of ", manifest.model(), ", but it is one of ", run.value("model", Json()).dump());
  // A run of an earlier version does not say; it was in f32.
  if (Json &dtype = run.emplace("dtype", "f32").first.value(); dtype != "f32" && dtype != "bf16")
    fail(path, ": expected \"dtype\" to be \"f32\" or \"bf16\", but got ", dtype.dump());
}

/// Recipe, then run.json, then the command line.
void Trainer::settle() {
  settings = TrainSettings::fromRecipe(manifest);
  if (std::string names = unsupportedSettings(manifest); !names.empty())
    std::cerr << "warning: the model asks for " << names << ", which training does not do yet: it goes on without\n";
  settings.seed = flags.seed.value_or(settings.seed);
  Json given = Json::object();
  auto take = [&](const char *key, const auto &flag) {
    if (flag)
      given[key] = *flag;
  };
  take("steps", flags.steps);
  take("batch", flags.batch);
  take("context", flags.context);
  take("accumulate", flags.accumulate);
  take("lr", flags.lr);
  take("lr_floor", flags.floor);
  take("beta1", flags.beta1);
  take("beta2", flags.beta2);
  take("eps", flags.eps);
  take("weight_decay", flags.weightDecay);
  take("clip", flags.clip);
  take("schedule", flags.schedule);
  take("schedule_steps", flags.scheduleSteps);
  take("warmup", flags.warmup);
  take("seed", flags.seed);
  if (flags.resume)
    settings.takeJson(run["settings"], folder.file("run.json"));
  // A rate alone is a constant one. A shape alone fits the steps of this run.
  if (flags.lr && !flags.schedule && !flags.resume) {
    given["schedule"] = "constant";
    given["warmup"] = flags.warmup.value_or(0);
  }
  int64_t steps = flags.steps.value_or(settings.steps);
  if (flags.schedule && !flags.scheduleSteps)
    given["schedule_steps"] = steps;
  if (flags.schedule && !flags.warmup)
    given["warmup"] = std::min(settings.schedule.warmup, steps / 10);
  if (flags.resume)
    for (const auto &[key, value] : given.items())
      if (key != "steps" && run["settings"].value(key, Json()) != value)
        std::cerr << "note: " << key << " is " << value << " from here on; the run began with " << run["settings"].value(key, Json())
                  << "\n";
  settings.takeJson(given, "the command line");
  std::string before = flags.resume ? run["dtype"].get<std::string>() : "";
  dtype = flags.resume && flags.dtype.empty() ? before : chooseDtype(manifest, flags.dtype);
  if (flags.resume && dtype != before)
    std::cerr << "note: dtype is " << dtype << " from here on; the run began with " << before << "\n";
  isLimitNew = !flags.memoryLimit.empty();
  if (flags.resume && !isLimitNew && run.value("memory_limit", Json()).is_string())
    flags.memoryLimit = run["memory_limit"].get<std::string>();
  if (settings.schedule.steps <= 0)
    settings.schedule.steps = settings.steps;
  settings.check();
  auto keepFlag = [&](const char *key, const std::optional<int64_t> &flag, int64_t &to) {
    if (flags.resume && run.value(key, Json()).is_number_integer())
      to = run[key].get<int64_t>();
    to = flag.value_or(to);
    if (to < 1)
      fail("expected ", key, " >= 1, but got ", to);
  };
  keepFlag("save_every", flags.saveEvery, saveEvery);
  keepFlag("keep", flags.keep, keep);
  keepFlag("eval_every", flags.evalEvery, evalEvery);
}

void Trainer::openTokenizer(const DataSet &data) {
  int64_t vocab = vocabOf(manifest, "train_step");
  if (flags.resume) {
    if (!flags.tokenizer.empty())
      fail("--tokenizer: expected none, since a resumed run keeps its own");
    tokenizer = tokenizerFor(folder.path(), "", vocab, true);
    return;
  }
  std::string choice = flags.tokenizer;
  if (choice.empty())
    choice = vocab <= 256 || manifest.tokenizer() == "bytes" || !data.hasText() ? "bytes" : "train";
  if (choice == "bytes") {
    tokenizer = byteTokenizer();
  } else if (choice == "train") {
    std::cerr << "training a tokenizer of " << vocab << " tokens\n";
    tokenizer = trainTokenizer(data.texts(), vocab, context.threads().count());
  } else {
    tokenizer = loadTokenizer(choice);
  }
  checkVocab(*tokenizer, vocab, choice);
  if (!tokenizer->isBytes())
    writeTextWhole(folder.file("tokenizer.json"), tokenizer->json());
}

void Trainer::openData() {
  Json known = flags.resume ? run["data"] : Json();
  std::vector<std::string> paths = flags.data.empty() ? pathsIn(known.value("paths", Json())) : absolute(flags.data);
  if (paths.empty())
    fail(folder.file("run.json"), ": expected the paths of the data, but there are none\nhint: --data PATH");
  DataSet data(paths, "--data");
  if (flags.resume && known.value("hash", Json()) != data.hash()) {
    std::string which = paths.front();
    for (const DataSet::File &file : data.files()) {
      bool same = false;
      for (const Json &old : known.value("files", Json::array()))
        same |= old.is_object() && old.value("xxh3", Json()) == file.hash;
      if (!same) {
        which = file.path;
        break;
      }
    }
    fail(which, ": expected the data that the run began with, but it has changed",
         "\nhint: a new run can begin with these weights: train --init ", folder.path(), " --out OTHER");
  }
  openTokenizer(data);
  run["data"] = {{"paths", paths}, {"hash", data.hash()}, {"files", Json::array()}};
  for (const DataSet::File &file : data.files())
    run["data"]["files"].push_back({{"path", file.path}, {"bytes", file.bytes().size()}, {"xxh3", file.hash}});
  run["tokenizer"] = tokenizer->hash();
  tokens = data.tokens(*tokenizer, vocabOf(manifest, "train_step"), folder.file("cache"), context.threads().count());
}

void Trainer::openVal() {
  std::string val = flags.val;
  if (val.empty() && flags.resume && run.value("val", Json()).is_string())
    val = run["val"].get<std::string>();
  size_t end = tokens.size();
  if (std::optional<double> fraction = parseFraction(val)) {
    if (!(*fraction >= 0 && *fraction < 1))
      fail("--val: expected a fraction in [0, 1) or a path, but got ", val);
    if (*fraction > 0) {
      end = splitPoint(tokens.size(), settings.context, *fraction);
      valWindows = std::make_unique<Windows>(tokens, end, tokens.size(), settings.context, "validation data");
    }
  } else if (!val.empty()) {
    val = absolute({val}).front();
    DataSet data({val}, "--val");
    valTokens = data.tokens(*tokenizer, vocabOf(manifest, "train_step"), folder.file("cache"), context.threads().count());
    valWindows = std::make_unique<Windows>(valTokens, 0, valTokens.size(), settings.context, val);
  }
  if (flags.resume && run.value("val", Json("")) != val)
    std::cerr << "note: validation data is " << val << " from here on\n";
  run["val"] = val;
  windows = std::make_unique<Windows>(tokens, 0, end, settings.context, run["data"]["paths"][0].get<std::string>());
  if (valWindows)
    expectCausal(manifest, "validate on text");
}

void Trainer::loadState() {
  Threads &threads = context.threads();
  if (flags.resume && folder.savedStep() >= 0) {
    if (!flags.init.empty())
      fail("--init: expected none, since a resumed run has its weights");
    state = folder.load(store, threads);
  } else {
    store.initialise(settings.seed, threads);
    std::string init = flags.init;
    if (init.empty() && flags.resume && run.value("init", Json()).is_string())
      init = run["init"].get<std::string>(); // killed before the first checkpoint
    if (!init.empty()) {
      init = absolute({init}).front();
      LoadOptions options;
      options.seed = settings.seed;
      loadWeights(store, TensorSource(resolveWeights(init)), threads, options);
    }
    run["init"] = init;
  }
  state.seed = settings.seed;
}

/// Of a resumed run, the micro-batches that its batch had: summed in others it gives other bytes, and how many fit a limit
/// depends on the number of threads. A limit given anew decides anew.
int64_t Trainer::partsBefore() const {
  Json before = flags.resume && !isLimitNew ? run.value("micro_batch", Json()) : Json();
  int64_t rows = before.is_number_integer() ? before.get<int64_t>() : 0;
  return rows >= 1 && settings.batch % rows == 0 ? settings.batch / rows : 1;
}

/// Plans train_step; under a memory limit with the largest micro-batch that fits.
void Trainer::plan() {
  const std::string role = roleIn(dtype, manifest, "train_step");
  const Program &program = getProgram(manifest, role);
  double limit = flags.memoryLimit.empty() ? 0 : parseSize(flags.memoryLimit);
  double fixed = double(store.total()) * 4 * sizeof(float);
  for (int64_t parts = partsBefore(); parts <= settings.batch; ++parts) {
    if (settings.batch % parts)
      continue;
    microBatch = settings.batch / parts;
    microBatches = settings.accumulate * parts;
    executor.reset();
    double need = 0;
    std::string peak;
    executor = planWithin(manifest, role, textDims(manifest, program, microBatch, settings.context), &store, context.threads(),
                          {Boundary::OWN, microBatches == 1}, limit, fixed, &need, &peak);
    if (executor) {
      if (parts > 1)
        std::cerr << "note: " << parts << " micro-batches of " << microBatch << " fit " << flags.memoryLimit << "\n";
      break;
    }
    if (microBatch == 1)
      fail("--memory-limit: expected at least ", formatBytes(need), " at batch 1, but got ", flags.memoryLimit, "\nnote: ", peak,
           isLimitNew ? "" : "\nhint: the run remembers its limit; --memory-limit SIZE gives it another, and fewer --threads need less");
  }
  optimizer = std::make_unique<Optimizer>(store, context.threads());
  ids.resize(size_t(microBatch * (settings.context + 1)));
}

void Trainer::writeRun() const {
  Json out = run;
  out["version"] = manifest.version();
  out["model"] = manifest.model();
  out["settings"] = settings.toJson();
  out["dtype"] = dtype;
  out["memory_limit"] = flags.memoryLimit;
  out["micro_batch"] = microBatch;
  out["save_every"] = saveEvery;
  out["keep"] = keep;
  out["eval_every"] = evalEvery;
  writeTextWhole(folder.file("run.json"), out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

} // namespace tintype::rt
