// RUN: tintype-opt %s --graph-repeat-calls | FileCheck %s
// RUN: tintype-opt %s --graph-repeat-calls --remarks-filter=graph-repeat-calls -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Two layers y = exp(x w), each wide inside and narrow outside. The wide results are made again from the narrow
// ones, the last before the first reader in the backward part; the program itself stays as it was.
// REMARK: remark: [Passed] repeated | {{.*}}"@train_step.recompute at B = 8, T = 256 takes {{.*}} MB of temporaries instead of {{.*}} calls are made again, {{.*}} % more work

// CHECK-LABEL: func.func @train_step(
// CHECK-COUNT-2: call @k_wide
// CHECK-NOT:     call @k_wide
// CHECK-LABEL: func.func @train_step.recompute(
// CHECK-SAME:    graph.role = "train_step_recompute"
// CHECK:         call @k_wide(%arg0)
// CHECK:         %[[X1:.*]] = call @k_narrow
// CHECK:         call @k_wide(%[[X1]])
// CHECK:         call @k_loss
// CHECK:         %[[H1:.*]] = call @k_wide(%[[X1]])
// CHECK:         %[[D1:.*]] = call @k_adjoint(%[[H1]]
// CHECK:         %[[H0:.*]] = call @k_wide(%arg0)
// CHECK:         call @k_adjoint(%[[H0]], %[[D1]])

// A program without training has no second form.
// CHECK-NOT: @forward.recompute
!x = tensor<?x8xf32, #graph.dims<B, 8>>
!h = tensor<?x64xf32, #graph.dims<B, 64>>
graph.parameter @w : tensor<8xf32> normal(0.0, 1.0)
func.func private @k_wide(%x: !x) -> !h attributes {graph.kernel} {
  %0 = graph.compute sum over <B, 64> by <8> : !h {
    %1 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : !x
    %2 = math.exp %1 : f32
    graph.yield %2 : f32
  }
  return %0 : !h
}
func.func private @k_narrow(%h: !h) -> !x attributes {graph.kernel} {
  %0 = graph.compute sum over <B, 8> by <64> : !x {
    %1 = graph.read %h[(d0, d1, d2) -> (d0, d2)] : !h
    graph.yield %1 : f32
  }
  return %0 : !x
}
func.func private @k_loss(%x: !x) -> tensor<f32> attributes {graph.kernel} {
  %0 = graph.compute sum over <> by <B, 8> : tensor<f32> {
    %1 = graph.read %x[(d0, d1) -> (d0, d1)] : !x
    graph.yield %1 : f32
  }
  return %0 : tensor<f32>
}
func.func private @k_adjoint(%h: !h, %d: !x) -> !x attributes {graph.kernel} {
  %0 = graph.compute sum over <B, 8> by <64> : !x {
    %1 = graph.read %h[(d0, d1, d2) -> (d0, d2)] : !h
    %2 = graph.read %d[(d0, d1, d2) -> (d0, d1)] : !x
    %3 = arith.mulf %1, %2 : f32
    graph.yield %3 : f32
  }
  return %0 : !x
}
func.func private @k_param(%d: !x) -> tensor<8xf32> attributes {graph.kernel} {
  %0 = graph.compute sum over <8> by <B> : tensor<8xf32> {
    %1 = graph.read %d[(d0, d1) -> (d1, d0)] : !x
    graph.yield %1 : f32
  }
  return %0 : tensor<8xf32>
}
func.func @train_step(%x0: !x) -> tensor<f32> attributes {graph.role = "train_step"} {
  %h0 = call @k_wide(%x0) : (!x) -> !h
  %x1 = call @k_narrow(%h0) : (!h) -> !x
  %h1 = call @k_wide(%x1) : (!x) -> !h
  %x2 = call @k_narrow(%h1) : (!h) -> !x
  %loss = call @k_loss(%x2) : (!x) -> tensor<f32>
  %d1 = call @k_adjoint(%h1, %x2) : (!h, !x) -> !x
  %d0 = call @k_adjoint(%h0, %d1) : (!h, !x) -> !x
  %g = call @k_param(%d0) : (!x) -> tensor<8xf32>
  graph.set_grad @w, %g : tensor<8xf32>
  return %loss : tensor<f32>
}
func.func @forward(%x0: !x) -> !x attributes {graph.role = "forward"} {
  %h0 = call @k_wide(%x0) : (!x) -> !h
  %x1 = call @k_narrow(%h0) : (!h) -> !x
  return %x1 : !x
}
