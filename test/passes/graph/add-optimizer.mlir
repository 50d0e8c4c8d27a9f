// RUN: tintype-opt %s --split-input-file --graph-add-optimizer | FileCheck %s
// RUN: %python %S/add-optimizer.py

// A module that trains gets both programs; all their state is flat and of one runtime size.
// CHECK-LABEL: func.func @train_step
// CHECK: func.func @update(%[[P:.*]]: tensor<?xf32, #graph.dims<N>> {graph.name = "p", graph.role = "p"},
// CHECK-SAME: %{{.*}}: tensor<8xf32> {graph.name = "hyper", graph.role = "hyper"})
// CHECK-SAME: graph.results = ["p", "m", "v", "g"], graph.role = "update"
// The new moments are read by the new parameter, so one kernel can do all four.
// CHECK: %[[M:.*]] = graph.compute none over <N>
// CHECK: %[[V:.*]] = graph.compute none over <N>
// CHECK: %[[NEW:.*]] = graph.compute none over <N>
// CHECK: graph.read %[[V]]
// CHECK: graph.read %[[M]]
// CHECK: %[[G:.*]] = graph.compute none over <N>
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: graph.yield %[[ZERO]]
// CHECK: return %[[NEW]], %[[M]], %[[V]], %[[G]]
// The last block of the norm may be short.
// CHECK: func.func @grad_norm
// CHECK: graph.compute sum over <(N + 16383) floordiv 16384> by <16384>
// CHECK: %[[IN:.*]] = graph.inside {{.*}} in <N>
// CHECK: graph.yield %{{.*}} if %[[IN]]
func.func @train_step() -> tensor<f32> attributes {graph.role = "train_step", graph.results = ["loss"]} {
  %l = graph.compute none over <> by <> : tensor<f32> {
    %c = arith.constant 1.0 : f32
    graph.yield %c : f32
  }
  return %l : tensor<f32>
}

// -----

// A module that only serves is left alone.
// CHECK: func.func @forward
// CHECK-NOT: func.func
func.func @forward(%x: tensor<2xf32>) -> tensor<2xf32> attributes {graph.role = "forward", graph.results = ["logits"]} {
  return %x : tensor<2xf32>
}
