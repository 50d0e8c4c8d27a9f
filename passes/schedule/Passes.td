//===- Passes.td - from kernels to scheduled pipelines --------------------===//
#ifndef TINTYPE_PASSES_SCHEDULE_PASSES_TD
#define TINTYPE_PASSES_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"


def ScheduleKernels : Pass<"schedule-kernels", "::mlir::ModuleOp"> {
  let summary = "give each kernel function a halide.pipeline with a schedule and a grid";
  let description = [{
    Templates by the kind of a definition: packed panels and register tiles for
    contractions, lane accumulators for sums along a contiguous dim, vectors of
    the kept dim for other sums, serial rows for scatters. Everything that is not
    written inline is computed over the block that the caller asked for. Kernels
    that have a pipeline already keep it: an edited schedule goes straight on.
  }];
  let options = [
    Option<"vectorWidth", "vector-width", "int", "16", "floats in a vector register (16: AVX-512)">,
    Option<"l2Bytes", "l2-bytes", "int64_t", "2097152", "bytes of the second-level cache of one core (default: a server core)">,
    Option<"threads", "threads", "int", "2", "threads that should find blocks to work on">,
    Option<"dotBf16", "dot-bf16", "bool", "false",
           "the machine multiplies pairs of bf16 and adds them in f32 (off: AVX-512 without BF16 is more common)">,
    Option<"tileBf16", "tile-bf16", "bool", "false", "the machine multiplies matrix tiles of bf16 and adds them in f32 (AMX)">,
    Option<"tune", "tune", "std::string", "\"\"", "overrides for measurements, as `mb=256,nb=192,kc=512,mr=8,nrv=3`">,
  ];
  let dependentDialects = ["::tintype::halide::HalideDialect"];
  let statistics = [Statistic<"numContractions", "contractions", "sums of products on register tiles">];
}

#endif
