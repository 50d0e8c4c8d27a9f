// RUN: tintype-opt %s --graph-form-kernels | FileCheck %s
// RUN: tintype-opt %s --mlir-disable-threading --graph-form-kernels --remarks-filter=graph-form-kernels -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

graph.parameter @w : tensor<16x12xf32> normal(0.0, 0.02)

// A contraction takes the pointwise definitions over its points, one of which is
// needed outside; what reads it as an operand is another kernel.
// CHECK-LABEL: func.func @epilogue
// CHECK:         graph.compute sum over <B, 16> {{.*}}{graph.group = 0 : i32}
// CHECK:         graph.compute none over <B, 16> {{.*}}{graph.group = 0 : i32}
// CHECK:         graph.compute none over <B, 16> {{.*}}{graph.group = 0 : i32}
// CHECK:         graph.compute sum over <B, 12> {{.*}}{graph.group = 1 : i32}
// REMARK:      fused: reads {{.*}}, B * 64 bytes
// REMARK:      not fused: reads {{.*}}, but it would hold 2 contractions
func.func @epilogue(%x: tensor<?x12xf32, #graph.dims<B, 12>>, %b: tensor<16xf32>)
    -> (tensor<?x16xf32, #graph.dims<B, 16>>, tensor<?x12xf32, #graph.dims<B, 12>>) {
  %w = graph.param @w : tensor<16x12xf32>
  %z = graph.compute sum over <B, 16> by <12> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x12xf32, #graph.dims<B, 12>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<16x12xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %h = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %b[(d0, d1) -> (d1)] : tensor<16xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %a = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %y = graph.compute sum over <B, 12> by <16> : tensor<?x12xf32, #graph.dims<B, 12>> {
    %0 = graph.read %a[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<16x12xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %h, %y : tensor<?x16xf32, #graph.dims<B, 16>>, tensor<?x12xf32, #graph.dims<B, 12>>
}

// Rows: two sums of the same rows and what they scale are one kernel. The sum
// over the other dim is not of these rows.
// CHECK-LABEL: func.func @rows
// CHECK:         graph.compute sum over <B> by <8> {graph.group = 0 : i32}
// CHECK:         graph.compute max over <B> by <8> {graph.group = 0 : i32}
// CHECK:         graph.compute none over <B, 8> {{.*}}{graph.group = 0 : i32}
// CHECK:         graph.compute sum over <8> by <B> {graph.group = 1 : i32}
// REMARK:      fused: reads the same as {{.*}}, B * 4 bytes
// REMARK:      not fused: {{.*}} but they have different rows
func.func @rows(%x: tensor<?x8xf32, #graph.dims<B, 8>>) -> (tensor<?x8xf32, #graph.dims<B, 8>>, tensor<8xf32>) {
  %s = graph.compute sum over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  %m = graph.compute max over <B> by <8> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %s[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %2 = graph.read %m[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %3 = arith.mulf %0, %1 : f32
    %4 = arith.subf %3, %2 : f32
    graph.yield %4 : f32
  }
  %c = graph.compute sum over <8> by <B> : tensor<8xf32> {
    %0 = graph.read %y[(d0, d1) -> (d1, d0)] : tensor<?x8xf32, #graph.dims<B, 8>>
    graph.yield %0 : f32
  }
  return %y, %c : tensor<?x8xf32, #graph.dims<B, 8>>, tensor<8xf32>
}

// A third kernel between two definitions keeps them apart: %y needs %s, which needs all of %p.
// CHECK-LABEL: func.func @cycle
// CHECK:         graph.compute none over <4, 8> by <> {graph.group = 0 : i32}
// CHECK:         graph.compute sum over <> by <4, 8> {graph.group = 1 : i32}
// CHECK:         graph.compute none over <4, 8> by <> {graph.group = 2 : i32}
// REMARK:      not fused: {{.*}} but one uses the other through a third kernel
func.func @cycle(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %p = graph.compute none over <4, 8> by <> : tensor<4x8xf32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %s = graph.compute sum over <> by <4, 8> : tensor<f32> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    graph.yield %0 : f32
  }
  %y = graph.compute none over <4, 8> by <> : tensor<4x8xf32> {
    %0 = graph.read %p[(d0, d1) -> (d0, d1)] : tensor<4x8xf32>
    %1 = graph.read %s[(d0, d1) -> ()] : tensor<f32>
    %2 = arith.divf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %p, %y : tensor<4x8xf32>, tensor<4x8xf32>
}

// An accumulation joins the contraction although the gradient is read later, and
// the second accumulation still comes after the first.
// CHECK-LABEL: func.func @accumulate
// CHECK:         %[[G:.*]] = graph.grad @w
// CHECK:         graph.compute sum {{.*}}{graph.group = 0 : i32}
// CHECK:         graph.read %[[G]]
// CHECK:         graph.set_grad @w
// CHECK:         %[[H:.*]] = graph.grad @w
// CHECK:         graph.read %[[H]]
// CHECK:         graph.set_grad @w
func.func @accumulate(%x: tensor<?x12xf32, #graph.dims<B, 12>>, %dy: tensor<?x16xf32, #graph.dims<B, 16>>) {
  %d = graph.compute sum over <16, 12> by <B> : tensor<16x12xf32> {
    %0 = graph.read %dy[(d0, d1, d2) -> (d2, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %x[(d0, d1, d2) -> (d2, d1)] : tensor<?x12xf32, #graph.dims<B, 12>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %g = graph.grad @w : tensor<16x12xf32>
  %n = graph.compute none over <16, 12> by <> : tensor<16x12xf32> {
    %0 = graph.read %g[(d0, d1) -> (d0, d1)] : tensor<16x12xf32>
    %1 = graph.read %d[(d0, d1) -> (d0, d1)] : tensor<16x12xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  graph.set_grad @w, %n : tensor<16x12xf32>
  %h = graph.grad @w : tensor<16x12xf32>
  %o = graph.compute none over <16, 12> by <> : tensor<16x12xf32> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<16x12xf32>
    %1 = arith.addf %0, %0 : f32
    graph.yield %1 : f32
  }
  graph.set_grad @w, %o : tensor<16x12xf32>
  return
}

// Everything that an optimiser does to one parameter reads the old values of the
// others: one kernel, four results in place.
// CHECK-LABEL: func.func @update
// CHECK-COUNT-3: {graph.group = 0 : i32}
// CHECK-NOT:     graph.group = 1
func.func @update(%p: tensor<64xf32>, %m: tensor<64xf32>, %v: tensor<64xf32>, %g: tensor<64xf32>)
    -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
  %m1 = graph.compute none over <64> by <> : tensor<64xf32> {
    %0 = graph.read %m[(d0) -> (d0)] : tensor<64xf32>
    %1 = graph.read %g[(d0) -> (d0)] : tensor<64xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %v1 = graph.compute none over <64> by <> : tensor<64xf32> {
    %0 = graph.read %v[(d0) -> (d0)] : tensor<64xf32>
    %1 = graph.read %g[(d0) -> (d0)] : tensor<64xf32>
    %2 = arith.mulf %1, %1 : f32
    %3 = arith.addf %0, %2 : f32
    graph.yield %3 : f32
  }
  %p1 = graph.compute none over <64> by <> : tensor<64xf32> {
    %0 = graph.read %p[(d0) -> (d0)] : tensor<64xf32>
    %1 = graph.read %m1[(d0) -> (d0)] : tensor<64xf32>
    %2 = graph.read %v1[(d0) -> (d0)] : tensor<64xf32>
    %3 = arith.mulf %1, %2 : f32
    %4 = arith.subf %0, %3 : f32
    graph.yield %4 : f32
  }
  return %p1, %m1, %v1 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}
