// RUN: tintype-opt %s --graph-share-draws | FileCheck %s
// RUN: tintype-opt %s --fusion | FileCheck %s --check-prefix=KERNELS
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// Two sites get two states; a site drawn from twice, as a derivative does, gets one.
// CHECK-LABEL: func.func @layers
// CHECK:         %[[A:.*]] = graph.compute none over <2>
// CHECK:           arith.constant 3 : i32
// CHECK:           arith.xori
// CHECK:         %[[B:.*]] = graph.compute none over <2>
// CHECK:           arith.constant 4 : i32
// CHECK:         graph.random uniform 0 of %[[A]]
// CHECK:         graph.random uniform 0 of %[[B]]
// CHECK:         graph.random uniform 0 of %[[A]]
// One kernel makes the states, one draws three times.
// KERNELS-LABEL: func.func @layers
// KERNELS:         call @[[STATES:k_[0-9a-f]+]](%arg1)
// KERNELS:         call @[[DRAW:k_[0-9a-f]+]]
// KERNELS:         call @[[DRAW]]
// KERNELS:         call @[[DRAW]]
// KERNELS-COUNT-2: func.func private
// KERNELS-NOT:     func.func private
func.func @layers(%x: tensor<8xf32>, %rng: tensor<2xi32> {graph.role = "rng"}) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %a = graph.compute none over <8> by <> : tensor<8xf32> {
    %0 = graph.random uniform 3 of %rng[(d0) -> (d0)] in <8> : tensor<2xi32>
    graph.yield %0 : f32
  }
  %b = graph.compute none over <8> by <> : tensor<8xf32> {
    %0 = graph.random uniform 4 of %rng[(d0) -> (d0)] in <8> : tensor<2xi32>
    graph.yield %0 : f32
  }
  %c = graph.compute none over <8> by <> {graph.again} : tensor<8xf32> {
    %0 = graph.random uniform 3 of %rng[(d0) -> (d0)] in <8> : tensor<2xi32>
    graph.yield %0 : f32
  }
  return %a, %b, %c : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
