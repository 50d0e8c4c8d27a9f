// Each `graph.` attribute that passes and the export of tables rely on, broken once; functions are named after it.
// RUN: tintype-opt %s --split-input-file --verify-diagnostics

// What is right passes.
module attributes {graph.bounds = {B = array<i64: 1, 64, 1>}, graph.model = "M"} {
  func.func private @good(tensor<4x8xf32>) -> tensor<4x8xf32> attributes {
    graph.kernel, graph.kind = "row", graph.inplace = array<i32: -1>, graph.symbols = ["B"], graph.flops = #graph.dims<B>,
    graph.grid = [{block = 2, dims = array<i32: 0>, extent = #graph.dims<4>}],
    graph.ranges = [{axis = 0, extent = #graph.dims<4>}, {axis = -1, extent = #graph.dims<8>, over = 0, high = 0}],
    graph.chunk = {symbol = "_rows0", extent = #graph.dims<B>, most = 16}}
}

// -----

// expected-error @below {{expected text in graph.role, but got 3 : i64}}
func.func private @role() attributes {graph.role = 3}

// -----

// expected-error @below {{expected a list of names in graph.results, but got [1]}}
func.func private @results() attributes {graph.results = [1]}

// -----

// expected-error @below {{expected one size in graph.flops, but got #graph.dims<2, 3>}}
func.func private @flops() attributes {graph.flops = #graph.dims<2, 3>}

// -----

// expected-error @below {{expected {symbol, extent, most >= 1} in graph.chunk, but got}}
func.func private @chunk() attributes {graph.chunk = {symbol = "_rows0", extent = #graph.dims<B>, most = 0}}

// -----

// expected-error @below {{expected the least and the largest value of each dim, and what it is a multiple of, in graph.bounds, but got}}
module attributes {graph.bounds = {B = array<i64: 1, 64>}} {}

// -----

// expected-error @below {{expected a function on tensors in graph.kernel, but got unit}}
func.func private @kernel(i32) attributes {graph.kernel}

// -----

func.func private @kernel_body(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.kernel} {
  // expected-error @below {{expected only definitions in a kernel, but got arith.constant}}
  %0 = arith.constant 0.0 : f32
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{expected an argument or -1 in graph.inplace for each of 1 results, but got array<i32>}}
func.func private @inplace_length(tensor<4xf32>) -> tensor<4xf32> attributes {graph.inplace = array<i32>}

// -----

// expected-error @below {{expected graph.inplace to hold an argument below 1 or -1, but got 1}}
func.func private @inplace_place(tensor<4xf32>) -> tensor<4xf32> attributes {graph.inplace = array<i32: 1>}

// -----

// expected-error @below {{expected a list in graph.grid, but got 3 : i64}}
func.func private @grid() attributes {graph.grid = 3}

// -----

// expected-error @below {{expected axes {block >= 1, dims of 1 results, extent} in graph.grid, but got}}
func.func private @grid_axis(tensor<4xf32>) -> tensor<4xf32> attributes {graph.grid = [{block = 0, dims = array<i32: 0>, extent = #graph.dims<4>}]}

// -----

// expected-error @below {{expected axes in graph.grid to cut a dim of 'tensor<4xf32>', or -1, but got 1}}
func.func private @grid_dim(tensor<4xf32>) -> tensor<4xf32> attributes {graph.grid = [{block = 2, dims = array<i32: 1>, extent = #graph.dims<4>}]}

// -----

// expected-error @below {{expected ranges {axis, extent, over, low, high} with axes below 0 in graph.ranges, but got}}
func.func private @ranges(tensor<4xf32>) -> tensor<4xf32> attributes {graph.ranges = [{axis = 0, extent = #graph.dims<4>}]}
