//===- cmd_check.cpp - tintype check --------------------------------------===//
#include "frontend/Elaborate.h"
#include "mlir/IR/MLIRContext.h"
#include "tools/Commands.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace tintype;
using namespace tintype::frontend;

/// `124439808` as `124,439,808`.
static std::string grouped(int64_t n) {
  std::string s = std::to_string(n);
  for (int i = int(s.size()) - 3; i > 0; i -= 3)
    s.insert(i, ",");
  return s;
}

static llvm::json::Object toJson(const Summary &s) {
  llvm::json::Array params, state;
  for (const Summary::Param &p : s.params)
    params.push_back(llvm::json::Object{{"path", p.path}, {"shape", p.shape}, {"dtype", p.dtype}});
  for (const Summary::State &t : s.state)
    state.push_back(llvm::json::Object{{"kind", t.kind}, {"name", t.name}, {"type", t.type}, {"in", t.where}});
  return llvm::json::Object{{"model", s.model},
                            {"parameters", std::move(params)},
                            {"parameter_count", s.paramCount},
                            {"tasks", s.tasks},
                            {"programs", s.programs},
                            {"state", std::move(state)},
                            {"flops_per_token", s.flopsPerToken}};
}

static void print(const Summary &s, llvm::raw_ostream &os) {
  os << "model " << s.model << ": " << s.params.size() << " tensors, " << grouped(s.paramCount) << " parameters\n";
  for (const Summary::Param &p : s.params) {
    os << "  " << llvm::left_justify(p.path, 48) << " " << llvm::left_justify(p.spelled, 24) << " ";
    for (size_t i = 0; i < p.shape.size(); ++i)
      os << (i ? "x" : "") << p.shape[i];
    os << "\n";
  }
  for (const Summary::Function &f : s.functions)
    os << "function " << f.name << f.signature << "\n";
  for (const std::string &t : s.tasks)
    os << "task " << t << "\n";
  for (const std::string &p : s.programs)
    os << "program " << p << "\n";
  if (s.flopsPerToken > 0)
    os << "forward " << llvm::format("%.3g", s.flopsPerToken) << " flops per token\n";
  for (const Summary::State &t : s.state)
    os << "state " << t.kind << " " << t.name << " " << t.type << " in " << t.where << "\n";
  if (!s.stateNote.empty())
    os << "state: " << s.stateNote << "\n";
}

void tools::addCheckCommand(CLI::App &app, int &status) {
  auto *command = app.add_subcommand("check", "Checks a model and lists its parameters and programs.");
  struct Options {
    std::string model;
    LoadOptions load;
    bool json = false, graph = false, locations = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "the .tin file")->required()->type_name("FILE");
  addModelOptions(*command, options->load);
  command->add_flag("--json", options->json, "print one JSON object");
  command->add_flag("--graph", options->graph, "print the graph IR instead");
  command->add_flag("--locations", options->locations, "with --graph, where each op comes from");
  command->footer("Examples:\n"
                  "  tintype check gpt2.tin\n"
                  "  tintype check gpt2.tin --set layers=6 --set width=384\n"
                  "  tintype check llama.tin --config checkpoint/config.json --json");
  command->callback([options, &status] {
    SourceManager sources;
    Diagnostics diag(sources);
    auto program = load(options->model, options->load, sources, diag);
    mlir::MLIRContext ctx;
    auto result = program ? elaborate(*program, sources, &ctx, diag, options->graph) : std::nullopt;
    diag.print(llvm::errs());
    if (!result) {
      status = 1;
      return;
    }
    if (options->graph) {
      mlir::OpPrintingFlags flags;
      flags.enableDebugInfo(options->locations, /*prettyForm=*/false);
      result->module->print(llvm::outs(), flags);
    } else if (options->json) {
      llvm::outs() << llvm::json::Value(toJson(result->summary)) << "\n";
    } else {
      print(result->summary, llvm::outs());
    }
  });
}
