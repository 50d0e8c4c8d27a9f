// Results of one point are stored one after the other: where each of two needs what the other would lie on, one gets memory of its own.
// RUN: tintype-opt %s --graph-outline-kernels | FileCheck %s
// CHECK: func.func private @k_{{.*}}graph.inplace = array<i32: 0, -1>
func.func @both(%a: tensor<8xf32>, %b: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %s = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = graph.read %b[(d0) -> (d0)] : tensor<8xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = graph.read %b[(d0) -> (d0)] : tensor<8xf32>
    %2 = arith.subf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %s, %d : tensor<8xf32>, tensor<8xf32>
}
