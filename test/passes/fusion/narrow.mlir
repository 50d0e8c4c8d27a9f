// RUN: tintype-opt %s --graph-narrow | FileCheck %s
// RUN: tintype-opt %s --mlir-disable-threading --graph-narrow --remarks-filter=graph-narrow -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// The numbers stay the same.
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --graph-narrow -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// A pointwise value is rounded where it is made; a view of it changes its type along.
// REMARK: stored as bf16: every reader rounds it, saves B * 32 bytes
// CHECK-LABEL: func.func @pointwise
// CHECK:         %[[H:.*]] = graph.compute none over <B, 16> by <> : tensor<?x16xbf16, #graph.dims<B, 16>> {
// CHECK:           %[[F:.*]] = math.tanh
// CHECK-NEXT:      %[[R:.*]] = arith.truncf %[[F]] : f32 to bf16
// CHECK-NEXT:      graph.yield %[[R]] : bf16
// CHECK:         %[[V:.*]] = graph.reshape %[[H]] {{.*}} to tensor<?x2x8xbf16, #graph.dims<B, 2, 8>>
// CHECK:           %[[X:.*]] = graph.read %[[V]]{{.*}} : tensor<?x2x8xbf16
// CHECK-NOT:       truncf %[[X]]
// CHECK:           arith.extf %[[X]] : bf16 to f32
func.func @pointwise(%x: tensor<?x16xf32, #graph.dims<B, 16>>, %w: tensor<4x2x8xf32>) -> tensor<?x4xf32, #graph.dims<B, 4>> {
  %h = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %v = graph.reshape %h : tensor<?x16xf32, #graph.dims<B, 16>> to tensor<?x2x8xf32, #graph.dims<B, 2, 8>>
  %y = graph.compute sum over <B, 4> by <2, 8> : tensor<?x4xf32, #graph.dims<B, 4>> {
    %0 = graph.read %v[(d0, d1, d2, d3) -> (d0, d2, d3)] : tensor<?x2x8xf32, #graph.dims<B, 2, 8>>
    %1 = graph.read %w[(d0, d1, d2, d3) -> (d1, d2, d3)] : tensor<4x2x8xf32>
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.extf %2 : bf16 to f32
    %4 = arith.truncf %1 : f32 to bf16
    %5 = arith.extf %4 : bf16 to f32
    %6 = arith.mulf %3, %5 : f32
    graph.yield %6 : f32
  }
  return %y : tensor<?x4xf32, #graph.dims<B, 4>>
}

// A sum stays f32 and is rounded by what follows it.
// CHECK-LABEL: func.func @sum
// CHECK:         %[[Z:.*]] = graph.compute sum over <B, 16> by <64> : tensor<?x16xf32
// CHECK:         %[[R:.*]] = graph.compute none over <B, 16> by <> : tensor<?x16xbf16
// CHECK-NEXT:      graph.read %[[Z]]
// CHECK:         graph.compute sum
// CHECK-NEXT:      graph.read %[[R]]
func.func @sum(%x: tensor<?x64xf32, #graph.dims<B, 64>>, %w: tensor<16x64xf32>) -> tensor<?x?xf32, #graph.dims<B, B>> {
  %z = graph.compute sum over <B, 16> by <64> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<16x64xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute sum over <B, B> by <16> : tensor<?x?xf32, #graph.dims<B, B>> {
    %0 = graph.read %z[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %z[(d0, d1, d2) -> (d1, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.extf %2 : bf16 to f32
    %4 = arith.truncf %1 : f32 to bf16
    %5 = arith.extf %4 : bf16 to f32
    %6 = arith.mulf %3, %5 : f32
    graph.yield %6 : f32
  }
  return %y : tensor<?x?xf32, #graph.dims<B, B>>
}

// One reader that wants the exact value, or a result of the program: it stays f32, and readers round.
// CHECK-LABEL: func.func @exact
// CHECK-NOT:     xbf16
// CHECK:         return
func.func @exact(%x: tensor<?x16xf32, #graph.dims<B, 16>>) -> (tensor<?x?xf32, #graph.dims<B, B>>, tensor<?x16xf32, #graph.dims<B, 16>>, tensor<?xf32, #graph.dims<B>>) {
  %h = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %g = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %y = graph.compute sum over <B, B> by <16> : tensor<?x?xf32, #graph.dims<B, B>> {
    %0 = graph.read %h[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %g[(d0, d1, d2) -> (d1, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.extf %2 : bf16 to f32
    %4 = arith.truncf %1 : f32 to bf16
    %5 = arith.extf %4 : bf16 to f32
    %6 = arith.mulf %3, %5 : f32
    graph.yield %6 : f32
  }
  %s = graph.compute max over <B> by <16> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    graph.yield %0 : f32
  }
  return %y, %g, %s : tensor<?x?xf32, #graph.dims<B, B>>, tensor<?x16xf32, #graph.dims<B, 16>>, tensor<?xf32, #graph.dims<B>>
}

// What is made rounded is stored so, and its readers are none the wiser.
// REMARK: stored as bf16: it is made rounded, saves B * 32 bytes
// CHECK-LABEL: func.func @made_rounded
// CHECK:         %[[H:.*]] = graph.compute none over <B, 16> by <> : tensor<?x16xbf16, #graph.dims<B, 16>> {
// CHECK:           %[[R:.*]] = arith.truncf
// CHECK-NEXT:      graph.yield %[[R]] : bf16
// CHECK:           %[[X:.*]] = graph.read %[[H]]{{.*}} : tensor<?x16xbf16
// CHECK-NEXT:      %[[WIDE:.*]] = arith.extf %[[X]] : bf16 to f32
// CHECK-NEXT:      arith.mulf %[[WIDE]], %[[WIDE]]
func.func @made_rounded(%x: tensor<?x16xf32, #graph.dims<B, 16>>) -> tensor<?x16xf32, #graph.dims<B, 16>> {
  %h = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = arith.truncf %0 : f32 to bf16
    %2 = arith.extf %1 : bf16 to f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <B, 16> by <> : tensor<?x16xf32, #graph.dims<B, 16>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = arith.mulf %0, %0 : f32
    %2 = arith.truncf %0 : f32 to bf16
    %3 = arith.extf %2 : bf16 to f32
    %4 = arith.addf %1, %3 : f32
    graph.yield %4 : f32
  }
  return %y : tensor<?x16xf32, #graph.dims<B, 16>>
}
