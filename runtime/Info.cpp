//===- Info.cpp - the info subcommand: what this binary is ----------------===//
#include "runtime/Commands.h"
#include "runtime/Cpu.h"
#include "runtime/Memory.h"
#include <iostream>
#include <nlohmann/json.hpp>

namespace tintype::rt {

using Json = nlohmann::ordered_json;

static Json describe(const Manifest &m) {
  Json out;
  out["model"] = m.model();
  out["task"] = m.task();
  out["tokenizer"] = m.tokenizer();
  out["version"] = m.version();
  out["target"] = m.target();
  out["features"] = std::vector<std::string>(m.features().begin(), m.features().end());
  out["isa"] = instructionSet(m);
  out["machine_isa"] = instructionSet(machineFeatures());
  out["missing_features"] = missingFeatures(m);
  Json dims = Json::object(), parameters = Json::array(), programs = Json::array();
  for (const Symbol &s : m.symbols())
    if (s.name()[0] != '_') // else rows of a chunk, nothing that anybody sets
      dims[s.name()] = {{"min", s.min()}, {"max", s.max()}, {"multiple", std::max<int64_t>(s.multiple(), 1)}};
  int64_t count = 0;
  for (const Parameter &p : m.parameters()) {
    std::vector<int64_t> shape(p.shape().begin(), p.shape().end());
    count += elementCount(shape, p.path());
    parameters.push_back(
        {{"path", p.path()}, {"shape", shape}, {"dtype", typeName(p.dtype())}, {"decay", p.decay()}, {"frozen", p.frozen()}});
  }
  for (const Program &p : m.programs()) {
    Json inputs = Json::array(), outputs = Json::array();
    auto sizes = [&](const auto &dims) {
      Json list = Json::array();
      for (const Size &s : dims)
        list.push_back(toString(s, m));
      return list;
    };
    for (const Input &i : p.inputs())
      inputs.push_back(
          {{"name", i.name()}, {"role", i.role()}, {"shape", sizes(i.dims())}, {"dtype", typeName(i.dtype())}, {"bound", i.bound()}});
    for (const Output &o : p.outputs())
      outputs.push_back({{"name", o.name()}, {"shape", sizes(o.dims())}, {"dtype", typeName(o.dtype())}});
    programs.push_back({{"role", p.role()}, {"inputs", inputs}, {"outputs", outputs}, {"launches", p.launches_size()}});
  }
  out["parameter_count"] = count;
  out["dims"] = dims;
  out["kernels"] = m.kernels_size();
  out["programs"] = programs;
  out["parameters"] = parameters;
  return out;
}

static void print(const Manifest &m) {
  Json d = describe(m);
  std::cout << m.model() << ": " << m.task() << ", tokenizer " << (m.tokenizer().empty() ? "none" : m.tokenizer()) << "\n"
            << "built by tintype " << m.version() << " for " << m.target() << "\n"
            << "instructions: " << instructionSet(m) << "\n"
            << d["parameter_count"].get<int64_t>() << " parameters in " << m.parameters_size() << " tensors, " << m.kernels_size()
            << " kernels\n";
  for (const Symbol &s : m.symbols())
    if (s.name()[0] != '_')
      std::cout << "dim " << s.name() << ": " << s.min() << " to " << s.max()
                << (s.multiple() > 1 ? ", multiples of " + std::to_string(s.multiple()) : "") << "\n";
  for (const auto &p : d["programs"]) {
    auto list = [](const Json &items) {
      std::string out;
      for (const auto &i : items) {
        out += (out.empty() ? "" : ", ") + i["name"].get<std::string>() + "[";
        for (size_t k = 0; k < i["shape"].size(); ++k)
          out += (k ? ", " : "") + i["shape"][k].get<std::string>();
        out += "]";
      }
      return out;
    };
    std::cout << "program " << p["role"].get<std::string>() << "(" << list(p["inputs"]) << ") -> " << list(p["outputs"]) << "\n";
  }
  for (const Parameter &p : m.parameters())
    std::cout << "parameter " << p.path() << " " << toString(std::vector<int64_t>(p.shape().begin(), p.shape().end()))
              << (p.decay() ? " decay" : "") << (p.frozen() ? " frozen" : "") << "\n";
}

void addInfo(CLI::App &app, Context &context) {
  auto json = std::make_shared<bool>(false);
  auto *sub = app.add_subcommand("info", "print the model, its parameters, programs and bounds");
  sub->add_flag("--json", *json, "one JSON object on standard output");
  sub->callback([&context, json] {
    if (*json)
      std::cout << describe(context.manifest).dump(2) << "\n";
    else
      print(context.manifest);
    std::string better = betterInstructionSet(context.manifest), missing;
    if (!better.empty())
      std::cerr << "warning: compiled for " << instructionSet(context.manifest) << ", but this machine has " << better
                << "\nhint: `tintype build` on this machine makes a faster one\n";
    for (const std::string &f : missingFeatures(context.manifest))
      missing += (missing.empty() ? "" : ", ") + f;
    if (!missing.empty()) {
      std::cout.flush();
      fail("the kernels need ", missing, ", which this machine does not have");
    }
  });
}

} // namespace tintype::rt
