// A scatter adds up in the memory of its init where nothing else needs that; else it copies it first, in another kernel.
// RUN: tintype-opt %s --graph-outline-kernels | FileCheck %s
// CHECK-LABEL: func.func @kept(
// CHECK: %[[X:.*]] = call
// CHECK: call @[[COPIES:k_[0-9a-f]*]](%[[X]],
// CHECK: call @{{k_[0-9a-f]*}}(%[[X]])
// CHECK-LABEL: func.func @added(
// CHECK: %[[Y:.*]] = call
// CHECK: call @[[ADDS:k_[0-9a-f]*]](%[[Y]],
// Nor where what it adds reads another view of it.
// CHECK-LABEL: func.func @viewed(
// CHECK: %[[Z:.*]] = call
// CHECK: %[[V:.*]] = graph.reshape %[[Z]]
// CHECK: call @[[VIEWS:k_[0-9a-f]*]](
// CHECK-DAG: func.func private @[[VIEWS]]({{.*}}graph.inplace = array<i32: -1>
// CHECK-DAG: func.func private @[[COPIES]]({{.*}}graph.inplace = array<i32: -1>
// CHECK-DAG: func.func private @[[ADDS]]({{.*}}graph.inplace = array<i32: 0>
func.func @kept(%a: tensor<8xf32>, %at: tensor<4xi32>) -> (tensor<8xf32>, tensor<8xf32>) attributes {graph.role = "forward"} {
  %x = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %s = graph.scatter init(%x : tensor<8xf32>) over <4> {graph.group = 1 : i32} : tensor<8xf32> {
    %0 = graph.read %at[(d0) -> (d0)] : tensor<4xi32>
    %one = arith.constant 1.0 : f32
    graph.yield %one at [(d0)[s0] -> (s0)](%0) : f32
  }
  %y = graph.compute none over <8> by <> {graph.group = 2 : i32} : tensor<8xf32> {
    %0 = graph.read %x[(d0) -> (d0)] : tensor<8xf32>
    %1 = arith.mulf %0, %0 : f32
    graph.yield %1 : f32
  }
  return %s, %y : tensor<8xf32>, tensor<8xf32>
}
func.func @added(%a: tensor<8xf32>, %at: tensor<4xi32>) -> tensor<8xf32> attributes {graph.role = "loss"} {
  %x = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %s = graph.scatter init(%x : tensor<8xf32>) over <4> {graph.group = 1 : i32} : tensor<8xf32> {
    %0 = graph.read %at[(d0) -> (d0)] : tensor<4xi32>
    %one = arith.constant 1.0 : f32
    graph.yield %one at [(d0)[s0] -> (s0)](%0) : f32
  }
  return %s : tensor<8xf32>
}
func.func @viewed(%a: tensor<8xf32>, %at: tensor<4xi32>) -> tensor<8xf32> attributes {graph.role = "train_step"} {
  %x = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %v = graph.reshape %x : tensor<8xf32> to tensor<2x4xf32>
  %s = graph.scatter init(%x : tensor<8xf32>) over <4> {graph.group = 1 : i32} : tensor<8xf32> {
    %0 = graph.read %at[(d0) -> (d0)] : tensor<4xi32>
    %1 = graph.read %v[(d0) -> (1, d0)] : tensor<2x4xf32>
    graph.yield %1 at [(d0)[s0] -> (s0)](%0) : f32
  }
  return %s : tensor<8xf32>
}
