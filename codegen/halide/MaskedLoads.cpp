//===- MaskedLoads.cpp - loads under a mask from a caller's buffer --------===//
// Test: test/codegen/block-kernels.mlir, with heads of 12 features
//===----------------------------------------------------------------------===//
#include "codegen/halide/Lowered.h"
#include <set>

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

class AlignNoMaskedLoads : public IRMutator {
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
    if (is_const_one(load->predicate) || ours.count(load->name))
      return e;
    return Load::make(load->type, load->name, load->index, load->image, load->param, load->predicate, ModulusRemainder());
  }

private:
  std::set<std::string> ours; ///< allocated around
};

} // namespace

std::unique_ptr<IRMutator> alignNoMaskedLoads() { return std::make_unique<AlignNoMaskedLoads>(); }

} // namespace tintype::codegen
