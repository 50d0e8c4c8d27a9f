// Every op of the graph dialect goes through text and back, in the custom and
// in the generic form.
// RUN: tintype-opt %s | tintype-opt | FileCheck %s
// RUN: tintype-opt %s --mlir-print-op-generic | tintype-opt | FileCheck %s
// RUN: tintype-opt %s --emit-bytecode | tintype-opt | FileCheck %s

// A parameter: path, type, and how its first values are drawn.
// CHECK: graph.parameter @h.0.weight : tensor<8x4xf32> normal(0.000000e+00, 2.000000e-02)
graph.parameter @"h.0.weight" : tensor<8x4xf32> normal(0.0, 0.02)
// CHECK: graph.parameter @table : tensor<50x8xf32> uniform(-1.000000e+00, 2.000000e+00) {graph.decay}
graph.parameter @table : tensor<50x8xf32> uniform(-1.0, 2.0) {graph.decay}

// CHECK-LABEL: func.func @gradients
func.func @gradients() {
  // CHECK: %[[W:.*]] = graph.param @h.0.weight : tensor<8x4xf32>
  %w = graph.param @"h.0.weight" : tensor<8x4xf32>
  // CHECK: %[[G:.*]] = graph.grad @h.0.weight : tensor<8x4xf32>
  %g = graph.grad @"h.0.weight" : tensor<8x4xf32>
  // CHECK: graph.set_grad @h.0.weight, %[[G]] : tensor<8x4xf32>
  graph.set_grad @"h.0.weight", %g : tensor<8x4xf32>
  return
}

// A contraction over a runtime dimension.
// CHECK-LABEL: func.func @contraction
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #graph.dims<B, 4>>, %[[W:.*]]: tensor<8x4xf32>)
func.func @contraction(%x: tensor<?x4xf32, #graph.dims<B, 4>>, %w: tensor<8x4xf32>) -> tensor<?x8xf32, #graph.dims<B, 8>> {
  // CHECK: graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
  %y = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
    // CHECK: %[[L:.*]] = graph.read %[[X]][(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
    // CHECK: %[[R:.*]] = graph.read %[[W]][(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
    %2 = arith.mulf %0, %1 : f32
    // CHECK: graph.yield %{{.*}} : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x8xf32, #graph.dims<B, 8>>
}

// A filter, a size, an index as a value, a guarded read with its test.
// CHECK-LABEL: func.func @scalars
func.func @scalars(%x: tensor<?xf32, #graph.dims<T>>) -> tensor<?xf32, #graph.dims<T>> {
  // CHECK: graph.compute sum over <T> by <T>
  %y = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    // CHECK: %[[T:.*]] = graph.index [(d0, d1) -> (d0)]
    %t = graph.index [(d0, d1) -> (d0)]
    %s = graph.index [(d0, d1) -> (d1 floordiv 2)]
    // CHECK: %[[N:.*]] = graph.size <T * 2>
    %n = graph.size <2 * T>
    %p = arith.cmpi sle, %s, %t : i32
    // CHECK: %[[IN:.*]] = graph.inside [(d0, d1) -> (d1 - 1)] in <T>
    %in = graph.inside [(d0, d1) -> (d1 - 1)] in <T>
    // CHECK: graph.read %{{.*}}[(d0, d1) -> (d1 - 1)] guarded : tensor<?xf32, #graph.dims<T>>
    %v = graph.read %x[(d0, d1) -> (d1 - 1)] guarded : tensor<?xf32, #graph.dims<T>>
    %zero = arith.constant 0.0 : f32
    %w = arith.select %in, %v, %zero : f32
    // CHECK: %[[STOP:.*]] = graph.stop %{{.*}} : f32
    %stop = graph.stop %w : f32
    // CHECK: graph.yield %[[STOP]] if %{{.*}} : f32
    graph.yield %stop if %p : f32
  }
  return %y : tensor<?xf32, #graph.dims<T>>
}

// Each reducer by its name.
// CHECK-LABEL: func.func @reducers
func.func @reducers(%x: tensor<4xf32>, %b: tensor<4xi1>) {
  // CHECK: graph.compute none over <4> by <>
  %0 = graph.compute none over <4> by <> : tensor<4xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  // CHECK: graph.compute prod over <> by <4> : tensor<f32>
  %1 = graph.compute prod over <> by <4> : tensor<f32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  // CHECK: graph.compute max over <> by <4>
  %2 = graph.compute max over <> by <4> : tensor<f32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  // CHECK: graph.compute min over <> by <4>
  %3 = graph.compute min over <> by <4> : tensor<f32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  // CHECK: graph.compute argmax over <> by <4> : tensor<i32>
  %4 = graph.compute argmax over <> by <4> : tensor<i32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  // CHECK: graph.compute any over <> by <4> : tensor<i1>
  %5 = graph.compute any over <> by <4> : tensor<i1> {
    %v = graph.read %b[(d0) -> (d0)] : tensor<4xi1>
    graph.yield %v : i1
  }
  // CHECK: graph.compute all over <> by <4> : tensor<i1>
  %6 = graph.compute all over <> by <4> : tensor<i1> {
    %v = graph.read %b[(d0) -> (d0)] : tensor<4xi1>
    graph.yield %v : i1
  }
  return
}

