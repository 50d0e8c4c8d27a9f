//===- Report.h - what the page of `tintype explain` shows ------*- C++ -*-===//
// Facts from every stage, with sizes at one set of runtime dims. Places in
// sources tie them together: a launch knows the statements it computes and the
// calls that led there.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_EXPLAIN_REPORT_H
#define TINTYPE_TOOLS_EXPLAIN_REPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "tools/Plan.h"
#include "tools/Remarks.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <set>

namespace tintype::explain {

struct Source {
  std::string name, text;
};

/// A definition of the forward function as the model has it.
struct Definition {
  std::string what;  ///< `sum over B × T × 768 by 3072`
  std::string shape; ///< `4 × 256 × 768`
  double flops = 0;
  Place place;
};

/// A block of the model and what is in it; equal neighbours are one entry.
struct Block {
  std::string name, path;
  std::vector<Definition> definitions; ///< of its own, without those of its parts
  std::vector<std::unique_ptr<Block>> parts;
  double flops = 0;       ///< with its parts
  int64_t parameters = 0; ///< elements, with its parts
  std::string shape;      ///< of what is computed last in it
  std::string last;       ///< `0 … 11`, when it stands for several
  int count = 1;
  std::string signature() const;
};

/// What one kernel took in one step, from a run of the binary.
struct Measured {
  double calls = 0, seconds = 0, gflops = 0, gbs = 0, roof = 0, share = 0;
  std::string bound;
};

/// What the hottest loop of a kernel consists of.
struct HotLoop {
  std::string text;
  int instructions = 0, fmas = 0, loads = 0, stores = 0, lanes = 0;
};

struct Kernel {
  std::string name, kind, label;
  std::string signature;           ///< `f32[B * T, 768], f32[768] → f32[B * T, 768]`
  std::string definition;          ///< its function in index notation
  std::string algorithm, schedule; ///< the halide pipeline: funcs, directives
  std::string statement, nest;     ///< lowered, and only its loops
  HotLoop hot;
  std::set<std::string> blocks; ///< of the model, that need it
  std::set<std::string> lines;  ///< anchors in the sources
  std::set<std::string> places; ///< innermost, `file:line:col`
  std::vector<Remark> remarks;
  std::optional<Measured> measured;
  double flops = 0, bytes = 0; ///< of one step of the main program
  int launches = 0;            ///< in the main program
  std::string whence;          ///< how it is scheduled
};

struct Launch {
  int kernel = 0;
  std::string label, block, grid, shape;
  double flops = 0, bytes = 0;
};

struct ProgramFacts {
  std::string role, dims, inputs, outputs;
  std::vector<Launch> launches;
  double flops = 0;
};

/// One run of the binary.
struct Run {
  double stepSeconds = 0, tokensPerSecond = 0, gflops = 0, peakGflops = 0, fraction = 0;
  double coreGflops = 0, coreGbs = 0, arenaBytes = 0, rssBytes = 0;
  int threads = 0;
  std::string dims;
  std::map<std::string, Measured> byKind;
};

struct Report {
  std::string model, task, target, version, dims, title;
  std::vector<Source> sources;
  int64_t parameters = 0;
  Block root;
  std::vector<ProgramFacts> programs;                  ///< the main one first
  std::vector<Kernel> kernels;                         ///< in the order of their first launch
  std::optional<Plan> plan;                            ///< of the main program
  std::vector<std::string> tensorLabels, tensorBlocks; ///< for each tensor of the plan
  int lossLaunch = -1;                                 ///< the end of the forward part, or -1
  std::vector<Remark> remarks;
  std::optional<Run> run;

  /// `s2-40`: the anchor of line 40 of source 2; empty for a source that is not shown.
  std::string anchor(llvm::StringRef file, unsigned line) const;
  std::string anchorOf(llvm::StringRef label) const; ///< of `file:line:col`
};

/// From the module as the frontend made it, before any pass: blocks.
void collectBlocks(mlir::ModuleOp module, int64_t batch, int64_t context, Report &report);
/// From the module at stage halide and its manifest: programs, kernels, memory; about the program `main` (or null).
void collectPrograms(mlir::ModuleOp module, const Manifest &manifest, const Program *main, int64_t batch, int64_t context, Report &report);
/// Gives each kernel the remarks about the statements it computes.
void attachRemarks(Report &report);

/// Drops the kernel's name from the names in it, what says nothing to a reader, and
/// lines past `most`: unrolled tails of large kernels repeat themselves.
std::string cleanStatement(llvm::StringRef statement, llvm::StringRef kernel, unsigned most = 250);
/// The loops of a statement, one a line, with what is stored in each.
std::string loopNest(llvm::StringRef statement);
/// The innermost loop with the most vector multiply-adds, else the most vector instructions.
HotLoop hotLoop(llvm::StringRef assembly);

/// Runs `binary` at the report's dims for about `seconds` with its profile, and files the numbers.
mlir::LogicalResult measure(const std::string &binary, double seconds, Report &report);
/// Files what `binary` said of itself, which may be anything.
mlir::LogicalResult takeProfile(llvm::StringRef json, const std::string &binary, Report &report);

/// The page.
void writePage(const Report &report, llvm::raw_ostream &os);

} // namespace tintype::explain

#endif
