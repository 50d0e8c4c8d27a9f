// A pipeline that comes with its kernel fits the kernel function, and parameters of templates are known and in range.
// RUN: tintype-opt %s --split-input-file --schedule-kernels --verify-diagnostics

func.func private @k_1(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.symbols = [], graph.flops = #graph.dims<64>, graph.bytes = #graph.dims<512>,
    graph.grid = [{block = 16 : i64, dims = array<i32: 0>, extent = #graph.dims<64>}]} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}
halide.pipeline @k_1 symbols [] {
  halide.input @in0 <64> : f32
  halide.func @y(%i) {
    %0 = halide.load @in0[%i] : f32
    halide.yield %0 : f32
  }
  // expected-error @below {{expected blocks [16], as graph.grid of the kernel cuts them, but got [32]}}
  halide.output @y result 0 <64> blocks [32]
}

// -----

func.func private @k_2(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.symbols = [], graph.flops = #graph.dims<64>, graph.bytes = #graph.dims<512>, graph.grid = []} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}
halide.pipeline @k_2 symbols [] {
  // expected-error @below {{expected the dims of argument 0, <64>, and its type}}
  halide.input @in0 <128> : f32
  halide.func @y(%i) {
    %0 = halide.load @in0[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <64> blocks [0]
}

// -----

// expected-error @below {{expected pv of graph.tune in [1, 65536], but got 0 : i64}}
func.func private @k_3(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.tune = {pv = 0 : i64}} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{expected graph.tune to name what the templates of this kernel ask for (}}
func.func private @k_4(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.tune = {mb = 96 : i64}} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{expected at most 64 accumulators, mr * nrv of graph.tune, but got 1600}}
func.func private @k_5(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.tune = {mr = 40 : i64, nrv = 40 : i64}} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{expected tr of graph.tune to be a multiple of 16, but got 20}}
func.func private @k_6(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.tune = {tr = 20 : i64}} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{expected graph.inplace to hold an argument below 1 or -1, but got 77}}
func.func private @k_inplace(%x: tensor<64xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.kind = "pointwise", graph.inplace = array<i32: 77>} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0)] : tensor<64xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{expected result 0 to take the memory of an argument of its type 'tensor<64xf32>', but got argument 0 of 'tensor<32xf32>'}}
func.func private @k_inplace_type(%x: tensor<32xf32>) -> tensor<64xf32> attributes {graph.kernel, graph.kind = "pointwise", graph.inplace = array<i32: 0>} {
  %0 = graph.compute none over <64> by <> : tensor<64xf32> {
    %1 = graph.read %x[(d0) -> (d0 floordiv 2)] : tensor<32xf32>
    graph.yield %1 : f32
  }
  return %0 : tensor<64xf32>
}
