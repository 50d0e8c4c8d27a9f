// Heads in groups that share keys: each index becomes one loop, in the scores and in all that runs with them.
// RUN: tintype-opt %s --graph-split-dims | FileCheck %s
// RUN: tintype-opt %s --graph-split-dims -o %t.split
// RUN: %python %support/graph_eval.py %s --compare %t.split --dims T=5

// CHECK-LABEL: func.func @shared
// CHECK: %[[Q:.*]] = graph.reshape %arg0 : tensor<6x?x16xf32, {{.*}}> to tensor<3x2x?x16xf32
// CHECK: %[[S:.*]] = graph.compute sum over <3, 2, T, T> by <16>
// CHECK-NEXT: graph.read %[[Q]][(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)]
// CHECK-NEXT: graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, d4)]
// The place of a head, as a value.
// CHECK: %[[P:.*]] = graph.compute none over <3, 2, T, T>
// CHECK-NEXT: graph.read %[[S]][(d0, d1, d2, d3) -> (d0, d1, d2, d3)]
// CHECK-NEXT: graph.index [(d0, d1, d2, d3) -> (d0 * 2 + d1)]
// CHECK: %[[O:.*]] = graph.compute sum over <3, 2, T, 16> by <T>
// CHECK: graph.read %[[P]][(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)]
// CHECK: graph.reshape %[[O]] : tensor<3x2x?x16xf32, {{.*}}> to tensor<6x?x16xf32
// The sum over a group reads both of its loops.
// CHECK: graph.compute sum over <3, T, 16> by <T, 2>
// CHECK-NEXT: graph.read %[[P]][(d0, d1, d2, d3, d4) -> (d0, d4, d3, d1)]
// CHECK-NEXT: graph.read %[[Q]][(d0, d1, d2, d3, d4) -> (d0, d4, d3, d2)]
func.func @shared(%q: tensor<6x?x16xf32, #graph.dims<6, T, 16>>, %k: tensor<3x?x16xf32, #graph.dims<3, T, 16>>) -> (tensor<6x?x16xf32, #graph.dims<6, T, 16>>, tensor<3x?x16xf32, #graph.dims<3, T, 16>>) {
  %s = graph.compute sum over <6, T, T> by <16> : tensor<6x?x?xf32, #graph.dims<6, T, T>> {
    %0 = graph.read %q[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<6x?x16xf32, #graph.dims<6, T, 16>>
    %1 = graph.read %k[(d0, d1, d2, d3) -> (d0 floordiv 2, d2, d3)] : tensor<3x?x16xf32, #graph.dims<3, T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %p = graph.compute none over <6, T, T> by <> : tensor<6x?x?xf32, #graph.dims<6, T, T>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<6x?x?xf32, #graph.dims<6, T, T>>
    %1 = graph.index [(d0, d1, d2) -> (d0)]
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %0, %2 : f32
    graph.yield %3 : f32
  }
  %o = graph.compute sum over <6, T, 16> by <T> : tensor<6x?x16xf32, #graph.dims<6, T, 16>> {
    %0 = graph.read %p[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<6x?x?xf32, #graph.dims<6, T, T>>
    %1 = graph.read %k[(d0, d1, d2, d3) -> (d0 floordiv 2, d3, d2)] : tensor<3x?x16xf32, #graph.dims<3, T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute sum over <3, T, 16> by <T, 2> : tensor<3x?x16xf32, #graph.dims<3, T, 16>> {
    %0 = graph.read %p[(d0, d1, d2, d3, d4) -> (d0 * 2 + d4, d3, d1)] : tensor<6x?x?xf32, #graph.dims<6, T, T>>
    %1 = graph.read %q[(d0, d1, d2, d3, d4) -> (d0 * 2 + d4, d3, d2)] : tensor<6x?x16xf32, #graph.dims<6, T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %d : tensor<6x?x16xf32, #graph.dims<6, T, 16>>, tensor<3x?x16xf32, #graph.dims<3, T, 16>>
}
