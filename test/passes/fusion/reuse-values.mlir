// RUN: tintype-opt %s --graph-reuse-values | FileCheck %s
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --graph-reuse-values -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// The sum over rows reads the product that the contraction needs in memory.
// CHECK-LABEL: func.func @bias
// CHECK:         %[[DH:.*]] = graph.compute none
// CHECK:         graph.compute sum over <16> by <B>
// CHECK-NEXT:      graph.read %[[DH]][(d0, d1) -> (d1, d0)]
// CHECK-NEXT:      graph.yield
func.func @bias(%dy: tensor<?x16xf32, #graph.dims<B, 16>>, %h: tensor<?x16xf32, #graph.dims<B, 16>>, %w: tensor<16x4xf32>)
    -> (tensor<16xf32>, tensor<?x4xf32, #graph.dims<B, 4>>) {
  %dh = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %dy[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %2 = math.exp %1 : f32
    %3 = arith.mulf %0, %2 : f32
    graph.yield %3 : f32
  }
  %db = graph.compute sum over <16> by <B> : tensor<16xf32> {
    %0 = graph.read %dy[(d0, d1) -> (d1, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %h[(d0, d1) -> (d1, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %2 = math.exp %1 : f32
    %3 = arith.mulf %0, %2 : f32
    graph.yield %3 : f32
  }
  %dx = graph.compute sum over <B, 4> by <16> : tensor<?x4xf32, #graph.dims<B, 4>> {
    %0 = graph.read %dh[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<16x4xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %db, %dx : tensor<16xf32>, tensor<?x4xf32, #graph.dims<B, 4>>
}

// What no contraction reads is not in memory for sure; another expression is another value.
// CHECK-LABEL: func.func @other
// CHECK:         graph.compute sum over <16>
// CHECK:           math.exp
// CHECK:         graph.compute sum over <16>
// CHECK:           math.tanh
func.func @other(%h: tensor<?x16xf32, #graph.dims<B, 16>>) -> (tensor<16xf32>, tensor<16xf32>, tensor<?xf32, #graph.dims<B>>) {
  %e = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %a = graph.compute sum over <16> by <B> : tensor<16xf32> {
    %0 = graph.read %h[(d0, d1) -> (d1, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %b = graph.compute sum over <16> by <B> : tensor<16xf32> {
    %0 = graph.read %h[(d0, d1) -> (d1, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %c = graph.compute sum over <B> by <16> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %e[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    graph.yield %0 : f32
  }
  return %a, %b, %c : tensor<16xf32>, tensor<16xf32>, tensor<?xf32, #graph.dims<B>>
}
