// Folds of the graph dialect.
// RUN: tintype-opt %s --canonicalize | FileCheck %s

// A reshape to the type it has is the tensor itself.
// CHECK-LABEL: func.func @reshape_to_itself
// CHECK-SAME: (%[[X:.*]]: tensor<?x12xf32, #graph.dims<B, 12>>)
// CHECK-NEXT: return %[[X]]
func.func @reshape_to_itself(%x: tensor<?x12xf32, #graph.dims<B, 12>>) -> tensor<?x12xf32, #graph.dims<B, 12>> {
  %y = graph.reshape %x : tensor<?x12xf32, #graph.dims<B, 12>> to tensor<?x12xf32, #graph.dims<B, 12>>
  return %y : tensor<?x12xf32, #graph.dims<B, 12>>
}

// Of two reshapes the second alone counts.
// CHECK-LABEL: func.func @reshape_of_reshape
// CHECK-SAME: (%[[X:.*]]: tensor<?x12xf32, #graph.dims<B, 12>>)
// CHECK-NEXT: %[[Y:.*]] = graph.reshape %[[X]] : {{.*}} to tensor<?x3x4xf32, #graph.dims<B, 3, 4>>
// CHECK-NEXT: return %[[Y]]
func.func @reshape_of_reshape(%x: tensor<?x12xf32, #graph.dims<B, 12>>) -> tensor<?x3x4xf32, #graph.dims<B, 3, 4>> {
  %y = graph.reshape %x : tensor<?x12xf32, #graph.dims<B, 12>> to tensor<?xf32, #graph.dims<B * 12>>
  %z = graph.reshape %y : tensor<?xf32, #graph.dims<B * 12>> to tensor<?x3x4xf32, #graph.dims<B, 3, 4>>
  return %z : tensor<?x3x4xf32, #graph.dims<B, 3, 4>>
}

// There and back is nothing.
// CHECK-LABEL: func.func @reshape_and_back
// CHECK-SAME: (%[[X:.*]]: tensor<12xf32>)
// CHECK-NEXT: return %[[X]]
func.func @reshape_and_back(%x: tensor<12xf32>) -> tensor<12xf32> {
  %y = graph.reshape %x : tensor<12xf32> to tensor<3x4xf32>
  %z = graph.reshape %y : tensor<3x4xf32> to tensor<12xf32>
  return %z : tensor<12xf32>
}

// A reshape whose value another op needs stays.
// CHECK-LABEL: func.func @reshape_shared
// CHECK: %[[Y:.*]] = graph.reshape
// CHECK: graph.read %[[Y]]
func.func @reshape_shared(%x: tensor<12xf32>) -> (tensor<12xf32>, tensor<3x4xf32>) {
  %y = graph.reshape %x : tensor<12xf32> to tensor<3x4xf32>
  %z = graph.reshape %y : tensor<3x4xf32> to tensor<12xf32>
  %t = graph.compute none over <3, 4> by <> : tensor<3x4xf32> {
    %v = graph.read %y[(d0, d1) -> (d0, d1)] : tensor<3x4xf32>
    graph.yield %v : f32
  }
  return %z, %t : tensor<12xf32>, tensor<3x4xf32>
}

// A definition that nobody reads is dropped; one that writes a gradient is kept.
graph.parameter @w : tensor<3x4xf32> normal(0.0, 0.02)
// CHECK-LABEL: func.func @dead
// CHECK-NOT: arith.addf
// CHECK: graph.set_grad @w
func.func @dead(%x: tensor<3x4xf32>) {
  %t = graph.compute none over <3, 4> by <> : tensor<3x4xf32> {
    %v = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<3x4xf32>
    %s = arith.addf %v, %v : f32
    graph.yield %s : f32
  }
  graph.set_grad @w, %x : tensor<3x4xf32>
  return
}
