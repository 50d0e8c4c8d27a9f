//===- cmd_build.cpp - tintype build --------------------------------------===//
#include "codegen/halide/Target.h"
#include "frontend/Elaborate.h"
#include "mlir/IR/Diagnostics.h"
#include "runtime/Flags.h"
#include "tools/Commands.h"
#include "tools/CompileApart.h"
#include "tools/Pipeline.h"
#include "tools/Remarks.h"
#include "tools/StageFile.h"
#include "tools/ToolMain.h"

using namespace tintype;
using namespace tintype::frontend;

namespace {
struct Options {
  std::string from, emit = "exe", dtype = "bf16", remarks, remarksJson;
  bool timing = false;
  BuildOptions build;
  LoadOptions load;
};
} // namespace

mlir::OwningOpRef<mlir::ModuleOp> tools::elaborateFile(const std::string &file, const LoadOptions &options, mlir::MLIRContext &ctx,
                                                       mlir::TimingScope timing) {
  SourceManager sources;
  Diagnostics diag(sources);
  std::optional<Elaborated> result;
  mlir::TimingScope scope = timing.nest("parse");
  auto program = load(file, options, sources, diag);
  scope.stop();
  scope = timing.nest("elaborate");
  if (program)
    result = elaborate(*program, sources, &ctx, diag);
  diag.print(llvm::errs());
  return result ? std::move(result->module) : nullptr;
}

/// `all`, or names with commas.
static mlir::LogicalResult attachRemarks(RemarkLog &log, mlir::MLIRContext &ctx, llvm::StringRef passes) {
  std::vector<std::string> names;
  if (passes != "all")
    for (llvm::StringRef name : llvm::split(passes, ','))
      if (!name.empty())
        names.push_back(name.str());
  return log.attach(ctx, names);
}

static int run(const Options &o) {
  std::optional<Stage> from = o.from.empty() ? Stage::graph : parseStage(o.from), until = parseStage(o.emit);
  if (!from || !until || *from > Stage::halide) {
    llvm::errs() << "error: expected a stage for " << (until ? "--from" : "--emit") << ", but got " << (until ? o.from : o.emit)
                 << "\nhint: "
                 << (until ? "graph, program, kernels, halide" : "exe, graph, program, kernels, halide, stmt, asm, llvm, manifest") << "\n";
    return 2;
  }
  if (*until == Stage::exe && o.build.output.empty()) {
    llvm::errs() << "error: expected -o FILE for the executable\n";
    return 2;
  }
  llvm::Expected<std::string> target = codegen::resolveTarget(o.build.target);
  if (!target) {
    llvm::errs() << "error: --target: " << llvm::toString(target.takeError()) << "\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext ctx(registry);
  ctx.printOpOnDiagnostic(false); // thousands of lines
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler(sources, &ctx);
  mlir::DefaultTimingManager timing;
  timing.setEnabled(o.timing);
  timing.setDisplayMode(mlir::DefaultTimingManager::DisplayMode::Tree);
  mlir::TimingScope root = timing.getRootScope();

  RemarkLog log;
  BuildOptions build = o.build;
  build.target = *target;
  build.until = *until;
  build.bf16 = o.dtype == "bf16";
  build.remarks = !o.remarks.empty() || !o.remarksJson.empty();
  build.timing = o.timing ? &root : nullptr;
  if (build.remarks && failed(attachRemarks(log, ctx, o.remarks)))
    return 2;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  if (o.from.empty()) {
    module = tools::elaborateFile(o.build.input, o.load, ctx, root.nest("input"));
  } else {
    mlir::TimingScope scope = root.nest("parse");
    module = parseStageFile(o.build.input, sources, ctx);
  }
  if (!module)
    return 1;
  mlir::LogicalResult result = runPipeline(*module, *from, build);
  if (!o.remarksJson.empty() && failed(writeText(o.remarksJson, [&](llvm::raw_ostream &os) { os << log.json() << "\n"; })))
    return 1;
  if (!o.remarks.empty() && o.remarksJson != "-")
    log.print(llvm::errs());
  return mlir::succeeded(result) ? 0 : 1;
}

void tools::addBuildCommand(CLI::App &app, int &status) {
  auto *command = app.add_subcommand("build", "Compiles a model into one executable that trains and runs it.");
  auto o = std::make_shared<Options>();
  command->add_option("MODEL", o->build.input, "the .tin file, or the file of an earlier stage with --from")->required()->type_name("FILE");
  command->add_option("-o,--output", o->build.output, "what to write; text stages go to standard output without it")->type_name("FILE");
  addModelOptions(*command, o->load);
  command
      ->add_option("--target", o->build.target,
                   "machine to compile for: host (default), avx2, avx512, avx512-bf16, avx512-amx, or a Halide target")
      ->type_name("T");
  command->add_option("--dtype", o->dtype, "bf16: training in f32 and in bf16, chosen when it runs (default); f32: only f32, built sooner")
      ->type_name("D")
      ->check(CLI::IsMember({"f32", "bf16"}));
  command->add_option("--emit", o->emit, "stop at a stage: graph, program, kernels, halide, stmt, asm, llvm, manifest, exe")
      ->type_name("STAGE");
  command->add_option("--from", o->from, "go on from a file of stage graph, program, kernels or halide")->type_name("STAGE");
  command->add_option("--cache", o->build.cacheDir, "folder of compiled kernels (default: ~/.cache/tintype)")->type_name("DIR");
  command->add_option("--jobs", o->build.jobs, "kernels compiled at once (default: one for each core)")
      ->type_name("N")
      ->check(rt::inRange(0, 1024));
  command->add_option("--db", o->build.db, "schedules that `tintype tune` measured (default: ~/.cache/tintype/tune.db)")->type_name("FILE");
  command->add_flag("!--no-db", o->build.useDb, "schedules of the templates only");
  command->add_flag("--timing", o->timing, "print where the time goes");
  command->add_flag("--remarks{all}", o->remarks,
                    "say what was fused, kept, computed again, how it is scheduled and what fills the memory, and why; "
                    "--remarks=PASS,.. only of these passes");
  command->add_option("--remarks-json", o->remarksJson, "write them as JSON, - to standard output")->type_name("FILE");
  command->add_option("--save-temps", o->build.saveTemps, "keep the text of every stage in this folder")->type_name("DIR");
  command->footer("Examples:\n"
                  "  tintype build gpt2.tin -o gpt2\n"
                  "  tintype build gpt2.tin --set layers=6 --set width=384 --set heads=6 -o small\n"
                  "  tintype build gpt2.tin --target avx2 -o gpt2-avx2\n"
                  "  tintype build gpt2.tin --emit kernels | less");
  command->callback([o, &status] { status = run(*o); });

  auto *child = app.add_subcommand("compile-schedules", "Compiles the pipelines of a file for `tintype build --from halide`.");
  child->group("");
  auto c = std::make_shared<BuildOptions>();
  child->add_option("FILE", c->input)->required();
  child->add_option("--target", c->target);
  child->add_option("--cache", c->cacheDir);
  child->callback([c, &status] { status = runCompileChild(c->input, *c); });
}
