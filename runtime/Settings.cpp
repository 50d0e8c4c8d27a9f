//===- Settings.cpp - what a training run is told to do -------------------===//
#include "runtime/Settings.h"
#include "runtime/Json.h"
#include <cmath>
#include <limits>

namespace tintype::rt {
namespace {

using Json = nlohmann::json;

Json callToJson(const std::string &args) {
  Json json = parseJson(args);
  return json.is_object() ? json : Json::object();
}

/// Reads a call in any of the forms that a recipe's JSON may give it:
/// 6e-4, "adamw", {"call": "cosine", "args": {..}}, {"name": "cosine", "peak": ..}, {"cosine": {..}}.
RecipeCall readCall(const Json &value, const char *bareNumber) {
  if (value.is_number())
    return {"constant", Json{{bareNumber, value}}.dump()};
  if (value.is_string())
    return {value.get<std::string>(), "{}"};
  if (value.is_array() && value.size() == 1)
    return readCall(value[0], bareNumber);
  if (!value.is_object())
    return {};
  for (const char *key : {"call", "fn", "name", "kind"}) {
    if (!value.contains(key) || !value[key].is_string())
      continue;
    Json args = value.contains("args") ? value["args"] : value;
    return {value[key].get<std::string>(), args.dump()};
  }
  if (value.size() == 1 && value.begin()->is_object())
    return {value.begin().key(), value.begin()->dump()};
  return {};
}

template <typename T> void take(const Json &json, const char *key, T &to, const std::string &where) {
  if (!json.contains(key))
    return;
  const Json &value = json[key];
  if constexpr (std::is_integral_v<T>) {
    // Exact for all of 64 bits, signed or not; a recipe may write 1e3 for a count.
    long double number = value.is_number() ? value.get<long double>() : NAN;
    if (std::floor(number) != number)
      fail(where, ": expected a whole number for ", key, ", but got ", value.dump());
    using Limits = std::numeric_limits<T>;
    if (!(number >= Limits::min() && number <= Limits::max()))
      fail(where, ": expected ", key, " in [", Limits::min(), ", ", Limits::max(), "], but got ", value.dump());
    to = static_cast<T>(number);
  } else {
    if (!value.is_number())
      fail(where, ": expected a number for ", key, ", but got ", value.dump());
    to = value.get<T>();
  }
}

} // namespace

double RecipeCall::number(const char *key, double otherwise) const {
  Json json = callToJson(args);
  return json.contains(key) && json[key].is_number() ? json[key].get<double>() : otherwise;
}

Json recipeSection(const Manifest &manifest, const std::string &name) {
  Json recipe = parseJson(manifest.recipe());
  return recipe.is_object() && recipe.contains(name) && recipe[name].is_object() ? recipe[name] : Json::object();
}

TrainSettings TrainSettings::fromRecipe(const Manifest &manifest) {
  TrainSettings s;
  // Without a word in the recipe: the longest context there is, up to a size that trains anywhere.
  for (const Symbol &symbol : manifest.symbols()) {
    if (symbol.name() == "T")
      s.context = symbol.max() > 0 ? std::min<int64_t>(symbol.max(), 1024) : 256;
    if (symbol.name() == "B" && symbol.max() > 0)
      s.batch = std::min(s.batch, symbol.max());
  }
  Json train = recipeSection(manifest, "train");
  const std::string where = "the model's train section";
  take(train, "B", s.batch, where);
  take(train, "T", s.context, where);
  take(train, "accumulate", s.accumulate, where);
  take(train, "steps", s.steps, where);
  // The recipe may name sizes of the published model, larger than what this binary was built for.
  for (const Symbol &symbol : manifest.symbols()) {
    int64_t *value = symbol.name() == "T" ? &s.context : symbol.name() == "B" ? &s.batch : nullptr;
    if (value && symbol.max() > 0)
      *value = std::min(*value, symbol.max());
  }
  take(train, "seed", s.seed, where);
  take(train, "clip", s.optimizer.clip, where);
  s.schedule.steps = train.contains("steps") ? s.steps : 0;
  if (train.contains("lr")) {
    RecipeCall call = readCall(train["lr"], "peak");
    s.schedule.kind = Schedule::kindOf(call.name);
    s.schedule.peak = call.number("peak", call.number("value", s.schedule.peak));
    s.schedule.floor = call.number("floor", 0);
    s.schedule.warmup = int64_t(call.number("warmup", 0));
    s.schedule.decay = int64_t(call.number("decay", 0));
  }
  if (train.contains("optimizer")) {
    RecipeCall call = readCall(train["optimizer"], "lr");
    if (call.name != "adamw")
      fail(where, ": expected optimizer adamw, but got ", call.name.empty() ? train["optimizer"].dump() : call.name);
    s.optimizer.beta1 = call.number("beta1", s.optimizer.beta1);
    s.optimizer.beta2 = call.number("beta2", s.optimizer.beta2);
    s.optimizer.eps = call.number("eps", s.optimizer.eps);
    s.optimizer.weightDecay = call.number("decay", s.optimizer.weightDecay);
  }
  return s;
}

std::string unsupportedSettings(const Manifest &manifest) {
  std::string names;
  auto add = [&](const char *section, const std::string &key) { names += (names.empty() ? "" : ", ") + (section + ("." + key)); };
  const Json train = recipeSection(manifest, "train"), adapt = recipeSection(manifest, "adapt");
  for (const char *key : {"augment", "ema", "epochs", "eval", "smoothing"})
    if (train.contains(key))
      add("train", key);
  for (const auto &[key, value] : adapt.items())
    add("adapt", key);
  return names;
}

Json TrainSettings::toJson() const {
  return {{"batch", batch},
          {"context", context},
          {"accumulate", accumulate},
          {"steps", steps},
          {"seed", seed},
          {"schedule", Schedule::name(schedule.kind)},
          {"lr", schedule.peak},
          {"lr_floor", schedule.floor},
          {"warmup", schedule.warmup},
          {"schedule_steps", schedule.steps},
          {"lr_decay", schedule.decay},
          {"beta1", optimizer.beta1},
          {"beta2", optimizer.beta2},
          {"eps", optimizer.eps},
          {"weight_decay", optimizer.weightDecay},
          {"clip", optimizer.clip}};
}

void TrainSettings::takeJson(const Json &json, const std::string &where) {
  if (!json.is_object())
    fail(where, ": expected an object of settings, but got ", json.type_name());
  take(json, "batch", batch, where);
  take(json, "context", context, where);
  take(json, "accumulate", accumulate, where);
  take(json, "steps", steps, where);
  take(json, "seed", seed, where);
  take(json, "lr", schedule.peak, where);
  take(json, "lr_floor", schedule.floor, where);
  take(json, "warmup", schedule.warmup, where);
  take(json, "schedule_steps", schedule.steps, where);
  take(json, "lr_decay", schedule.decay, where);
  take(json, "beta1", optimizer.beta1, where);
  take(json, "beta2", optimizer.beta2, where);
  take(json, "eps", optimizer.eps, where);
  take(json, "weight_decay", optimizer.weightDecay, where);
  take(json, "clip", optimizer.clip, where);
  if (json.contains("schedule") && json["schedule"].is_string())
    schedule.kind = Schedule::kindOf(json["schedule"].get<std::string>());
}

void TrainSettings::check() const {
  auto atLeast = [](const char *what, int64_t value, int64_t least) {
    if (value < least)
      fail("expected ", what, " >= ", least, ", but got ", value);
  };
  auto inRange = [](const char *what, double value, double low, double high) {
    if (!(value >= low && value < high))
      fail("expected ", what, " in [", low, ", ", high, "), but got ", value);
  };
  atLeast("batch", batch, 1);
  atLeast("context", context, 1);
  atLeast("accumulate", accumulate, 1);
  atLeast("steps", steps, 1);
  atLeast("warmup", schedule.warmup, 0);
  if (batch > (int64_t(1) << 31) / context || accumulate > (int64_t(1) << 31))
    fail("expected batch x context below 2^31, but got ", batch, " x ", context);
  inRange("the learning rate", schedule.peak, 0, 1e6);
  inRange("the floor of the learning rate", schedule.floor, 0, 1e6);
  inRange("beta1", optimizer.beta1, 0, 1);
  inRange("beta2", optimizer.beta2, 0, 1);
  inRange("eps", optimizer.eps, 0, 1);
  inRange("the weight decay", optimizer.weightDecay, 0, 1e6);
  inRange("clip", optimizer.clip, 0, 1e30);
}

} // namespace tintype::rt
