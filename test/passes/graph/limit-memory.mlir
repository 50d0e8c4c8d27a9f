// RUN: tintype-opt %s --graph-limit-memory='nominal=B=4,T=1000 limit=0.01 variant=false remarks' 2>&1 | FileCheck %s
// RUN: tintype-opt %s --graph-limit-memory='nominal=B=4,T=1000 limit=5 remarks' 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: not tintype-opt %s --graph-limit-memory=nominal=B:4 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: error: expected NAME=NUMBER in nominal, but got B:4

// The quadratic score is computed again from what lives anyway; the narrow sum is kept. The copy is marked, so that
// it stays apart from the first one.
// CHECK: remark: @train_step keeps 0.0 MB instead of 4.0 MB: 1 definitions are computed again, {{.*}} % more work
// CHECK-LABEL: func.func @train_step
// CHECK: %[[S:.*]] = graph.compute sum over <T, T> by <4> : tensor
// CHECK: graph.read %[[S]]
// CHECK: %[[AGAIN:.*]] = graph.compute sum over <T, T> by <4> {graph.again}
// CHECK-NOT: graph.read %[[S]]
// CHECK: graph.read %[[AGAIN]]
// CHECK: graph.set_grad

// Enough room: the variant is there, and equal to the program.
// LIMIT: remark: @train_step.recompute keeps 4.0 MB instead of 4.0 MB: 0 definitions
// LIMIT: func.func @train_step(
// LIMIT: func.func @train_step.recompute(
// LIMIT-SAME: graph.role = "train_step_recompute"
// LIMIT-NOT: graph.again
graph.parameter @w : tensor<4xf32> normal(0.0, 1.0)
func.func @train_step(%x: tensor<?x4xf32, #graph.dims<T, 4>>) -> tensor<f32> attributes {graph.role = "train_step", graph.results = ["loss"]} {
  %w = graph.param @w : tensor<4xf32>
  %s = graph.compute sum over <T, T> by <4> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<T, 4>>
    %1 = graph.read %x[(d0, d1, d2) -> (d1, d2)] : tensor<?x4xf32, #graph.dims<T, 4>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %r = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %s[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %l = graph.compute sum over <> by <T, 4> : tensor<f32> {
    %0 = graph.read %r[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %1 = graph.read %w[(d0, d1) -> (d1)] : tensor<4xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute sum over <4> by <T, T> : tensor<4xf32> {
    %0 = graph.read %s[(d0, d1, d2) -> (d1, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %r[(d0, d1, d2) -> (d1)] : tensor<?xf32, #graph.dims<T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %g = graph.grad @w : tensor<4xf32>
  %n = graph.compute none over <4> by <> : tensor<4xf32> {
    %0 = graph.read %g[(d0) -> (d0)] : tensor<4xf32>
    %1 = graph.read %d[(d0) -> (d0)] : tensor<4xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  graph.set_grad @w, %n : tensor<4xf32>
  return %l : tensor<f32>
}
