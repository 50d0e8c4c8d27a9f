//===- RecipeSchema.cpp - which settings a section may have ---------------===//
#include "frontend/RecipeSchema.h"

namespace tintype::frontend {

namespace {
using T = SettingType;
using Settings = std::vector<SettingSchema>;

SettingSchema setting(const char *name, T type) { return {name, type}; }
SettingSchema need(SettingSchema s) {
  s.required = true;
  return s;
}
SettingSchema choice(const char *name, std::vector<std::string> of) { return {name, T::Str, {}, std::move(of)}; }
SettingSchema call(const char *name, T type, std::vector<CallSchema> of) { return {name, type, std::move(of)}; }
SettingSchema pattern(const char *name, PatternKind kind, bool mustMatch) { return {name, T::Strs, {}, {}, kind, mustMatch}; }

//===-- Calls that several settings share ---------------------------------===//

CallSchema source(const char *name) { return {name, {need(setting("path", T::Strs)), setting("field", T::Str), setting("split", T::Str)}}; }

CallSchema optimizer(const char *name, const Settings &own) {
  Settings args = own;
  args.push_back(setting("decay", T::Num));
  args.push_back(pattern("no_decay", PatternKind::Parameters, false));
  args.push_back(pattern("on", PatternKind::Parameters, true));
  args.push_back(setting("scale", T::Num));
  return {name, args};
}

CallSchema rate(const char *name, const Settings &own) {
  Settings args = {need(setting("peak", T::Num))};
  args.insert(args.end(), own.begin(), own.end());
  args.push_back(setting("warmup", T::Int));
  return {name, args};
}

std::vector<CallSchema> images() {
  return {{"image", {setting("center", T::Value), setting("scale", T::Value), setting("size", T::Count)}}};
}

//===-- Sections ----------------------------------------------------------===//

SectionSchema task(const char *kind, const Settings &own, bool anyFunction = false) {
  Settings all = own;
  for (const char *name : {"tokenizer"})
    all.push_back(setting(name, T::Str));
  all.push_back(call("input", T::Call, images()));
  bool hasLoss = false;
  for (const SettingSchema &s : own)
    hasLoss |= s.name == "loss";
  if (!hasLoss)
    all.push_back(setting("loss", T::Function));
  return {"task", kind, false, anyFunction, all};
}

SectionSchema diffusion() {
  auto start = setting("start", T::Num), end = setting("end", T::Num), steps = setting("steps", T::Count);
  return task("diffusion", {need(setting("denoise", T::Function)),
                            need(call("schedule", T::Call,
                                      {{"linear_beta", {start, end, need(steps)}},
                                       {"scaled_linear_beta", {start, end, need(steps)}},
                                       {"cosine_beta", {need(steps)}}})),
                            need(choice("predict", {"eps", "v", "flow"})), setting("guide", T::Str), setting("null", T::Int),
                            setting("guide_drop", T::Num), setting("normalize", T::Strs)});
}

SectionSchema train() {
  auto beta1 = setting("beta1", T::Num), beta2 = setting("beta2", T::Num), eps = setting("eps", T::Num),
       momentum = setting("momentum", T::Num), floor = setting("floor", T::Num);
  return {"train",
          "",
          /*capitals=*/true,
          false,
          {call("data", T::Call,
                {source("text"), source("jsonl"), source("chat"), source("folder"), source("latents"), source("pairs"), source("episodes"),
                 source("tokens"), source("images"), source("arrays")}),
           setting("task", T::Task), setting("steps", T::Count), setting("epochs", T::Num), setting("accumulate", T::Count),
           call("optimizer", T::Calls,
                {optimizer("adamw", {beta1, beta2, eps}), optimizer("sgd", {momentum}), optimizer("lion", {beta1, beta2}),
                 optimizer("muon", {momentum}), optimizer("adafactor", {beta2, eps})}),
           call("lr", T::Call,
                {rate("constant", {}), rate("linear", {floor}), rate("cosine", {floor}), rate("wsd", {floor, setting("decay", T::Int)})}),
           setting("clip", T::Num), choice("precision", {"f32", "bf16"}), setting("ema", T::Num),
           pattern("remat", PatternKind::Blocks, true), setting("bound", T::Strs), setting("smoothing", T::Num),
           call("augment", T::Calls,
                {{"flip", {setting("chance", T::Num)}},
                 {"crop", {setting("least", T::Num)}},
                 {"mixup", {setting("alpha", T::Num)}},
                 {"cutmix", {setting("alpha", T::Num)}},
                 {"pad", {setting("pixels", T::Count)}}}),
           setting("seed", T::Int), setting("eval", T::Value)}};
}

SectionSchema adapt() {
  return {"adapt",
          "",
          false,
          false,
          {call("lora", T::Calls,
                {{"lora",
                  {need(pattern("on", PatternKind::Parameters, true)), need(setting("rank", T::Count)), setting("alpha", T::Num),
                   setting("drop", T::Num)}}}),
           pattern("freeze", PatternKind::Parameters, true)}};
}

SectionSchema serve() {
  auto steps = setting("steps", T::Count);
  auto on = pattern("on", PatternKind::Parameters, true);
  return {"serve",
          "",
          /*capitals=*/true,
          false,
          {setting("temperature", T::Num), setting("top_k", T::Int), setting("top_p", T::Num), setting("capacity", T::Count),
           setting("batch", T::Count), setting("max_tokens", T::Count),
           call("sampler", T::Call, {{"ddpm", {steps}}, {"ddim", {steps}}, {"euler", {steps}}, {"heun", {steps}}}),
           setting("guidance", T::Num), setting("execute", T::Count), setting("rate_hz", T::Num), setting("seed", T::Int),
           call("quantize", T::Calls, {{"int8", {on}}, {"int4", {on, setting("group", T::Count)}}})}};
}

SectionSchema checkpoint() {
  return {"checkpoint",
          "",
          false,
          false,
          {pattern("rename", PatternKind::Rename, true), pattern("fresh", PatternKind::Parameters, false),
           pattern("ignore", PatternKind::File, false)}};
}

const std::vector<SectionSchema> &schemas() {
  auto fn = [](const char *name) { return need(setting(name, T::Function)); };
  static const std::vector<SectionSchema> list = {task("causal_lm", {fn("logits")}),
                                                  task("seq2seq", {fn("encode"), fn("decode"), fn("loss")}),
                                                  task("masked_lm", {fn("logits"), fn("loss")}),
                                                  task("classify", {fn("logits"), setting("labels", T::Value)}),
                                                  task("embed", {fn("encode")}),
                                                  task("contrastive", {fn("loss")}, /*anyFunction=*/true),
                                                  diffusion(),
                                                  train(),
                                                  adapt(),
                                                  serve(),
                                                  checkpoint()};
  return list;
}
} // namespace

const SectionSchema *schemaFor(llvm::StringRef section, llvm::StringRef kind) {
  for (const SectionSchema &s : schemas())
    if (s.name == section && (section != "task" || s.kind == kind))
      return &s;
  return nullptr;
}

std::vector<std::string> taskKinds() {
  std::vector<std::string> kinds;
  for (const SectionSchema &s : schemas())
    if (s.name == "task")
      kinds.push_back(s.kind);
  return kinds;
}

} // namespace tintype::frontend
