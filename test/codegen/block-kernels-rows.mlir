// A known number of rows that all have all columns is cut into equal blocks of up to 256.
// RUN: kernel_bench %s --set B=2 --check --asserts --samples 40 | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --emit halide | FileCheck %s --check-prefix=GRID
// A register tile that does not divide the block gives way; a block of parts of vectors is an error.
// RUN: kernel_bench %s --set B=2 --check --samples 40 --tune tr=64,srv=5,smr=7 | FileCheck %s --implicit-check-not=WRONG
// RUN: not kernel_bench %s --tune tr=71 --emit halide --target avx512 2>&1 | FileCheck %s --check-prefix=TILE
// CHECK: k_forward result 2: {{.*}} ok
// GRID: block = 208
// TILE: error: expected a block of whole vectors of 16 rows, but got 71 rows
func.func private @k_forward(%arg0: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>, %arg1: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>, %arg2: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>) -> (tensor<?x197x2xf32, #graph.dims<B, 197, 2>>, tensor<?x197x2xf32, #graph.dims<B, 197, 2>>, tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
  %0 = graph.compute sum over <B, 197, 2, 197> by <64> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %8 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %9 = arith.mulf %7, %8 : f32
    graph.yield %9 : f32
  }
  %1 = graph.compute none over <B, 197, 2, 197> by <> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %cst = arith.constant 1.250000e-01 : f32
    %7 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %8 = arith.mulf %7, %cst : f32
    graph.yield %8 : f32
  }
  %2 = graph.compute max over <B, 197, 2> by <197> : tensor<?x197x2xf32, #graph.dims<B, 197, 2>> {
    %7 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    graph.yield %7 : f32
  }
  %3 = graph.compute none over <B, 197, 2, 197> by <> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %7 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %8 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x197x2xf32, #graph.dims<B, 197, 2>>
    %9 = arith.subf %7, %8 : f32
    %10 = math.exp %9 : f32
    graph.yield %10 : f32
  }
  %4 = graph.compute sum over <B, 197, 2> by <197> : tensor<?x197x2xf32, #graph.dims<B, 197, 2>> {
    %7 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    graph.yield %7 : f32
  }
  %5 = graph.compute none over <B, 197, 2, 197> by <> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %7 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %8 = graph.read %4[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x197x2xf32, #graph.dims<B, 197, 2>>
    %9 = arith.divf %7, %8 : f32
    graph.yield %9 : f32
  }
  %6 = graph.compute sum over <B, 197, 2, 64> by <197> : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>> {
    %7 = graph.read %5[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %8 = graph.read %arg2[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %9 = arith.mulf %7, %8 : f32
    graph.yield %9 : f32
  }
  return %2, %4, %6 : tensor<?x197x2xf32, #graph.dims<B, 197, 2>>, tensor<?x197x2xf32, #graph.dims<B, 197, 2>>, tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
}
