// Errors stand at the op that has no derivative.
// RUN: tintype-opt %s --split-input-file --verify-diagnostics --graph-differentiate

graph.parameter @w : tensor<4xf32> normal(0.0, 1.0)
func.func @loss() -> tensor<f32> attributes {graph.role = "loss", graph.results = ["loss"]} {
  %w = graph.param @w : tensor<4xf32>
  %l = graph.compute sum over <> by <4> : tensor<f32> {
    %0 = graph.read %w[(d0) -> (d0)] : tensor<4xf32>
    // expected-error @below {{expected an op with a derivative, but got 'math.atan'; hint: stop(..) lets no gradient through}}
    %1 = math.atan %0 : f32
    graph.yield %1 : f32
  }
  return %l : tensor<f32>
}

// -----

// No gradient asked for: the same op is fine where no parameter is behind it.
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> attributes {graph.role = "loss", graph.results = ["loss"]} {
  %l = graph.compute sum over <> by <4> : tensor<f32> {
    %0 = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    %1 = math.atan %0 : f32
    graph.yield %1 : f32
  }
  return %l : tensor<f32>
}

// -----

// expected-error @below {{expected a result named loss, but got ["logits"]}}
func.func @loss(%x: tensor<f32>) -> tensor<f32> attributes {graph.role = "loss", graph.results = ["logits"]} {
  return %x : tensor<f32>
}

// -----

// expected-error @below {{expected graph.results with a name for each of 1 results}}
func.func @loss(%x: tensor<f32>) -> tensor<f32> attributes {graph.role = "loss"} {
  return %x : tensor<f32>
}
