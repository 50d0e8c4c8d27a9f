// What a block kernel tells its caller: rows and columns in turn where results add up, ranges bounded by the filter,
// FLOPs of half the square; filters outermost and once, values of rows apart.
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s

// CHECK-LABEL: func.func private @k_backward
// CHECK-SAME: graph.first_writes
// CHECK-SAME: graph.grid = [{block = 1 : i64, dims = array<i32: 0, 0, 0>, extent = #graph.dims<B>}, {block = 128 : i64, dims = array<i32: 1, -1, -1>, extent = #graph.dims<T>, ordered}
// CHECK-SAME: {block = 288 : i64, dims = array<i32: -1, 1, 1>, extent = #graph.dims<T>, ordered}]
// CHECK-SAME: graph.ranges = [{axis = 0 : i64, extent = #graph.dims<B>}, {axis = 1 : i64, extent = #graph.dims<T>}
// CHECK-SAME: {axis = 3 : i64, extent = #graph.dims<T>, high = 0 : i64, over = 1 : i64}]
// CHECK-SAME: graph.symbols = ["B", "T"]
// CHECK: %[[R:.*]] = graph.compute none over <B, T, 6> by <>
// CHECK: arith.divf
// CHECK: math.exp
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK-NEXT: graph.yield
// CHECK-LABEL: halide.pipeline @k_backward symbols ["B", "T", "dim0_from", "dim0_count", "dim1_from"
// CHECK: halide.undef
// Sums stop where the band does, tile by tile: tiles begin at multiples of their rows.
// CHECK: halide.align_bounds
func.func private @k_backward(%arg0: tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, %arg1: tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>, %arg2: tensor<?x?x6xf32, #graph.dims<B, T, 6>> {test.range = [1.0, 2.0]}, %arg3: tensor<?x?x6xf32, #graph.dims<B, T, 6>> {test.range = [1.0, 2.0]}, %arg4: tensor<?x?x6xf32, #graph.dims<B, T, 6>>) -> (tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
    %0 = graph.compute sum over <B, T, 6, T> by <64> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d1, 0, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 1, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %1 = graph.compute sum over <B, T, 6, T> by <64> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 2, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %3 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %i = graph.index [(d0, d1, d2, d3) -> (d3)]
      %j = graph.index [(d0, d1, d2, d3) -> (d1)]
      %c = arith.cmpi sle, %i, %j : i32
      %11 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %12 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %14 = arith.subf %11, %12 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %15 = arith.select %c, %14, %cst : f32
      %16 = math.exp %15 : f32
      %17 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %19 = arith.divf %16, %17 : f32
      %20 = arith.select %c, %19, %cst : f32
      graph.yield %20 : f32
    }
    %6 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %i = graph.index [(d0, d1, d2, d3) -> (d3)]
      %j = graph.index [(d0, d1, d2, d3) -> (d1)]
      %c = arith.cmpi sle, %i, %j : i32
      %8 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %cst = arith.constant 0.000000e+00 : f32
      %12 = arith.select %c, %8, %cst : f32
      %13 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %15 = arith.divf %12, %13 : f32
      %16 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %17 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %19 = arith.subf %16, %17 : f32
      %20 = arith.select %c, %19, %cst : f32
      %21 = math.exp %20 : f32
      %22 = arith.mulf %15, %21 : f32
      %23 = arith.select %c, %22, %cst : f32
      %24 = graph.read %arg4[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %25 = arith.mulf %24, %21 : f32
      %26 = arith.select %c, %25, %cst : f32
      %28 = arith.addf %23, %26 : f32
      %cst_1 = arith.constant 1.250000e-01 : f32
      %29 = arith.mulf %28, %cst_1 : f32
      graph.yield %29 : f32
    }
    %dv = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %8 = graph.read %3[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d1)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)] : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %dk = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %8 = graph.read %6[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d1)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d4, 0, d2, d3)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %dq = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %8 = graph.read %6[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d4, 1, d2, d3)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    return %dq, %dk, %dv : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
}
