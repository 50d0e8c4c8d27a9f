//===- cmd_check.cpp - tintype check --------------------------------------===//
#include "frontend/Cost.h"
#include "frontend/Elaborate.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "passes/graph/Passes.h"
#include "tools/Commands.h"
#include "tools/Grouped.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace tintype;
using namespace tintype::frontend;

namespace {
/// What one token of a program costs, along a whole context of one example.
struct Cost {
  std::string program;
  double flops = 0, bytes = 0;
};
} // namespace

/// Of the programs that the binary will have; `module` goes through the passes on graphs.
static std::vector<Cost> costsOf(mlir::ModuleOp module, int64_t length) {
  std::vector<Cost> costs;
  mlir::ScopedDiagnosticHandler quiet(module.getContext(), [](mlir::Diagnostic &) { return mlir::success(); });
  mlir::PassManager pm(module.getContext());
  tintype::buildGraphPipeline(pm);
  if (failed(pm.run(module))) // an error that build tells
    return costs;
  std::map<std::string, int64_t> sizes{{"T", length}};
  for (llvm::StringRef role : {"forward", "loss", "train_step"})
    for (auto f : module.getOps<mlir::func::FuncOp>())
      if (auto a = f->getAttrOfType<mlir::StringAttr>("graph.role"); a && a.getValue() == role)
        costs.push_back({role.str(), countFlops(f, sizes) / double(length), countBytes(f, sizes) / double(length)});
  return costs;
}

static llvm::json::Object toJson(const Summary &s, const std::vector<Cost> &costs) {
  llvm::json::Array params, state, perProgram;
  for (const Summary::Param &p : s.params) {
    llvm::json::Object o{{"path", p.path}, {"shape", p.shape}, {"dtype", p.dtype}};
    if (!p.tiedTo.empty())
      o["tied_to"] = p.tiedTo;
    params.push_back(std::move(o));
  }
  for (const Cost &c : costs)
    perProgram.push_back(llvm::json::Object{{"program", c.program}, {"flops_per_token", c.flops}, {"bytes_per_token", c.bytes}});
  for (const Summary::State &t : s.state)
    state.push_back(llvm::json::Object{{"kind", t.kind}, {"name", t.name}, {"type", t.type}, {"in", t.where}});
  return llvm::json::Object{
      {"model", s.model},       {"parameters", std::move(params)}, {"parameter_count", s.paramCount},    {"tasks", s.tasks},
      {"programs", s.programs}, {"state", std::move(state)},       {"flops_per_token", s.flopsPerToken}, {"costs", std::move(perProgram)}};
}

static void print(const Summary &s, const std::vector<Cost> &costs, llvm::raw_ostream &os) {
  os << "model " << s.model << ": " << s.params.size() << " tensors, " << grouped(s.paramCount) << " parameters\n";
  for (const Summary::Param &p : s.params) {
    os << "  " << llvm::left_justify(p.path, 48) << " " << llvm::left_justify(p.spelled, 24) << " ";
    for (size_t i = 0; i < p.shape.size(); ++i)
      os << (i ? "x" : "") << p.shape[i];
    os << (p.tiedTo.empty() ? "" : "  tied") << "\n";
  }
  for (const Summary::Function &f : s.functions)
    os << "function " << f.name << f.signature << "\n";
  for (const std::string &t : s.tasks)
    os << "task " << t << "\n";
  for (const std::string &p : s.programs)
    os << "program " << p << "\n";
  if (costs.empty() && s.flopsPerToken > 0)
    os << "forward " << llvm::format("%.3g", s.flopsPerToken) << " flops per token\n";
  for (const Cost &c : costs)
    os << c.program << llvm::format(" %.3g flops and %.3g bytes per token", c.flops, c.bytes) << " before fusion, at T = " << s.length
       << "\n";
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
      llvm::outs() << llvm::json::Value(toJson(result->summary, costsOf(*result->module, result->summary.length))) << "\n";
    } else {
      print(result->summary, costsOf(*result->module, result->summary.length), llvm::outs());
    }
  });
}
