// Of results that are made at one point, what needs an argument is stored before what takes its memory.
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s
// CHECK-LABEL: halide.pipeline @k_order
// CHECK: %[[A:.*]] = halide.load @in0
// CHECK: %[[P:.*]] = arith.mulf %[[A]]
// CHECK: %[[E:.*]] = math.exp %[[A]]
// CHECK: halide.yield %[[P]], %[[E]]
// CHECK: halide.output @f0 element 1 result 0
func.func private @k_order(%a: tensor<?xf32, #graph.dims<N>>, %b: tensor<?xf32, #graph.dims<N>>) -> (tensor<?xf32, #graph.dims<N>>, tensor<?xf32, #graph.dims<N>>)
    attributes {graph.inplace = array<i32: 0, 1>, graph.kernel, graph.kind = "pointwise"} {
  %e = graph.compute none over <N> by <> : tensor<?xf32, #graph.dims<N>> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<?xf32, #graph.dims<N>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %p = graph.compute none over <N> by <> : tensor<?xf32, #graph.dims<N>> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<?xf32, #graph.dims<N>>
    %1 = graph.read %b[(d0) -> (d0)] : tensor<?xf32, #graph.dims<N>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %e, %p : tensor<?xf32, #graph.dims<N>>, tensor<?xf32, #graph.dims<N>>
}
