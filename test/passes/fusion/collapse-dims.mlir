// RUN: tintype-opt %s --graph-form-kernels --graph-collapse-dims | FileCheck %s
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --graph-form-kernels --graph-collapse-dims -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// Batch and position are one dim of a linear layer and of its epilogue.
// CHECK-LABEL: func.func @linear
// CHECK:         %[[X:.*]] = graph.reshape %arg0 : {{.*}} to tensor<?x12xf32, #graph.dims<B * T, 12>>
// CHECK:         %[[Z:.*]] = graph.compute sum over <B * T, 16> by <12>
// CHECK:           graph.read %[[X]][(d0, d1, d2) -> (d0, d2)]
// CHECK:           graph.read %arg1[(d0, d1, d2) -> (d1, d2)]
// CHECK:         %[[Y:.*]] = graph.compute none over <B * T, 16>
// CHECK:           graph.read %[[Z]][(d0, d1) -> (d0, d1)]
// CHECK:         %[[R:.*]] = graph.reshape %[[Y]] : {{.*}} to tensor<?x?x16xf32, #graph.dims<B, T, 16>>
// CHECK:         return %[[R]]
func.func @linear(%x: tensor<?x?x12xf32, #graph.dims<B, T, 12>>, %w: tensor<16x12xf32>, %b: tensor<16xf32>)
    -> tensor<?x?x16xf32, #graph.dims<B, T, 16>> {
  %z = graph.compute sum over <B, T, 16> by <12> : tensor<?x?x16xf32, #graph.dims<B, T, 16>> {
    %0 = graph.read %x[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x12xf32, #graph.dims<B, T, 12>>
    %1 = graph.read %w[(d0, d1, d2, d3) -> (d2, d3)] : tensor<16x12xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <B, T, 16> by <> : tensor<?x?x16xf32, #graph.dims<B, T, 16>> {
    %0 = graph.read %z[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x16xf32, #graph.dims<B, T, 16>>
    %1 = graph.read %b[(d0, d1, d2) -> (d2)] : tensor<16xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x?x16xf32, #graph.dims<B, T, 16>>
}

// Reduction dims merge too; parallel and reduction dims do not.
// CHECK-LABEL: func.func @reductions
// CHECK:         graph.compute sum over <8> by <B * T>
// CHECK:           graph.read {{.*}}[(d0, d1) -> (d1, d0)]
// CHECK:         graph.compute sum over <B> by <T * 8>
func.func @reductions(%x: tensor<?x?x8xf32, #graph.dims<B, T, 8>>) -> (tensor<8xf32>, tensor<?xf32, #graph.dims<B>>) {
  %s = graph.compute sum over <8> by <B, T> : tensor<8xf32> {
    %0 = graph.read %x[(d0, d1, d2) -> (d1, d2, d0)] : tensor<?x?x8xf32, #graph.dims<B, T, 8>>
    graph.yield %0 : f32
  }
  %r = graph.compute sum over <B> by <T, 8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x8xf32, #graph.dims<B, T, 8>>
    graph.yield %0 : f32
  }
  return %s, %r : tensor<8xf32>, tensor<?xf32, #graph.dims<B>>
}

// A position as a value, a transposition, a slice: the dims stay apart. In one
// group an access of one member keeps them apart in all.
// CHECK-LABEL: func.func @apart
// CHECK:         graph.compute none over <4, 6>
// CHECK:         graph.compute none over <4, 6>
// CHECK:         graph.compute none over <6, 4>
// CHECK:         graph.compute none over <4, 3>
func.func @apart(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<6x4xf32>, tensor<4x3xf32>) {
  %a = graph.compute none over <4, 6> by <> : tensor<4x6xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x6xf32>
    %1 = graph.index [(d0, d1) -> (d1)]
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.mulf %0, %2 : f32
    graph.yield %3 : f32
  }
  %b = graph.compute none over <4, 6> by <> : tensor<4x6xf32> {
    %0 = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<4x6xf32>
    %1 = arith.addf %0, %0 : f32
    graph.yield %1 : f32
  }
  %t = graph.compute none over <6, 4> by <> : tensor<6x4xf32> {
    %0 = graph.read %x[(d0, d1) -> (d1, d0)] : tensor<4x6xf32>
    graph.yield %0 : f32
  }
  %h = graph.compute none over <4, 3> by <> : tensor<4x3xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x6xf32>
    graph.yield %0 : f32
  }
  return %a, %b, %t, %h : tensor<4x6xf32>, tensor<4x6xf32>, tensor<6x4xf32>, tensor<4x3xf32>
}

// A random number is a function of the row-major point: the dims merge. So do the
// loops of a scatter that are not places.
// CHECK-LABEL: func.func @draws
// CHECK:         graph.compute none over <B * T * 8>
// CHECK:           graph.random uniform 3 of %arg2[(d0) -> (d0)] in <B * T * 8>
// CHECK:         graph.scatter over <B * T, 8>
// CHECK:           graph.yield {{.*}} at [(d0, d1)[s0] -> (s0, d1)]
func.func @draws(%x: tensor<?x?x8xf32, #graph.dims<B, T, 8>>, %id: tensor<?x?xi32, #graph.dims<B, T>>,
                 %rng: tensor<2xi32> {graph.role = "rng"}) -> (tensor<?x?x8xf32, #graph.dims<B, T, 8>>, tensor<3x8xf32>) {
  %y = graph.compute none over <B, T, 8> by <> : tensor<?x?x8xf32, #graph.dims<B, T, 8>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x8xf32, #graph.dims<B, T, 8>>
    %1 = graph.random uniform 3 of %rng[(d0, d1, d2) -> (d0, d1, d2)] in <B, T, 8> : tensor<2xi32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %s = graph.scatter over <B, T, 8> : tensor<3x8xf32> {
    %0 = graph.read %id[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %1 = graph.read %y[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x8xf32, #graph.dims<B, T, 8>>
    graph.yield %1 at [(d0, d1, d2)[s0] -> (s0, d2)](%0) : f32
  }
  return %y, %s : tensor<?x?x8xf32, #graph.dims<B, T, 8>>, tensor<3x8xf32>
}
