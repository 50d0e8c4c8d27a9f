// RUN: tintype-opt %s --graph-form-kernels --graph-share-terms | FileCheck %s
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after --dims B=3

// The exponential of a row that its sum and its weights take is computed once.
// CHECK-LABEL: func.func @rows
// CHECK:         graph.compute max
// CHECK:         %[[E:.*]] = graph.compute none over <B, 8> by <> {graph.group = 0 : i32}
// CHECK:           math.exp
// CHECK:         graph.compute sum
// CHECK-NOT:       math.exp
// CHECK:           graph.read %[[E]][(d0, d1) -> (d0, d1)]
// CHECK:         graph.compute none
// CHECK-NOT:       math.exp
// CHECK:           graph.read %[[E]]
func.func @rows(%x: tensor<?x8xf32, #graph.dims<B, 8>>) -> tensor<?x8xf32, #graph.dims<B, 8>> {
  %m = graph.compute max over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  %s = graph.compute sum over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %m[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %2 = arith.subf %0, %1 : f32
    %3 = math.exp %2 : f32
    graph.yield %3 : f32
  }
  %p = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %m[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %2 = arith.subf %0, %1 : f32
    %3 = math.exp %2 : f32
    %4 = graph.read %s[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %5 = arith.mulf %3, %4 : f32
    graph.yield %5 : f32
  }
  return %p : tensor<?x8xf32, #graph.dims<B, 8>>
}

// Two kernels compute it twice.
// CHECK-LABEL: func.func @apart
// CHECK-COUNT-2: math.exp
func.func @apart(%x: tensor<?x8xf32, #graph.dims<B, 8>>) -> (tensor<?xf32, #graph.dims<B>>, tensor<8xf32>) {
  %s = graph.compute sum over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %c = graph.compute sum over <8> by <B> : tensor<8xf32> {
    %0 = graph.read %x[(d0, d1) -> (d1, d0)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  return %s, %c : tensor<?xf32, #graph.dims<B>>, tensor<8xf32>
}
