// What is written and read beside the tiles of a product is fetched while they are multiplied: rows of 32 columns, where the
// tile lies in them.
// RUN: kernel_bench %s --tiles --target avx512 --emit stmt | FileCheck %s
// RUN: kernel_bench %s --tiles --set M=77 --check --asserts --tolerance 2e-6 | FileCheck %s --check-prefix=OK
// RUN: kernel_bench %s --tiles --set M=1 --check --tolerance 2e-6 | FileCheck %s --check-prefix=OK
// CHECK-LABEL: func k_residual
// CHECK: tintype_tile_fetch([[RESIDUAL:k_residual_in[0-9]]], {{.*}}s1.no{{.*}}, 1024, 128, 0)
// CHECK-NEXT: tintype_tile_fetch(k_residual_{{f1|out1}}, {{.*}}s1.no{{.*}}, 1024, 128, 1)
// CHECK-NEXT: tintype_tile_product
// CHECK-LABEL: func k_bf16
// CHECK: tintype_tile_fetch(k_bf16_{{f1|out1}}, {{.*}}s1.no{{.*}}, 400, 64, 1)
// CHECK-NEXT: tintype_tile_product
// OK: k_residual result 0: error {{.*}} ok
// OK: k_bf16 result 0: error {{.*}} ok
func.func private @k_residual(%x: tensor<?x64xf32, #graph.dims<M, 64>>, %w: tensor<64x256xf32>, %r: tensor<?x256xf32, #graph.dims<M, 256>>)
    -> tensor<?x256xf32, #graph.dims<M, 256>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 256> by <64> : tensor<?x256xf32, #graph.dims<M, 256>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x64xf32, #graph.dims<M, 64>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<64x256xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <M, 256> by <> : tensor<?x256xf32, #graph.dims<M, 256>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x256xf32, #graph.dims<M, 256>>
    %1 = graph.read %r[(d0, d1) -> (d0, d1)] : tensor<?x256xf32, #graph.dims<M, 256>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x256xf32, #graph.dims<M, 256>>
}
func.func private @k_bf16(%x: tensor<?x64xf32, #graph.dims<M, 64>>, %w: tensor<64x200xf32>)
    -> tensor<?x200xbf16, #graph.dims<M, 200>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 200> by <64> : tensor<?x200xf32, #graph.dims<M, 200>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x64xf32, #graph.dims<M, 64>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<64x200xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <M, 200> by <> : tensor<?x200xbf16, #graph.dims<M, 200>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x200xf32, #graph.dims<M, 200>>
    %1 = arith.truncf %0 : f32 to bf16
    graph.yield %1 : bf16
  }
  return %y : tensor<?x200xbf16, #graph.dims<M, 200>>
}
