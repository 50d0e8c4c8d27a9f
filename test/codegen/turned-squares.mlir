// Weights along k are turned 16 x 16 (8 x 8 on AVX2): shuffles of two vectors each, with no pattern to load.
// RUN: kernel_bench %s --emit asm --target avx512 | FileCheck %s
// RUN: kernel_bench %s --emit asm --target avx2 | FileCheck %s
// The numbers are those of a slow evaluation, also where no square divides the matrix.
// RUN: kernel_bench %s --set M=37 --check --target host | FileCheck %s --check-prefix=OK
// RUN: kernel_bench %s --set M=37 --check --target avx2 | FileCheck %s --check-prefix=OK
// CHECK-LABEL: k_even:
// CHECK-NOT: vpermt2
// CHECK-NOT: vpermi2
// CHECK: vunpcklps
// CHECK-LABEL: k_odd:
// OK: k_even result 0: error {{.*}} ok
// OK: k_odd result 0: error {{.*}} ok
func.func private @k_even(%x: tensor<?x64xf32, #graph.dims<M, 64>>, %w: tensor<96x64xf32>) -> tensor<?x96xf32, #graph.dims<M, 96>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 96> by <64> : tensor<?x96xf32, #graph.dims<M, 96>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x64xf32, #graph.dims<M, 64>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<96x64xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %z : tensor<?x96xf32, #graph.dims<M, 96>>
}
func.func private @k_odd(%x: tensor<?x51xf32, #graph.dims<M, 51>>, %w: tensor<77x51xf32>) -> tensor<?x77xf32, #graph.dims<M, 77>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 77> by <51> : tensor<?x77xf32, #graph.dims<M, 77>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x51xf32, #graph.dims<M, 51>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<77x51xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %z : tensor<?x77xf32, #graph.dims<M, 77>>
}
