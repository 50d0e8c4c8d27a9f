// What the derivative of each kind of access looks like. Numbers are in gradients.test.
// RUN: tintype-opt %s --split-input-file --graph-differentiate --graph-simplify | FileCheck %s

// The derivative of a contraction is a contraction of dy and the other side, and nothing else: factors that do
// not change along the reduction (here 0.125) are applied after it.
// CHECK-LABEL: func.func @trace_step
// CHECK: %[[D:.*]] = graph.compute sum over <8, 4> by <B>
// CHECK-NEXT: %[[A:.*]] = graph.read %arg1[(d0, d1, d2) -> (d2, d0)]
// CHECK-NEXT: %[[B:.*]] = graph.read %arg0[(d0, d1, d2) -> (d2, d1)]
// CHECK-NEXT: %[[C:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK-NEXT: graph.yield %[[C]] : f32
// CHECK: graph.read %[[D]]
// CHECK-NEXT: arith.constant 1.250000e-01
// CHECK: %[[G:.*]] = graph.grad @w
// CHECK: %[[N:.*]] = graph.compute none over <8, 4>
// CHECK: arith.addf
// CHECK: graph.set_grad @w, %[[N]]
graph.parameter @w : tensor<8x4xf32> normal(0.0, 1.0)
func.func @loss(%x: tensor<?x4xf32, #graph.dims<B, 4>>, %t: tensor<?x8xf32, #graph.dims<B, 8>>) -> tensor<f32>
    attributes {graph.role = "loss", graph.results = ["loss"]} {
  %w = graph.param @w : tensor<8x4xf32>
  %y = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
    %k = arith.constant 0.125 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.mulf %2, %k : f32
    graph.yield %3 : f32
  }
  %l = graph.compute sum over <> by <B, 8> : tensor<f32> {
    %0 = graph.read %y[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %t[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %l : tensor<f32>
}

// -----

// A computed place in a reduction is a scatter, into the gradient itself; nothing goes through a stop or a comparison;
// what only a stop reads has no gradient.
// CHECK-LABEL: func.func @train_step
// CHECK-SAME: graph.role = "train_step"
// CHECK-NOT: graph.grad @v
// CHECK: %[[G:.*]] = graph.grad @w
// CHECK-NEXT: %[[S:.*]] = graph.scatter init(%[[G]] : tensor<5x4xf32>) over <B, 4>
// CHECK: %[[ID:.*]] = graph.read %arg0
// CHECK: graph.yield %{{.*}} at [(d0, d1)[s0] -> (s0, d1)](%[[ID]])
// CHECK: graph.set_grad @w, %[[S]]
// CHECK-NOT: graph.grad
// CHECK-NOT: @train_loss
graph.parameter @w : tensor<5x4xf32> normal(0.0, 1.0)
graph.parameter @v : tensor<4xf32> normal(0.0, 1.0)
func.func @train_loss(%id: tensor<?xi32, #graph.dims<B>> {graph.name = "id", graph.bound = 5 : i64}) -> tensor<f32>
    attributes {graph.role = "train_loss", graph.results = ["loss"]} {
  %w = graph.param @w : tensor<5x4xf32>
  %v = graph.param @v : tensor<4xf32>
  %l = graph.compute sum over <> by <B, 4> : tensor<f32> {
    %0 = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    %1 = graph.read %w[(d0, d1)[s0] -> (s0, d1)](%0) : tensor<5x4xf32>
    %2 = graph.read %v[(d0, d1) -> (d1)] : tensor<4xf32>
    %3 = graph.stop %2 : f32
    %c = arith.cmpf olt, %1, %3 : f32
    %4 = arith.mulf %1, %3 : f32
    %5 = arith.select %c, %4, %1 : f32
    graph.yield %5 : f32
  }
  return %l : tensor<f32>
}

// -----

// A frozen parameter gets no gradient. A table longer than what is read of it: the sum runs over what is read, and is
// put back by a selection. The reshape of a derivative is a reshape.
// CHECK-LABEL: func.func @trace_step
// CHECK-NOT: graph.grad @frozen
// CHECK: %[[D:.*]] = graph.compute sum over <T, 3> by <B>
// CHECK: graph.compute none over <9, 3>
// CHECK: %[[OK:.*]] = graph.inside [(d0, d1) -> (d0)] in <T>
// CHECK: %[[R:.*]] = graph.read %[[D]][(d0, d1) -> (d0, d1)] guarded
// CHECK: arith.select %[[OK]], %[[R]]
// CHECK: graph.reshape %{{.*}} : tensor<9x3xf32> to tensor<27xf32>
// CHECK: graph.set_grad @table
// CHECK-NOT: graph.set_grad
graph.parameter @table : tensor<27xf32> normal(0.0, 1.0)
graph.parameter @frozen : tensor<3xf32> normal(0.0, 1.0) {graph.frozen}
func.func @loss(%x: tensor<?x?x3xf32, #graph.dims<B, T, 3>>) -> tensor<f32>
    attributes {graph.role = "loss", graph.results = ["loss"]} {
  %flat = graph.param @table : tensor<27xf32>
  %table = graph.reshape %flat : tensor<27xf32> to tensor<9x3xf32>
  %frozen = graph.param @frozen : tensor<3xf32>
  %y = graph.compute none over <B, T, 3> by <> : tensor<?x?x3xf32, #graph.dims<B, T, 3>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x3xf32, #graph.dims<B, T, 3>>
    %1 = graph.read %table[(d0, d1, d2) -> (d1, d2)] : tensor<9x3xf32>
    %2 = graph.read %frozen[(d0, d1, d2) -> (d2)] : tensor<3xf32>
    %3 = arith.mulf %0, %1 : f32
    %4 = arith.addf %3, %2 : f32
    graph.yield %4 : f32
  }
  %l = graph.compute sum over <> by <B, T, 3> : tensor<f32> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x3xf32, #graph.dims<B, T, 3>>
    graph.yield %0 : f32
  }
  return %l : tensor<f32>
}

// -----

// A place computed from the loops that the element determines is a comparison, not a scatter; class token and
// patches: both digits come from one loop.
// CHECK-LABEL: func.func @trace_step
// CHECK-NOT: graph.scatter
// CHECK: graph.compute sum over <> by <B>
// CHECK: %[[D:.*]] = graph.compute none over <B, 7>
// CHECK: arith.cmpi eq
// CHECK: graph.compute none over <B, 2, 3>
// CHECK-NEXT: graph.read %[[D]][(d0, d1, d2) -> (d0, d1 * 3 + d2 + 1)] :
// CHECK: func.func @loss
graph.parameter @w : tensor<2x3xf32> normal(0.0, 1.0)
func.func @loss(%x: tensor<?xf32, #graph.dims<B>>, %id: tensor<?xi32, #graph.dims<B>>, %d: tensor<?x7xf32, #graph.dims<B, 7>>) -> tensor<f32>
    attributes {graph.role = "loss", graph.results = ["loss"]} {
  %w = graph.param @w : tensor<2x3xf32>
  %g = graph.compute none over <B, 2, 3> by <> : tensor<?x2x3xf32, #graph.dims<B, 2, 3>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<2x3xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %p = graph.compute none over <B, 7> by <> : tensor<?x7xf32, #graph.dims<B, 7>> {
    %0 = graph.inside [(d0, d1) -> ((d1 - 1) floordiv 3)] in <2>
    %1 = graph.read %g[(d0, d1) -> (d0, (d1 - 1) floordiv 3, (d1 - 1) mod 3)] guarded : tensor<?x2x3xf32, #graph.dims<B, 2, 3>>
    %2 = arith.constant 0.0 : f32
    %3 = arith.select %0, %1, %2 : f32
    %4 = graph.read %d[(d0, d1) -> (d0, d1)] : tensor<?x7xf32, #graph.dims<B, 7>>
    %5 = arith.mulf %3, %4 : f32
    graph.yield %5 : f32
  }
  %l = graph.compute sum over <> by <B> : tensor<f32> {
    %0 = graph.read %id[(d0) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    %1 = graph.read %p[(d0)[s0] -> (d0, s0)](%0) : tensor<?x7xf32, #graph.dims<B, 7>>
    graph.yield %1 : f32
  }
  return %l : tensor<f32>
}
