//===- cmd_explain.cpp - tintype explain ----------------------------------===//
// Goes the whole way of a build and keeps what every stage says about the
// model, then writes it as one page.
//===----------------------------------------------------------------------===//
#include "codegen/halide/Target.h"
#include "frontend/Elaborate.h"
#include "runtime/Flags.h"
#include "tools/Commands.h"
#include "tools/Pipeline.h"
#include "tools/ToolMain.h"
#include "tools/explain/Report.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"

using namespace tintype;
using namespace tintype::frontend;

namespace {
struct Options {
  BuildOptions build;
  LoadOptions load;
  std::string output, binary, dtype = "f32";
  int64_t batch = 4, context = 256;
  double seconds = 2;
  bool noMeasure = false;
};

/// A binary of our own making, gone at the end.
struct TemporaryFile {
  llvm::SmallString<128> path;
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
};
} // namespace

/// Texts of each kernel after the schedule.
static mlir::LogicalResult addCode(mlir::ModuleOp module, const BuildOptions &build, explain::Report &report) {
  auto texts = codegen::emitKernels(module, {"stmt", "asm"}, compileOptions(build));
  if (failed(texts))
    return mlir::failure();
  for (explain::Kernel &k : report.kernels) {
    auto it = texts->find(k.name);
    if (it == texts->end())
      continue;
    k.statement = explain::cleanStatement(it->second[0], k.name);
    k.nest = explain::loopNest(explain::cleanStatement(it->second[0], k.name, ~0u));
    k.hot = explain::hotLoop(it->second[1]);
  }
  return mlir::success();
}

static mlir::LogicalResult addMeasurement(mlir::ModuleOp module, const Options &o, explain::Report &report) {
  if (!o.binary.empty())
    return explain::measure(o.binary, o.seconds, report);
  BuildOptions build = o.build;
  TemporaryFile binary;
  if (auto ec = llvm::sys::fs::createTemporaryFile("tintype-explain", "", binary.path)) {
    llvm::errs() << "error: expected a temporary file, but got: " << ec.message() << "\n";
    return mlir::failure();
  }
  build.output = std::string(binary.path);
  return failed(linkModule(module, build)) ? mlir::failure() : explain::measure(build.output, o.seconds, report);
}

static int run(Options o) {
  llvm::Expected<std::string> target = codegen::resolveTarget(o.build.target);
  if (!target) {
    llvm::errs() << "error: --target: " << llvm::toString(target.takeError()) << "\n";
    return 2;
  }
  o.build.target = *target;
  if (!o.noMeasure && o.binary.empty() && failed(checkCache(o.build)))
    return 1;
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext ctx(registry);
  ctx.printOpOnDiagnostic(false);
  llvm::SourceMgr sourceMgr;
  mlir::SourceMgrDiagnosticHandler handler(sourceMgr, &ctx);
  RemarkLog log;
  if (failed(log.attach(ctx, {})))
    return 1;

  SourceManager sources;
  Diagnostics diag(sources);
  std::optional<Elaborated> model;
  if (auto program = load(o.build.input, o.load, sources, diag))
    model = elaborate(*program, sources, &ctx, diag);
  diag.print(llvm::errs());
  if (!model)
    return 1;
  explain::Report report;
  for (FileId f = 1; f <= sources.size(); ++f)
    report.sources.push_back({sources.name(f).str(), sources.text(f).str()});
  report.title = model->summary.model;
  explain::collectBlocks(*model->module, o.batch, o.context, report);

  mlir::ModuleOp module = *model->module;
  Manifest manifest;
  if (failed(lowerTo(module, Stage::graph, Stage::halide, o.build)) || failed(fillManifest(module, o.build, manifest)))
    return 1;
  const tintype::Program *main = mainProgram(manifest, o.dtype);
  if (!main && o.dtype == "bf16") {
    llvm::errs() << "error: --dtype: expected f32, since this model is not trained in bf16, but got bf16\n";
    return 2;
  }
  explain::collectPrograms(module, manifest, main, o.batch, o.context, report);
  report.remarks = log.sorted();
  explain::attachRemarks(report);
  if (failed(addCode(module, o.build, report)) || (!o.noMeasure && failed(addMeasurement(module, o, report))))
    return 1;
  return mlir::succeeded(writeText(o.output, [&](llvm::raw_ostream &os) { explain::writePage(report, os); })) ? 0 : 1;
}

void tools::addExplainCommand(CLI::App &app, int &status) {
  auto *command =
      app.add_subcommand("explain", "Writes a page that shows what became of a model: blocks, kernels, schedules, times, memory.");
  auto o = std::make_shared<Options>();
  command->add_option("MODEL", o->build.input, "the .tin file")->required()->type_name("FILE");
  command->add_option("-o,--output", o->output, "the page, one HTML file")->required()->type_name("FILE");
  addModelOptions(*command, o->load);
  command
      ->add_option("--target", o->build.target,
                   "machine to compile for: host (default), avx2, avx512, avx512-bf16, avx512-amx, or a Halide target")
      ->type_name("T");
  command->add_option("--bin", o->binary, "measure this binary of the same model instead of building one")->type_name("BIN");
  command->add_flag("--no-measure", o->noMeasure, "do not run anything");
  command->add_option("--dtype", o->dtype, "which training the page is about: f32 or bf16")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16"}));
  command->add_option("--batch", o->batch, "sequences or images in a step")->capture_default_str()->check(rt::inRange<int64_t>(1));
  command->add_option("--context", o->context, "tokens in a sequence, if the model takes them")
      ->capture_default_str()
      ->check(rt::inRange<int64_t>(1));
  command->add_option("--seconds", o->seconds, "how long to measure")->capture_default_str()->check(rt::moreThan(0.0));
  command->add_option("--cache", o->build.cacheDir, "folder of compiled kernels (default: ~/.cache/tintype)")->type_name("DIR");
  command->add_option("--db", o->build.db, "schedules that `tintype tune` measured (default: ~/.cache/tintype/tune.db)")->type_name("FILE");
  command->add_option("--jobs", o->build.jobs, "kernels compiled at once (default: one for each core)")
      ->type_name("N")
      ->check(rt::inRange(0, 1024));
  command->footer("Examples:\n"
                  "  tintype explain gpt2.tin -o gpt2.html\n"
                  "  tintype explain gpt2.tin --set layers=6 --batch 8 -o small.html\n"
                  "  tintype explain gpt2.tin --dtype bf16 --no-measure -o gpt2.html");
  command->callback([o, &status] { status = run(*o); });
}
