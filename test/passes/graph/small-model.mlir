// A whole model by hand: tied embedding, positions from a longer table, a normalised row, a hidden layer with
// tanh, softmax over a causal range, cross-entropy at computed places. The check is by central differences.
// RUN: tintype-opt %s --graph-differentiate | FileCheck %s
// RUN: %python %S/small-model.py %s trace_step --graph-differentiate
// RUN: %python %S/small-model.py %s trace_step --graph

graph.parameter @wte : tensor<7x4xf32> normal(0.0, 0.5)
graph.parameter @wpe : tensor<9x4xf32> normal(0.0, 0.5)
graph.parameter @gain : tensor<4xf32> normal(1.0, 0.1)
graph.parameter @fc : tensor<4x6xf32> normal(0.0, 0.5)
graph.parameter @bias : tensor<6xf32> normal(0.0, 0.5)
graph.parameter @proj : tensor<6x4xf32> normal(0.0, 0.5)
graph.parameter @unused : tensor<3xf32> normal(0.0, 0.5)

// The tied table gets the dense part first, then the scatter into it.
// CHECK-LABEL: func.func @trace_step
// CHECK-SAME: attributes {graph.results = ["logits", "loss"], graph.role = "trace_step"}
// CHECK-NOT: graph.set_grad @unused
// CHECK: %[[G:.*]] = graph.grad @wte
// CHECK: %[[N:.*]] = graph.compute none over <7, 4>
// CHECK: graph.read %[[G]]
// CHECK: %[[S:.*]] = graph.scatter init(%[[N]] : tensor<7x4xf32>) over <B, T, 4>
// CHECK: graph.set_grad @wte, %[[S]]
// CHECK: func.func @loss
func.func @loss(%tokens: tensor<?x?xi32, #graph.dims<B, T>> {graph.name = "tokens", graph.bound = 7 : i64}) -> (tensor<?x?x7xf32, #graph.dims<B, T, 7>>, tensor<f32>)
    attributes {graph.role = "loss", graph.results = ["logits", "loss"]} {
  %wte = graph.param @wte : tensor<7x4xf32>
  %wpe = graph.param @wpe : tensor<9x4xf32>
  %gain = graph.param @gain : tensor<4xf32>
  %fc = graph.param @fc : tensor<4x6xf32>
  %bias = graph.param @bias : tensor<6xf32>
  %proj = graph.param @proj : tensor<6x4xf32>
  %unused = graph.param @unused : tensor<3xf32>
  %x = graph.compute none over <B, T, 4> by <> : tensor<?x?x4xf32, #graph.dims<B, T, 4>> {
    %id = graph.read %tokens[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %a = graph.read %wte[(d0, d1, d2)[s0] -> (s0, d2)](%id) : tensor<7x4xf32>
    %b = graph.read %wpe[(d0, d1, d2) -> (d1, d2)] : tensor<9x4xf32>
    %c = arith.addf %a, %b : f32
    graph.yield %c : f32
  }
  // rms norm
  %sq = graph.compute sum over <B, T> by <4> : tensor<?x?xf32, #graph.dims<B, T>> {
    %a = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %b = arith.mulf %a, %a : f32
    graph.yield %b : f32
  }
  %n = graph.compute none over <B, T, 4> by <> : tensor<?x?x4xf32, #graph.dims<B, T, 4>> {
    %a = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %s = graph.read %sq[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %k = arith.constant 0.25 : f32
    %m = arith.mulf %s, %k : f32
    %r = math.rsqrt %m : f32
    %g = graph.read %gain[(d0, d1, d2) -> (d2)] : tensor<4xf32>
    %v = arith.mulf %a, %r : f32
    %w = arith.mulf %v, %g : f32
    graph.yield %w : f32
  }
  // causal attention of n with itself, one head
  %score = graph.compute sum over <B, T, T> by <4> : tensor<?x?x?xf32, #graph.dims<B, T, T>> {
    %a = graph.read %n[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %b = graph.read %n[(d0, d1, d2, d3) -> (d0, d2, d3)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %top = graph.compute max over <B, T> by <T> : tensor<?x?xf32, #graph.dims<B, T>> {
    %a = graph.read %score[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %t = graph.index [(d0, d1, d2) -> (d1)]
    %s = graph.index [(d0, d1, d2) -> (d2)]
    %f = arith.cmpi sle, %s, %t : i32
    %v = graph.stop %a : f32
    graph.yield %v if %f : f32
  }
  %e = graph.compute none over <B, T, T> by <> : tensor<?x?x?xf32, #graph.dims<B, T, T>> {
    %a = graph.read %score[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %m = graph.read %top[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %d = arith.subf %a, %m : f32
    %x1 = math.exp %d : f32
    %t = graph.index [(d0, d1, d2) -> (d1)]
    %s = graph.index [(d0, d1, d2) -> (d2)]
    %f = arith.cmpi sle, %s, %t : i32
    %z = arith.constant 0.0 : f32
    %v = arith.select %f, %x1, %z : f32
    graph.yield %v : f32
  }
  %sum = graph.compute sum over <B, T> by <T> : tensor<?x?xf32, #graph.dims<B, T>> {
    %a = graph.read %e[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    graph.yield %a : f32
  }
  %p = graph.compute none over <B, T, T> by <> : tensor<?x?x?xf32, #graph.dims<B, T, T>> {
    %a = graph.read %e[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %z = graph.read %sum[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %v = arith.divf %a, %z : f32
    graph.yield %v : f32
  }
  %o = graph.compute sum over <B, T, 4> by <T> : tensor<?x?x4xf32, #graph.dims<B, T, 4>> {
    %a = graph.read %p[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %b = graph.read %n[(d0, d1, d2, d3) -> (d0, d3, d2)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  // hidden layer
  %h0 = graph.compute sum over <B, T, 6> by <4> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
    %a = graph.read %o[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %b = graph.read %fc[(d0, d1, d2, d3) -> (d3, d2)] : tensor<4x6xf32>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %h = graph.compute none over <B, T, 6> by <> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
    %a = graph.read %h0[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
    %b = graph.read %bias[(d0, d1, d2) -> (d2)] : tensor<6xf32>
    %c = arith.addf %a, %b : f32
    %t = math.tanh %c : f32
    graph.yield %t : f32
  }
  %f0 = graph.compute sum over <B, T, 4> by <6> : tensor<?x?x4xf32, #graph.dims<B, T, 4>> {
    %a = graph.read %h[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
    %b = graph.read %proj[(d0, d1, d2, d3) -> (d3, d2)] : tensor<6x4xf32>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %y = graph.compute none over <B, T, 4> by <> : tensor<?x?x4xf32, #graph.dims<B, T, 4>> {
    %a = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %b = graph.read %f0[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %c = arith.addf %a, %b : f32
    graph.yield %c : f32
  }
  %logits = graph.compute sum over <B, T, 7> by <4> : tensor<?x?x7xf32, #graph.dims<B, T, 7>> {
    %a = graph.read %y[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x4xf32, #graph.dims<B, T, 4>>
    %b = graph.read %wte[(d0, d1, d2, d3) -> (d2, d3)] : tensor<7x4xf32>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  // next-token cross-entropy over T - 1 positions
  %lmax = graph.compute max over <B, T + -1> by <7> : tensor<?x?xf32, #graph.dims<B, T + -1>> {
    %a = graph.read %logits[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x7xf32, #graph.dims<B, T, 7>>
    graph.yield %a : f32
  }
  %lsum = graph.compute sum over <B, T + -1> by <7> : tensor<?x?xf32, #graph.dims<B, T + -1>> {
    %a = graph.read %logits[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x7xf32, #graph.dims<B, T, 7>>
    %m = graph.read %lmax[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T + -1>>
    %d = arith.subf %a, %m : f32
    %x1 = math.exp %d : f32
    graph.yield %x1 : f32
  }
  %total = graph.compute sum over <> by <B, T + -1> : tensor<f32> {
    %id = graph.read %tokens[(d0, d1) -> (d0, d1 + 1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %m = graph.read %lmax[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T + -1>>
    %s = graph.read %lsum[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T + -1>>
    %l = math.log %s : f32
    %a = arith.addf %l, %m : f32
    %g = graph.read %logits[(d0, d1)[s0] -> (d0, d1, s0)](%id) : tensor<?x?x7xf32, #graph.dims<B, T, 7>>
    %v = arith.subf %a, %g : f32
    graph.yield %v : f32
  }
  %loss = graph.compute none over <> by <> : tensor<f32> {
    %a = graph.read %total[() -> ()] : tensor<f32>
    %n1 = graph.size <B * (T + -1)>
    %n2 = arith.sitofp %n1 : i32 to f32
    %v = arith.divf %a, %n2 : f32
    graph.yield %v : f32
  }
  return %logits, %loss : tensor<?x?x7xf32, #graph.dims<B, T, 7>>, tensor<f32>
}
