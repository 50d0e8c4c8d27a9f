// Each numbered constraint of the graph dialect, broken once; functions are named after it.
// RUN: tintype-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected 2 extents for a tensor of that rank, but got #graph.dims<B>}}
func.func private @dims_c1(tensor<?x4xf32, #graph.dims<B>>)

// -----

// expected-error @below {{expected extent 4, but got 5}}
func.func private @dims_c2_static(tensor<?x4xf32, #graph.dims<B, 5>>)

// -----

// expected-error @below {{expected extent of a dynamic dim to name a runtime dimension, but got 3}}
func.func private @dims_c2_dynamic(tensor<?x4xf32, #graph.dims<3, 4>>)

// -----

// expected-error @below {{expected an extent}}
func.func private @dims_text(tensor<?x4xf32, #graph.dims<B, >>)

// -----

// expected-error @below {{'graph.parameter' op expected a static shape, but got 'tensor<?x4xf32, #graph.dims<B, 4>>'}}
graph.parameter @parameter_c1 : tensor<?x4xf32, #graph.dims<B, 4>> normal(0.0, 0.02)

// -----

func.func @param_c1_name() {
  // expected-error @below {{'graph.param' op expected a graph.parameter of the name @w, but found none}}
  %w = graph.param @w : tensor<4xf32>
  return
}

// -----

graph.parameter @w : tensor<8xf32> normal(0.0, 0.02)
func.func @param_c1_type() {
  // expected-error @below {{'graph.param' op expected type 'tensor<8xf32>' of parameter @w, but got 'tensor<4xf32>'}}
  %w = graph.param @w : tensor<4xf32>
  return
}

// -----

graph.parameter @w : tensor<8xf32> normal(0.0, 0.02)
func.func @grad_c1() {
  // expected-error @below {{'graph.grad' op expected type 'tensor<8xf32>' of parameter @w, but got 'tensor<4xf32>'}}
  %w = graph.grad @w : tensor<4xf32>
  return
}

// -----

graph.parameter @w : tensor<8xf32> normal(0.0, 0.02)
func.func @set_grad_c1(%g: tensor<4xf32>) {
  // expected-error @below {{'graph.set_grad' op expected type 'tensor<8xf32>' of parameter @w, but got 'tensor<4xf32>'}}
  graph.set_grad @w, %g : tensor<4xf32>
  return
}

// -----

func.func @compute_c1_missing(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.compute' op expected reduction dims for reducer sum}}
  %y = graph.compute sum over <4> by <> : tensor<4xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @compute_c1_extra(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.compute' op expected no reduction dims for reducer none}}
  %y = graph.compute none over <> by <4> : tensor<f32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @compute_c2(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.compute' op expected a result with extents #graph.dims<4>, but got 'tensor<5xf32>'}}
  %y = graph.compute none over <4> by <> : tensor<5xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @body_c1(%x: tensor<4xf32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{'graph.param' op expected scalars in the body of graph.compute, but got 'tensor<4xf32>'}}
    %w = graph.param @w : tensor<4xf32>
    %v = graph.read %w[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @compute_c3(%x: tensor<4xi32>) {
  // expected-error @below {{'graph.compute' op expected element type 'i32', but got 'f32'}}
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xi32>
    graph.yield %v : i32
  }
  return
}

// -----

func.func @compute_c3_argmax(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.compute' op expected element type 'i32', but got 'f32'}}
  %y = graph.compute argmax over <> by <4> : tensor<f32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @compute_c4(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.compute' op expected no filter without a reducer}}
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    %p = arith.constant true
    graph.yield %v if %p : f32
  }
  return
}

// -----

func.func @scatter_c1_missing(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.scatter' op expected a yield at a map with 1 results, but got 0}}
  %y = graph.scatter over <4> : tensor<8xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @scatter_c1_rank(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.scatter' op expected a yield at a map with 1 results, but got 2}}
  %y = graph.scatter over <4> : tensor<8xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v at [(d0) -> (d0, d0)] : f32
  }
  return
}

// -----

func.func @scatter_c2(%x: tensor<4xf32>) {
  // expected-error @below {{'graph.scatter' op expected init of type 'tensor<8xf32>', but got 'tensor<4xf32>'}}
  %y = graph.scatter init(%x : tensor<4xf32>) over <4> : tensor<8xf32> {
    %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %v at [(d0) -> (d0)] : f32
  }
  return
}

// -----

func.func @rows_c1(%x: tensor<?x12xf32, #graph.dims<B, 12>>) {
  // expected-error @below {{'graph.rows' op expected rows of 'tensor<?x12xf32, #graph.dims<B, 12>>', but got 'tensor<?x13xf32, #graph.dims<_rows0, 13>>'}}
  %y = graph.rows %x : tensor<?x12xf32, #graph.dims<B, 12>> to tensor<?x13xf32, #graph.dims<_rows0, 13>>
  return
}

// -----

func.func @reshape_c1_count(%x: tensor<?x12xf32, #graph.dims<B, 12>>) {
  // expected-error @below {{'graph.reshape' op expected B * 12 elements, but got B * 15}}
  %y = graph.reshape %x : tensor<?x12xf32, #graph.dims<B, 12>> to tensor<?x3x5xf32, #graph.dims<B, 3, 5>>
  return
}

// -----

func.func @reshape_c1_element(%x: tensor<12xf32>) {
  // expected-error @below {{'graph.reshape' op expected element type 'f32', but got 'i32'}}
  %y = graph.reshape %x : tensor<12xf32> to tensor<3x4xi32>
  return
}

// -----

func.func @read_c1_dims(%x: tensor<4xf32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{'graph.read' op expected a map of 1 loop dims, but got 2}}
    %v = graph.read %x[(d0, d1) -> (d0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @read_c1_symbols(%x: tensor<4xf32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{'graph.read' op expected 1 symbol operands, but got 0}}
    %v = graph.read %x[(d0)[s0] -> (s0)] : tensor<4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @read_c1_results(%x: tensor<4x4xf32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{'graph.read' op expected a map with 2 results, but got 1}}
    %v = graph.read %x[(d0) -> (d0)] : tensor<4x4xf32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @inside_c1() {
  %y = graph.compute none over <4> by <> : tensor<4xi1> {
    // expected-error @below {{'graph.inside' op expected a map with 2 results, but got 1}}
    %v = graph.inside [(d0) -> (d0 - 1)] in <4, 4>
    graph.yield %v : i1
  }
  return
}

// -----

func.func @index_c1() {
  %y = graph.compute none over <4> by <> : tensor<4xi32> {
    // expected-error @below {{'graph.index' op expected a map with 1 results, but got 2}}
    %v = graph.index [(d0) -> (d0, d0)]
    graph.yield %v : i32
  }
  return
}

// -----

func.func @random_c1(%rng: tensor<2xi32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{'graph.random' op expected a map with 1 results, but got 2}}
    %v = graph.random uniform 1 of %rng[(d0) -> (d0, d0)] in <4> : tensor<2xi32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @random_draw(%rng: tensor<2xi32>) {
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    // expected-error @below {{expected uniform or normal, but got poisson}}
    %v = graph.random poisson 1 of %rng[(d0) -> (d0)] in <4> : tensor<2xi32>
    graph.yield %v : f32
  }
  return
}

// -----

func.func @body_without_yield() {
  // expected-error @below {{'graph.compute' op expected a body that ends in graph.yield}}
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    %c = arith.constant 1.0 : f32
  }
  return
}

// -----

func.func @access_outside(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'graph.read' op expected to stand in the body of graph.compute or graph.scatter}}
  %v = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
  %y = graph.compute none over <4> by <> : tensor<4xf32> {
    graph.yield %v : f32
  }
  return %y : tensor<4xf32>
}
