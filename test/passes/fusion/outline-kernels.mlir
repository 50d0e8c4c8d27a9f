// RUN: tintype-opt %s --graph-outline-kernels -mlir-print-local-scope | FileCheck %s

module {
  graph.parameter @"h.0.w" : tensor<8x4xf32> normal(0.0, 0.02)
  graph.parameter @"h.1.w" : tensor<8x4xf32> normal(0.0, 0.02)

  // Two equal layers are calls of one kernel, whatever their parameters are called.
  // CHECK-LABEL: func.func @layers
  // CHECK:         %[[W0:.*]] = graph.param @h.0.w
  // CHECK:         call @[[K:k_[0-9a-f]+]](%{{.*}}, %[[W0]]) {graph.label = "{{.*}}outline-kernels.mlir:[[# @LINE + 6]]:10"}
  // CHECK:         %[[W1:.*]] = graph.param @h.1.w
  // CHECK:         call @[[K]](%{{.*}}, %[[W1]])
  func.func @layers(%x: tensor<?x4xf32, #graph.dims<B, 4>>, %z: tensor<?x4xf32, #graph.dims<B, 4>>)
      -> (tensor<?x8xf32, #graph.dims<B, 8>>, tensor<?x8xf32, #graph.dims<B, 8>>) {
    %w0 = graph.param @"h.0.w" : tensor<8x4xf32>
    %y = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
      %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
      %1 = graph.read %w0[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
      %2 = arith.mulf %0, %1 : f32
      graph.yield %2 : f32
    }
    %w1 = graph.param @"h.1.w" : tensor<8x4xf32>
    %u = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
      %0 = graph.read %z[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
      %1 = graph.read %w1[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
      %2 = arith.mulf %0, %1 : f32
      graph.yield %2 : f32
    }
    return %y, %u : tensor<?x8xf32, #graph.dims<B, 8>>, tensor<?x8xf32, #graph.dims<B, 8>>
  }

  // Definitions of one group are one kernel; a constant outside a body is part of it.
  // A definition that nothing uses is gone.
  // CHECK-LABEL: func.func @group
  // CHECK-NOT:     arith.constant
  // CHECK:         %[[R:.*]]:2 = call @[[G:k_[0-9a-f]+]](%arg0, %arg1)
  // CHECK-NOT:     call
  // CHECK:         return %[[R]]#0, %[[R]]#1
  func.func @group(%p: tensor<8xf32>, %g: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
    %lr = arith.constant 0.1 : f32
    %n = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
      %0 = graph.read %p[(d0) -> (d0)] : tensor<8xf32>
      %1 = graph.read %g[(d0) -> (d0)] : tensor<8xf32>
      %2 = arith.mulf %1, %lr : f32
      %3 = arith.subf %0, %2 : f32
      graph.yield %3 : f32
    }
    %z = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
      %0 = arith.constant 0.0 : f32
      %1 = graph.read %g[(d0) -> (d0)] : tensor<8xf32>
      %2 = arith.mulf %1, %0 : f32
      graph.yield %2 : f32
    }
    %dead = graph.compute none over <8> by <> : tensor<8xf32> {
      %0 = graph.read %g[(d0) -> (d0)] : tensor<8xf32>
      graph.yield %0 : f32
    }
    return %n, %z : tensor<8xf32>, tensor<8xf32>
  }

  // A read at another element than the written one keeps the memory apart; so
  // does a reduction, and a scatter to what the program was given (inplace-scatter.mlir).
  // CHECK-LABEL: func.func @inplace
  // CHECK:         call @[[REVERSE:k_[0-9a-f]+]]
  // CHECK:         call @[[SCATTER:k_[0-9a-f]+]]
  func.func @inplace(%x: tensor<8xf32>, %i: tensor<4xi32>, %v: tensor<4xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
    %r = graph.compute none over <8> by <> : tensor<8xf32> {
      %0 = graph.read %x[(d0) -> (-d0 + 7)] : tensor<8xf32>
      graph.yield %0 : f32
    }
    %s = graph.scatter init(%x : tensor<8xf32>) over <4> : tensor<8xf32> {
      %0 = graph.read %i[(d0) -> (d0)] : tensor<4xi32>
      %1 = graph.read %v[(d0) -> (d0)] : tensor<4xf32>
      graph.yield %1 at [(d0)[s0] -> (s0)](%0) : f32
    }
    return %r, %s : tensor<8xf32>, tensor<8xf32>
  }

  // CHECK:     func.func private @[[K]]
  // CHECK-SAME:  graph.inplace = array<i32: -1>, graph.kernel, graph.kind = "row"
  // CHECK:     func.func private @[[G]]
  // CHECK-SAME:  graph.inplace = array<i32: 0, 1>, graph.kernel, graph.kind = "pointwise"
  // CHECK:     func.func private @[[REVERSE]]
  // CHECK-SAME:  graph.inplace = array<i32: -1>
  // CHECK:     func.func private @[[SCATTER]]
  // CHECK-SAME:  graph.inplace = array<i32: -1>, graph.kernel, graph.kind = "scatter"
}
