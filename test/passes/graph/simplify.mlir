// RUN: tintype-opt %s --graph-simplify | FileCheck %s

// Identities of scalars; powers become products; a constant place enters the map; constants stay in the body.
// CHECK-LABEL: func.func @scalars
// CHECK-NEXT: graph.compute none over <B>
// CHECK-NEXT: %[[X:.*]] = graph.read %arg0[(d0) -> (d0, 3)]
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK-NEXT: graph.yield %[[Y]]
func.func @scalars(%x: tensor<?x8xf32, #graph.dims<B, 8>>) -> tensor<?xf32, #graph.dims<B>> {
  %y = graph.compute none over <B> by <> : tensor<?xf32, #graph.dims<B>> {
    %three = arith.constant 3 : i32
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %zero = arith.constant 0.0 : f32
    %0 = graph.read %x[(d0)[s0] -> (d0, s0)](%three) : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = arith.mulf %one, %0 : f32
    %2 = arith.addf %1, %zero : f32
    %3 = math.powf %2, %two : f32
    %ok = graph.inside [(d0) -> (d0, 3)] in <B, 8>
    %4 = arith.select %ok, %3, %zero : f32
    graph.yield %4 : f32
  }
  return %y : tensor<?xf32, #graph.dims<B>>
}

// A product with zero stays (it may hold a NaN that must show), so does a power that is no product.
// CHECK-LABEL: func.func @kept
// CHECK: arith.mulf
// CHECK: math.powf
func.func @kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    %zero = arith.constant 0.0 : f32
    %p = arith.constant 2.5 : f32
    %0 = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    %1 = arith.mulf %0, %zero : f32
    %2 = math.powf %0, %p : f32
    %3 = arith.addf %1, %2 : f32
    graph.yield %3 : f32
  }
  return %y : tensor<4xf32>
}

// Ranges decide: the first guard always holds and the filter goes, the second may fail and stays.
// CHECK-LABEL: func.func @guards
// CHECK: graph.inside [(d0, d1) -> (d0 + d1)] in <5>
// CHECK: graph.read %arg0[(d0, d1) -> (d0 * 4 + d1)] : tensor<12xf32>
// CHECK: graph.yield %{{.*}} : f32
func.func @guards(%x: tensor<12xf32>) -> tensor<3xf32> {
  %y = graph.compute sum over <3> by <4> : tensor<3xf32> {
    %always = graph.inside [(d0, d1) -> (d0 * 4 + d1)] in <12>
    %maybe = graph.inside [(d0, d1) -> (d0 * 4 + d1, d0 + d1)] in <12, 5>
    %0 = graph.read %x[(d0, d1) -> (d0 * 4 + d1)] guarded : tensor<12xf32>
    %zero = arith.constant 0.0 : f32
    %1 = arith.select %maybe, %0, %zero : f32
    graph.yield %1 if %always : f32
  }
  return %y : tensor<3xf32>
}

// Copies and reshapes of reshapes go, equal definitions merge, unused ones and unused functions are erased; a
// transposition is no copy.
// CHECK-LABEL: func.func @definitions
// CHECK-NEXT: %[[T:.*]] = graph.compute none over <3, 3>
// CHECK-NEXT: graph.read %arg0[(d0, d1) -> (d1, d0)]
// CHECK-NEXT: graph.yield
// CHECK-NEXT: }
// CHECK-NEXT: %[[R:.*]] = graph.reshape %arg0 : tensor<3x3xf32> to tensor<9x1xf32>
// CHECK-NEXT: return %arg0, %[[T]], %[[T]], %[[R]]
func.func @definitions(%x: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>, tensor<9x1xf32>) {
  %copy = graph.compute none over <3, 3> by <> : tensor<3x3xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<3x3xf32>
    graph.yield %0 : f32
  }
  %t1 = graph.compute none over <3, 3> by <> : tensor<3x3xf32> {
    %0 = graph.read %copy[(d0, d1) -> (d1, d0)] : tensor<3x3xf32>
    graph.yield %0 : f32
  }
  %t2 = graph.compute none over <3, 3> by <> : tensor<3x3xf32> {
    %0 = graph.read %x[(d0, d1) -> (d1, d0)] : tensor<3x3xf32>
    graph.yield %0 : f32
  }
  %unused = graph.compute none over <3, 3> by <> : tensor<3x3xf32> {
    %0 = graph.read %t2[(d0, d1) -> (d1, d0)] : tensor<3x3xf32>
    graph.yield %0 : f32
  }
  %flat = graph.reshape %x : tensor<3x3xf32> to tensor<9xf32>
  %column = graph.reshape %flat : tensor<9xf32> to tensor<9x1xf32>
  return %copy, %t1, %t2, %column : tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>, tensor<9x1xf32>
}

// CHECK-NOT: @unused
func.func private @unused(%x: tensor<3xf32>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}
