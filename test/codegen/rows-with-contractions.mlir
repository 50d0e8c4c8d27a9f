// Contractions whose rows another contraction sums, with reductions of those rows between: one kernel over blocks of rows.
// RUN: kernel_bench %s --set B=2 --set T=77 --check --asserts --samples 40 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --samples 40 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=400 --check --samples 20 --num-threads 2 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// CHECK: k_backward result 2
func.func private @k_forward(%arg0: tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>) -> tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> attributes {graph.inplace = array<i32: -1>, graph.kernel, graph.kind = "row"} {
    %0 = graph.compute sum over <B, T, 6, T> by <64> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %6 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, 0, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d3, 1, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %8 = arith.mulf %6, %7 : f32
      graph.yield %8 : f32
    }
    %1 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %cst = arith.constant 1.250000e-01 : f32
      %6 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %7 = arith.mulf %6, %cst : f32
      graph.yield %7 : f32
    }
    %2 = graph.compute max over <B, T, 6> by <T> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %6 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %9 = arith.cmpi sle, %7, %8 : i32
      graph.yield %6 if %9 : f32
    }
    %3 = graph.compute sum over <B, T, 6> by <T> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %6 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %7 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %8 = arith.cmpi sle, %6, %7 : i32
      %9 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %10 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %11 = graph.stop %10 : f32
      %12 = arith.subf %9, %11 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %13 = arith.select %8, %12, %cst : f32
      %14 = math.exp %13 : f32
      graph.yield %14 if %8 : f32
    }
    %4 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %6 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %7 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %8 = arith.cmpi sle, %6, %7 : i32
      %9 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %10 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %11 = graph.stop %10 : f32
      %12 = arith.subf %9, %11 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %13 = arith.select %8, %12, %cst : f32
      %14 = math.exp %13 : f32
      %cst_0 = arith.constant 5.000000e-01 : f32
      %15 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %16 = arith.maximumf %15, %cst_0 : f32
      %17 = arith.divf %14, %16 : f32
      %18 = arith.select %8, %17, %cst : f32
      graph.yield %18 : f32
    }
    %5 = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %6 = graph.read %4[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d4, 2, d2, d3)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %8 = arith.mulf %6, %7 : f32
      graph.yield %8 : f32
    }
    return %5 : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
}
func.func private @k_backward(%arg0: tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>, %arg1: tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>, %arg2: tensor<?x?x6xf32, #graph.dims<B, T, 6>>, %arg3: tensor<?x?x6xf32, #graph.dims<B, T, 6>>) -> (tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>, tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
    %0 = graph.compute sum over <B, T, 6, T> by <64> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 2, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %1 = graph.compute sum over <B, T, 6, T> by <64> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d1, 0, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 1, d2, d4)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    %2 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %cst = arith.constant 1.250000e-01 : f32
      %8 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = arith.mulf %8, %cst : f32
      graph.yield %9 : f32
    }
    %3 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %9 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %10 = arith.cmpi sle, %8, %9 : i32
      %11 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %12 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %13 = graph.stop %12 : f32
      %14 = arith.subf %11, %13 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %15 = arith.select %10, %14, %cst : f32
      %16 = math.exp %15 : f32
      %cst_0 = arith.constant 5.000000e-01 : f32
      %17 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %18 = arith.maximumf %17, %cst_0 : f32
      %19 = arith.divf %16, %18 : f32
      %20 = arith.select %10, %19, %cst : f32
      graph.yield %20 : f32
    }
    %4 = graph.compute sum over <B, T, 6> by <T> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %8 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %10 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %11 = arith.cmpi sle, %9, %10 : i32
      %12 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %13 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %14 = graph.stop %13 : f32
      %15 = arith.subf %12, %14 : f32
      %cst = arith.constant 0.000000e+00 : f32
      %16 = arith.select %11, %15, %cst : f32
      %17 = math.exp %16 : f32
      %18 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %cst_0 = arith.constant 5.000000e-01 : f32
      %19 = arith.cmpf ogt, %18, %cst_0 : f32
      %20 = arith.andi %19, %11 : i1
      %21 = arith.mulf %8, %17 : f32
      graph.yield %21 if %20 : f32
    }
    %5 = graph.compute none over <B, T, 6> by <> : tensor<?x?x6xf32, #graph.dims<B, T, 6>> {
      %8 = graph.read %4[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %9 = arith.negf %8 : f32
      %10 = graph.read %arg3[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %cst = arith.constant 5.000000e-01 : f32
      %11 = arith.maximumf %10, %cst : f32
      %12 = arith.mulf %11, %11 : f32
      %13 = arith.divf %9, %12 : f32
      graph.yield %13 : f32
    }
    %6 = graph.compute none over <B, T, 6, T> by <> : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>> {
      %8 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.index [(d0, d1, d2, d3) -> (d3)]
      %10 = graph.index [(d0, d1, d2, d3) -> (d1)]
      %11 = arith.cmpi sle, %9, %10 : i32
      %cst = arith.constant 0.000000e+00 : f32
      %12 = arith.select %11, %8, %cst : f32
      %13 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %cst_0 = arith.constant 5.000000e-01 : f32
      %14 = arith.maximumf %13, %cst_0 : f32
      %15 = arith.divf %12, %14 : f32
      %16 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %17 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %18 = graph.stop %17 : f32
      %19 = arith.subf %16, %18 : f32
      %20 = arith.select %11, %19, %cst : f32
      %21 = math.exp %20 : f32
      %22 = arith.mulf %15, %21 : f32
      %23 = arith.select %11, %22, %cst : f32
      %24 = graph.read %5[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x6xf32, #graph.dims<B, T, 6>>
      %25 = arith.mulf %24, %21 : f32
      %26 = arith.select %11, %25, %cst : f32
      %27 = arith.select %11, %26, %cst : f32
      %28 = arith.addf %23, %27 : f32
      %cst_1 = arith.constant 1.250000e-01 : f32
      %29 = arith.mulf %28, %cst_1 : f32
      graph.yield %29 : f32
    }
    %7 = graph.compute sum over <B, T, 6, 64> by <T> : tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>> {
      %8 = graph.read %6[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>
      %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d4, 1, d2, d3)] : tensor<?x?x3x6x64xf32, #graph.dims<B, T, 3, 6, 64>>
      %10 = arith.mulf %8, %9 : f32
      graph.yield %10 : f32
    }
    return %3, %6, %7 : tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>, tensor<?x?x6x?xf32, #graph.dims<B, T, 6, T>>, tensor<?x?x6x64xf32, #graph.dims<B, T, 6, 64>>
}
