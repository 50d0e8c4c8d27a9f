// Scores, what scalar code makes of them, and sums over their columns and rows: one block of rows and columns at a
// time, bounded by the filter. Shapes with whole and part blocks, a window, and a row that starts late.
// RUN: kernel_bench %s --set B=2 --set T=77 --check --asserts --samples 40 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --samples 40 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=333 --check --samples 40 --num-threads 2 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// Four heads of 12 features: rows are whole vectors, and heads begin within one.
// RUN: sed -E 's/64/12/g; s/x6x/x4x/g; s/([,<]) ?6([,>])/\1 4\2/g' %s > %t.small.mlir
// RUN: kernel_bench %t.small.mlir --set B=2 --set T=77 --check --samples 40 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// CHECK: k_forward result 2
// CHECK: k_backward result 2
// CHECK: k_window result 2
func.func private @k_forward(%arg0: tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>) -> (tensor<?x?x6xf32, #graph.dims<B, T, 6>>, tensor<?x?x6xf32, #graph.dims<B, T, 6>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
    %0 = graph.compute sum over <B, 6, T, T> by <64> : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>> {
      %6 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d3, 0, d1, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d2, 1, d1, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %8 = arith.mulf %6, %7 : f32
      graph.yield %8 : f32
    }
    %1 = graph.compute none over <B, 6, T, T> by <> : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>> {
      %cst = arith.constant 1.250000e-01 : f32
      %6 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      %7 = arith.mulf %6, %cst : f32
      graph.yield %7 : f32
    }
    %2 = graph.compute max over <B, T, 6> by <T> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %6 = graph.read %1[(d0, d1, d2, d3) -> (d0, d2, d3, d1)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %9 = arith.cmpi sle, %7, %8 : i32
      graph.yield %6 if %9 : f32
    }
    %e = graph.compute none over <B, 6, T, T> by <> : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>> {
      %7 = graph.index [(d0, d1, d2, d3) -> (d2)]
      %8 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %9 = arith.cmpi sle, %7, %8 : i32
      %6 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      %10 = graph.read %2[(d0, d1, d2, d3) -> (d0, d3, d1)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %11 = graph.stop %10 : f32
      %12 = arith.subf %6, %11 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %13 = arith.select %9, %12, %cst : f32
      %14 = math.exp %13 : f32
      graph.yield %14 : f32
    }
    %3 = graph.compute sum over <B, T, 6> by <T> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %9 = arith.cmpi sle, %7, %8 : i32
      %6 = graph.read %e[(d0, d1, d2, d3) -> (d0, d2, d3, d1)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      graph.yield %6 if %9 : f32
    }
    %4 = graph.compute none over <B, 6, T, T> by <> : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>> {
      %7 = graph.index [(d0, d1, d2, d3) -> (d2)]
      %8 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %9 = arith.cmpi sle, %7, %8 : i32
      %6 = graph.read %e[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      %cst = arith.constant 0.000000e+00 : f32
      %cst_0 = arith.constant 5.000000e-01 : f32
      %15 = graph.read %3[(d0, d1, d2, d3) -> (d0, d3, d1)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %16 = arith.maximumf %15, %cst_0 : f32
      %17 = arith.divf %6, %16 : f32
      %18 = arith.select %9, %17, %cst : f32
      graph.yield %18 : f32
    }
    %5 = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %6 = graph.read %4[(d0, d1, d2, d3, d4) -> (d0, d2, d4, d1)] : tensor<?x6x?x?xf32, #graph.dims<B, 6, T, T>>
      %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d4, 2, d2, d3)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %8 = arith.mulf %6, %7 : f32
      graph.yield %8 : f32
    }
    return %2, %3, %5 : tensor<?x?x6xf32, #graph.dims<B, T, 6>>, tensor<?x?x6xf32, #graph.dims<B, T, 6>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
}
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
func.func private @k_window(%arg0: tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, %arg1: tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>, %arg2: tensor<?x?x6xf32, #graph.dims<B, T, 6>> {test.range = [1.0, 2.0]}, %arg3: tensor<?x?x6xf32, #graph.dims<B, T, 6>> {test.range = [1.0, 2.0]}, %arg4: tensor<?x?x6xf32, #graph.dims<B, T, 6>>) -> (tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
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
      %c0 = arith.cmpi sle, %i, %j : i32
      %d = arith.subi %j, %i : i32
      %w = arith.constant 40 : i32
      %c1 = arith.cmpi slt, %d, %w : i32
      %c = arith.andi %c0, %c1 : i1
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
      %c0 = arith.cmpi sle, %i, %j : i32
      %d = arith.subi %j, %i : i32
      %w = arith.constant 40 : i32
      %c1 = arith.cmpi slt, %d, %w : i32
      %c = arith.andi %c0, %c1 : i1
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
