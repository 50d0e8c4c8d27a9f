// A sum over columns of weights times a product becomes a sum over features of what those weights have summed already.
// RUN: tintype-opt %s --graph-exchange-sums | FileCheck %s

// z[t] = sum(s if s <= t) w[t, s] x[t, s] with w = y v, p = x / d under the same filter, o = p v: y o d, over e.
// CHECK-LABEL: func.func @exchanged
// CHECK: %[[O:.*]] = graph.compute sum over <T, 8> by <T>
// CHECK: graph.compute sum over <T> by <8>
// CHECK-NEXT: %[[Y:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[AT:.*]] = graph.read %[[O]][(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[Y]], %[[AT]]
// CHECK: %[[D:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0)]
// CHECK: arith.mulf %[[P]], %[[D]]
// CHECK-NOT: over <T, T> by <8>
func.func @exchanged(%x: tensor<?x?xf32, #graph.dims<T, T>>, %d: tensor<?xf32, #graph.dims<T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.index [(d0, d1) -> (d1)]
    %1 = graph.index [(d0, d1) -> (d0)]
    %2 = arith.cmpi sle, %0, %1 : i32
    %3 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %4 = graph.read %d[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %5 = arith.divf %3, %4 : f32
    %cst = arith.constant 0.0 : f32
    %6 = arith.select %2, %5, %cst : f32
    graph.yield %6 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    %3 = graph.index [(d0, d1) -> (d1)]
    %4 = graph.index [(d0, d1) -> (d0)]
    %5 = arith.cmpi sle, %3, %4 : i32
    graph.yield %2 if %5 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// Without the filter of the weights it is another sum.
// CHECK-LABEL: func.func @other_filter
// CHECK: graph.compute sum over <T> by <T>
func.func @other_filter(%x: tensor<?x?xf32, #graph.dims<T, T>>, %d: tensor<?xf32, #graph.dims<T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.index [(d0, d1) -> (d1)]
    %1 = graph.index [(d0, d1) -> (d0)]
    %2 = arith.cmpi sle, %0, %1 : i32
    %3 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %4 = graph.read %d[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %5 = arith.divf %3, %4 : f32
    %cst = arith.constant 0.0 : f32
    %6 = arith.select %2, %5, %cst : f32
    graph.yield %6 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// Factors rounded to bf16: y is rounded here as there.
// CHECK-LABEL: func.func @rounded
// CHECK: %[[O:.*]] = graph.compute sum over <T, 8> by <T>
// CHECK: graph.compute sum over <T> by <8>
// CHECK-NEXT: %[[Y:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[N:.*]] = arith.truncf %[[Y]] : f32 to bf16
// CHECK-NEXT: %[[R:.*]] = arith.extf %[[N]] : bf16 to f32
// CHECK-NEXT: %[[AT:.*]] = graph.read %[[O]][(d0, d1) -> (d0, d1)]
// CHECK-NEXT: arith.mulf %[[R]], %[[AT]]
// CHECK-NOT: over <T, T> by <8>
func.func @rounded(%x: tensor<?x?xf32, #graph.dims<T, T>>, %d: tensor<?xf32, #graph.dims<T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.index [(d0, d1) -> (d1)]
    %1 = graph.index [(d0, d1) -> (d0)]
    %2 = arith.cmpi sle, %0, %1 : i32
    %3 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %4 = graph.read %d[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %5 = arith.divf %3, %4 : f32
    %cst = arith.constant 0.0 : f32
    %6 = arith.select %2, %5, %cst : f32
    graph.yield %6 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %a = arith.truncf %0 : f32 to bf16
    %b = arith.truncf %1 : f32 to bf16
    %c = arith.extf %a : bf16 to f32
    %d0 = arith.extf %b : bf16 to f32
    %2 = arith.mulf %c, %d0 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %a = arith.truncf %0 : f32 to bf16
    %b = arith.truncf %1 : f32 to bf16
    %c = arith.extf %a : bf16 to f32
    %d0 = arith.extf %b : bf16 to f32
    %2 = arith.mulf %c, %d0 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    %3 = graph.index [(d0, d1) -> (d1)]
    %4 = graph.index [(d0, d1) -> (d0)]
    %5 = arith.cmpi sle, %3, %4 : i32
    graph.yield %2 if %5 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// The weights themselves: no divisor is left.
// CHECK-LABEL: func.func @whole
// CHECK: %[[O:.*]] = graph.compute sum over <T, 8> by <T>
// CHECK: graph.compute sum over <T> by <8>
// CHECK-NEXT: %[[Y:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[AT:.*]] = graph.read %[[O]][(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[Y]], %[[AT]]
// CHECK-NEXT: graph.yield %[[P]]
// CHECK-NOT: over <T, T> by <8>
func.func @whole(%x: tensor<?x?xf32, #graph.dims<T, T>>, %d: tensor<?xf32, #graph.dims<T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.index [(d0, d1) -> (d1)]
    %1 = graph.index [(d0, d1) -> (d0)]
    %2 = arith.cmpi sle, %0, %1 : i32
    %3 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %4 = graph.read %d[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %5 = arith.divf %3, %4 : f32
    %cst = arith.constant 0.0 : f32
    %6 = arith.select %2, %5, %cst : f32
    graph.yield %6 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    %3 = graph.index [(d0, d1) -> (d1)]
    %4 = graph.index [(d0, d1) -> (d0)]
    %5 = arith.cmpi sle, %3, %4 : i32
    graph.yield %2 if %5 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// Weights of which only a part was summed: it is another sum.
// CHECK-LABEL: func.func @part_of_columns
// CHECK: graph.compute sum over <T, T> by <8>
// CHECK: graph.compute sum over <T> by <T>
func.func @part_of_columns(%p: tensor<?x?xf32, #graph.dims<T, T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %o = graph.compute sum over <T, 8> by <T + -1> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// A sum of a part of the products.
// CHECK-LABEL: func.func @part_of_products
// CHECK: graph.compute sum over <T, T> by <8>
// CHECK: graph.compute sum over <T> by <T + -1>
func.func @part_of_products(%p: tensor<?x?xf32, #graph.dims<T, T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %z = graph.compute sum over <T> by <T + -1> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// Noise on the weights, and the same on what is weighed: as without it.
// CHECK-LABEL: func.func @dropped
// CHECK: %[[O:.*]] = graph.compute sum over <T, 8> by <T>
// CHECK: graph.compute sum over <T> by <8>
// CHECK-NEXT: %[[Y:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[AT:.*]] = graph.read %[[O]][(d0, d1) -> (d0, d1)]
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[Y]], %[[AT]]
// CHECK: %[[D:.*]] = graph.read %{{.*}}[(d0, d1) -> (d0)]
// CHECK-NEXT: %[[Z:.*]] = arith.mulf %[[P]], %[[D]]
// CHECK-NEXT: graph.yield %[[Z]]
// CHECK-NOT: over <T, T> by <8>
func.func @dropped(%x: tensor<?x?xf32, #graph.dims<T, T>>, %d: tensor<?xf32, #graph.dims<T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>, %rng: tensor<2xi32>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %d[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    %2 = arith.divf %0, %1 : f32
    graph.yield %2 : f32
  }
  %q = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <T, T> : tensor<2xi32>
    %rate = arith.constant 0.1 : f32
    %1 = arith.cmpf olt, %0, %rate : f32
    %zero = arith.constant 0.0 : f32
    %2 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %kept = arith.constant 0.9 : f32
    %3 = arith.divf %2, %kept : f32
    %4 = arith.select %1, %zero, %3 : f32
    graph.yield %4 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %q[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %n = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <T, T> : tensor<2xi32>
    %rate = arith.constant 0.1 : f32
    %2 = arith.cmpf olt, %1, %rate : f32
    %zero = arith.constant 0.0 : f32
    %3 = arith.select %2, %zero, %0 : f32
    %kept = arith.constant 0.9 : f32
    %4 = arith.divf %3, %kept : f32
    graph.yield %4 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %n[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}

// Other noise (another site), or none on one of the two, is another sum.
// CHECK-LABEL: func.func @other_noise
// CHECK: graph.compute sum over <T> by <T>
// CHECK: graph.compute sum over <T> by <T>
func.func @other_noise(%x: tensor<?x?xf32, #graph.dims<T, T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>, %rng: tensor<2xi32>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>, tensor<?xf32, #graph.dims<T>>) {
  %q = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <T, T> : tensor<2xi32>
    %rate = arith.constant 0.1 : f32
    %1 = arith.cmpf olt, %0, %rate : f32
    %zero = arith.constant 0.0 : f32
    %2 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %3 = arith.select %1, %zero, %2 : f32
    graph.yield %3 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %q[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %n = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.random uniform 4 of %rng[(d0, d1) -> (d0, d1)] in <T, T> : tensor<2xi32>
    %rate = arith.constant 0.1 : f32
    %2 = arith.cmpf olt, %1, %rate : f32
    %zero = arith.constant 0.0 : f32
    %3 = arith.select %2, %zero, %0 : f32
    graph.yield %3 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %n[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %u = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z, %u : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>, tensor<?xf32, #graph.dims<T>>
}

// Beyond a guard what is weighed is 0, while the other sum goes on.
// CHECK-LABEL: func.func @guarded
// CHECK: graph.compute sum over <T> by <T>
func.func @guarded(%x: tensor<?x?xf32, #graph.dims<T, T>>, %v: tensor<?x8xf32, #graph.dims<T, 8>>, %y: tensor<?x8xf32, #graph.dims<T, 8>>) -> (tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>) {
  %p = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %two = arith.constant 2.0 : f32
    %1 = arith.divf %0, %two : f32
    graph.yield %1 : f32
  }
  %o = graph.compute sum over <T, 8> by <T> : tensor<?x8xf32, #graph.dims<T, 8>> {
    %0 = graph.read %p[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %v[(d0, d1, d2) -> (d2, d1)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %w = graph.compute sum over <T, T> by <8> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %y[(d0, d1, d2) -> (d0, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %1 = graph.read %v[(d0, d1, d2) -> (d1, d2)] : tensor<?x8xf32, #graph.dims<T, 8>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %n = graph.compute none over <T, T + -1> by <> : tensor<?x?xf32, #graph.dims<T, T + -1>> {
    %0 = graph.read %w[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %two = arith.constant 2.0 : f32
    %1 = arith.divf %0, %two : f32
    graph.yield %1 : f32
  }
  %z = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %n[(d0, d1) -> (d0, d1)] guarded : tensor<?x?xf32, #graph.dims<T, T + -1>>
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o, %z : tensor<?x8xf32, #graph.dims<T, 8>>, tensor<?xf32, #graph.dims<T>>
}
