//===- CallersLoads.cpp - loads from a buffer of the caller ---------------===//
// Halide takes an update that reads its own result for one of memory that it allocated, whole vectors apart. A result
// lies where the caller has it: the vectors of the loads, and of the stores that LLVM moves out of a loop, fault there.
// The lanes of a load under a mask may go on below 0, as those of x[14 - i] with vectors of 16. Halide fails on an index
// that is known to, while it names the places that loads and stores share.
// Tests: test/codegen/results-at-any-place.mlir, reads-turned-round.mlir, and block-kernels.mlir with heads of 12 features
//===----------------------------------------------------------------------===//
#include "codegen/halide/Lowered.h"
#include <set>

using namespace Halide::Internal;
using Halide::Expr;

namespace tintype::codegen {
namespace {

/// `e`, or in place of a constant vector of indices that goes on below 0 one that Halide does not know for a vector of
/// neighbours.
Expr unknownBelowZero(const Expr &e) {
  const auto *ramp = e.as<Ramp>();
  auto base = ramp ? as_const_int(ramp->base) : std::nullopt, stride = ramp ? as_const_int(ramp->stride) : std::nullopt;
  if (!base || !stride || std::min(*base, *base + *stride * (ramp->lanes - 1)) >= 0)
    return e;
  return Add::make(e, make_zero(e.type()));
}

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
    if (Expr index = unknownBelowZero(load->index); !index.same_as(load->index)) {
      e = Load::make(load->type, load->name, index, load->image, load->param, load->predicate, load->alignment);
      load = e.as<Load>();
    }
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
