//===- CallersLoads.cpp - loads from a buffer of the caller ---------------===//
// Halide takes an update that reads its own result for one of memory that it allocated, whole vectors apart. A result
// lies where the caller has it: the vectors of the loads, and of the stores that LLVM moves out of a loop, fault there.
// Tests: test/codegen/results-at-any-place.mlir, and block-kernels.mlir with heads of 12 features
//===----------------------------------------------------------------------===//
#include "codegen/halide/Lowered.h"
#include <set>

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

class AlignNoCallersLoads : public IRMutator {
protected:
  using IRMutator::visit;

  Stmt visit(const Allocate *op) override {
    const bool isNew = ours.insert(op->name).second;
    Stmt s = IRMutator::visit(op);
    if (isNew)
      ours.erase(op->name);
    return s;
  }
  Expr visit(const Load *op) override {
    Expr e = IRMutator::visit(op);
    const auto *load = e.as<Load>();
    if (ours.count(load->name) || (is_const_one(load->predicate) && load->param.defined()))
      return e;
    return Load::make(load->type, load->name, load->index, load->image, load->param, load->predicate, ModulusRemainder());
  }

private:
  std::set<std::string> ours; ///< allocated around
};

} // namespace

std::unique_ptr<IRMutator> alignNoCallersLoads() { return std::make_unique<AlignNoCallersLoads>(); }

} // namespace tintype::codegen
