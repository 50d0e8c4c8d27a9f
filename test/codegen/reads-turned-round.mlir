// 15 columns are read backwards in vectors of 16 under a mask, whose last lane would lie before the first column.
// RUN: kernel_bench %s --set B=3 --check | FileCheck %s
// RUN: kernel_bench %s --set B=3 --check --target x86-64-linux-avx-avx2-f16c-fma-sse41 | FileCheck %s

// CHECK: k_1a result 0: {{.*}} ok
func.func private @k_1a(%x: tensor<?x15xf32, #graph.dims<B, 15>>, %w: tensor<15xf32>) -> tensor<?x15xf32, #graph.dims<B, 15>> attributes {graph.kernel, graph.kind = "row"} {
  %y = graph.compute none over <B, 15> by <> : tensor<?x15xf32, #graph.dims<B, 15>> {
    %a = graph.read %w[(d0, d1) -> (-d1 + 14)] : tensor<15xf32>
    %b = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x15xf32, #graph.dims<B, 15>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  return %y : tensor<?x15xf32, #graph.dims<B, 15>>
}
