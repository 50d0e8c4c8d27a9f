//===- Remarks.cpp - what schedule a kernel has, and whence ---------------===//
// `scheduled: contraction by template, tile 8 x 48, blocks 1152 x 192; 5 funcs, 27 directives`
// Test: test/passes/schedule/remarks.mlir
//===----------------------------------------------------------------------===//
#include "mlir/IR/Remarks.h"
#include "passes/schedule/Lowering.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tintype::graph;

namespace tintype::schedule {

/// `key=value,..` of settings that differ from the template's own.
static std::string settings(Attribute tune) {
  std::string text;
  if (auto d = dyn_cast_or_null<DictionaryAttr>(tune)) {
    for (NamedAttribute a : d)
      if (auto n = dyn_cast<IntegerAttr>(a.getValue()))
        text += (text.empty() ? "" : ",") + a.getName().str() + "=" + std::to_string(n.getInt());
  } else if (auto s = dyn_cast_or_null<StringAttr>(tune)) {
    text = s.str();
  }
  return text;
}

void remarkOnRefusal(func::FuncOp kernel, Operation *at, StringRef why) {
  remark::missed(at->getLoc(), remark::RemarkOpts::name("not in blocks").category("schedule-kernels").function(kernel.getName()))
      << remark::add("not in blocks of rows and columns: {0}", why);
}

void remarkOnSchedule(func::FuncOp kernel, halide::PipelineOp pipeline, bool isGiven, StringRef pass) {
  if (!kernel.getContext()->getRemarkEngine())
    return;
  unsigned funcs = 0, directives = 0;
  int64_t columns = 0, rows = 0;
  for (Operation &op : pipeline.getBody().front()) {
    funcs += isa<halide::FuncOp>(op);
    directives += !isa<halide::FuncOp, halide::UpdateOp, halide::InputOp, halide::OutputOp>(op);
    if (auto b = dyn_cast<halide::BoundOp>(op)) {
      columns = b.getVar() == "nv" ? int64_t(b.getExtent()) : columns;
      rows = b.getVar() == "mv" ? int64_t(b.getExtent()) : rows;
    }
  }
  std::string whence = isGiven ? "as given" : "by template", blocks;
  if (std::string s = settings(kernel->getAttr("graph.tune")); !s.empty() && !isGiven)
    whence = (kernel->hasAttr("graph.tuned") ? "tuned (db: " : "tuned (") + s + ")";
  if (auto grid = kernel->getAttrOfType<ArrayAttr>("graph.grid"))
    for (auto axis : grid.getAsRange<DictionaryAttr>())
      if (auto b = axis.getAs<IntegerAttr>("block"))
        blocks += (blocks.empty() ? "" : " x ") + std::to_string(b.getInt());
  auto kind = kernel->getAttrOfType<StringAttr>("graph.kind");
  std::string tile = rows ? ", tile " + std::to_string(rows) + " x " + std::to_string(columns) : "";
  auto text = [&](StringRef name) {
    auto dims = kernel->getAttrOfType<DimsAttr>(name);
    return dims ? printDim(dims[0]) : std::string("0");
  };
  remark::analysis(kernel.getLoc(), remark::RemarkOpts::name("scheduled").category(pass).function(kernel.getName()))
      << remark::add("scheduled: {0} {1}{2}, {3}; {4} funcs, {5} directives", kind ? kind.str() : "kernel", whence, tile,
                     blocks.empty() ? std::string("one block") : "blocks " + blocks, funcs, directives)
      << remark::metric("flops", text("graph.flops")) << remark::metric("bytes", text("graph.bytes")) << remark::metric("funcs", funcs)
      << remark::metric("directives", directives);
}

} // namespace tintype::schedule