// A gather reads at a computed place; its adjoint adds there.
// CHECK-LABEL: func.func @gather_scatter
func.func @gather_scatter(%id: tensor<?xi32, #graph.dims<B>>, %w: tensor<50x8xf32>) -> tensor<50x8xf32> {
  %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    // CHECK: graph.read %{{.*}}[(d0, d1)[s0] -> (s0, d1)](%{{.*}}) : tensor<50x8xf32>
    %1 = graph.read %w[(d0, d1)[s0] -> (s0, d1)](%0) : tensor<50x8xf32>
    graph.yield %1 : f32
  }
  // CHECK: %[[FIRST:.*]] = graph.scatter over <B, 8> : tensor<50x8xf32>
  %z = graph.scatter over <B, 8> : tensor<50x8xf32> {
    %0 = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    %1 = graph.read %y[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    // CHECK: graph.yield %{{.*}} at [(d0, d1)[s0] -> (s0, d1)](%{{.*}}) : f32
    graph.yield %1 at [(d0, d1)[s0] -> (s0, d1)](%0) : f32
  }
  // CHECK: graph.scatter init(%[[FIRST]] : tensor<50x8xf32>) over <50, 8> : tensor<50x8xf32>
  %u = graph.scatter init(%z : tensor<50x8xf32>) over <50, 8> : tensor<50x8xf32> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<50x8xf32>
    %p = graph.inside [(d0, d1) -> (d0 - 1)] in <50>
    // CHECK: graph.yield %{{.*}} at [(d0, d1) -> (d0 - 1, d1)] if %{{.*}} : f32
    graph.yield %0 at [(d0, d1) -> (d0 - 1, d1)] if %p : f32
  }
  return %u : tensor<50x8xf32>
}

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<?x12xf32, #graph.dims<B * T, 12>>) -> tensor<?x12xf32, #graph.dims<_rows0, 12>> {
  // CHECK: graph.rows %{{.*}} : tensor<?x12xf32, #graph.dims<B * T, 12>> to tensor<?x12xf32, #graph.dims<_rows0, 12>>
  %y = graph.rows %x : tensor<?x12xf32, #graph.dims<B * T, 12>> to tensor<?x12xf32, #graph.dims<_rows0, 12>>
  return %y : tensor<?x12xf32, #graph.dims<_rows0, 12>>
}

// CHECK-LABEL: func.func @reshape
func.func @reshape(%x: tensor<?x12xf32, #graph.dims<B * T, 12>>) -> tensor<?x?x3x4xf32, #graph.dims<B, T, 3, 4>> {
  // CHECK: graph.reshape %{{.*}} : tensor<?x12xf32, #graph.dims<B * T, 12>> to tensor<?x?x3x4xf32, #graph.dims<B, T, 3, 4>>
  %y = graph.reshape %x : tensor<?x12xf32, #graph.dims<B * T, 12>> to tensor<?x?x3x4xf32, #graph.dims<B, T, 3, 4>>
  return %y : tensor<?x?x3x4xf32, #graph.dims<B, T, 3, 4>>
}

// CHECK-LABEL: func.func @random
func.func @random(%rng: tensor<2xi32>) -> tensor<?x8xf32, #graph.dims<B, 8>> {
  %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    // CHECK: graph.random uniform 3 of %{{.*}}[(d0, d1) -> (d0, d1)] in <B, 8> : tensor<2xi32>
    %u = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <B, 8> : tensor<2xi32>
    %n = graph.random normal 4 of %rng[(d0, d1) -> (d0, d1)] in <B, 8> : tensor<2xi32>
    %s = arith.addf %u, %n : f32
    graph.yield %s : f32
  }
  return %y : tensor<?x8xf32, #graph.dims<B, 8>>
}

// Extents have one normal form: equal sizes are the same text, however they were written.
// CHECK-LABEL: func.func private @extents
// CHECK-SAME: #graph.dims<B * T, T + 1, (T + 1) floordiv 2, [[VOLUME:.*]] + -2>>, tensor<?xf32, #graph.dims<[[VOLUME]] + -2>>)
func.func private @extents(tensor<?x?x?x?xf32, #graph.dims<T * B, 1 + T, (1 + T) floordiv 2, 3 * W * H + 1 + -3>>,
                           tensor<?xf32, #graph.dims<-2 + H * W + 2 * (W * H)>>)
