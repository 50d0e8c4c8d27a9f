// Products of bf16 on a machine that multiplies pairs.
// RUN: tintype-opt %s --schedule-kernels=dot-bf16 | FileCheck %s
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s --check-prefix=WIDE

// Rows of bf16 along k are pairs as they lie: only the weights are packed. Elsewhere they are widened once.
// CHECK-LABEL: halide.pipeline @k_rows
// CHECK-NOT: @f0_a
// CHECK: halide.func @f0_b(%kk, %nv, %k, %no)
// CHECK: halide.update @f0_acc(%nv, %mv, %no, %mo) by (%kk, %ri, %r) in <2, 4, 48>
// CHECK: halide.load @in0
// WIDE-LABEL: halide.pipeline @k_rows
// WIDE: halide.func @f0_a(
func.func private @k_rows(%x: tensor<?x384xbf16, #graph.dims<M, 384>>, %w: tensor<384x96xf32>) -> tensor<?x96xf32, #graph.dims<M, 96>> attributes {graph.kernel} {
  %y = graph.compute sum over <M, 96> by <384> : tensor<?x96xf32, #graph.dims<M, 96>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x384xbf16, #graph.dims<M, 384>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<384x96xf32>
    %2 = arith.extf %0 : bf16 to f32
    %3 = arith.truncf %1 : f32 to bf16
    %4 = arith.extf %3 : bf16 to f32
    %5 = arith.mulf %2, %4 : f32
    graph.yield %5 : f32
  }
  return %y : tensor<?x96xf32, #graph.dims<M, 96>>
}

// An odd number of them is no number of pairs: a packed strip ends with a zero.
// CHECK-LABEL: halide.pipeline @k_odd
// CHECK: halide.func @f0_a(%kk, %k, %mv, %mo)
func.func private @k_odd(%x: tensor<?x383xbf16, #graph.dims<M, 383>>, %w: tensor<383x96xf32>) -> tensor<?x96xf32, #graph.dims<M, 96>> attributes {graph.kernel} {
  %y = graph.compute sum over <M, 96> by <383> : tensor<?x96xf32, #graph.dims<M, 96>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x383xbf16, #graph.dims<M, 383>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<383x96xf32>
    %2 = arith.extf %0 : bf16 to f32
    %3 = arith.truncf %1 : f32 to bf16
    %4 = arith.extf %3 : bf16 to f32
    %5 = arith.mulf %2, %4 : f32
    graph.yield %5 : f32
  }
  return %y : tensor<?x96xf32, #graph.dims<M, 96>>
}

// Rows of f32 are rounded strip by strip, for all of K; weights along k are turned in pieces of 16 x 16 before they are rounded.
// CHECK-LABEL: halide.pipeline @k_turned
// CHECK: halide.func @f0_t(%l, %k, %n)
// CHECK: halide.func @f0_b(%kk, %nv, %k, %no)
// CHECK: halide.func @f0_a(%kk, %k, %mv, %mo)
// CHECK: halide.compute_at @f0_a in @f0 at "mo"
// CHECK: halide.compute_at @f0_t in @f0_b at "kt"
func.func private @k_turned(%x: tensor<?x768xf32, #graph.dims<M, 768>>, %w: tensor<96x768xf32>) -> tensor<?x96xf32, #graph.dims<M, 96>> attributes {graph.kernel} {
  %y = graph.compute sum over <M, 96> by <768> : tensor<?x96xf32, #graph.dims<M, 96>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x768xf32, #graph.dims<M, 768>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<96x768xf32>
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.extf %2 : bf16 to f32
    %4 = arith.truncf %1 : f32 to bf16
    %5 = arith.extf %4 : bf16 to f32
    %6 = arith.mulf %3, %5 : f32
    graph.yield %6 : f32
  }
  return %y : tensor<?x96xf32, #graph.dims<M, 96>>
}
