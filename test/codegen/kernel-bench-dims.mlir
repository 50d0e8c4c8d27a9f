// A dim of the file without a value is named.
// RUN: not kernel_bench %s --set B=3 2>&1 | FileCheck %s

// CHECK: error: expected --set T=N, since k_1a has this dim
func.func private @k_1a(%x: tensor<?x?xf32, #graph.dims<B, T>>) -> tensor<?x?xf32, #graph.dims<B, T>> attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %a = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %e = math.exp %a : f32
    graph.yield %e : f32
  }
  return %s : tensor<?x?xf32, #graph.dims<B, T>>
}
