// RUN: tintype-opt %s --graph-round-factors | FileCheck %s

graph.parameter @w : tensor<32x16xf32> normal(0.0, 0.02)
graph.parameter @b : tensor<16xf32> normal(0.0, 0.02)

// The program in f32 stays as it is.
// CHECK-LABEL: func.func @train_step(
// CHECK-NOT:     bf16
// Beside it: both factors are rounded, product and sum are f32, as are gradients.
// CHECK-LABEL: func.func @train_step.bf16(
// CHECK-SAME:    graph.role = "train_step_bf16"
// CHECK:         %[[Y:.*]] = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32
// CHECK-NEXT:      %[[X:.*]] = graph.read %arg0
// CHECK-NEXT:      %[[W:.*]] = graph.read
// CHECK-NEXT:      %[[X16:.*]] = arith.truncf %[[X]] : f32 to bf16
// CHECK-NEXT:      %[[X32:.*]] = arith.extf %[[X16]] : bf16 to f32
// CHECK-NEXT:      %[[W16:.*]] = arith.truncf %[[W]] : f32 to bf16
// CHECK-NEXT:      %[[W32:.*]] = arith.extf %[[W16]] : bf16 to f32
// CHECK-NEXT:      %[[XW:.*]] = arith.mulf %[[X32]], %[[W32]] : f32
// CHECK-NEXT:      graph.yield %[[XW]] : f32
// A sum of squares is no contraction: statistics stay exact.
// CHECK:         graph.compute sum over <B> by <32>
// CHECK-NOT:       truncf
// CHECK:           graph.yield
// Each side is rounded once, however many factors it has: {keep, x} and {dy}.
// CHECK:         graph.compute sum over <32, 16> by <B>
// CHECK:           %[[KX:.*]] = arith.mulf
// CHECK-NEXT:      arith.truncf %[[KX]]
// CHECK:           arith.truncf
// CHECK-NOT:       arith.truncf
// The gradient of a bias adds up what the gradient of the weights rounds, over the same rows.
// CHECK:         graph.compute sum over <16> by <B>
// CHECK-NEXT:      %[[DY:.*]] = graph.read %arg0
// CHECK-NEXT:      %[[DY16:.*]] = arith.truncf %[[DY]] : f32 to bf16
// CHECK-NEXT:      %[[DY32:.*]] = arith.extf %[[DY16]] : bf16 to f32
// CHECK-NEXT:      graph.yield %[[DY32]] : f32
// A statistic of it is exact, although a contraction sums the same.
// CHECK:         graph.compute sum over <B> by <16>
// CHECK-NOT:       truncf
// CHECK:           graph.yield
// CHECK:           graph.set_grad @w, {{.*}} : tensor<32x16xf32>
func.func @train_step(%x: tensor<?x16xf32, #graph.dims<B, 16>>, %keep: tensor<?xf32, #graph.dims<B>>)
    -> tensor<?xf32, #graph.dims<B>> attributes {graph.role = "train_step"} {
  %w = graph.param @w : tensor<32x16xf32>
  %y = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<32x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %s = graph.compute sum over <B> by <32> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %y[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %1 = arith.mulf %0, %0 : f32
    graph.yield %1 : f32
  }
  %dw = graph.compute sum over <32, 16> by <B> : tensor<32x16xf32> {
    %0 = graph.read %y[(d0, d1, d2) -> (d2, d0)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %1 = graph.read %keep[(d0, d1, d2) -> (d2)] : tensor<?xf32, #graph.dims<B>>
    %2 = graph.read %x[(d0, d1, d2) -> (d2, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %3 = arith.mulf %0, %1 : f32
    %4 = arith.mulf %3, %2 : f32
    graph.yield %4 : f32
  }
  %db = graph.compute sum over <16> by <B> : tensor<16xf32> {
    %0 = graph.read %x[(d0, d1) -> (d1, d0)] : tensor<?x16xf32, #graph.dims<B, 16>>
    graph.yield %0 : f32
  }
  %rows = graph.compute sum over <B> by <16> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x16xf32, #graph.dims<B, 16>>
    graph.yield %0 : f32
  }
  %t = graph.compute none over <B> by <> : tensor<?xf32, #graph.dims<B>> {
    %0 = graph.read %s[(d0) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %1 = graph.read %rows[(d0) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %gb = graph.grad @b : tensor<16xf32>
  %nb = graph.compute none over <16> by <> : tensor<16xf32> {
    %0 = graph.read %gb[(d0) -> (d0)] : tensor<16xf32>
    %1 = graph.read %db[(d0) -> (d0)] : tensor<16xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  graph.set_grad @b, %nb : tensor<16xf32>
  %g = graph.grad @w : tensor<32x16xf32>
  %n = graph.compute none over <32, 16> by <> : tensor<32x16xf32> {
    %0 = graph.read %g[(d0, d1) -> (d0, d1)] : tensor<32x16xf32>
    %1 = graph.read %dw[(d0, d1) -> (d0, d1)] : tensor<32x16xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  graph.set_grad @w, %n : tensor<32x16xf32>
  return %t : tensor<?xf32, #graph.dims<B>>
}

// Programs that do not train are f32 only.
// CHECK-LABEL: func.func @forward(
// CHECK-NOT: bf16
func.func @forward(%x: tensor<?x16xf32, #graph.dims<B, 16>>) -> tensor<?x32xf32, #graph.dims<B, 32>> attributes {graph.role = "forward"} {
  %w = graph.param @w : tensor<32x16xf32>
  %y = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<32x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x32xf32, #graph.dims<B, 32>>
}

// What a product makes lies in memory for the scalar code behind the loss: rounded, with its bias.
// CHECK-LABEL: func.func @trace_step.bf16(
// CHECK:         %[[Z:.*]] = graph.compute sum over <B, 32> by <16>
// CHECK:         %[[A:.*]] = graph.compute none over <B, 32> by <>
// CHECK:           %[[S:.*]] = arith.addf
// CHECK-NEXT:      %[[S16:.*]] = arith.truncf %[[S]] : f32 to bf16
// CHECK-NEXT:      %[[S32:.*]] = arith.extf %[[S16]] : bf16 to f32
// CHECK-NEXT:      graph.yield %[[S32]] : f32
// Without a bias a definition of its own rounds it.
// CHECK:         %[[G:.*]] = graph.compute sum over <B, 32> by <16>
// CHECK:         %[[R:.*]] = graph.compute none over <B, 32> by <>
// CHECK-NEXT:      %[[X:.*]] = graph.read %[[G]]
// CHECK-NEXT:      arith.truncf %[[X]] : f32 to bf16
// What the forward pass alone reads is not, nor what it reduces.
// CHECK:         %[[F:.*]] = graph.compute sum over <B, 32> by <16>
// CHECK:         graph.compute none over <B, 32> by <>
// CHECK-NEXT:      graph.read %[[A]]
// CHECK-NEXT:      graph.read %[[R]]
// CHECK-NEXT:      graph.read %[[F]]
// CHECK-NOT:       truncf
// CHECK:         graph.compute none over <B, 32> by <>
// CHECK-NEXT:      graph.read %[[A]]
// CHECK-NEXT:      graph.read %[[R]]
// CHECK-NOT:       truncf
// CHECK:         return
func.func @trace_step(%x: tensor<?x16xf32, #graph.dims<B, 16>>) -> (tensor<f32>, tensor<?x32xf32, #graph.dims<B, 32>>)
    attributes {graph.role = "trace_step", graph.results = ["loss", "d"]} {
  %w = graph.param @w : tensor<32x16xf32>
  %b = graph.param @b : tensor<16xf32>
  %z = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<32x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %a = graph.compute none over <B, 32> by <> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %1 = graph.read %b[(d0, d1) -> (d1 floordiv 2)] : tensor<16xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %g = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (31 - d1, d2)] : tensor<32x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %f = graph.compute sum over <B, 32> by <16> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, 15 - d2)] : tensor<?x16xf32, #graph.dims<B, 16>>
    %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<32x16xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %h = graph.compute none over <B, 32> by <> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %1 = graph.read %g[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %2 = graph.read %f[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %3 = arith.mulf %0, %1 : f32
    %4 = arith.addf %3, %2 : f32
    graph.yield %4 : f32
  }
  %loss = graph.compute sum over <> by <B, 32> : tensor<f32> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    graph.yield %0 : f32
  }
  %d = graph.compute none over <B, 32> by <> : tensor<?x32xf32, #graph.dims<B, 32>> {
    %0 = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %1 = graph.read %g[(d0, d1) -> (d0, d1)] : tensor<?x32xf32, #graph.dims<B, 32>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %loss, %d : tensor<f32>, tensor<?x32xf32, #graph.dims<B, 32>>
}
