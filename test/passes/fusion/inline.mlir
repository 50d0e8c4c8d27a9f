// RUN: tintype-opt %s --graph-inline | FileCheck %s
// RUN: tintype-opt %s --mlir-disable-threading --graph-inline --remarks-filter=graph-inline -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --graph-inline -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// A definition that is read once goes into its reader, with its indices turned.
// CHECK-LABEL: func.func @once
// CHECK:         graph.compute
// CHECK:           graph.read %arg0[(d0, d1) -> (d1, d0)]
// CHECK:           math.exp
// CHECK-NOT:     graph.compute
// REMARK:      inlined: saves 128 bytes
func.func @once(%x: tensor<4x8xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %p = graph.compute none over <4, 8> by <> : tensor<4x8xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %y = graph.compute none over <8, 4> by <> : tensor<8x4xf32> {
    %0 = graph.read %p[(d0, d1) -> (d1, d0)] : tensor<4x8xf32>
    %1 = graph.read %b[(d0, d1) -> (d1)] : tensor<4xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<8x4xf32>
}

// A cheap one with two readers is computed in both: the tensor it reads stands for it.
// CHECK-LABEL: func.func @cheap
// CHECK-COUNT-2: arith.mulf {{.*}} : f32
// CHECK-NOT:     graph.read %0
// REMARK:      inlined: recomputed from one tensor, saves B * 32 bytes
func.func @cheap(%x: tensor<?x8xf32, #graph.dims<B, 8>>) -> (tensor<?xf32, #graph.dims<B>>, tensor<?xf32, #graph.dims<B>>) {
  %c = arith.constant 3.0 : f32
  %p = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %m = graph.compute max over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  %s = graph.compute sum over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  return %m, %s : tensor<?xf32, #graph.dims<B>>, tensor<?xf32, #graph.dims<B>>
}

// A heavy one with two readers stays.
// CHECK-LABEL: func.func @heavy
// CHECK-COUNT-1: math.exp
// CHECK-NOT:     math.exp
// REMARK:      not inlined: 2 definitions read it, and it takes 1 ops
func.func @heavy(%x: tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %p = graph.compute none over <4, 8> by <> : tensor<4x8xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %m = graph.compute max over <4> by <8> : tensor<4xf32> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    graph.yield %0 : f32
  }
  %s = graph.compute sum over <4> by <8> : tensor<4xf32> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    graph.yield %0 : f32
  }
  return %m, %s : tensor<4xf32>, tensor<4xf32>
}

// A root for each row is not taken again for each element.
// CHECK-LABEL: func.func @broadcast
// CHECK:         graph.compute none over <4>
// CHECK:           math.rsqrt
// CHECK:         graph.compute none over <4, 8>
// CHECK-NOT:       math.rsqrt
// REMARK:      not inlined: its 2 ops would be repeated at other points
func.func @broadcast(%x: tensor<4x8xf32>, %v: tensor<4xf32>) -> tensor<4x8xf32> {
  %r = graph.compute none over <4> by <> : tensor<4xf32> {
    %0 = graph.read %v[(d0) -> (d0)] : tensor<4xf32>
    %1 = math.absf %0 : f32
    %2 = math.rsqrt %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <4, 8> by <> : tensor<4x8xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    %1 = graph.read %r[(d0, d1) -> (d0)] : tensor<4xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<4x8xf32>
}

// Operands of a contraction: a slice of a reshaped tensor is a plain read of it;
// an activation stays in memory.
// CHECK-LABEL: func.func @contraction
// CHECK:         %[[ACT:.*]] = graph.compute none
// CHECK:         graph.compute sum
// CHECK:           graph.read %arg0[(d0, d1, d2) -> (d0, 1, d2 floordiv 2)]
// CHECK:           graph.read %[[ACT]]
// REMARK:      inlined: a plain re-read
// REMARK:      not inlined: a contraction reads it, and it takes 3 ops, more than 2
func.func @contraction(%x: tensor<?x2x8xf32, #graph.dims<T, 2, 8>>, %w: tensor<6x16xf32>) -> tensor<?x6xf32, #graph.dims<T, 6>> {
  %q = graph.compute none over <T, 16> by <> : tensor<?x16xf32, #graph.dims<T, 16>> {
    %0 = graph.read %x[(d0, d1) -> (d0, 1, d1 floordiv 2)] : tensor<?x2x8xf32, #graph.dims<T, 2, 8>>
    graph.yield %0 : f32
  }
  %a = graph.compute none over <6, 16> by <> : tensor<6x16xf32> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<6x16xf32>
    %1 = math.tanh %0 : f32
    %2 = arith.mulf %1, %0 : f32
    %3 = arith.addf %2, %1 : f32
    graph.yield %3 : f32
  }
  %y = graph.compute sum over <T, 6> by <16> : tensor<?x6xf32, #graph.dims<T, 6>> {
    %0 = graph.read %q[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %1 = graph.read %a[(d0, d1, d2) -> (d1, d2)] : tensor<6x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x6xf32, #graph.dims<T, 6>>
}

// A guarded read stays guarded inside, and a gather keeps its symbol.
// CHECK-LABEL: func.func @guarded
// CHECK:         %[[ID:.*]] = graph.read %arg1[(d0) -> (d0 - 1)] guarded
// CHECK:         graph.read %arg0[(d0)[s0] -> (s0)](%[[ID]]) guarded
// CHECK-NOT:     graph.compute
func.func @guarded(%w: tensor<3xf32>, %id: tensor<?xi32, #graph.dims<T>>) -> tensor<?xf32, #graph.dims<T>> {
  %p = graph.compute none over <T> by <> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %id[(d0) -> (d0)] : tensor<?xi32, #graph.dims<T>>
    %1 = graph.read %w[(d0)[s0] -> (s0)](%0) : tensor<3xf32>
    graph.yield %1 : f32
  }
  %y = graph.compute none over <T> by <> : tensor<?xf32, #graph.dims<T>> {
    %c = arith.constant 0.0 : f32
    %0 = graph.read %p[(d0) -> (d0 - 1)] guarded : tensor<?xf32, #graph.dims<T>>
    %1 = graph.inside [(d0) -> (d0 - 1)] in <T>
    %2 = arith.select %1, %0, %c : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?xf32, #graph.dims<T>>
}

// A sum with a scatter is a scatter that starts at the other summand.
// CHECK-LABEL: func.func @accumulate
// CHECK:         %[[S:.*]] = graph.scatter init(%arg0 : tensor<3xf32>)
// CHECK-NOT:     graph.compute
// CHECK:         return %[[S]]
func.func @accumulate(%g: tensor<3xf32>, %id: tensor<?xi32, #graph.dims<T>>, %v: tensor<?xf32, #graph.dims<T>>) -> tensor<3xf32> {
  %s = graph.scatter over <T> : tensor<3xf32> {
    %0 = graph.read %id[(d0) -> (d0)] : tensor<?xi32, #graph.dims<T>>
    %1 = graph.read %v[(d0) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    graph.yield %1 at [(d0)[s0] -> (s0)](%0) : f32
  }
  %n = graph.compute none over <3> by <> : tensor<3xf32> {
    %0 = graph.read %g[(d0) -> (d0)] : tensor<3xf32>
    %1 = graph.read %s[(d0) -> (d0)] : tensor<3xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %n : tensor<3xf32>
}
