// Blocks of rows and columns whose factors are rounded to bf16: what is read, the weights and their derivatives. The
// tolerance is for values that round the other way: a reference in f64 lies on the other side of half a step.
// RUN: kernel_bench %s --set B=2 --set T=77 --check --asserts --samples 20 --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --samples 20 --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=333 --check --samples 20 --num-threads 2 --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// The same with panels of pairs, which machines without instructions for them compute slowly but to the same numbers.
// RUN: kernel_bench %s --set B=2 --set T=77 --check --asserts --samples 20 --pairs --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --samples 20 --pairs --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=333 --check --samples 20 --num-threads 2 --pairs --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// And on matrix tiles, which a machine without them computes one by one.
// RUN: kernel_bench %s --set B=2 --set T=77 --check --asserts --samples 20 --tiles --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --samples 20 --tiles --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: kernel_bench %s --set B=1 --set T=333 --check --samples 20 --num-threads 2 --tiles --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// CHECK: k_forward result 2
// CHECK: k_backward result 2
// They are block kernels, with blocks above the diagonal left out.
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: func.func private @k_forward
// BLOCKS-SAME: graph.ranges = [{{.*}}high = 0
// BLOCKS: func.func private @k_backward
// BLOCKS-SAME: graph.ranges = [{{.*}}high = 0
// A product of which both factors belong to columns makes no scores.
// RUN: sed '/%1 = graph.compute sum/,/}/ s/extf %9/extf %10/' %s > %t.columns.mlir
// RUN: kernel_bench %t.columns.mlir --set B=2 --set T=77 --check --asserts --samples 20 --tolerance 3e-4 --cache %t.cache | FileCheck %s --implicit-check-not=WRONG
// RUN: tintype-opt %t.columns.mlir --schedule-kernels --remarks-filter=schedule-kernels -o %t.halide.mlir 2>&1 | FileCheck %s --check-prefix=COLUMNS
// COLUMNS: Function=k_backward | Remark="not in blocks of rows and columns: it is a reduction that makes no scores"
func.func private @k_forward(%arg0: tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>) -> (tensor<?x?x2xf32, #graph.dims<B, T, 2>>, tensor<?x?x2xf32, #graph.dims<B, T, 2>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "row"} {
  %0 = graph.compute sum over <B, T, 2, T> by <64> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %7 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, 0, d2, d4)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %8 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d3, 1, d2, d4)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %9 = arith.extf %7 : bf16 to f32
    %10 = arith.extf %8 : bf16 to f32
    %11 = arith.mulf %9, %10 : f32
    graph.yield %11 : f32
  }
  %1 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %cst = arith.constant 1.250000e-01 : f32
    %7 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %8 = arith.mulf %7, %cst : f32
    graph.yield %8 : f32
  }
  %2 = graph.compute max over <B, T, 2> by <T> : tensor<?x?x2xf32, #graph.dims<B, T, 2>> {
    %7 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %8 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %9 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %10 = arith.cmpi sle, %8, %9 : i32
    graph.yield %7 if %10 : f32
  }
  %3 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %9 = arith.cmpi sle, %7, %8 : i32
    %10 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %11 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %12 = arith.subf %10, %11 : f32
    %cst = arith.constant 0.000000e+00 : f32
    %13 = arith.select %9, %12, %cst : f32
    %14 = math.exp %13 : f32
    graph.yield %14 : f32
  }
  %4 = graph.compute sum over <B, T, 2> by <T> : tensor<?x?x2xf32, #graph.dims<B, T, 2>> {
    %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %9 = arith.cmpi sle, %7, %8 : i32
    %10 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    graph.yield %10 if %9 : f32
  }
  %5 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>> {
    %7 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %8 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %9 = arith.cmpi sle, %7, %8 : i32
    %cst = arith.constant 0.000000e+00 : f32
    %10 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %cst_0 = arith.constant 5.000000e-01 : f32
    %11 = graph.read %4[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %12 = arith.maximumf %cst_0, %11 : f32
    %13 = arith.divf %10, %12 : f32
    %14 = arith.select %9, %13, %cst : f32
    %15 = arith.truncf %14 : f32 to bf16
    graph.yield %15 : bf16
  }
  %6 = graph.compute sum over <B, T, 2, 64> by <T> : tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>> {
    %7 = graph.read %5[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>>
    %8 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d4, 2, d2, d3)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %9 = arith.extf %7 : bf16 to f32
    %10 = arith.extf %8 : bf16 to f32
    %11 = arith.mulf %9, %10 : f32
    graph.yield %11 : f32
  }
  return %2, %4, %6 : tensor<?x?x2xf32, #graph.dims<B, T, 2>>, tensor<?x?x2xf32, #graph.dims<B, T, 2>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>
}
func.func private @k_backward(%arg0: tensor<?x?x2x64xbf16, #graph.dims<B, T, 2, 64>>, %arg1: tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>, %arg2: tensor<?x?x2xf32, #graph.dims<B, T, 2>>, %arg3: tensor<?x?x2xf32, #graph.dims<B, T, 2>>, %arg4: tensor<?x?x2xf32, #graph.dims<B, T, 2>>) -> (tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>) attributes {graph.inplace = array<i32: -1, -1, -1>, graph.kernel, graph.kind = "contraction"} {
  %0 = graph.compute sum over <B, T, 2, T> by <64> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %9 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x2x64xbf16, #graph.dims<B, T, 2, 64>>
    %10 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 2, d2, d4)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %11 = arith.extf %9 : bf16 to f32
    %12 = arith.extf %10 : bf16 to f32
    %13 = arith.mulf %11, %12 : f32
    graph.yield %13 : f32
  }
  %1 = graph.compute sum over <B, T, 2, T> by <64> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %9 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d1, 0, d2, d4)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %10 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, 1, d2, d4)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %11 = arith.extf %9 : bf16 to f32
    %12 = arith.extf %10 : bf16 to f32
    %13 = arith.mulf %11, %12 : f32
    graph.yield %13 : f32
  }
  %2 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %cst = arith.constant 1.250000e-01 : f32
    %9 = graph.read %1[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %10 = arith.mulf %9, %cst : f32
    graph.yield %10 : f32
  }
  %3 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>> {
    %9 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %10 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %11 = arith.cmpi sle, %9, %10 : i32
    %12 = graph.read %2[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %13 = graph.read %arg2[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %14 = arith.subf %12, %13 : f32
    %cst = arith.constant 0.000000e+00 : f32
    %15 = arith.select %11, %14, %cst : f32
    %16 = math.exp %15 : f32
    graph.yield %16 : f32
  }
  %4 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>> {
    %9 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %10 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %11 = arith.cmpi sle, %9, %10 : i32
    %cst = arith.constant 0.000000e+00 : f32
    %12 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %cst_0 = arith.constant 5.000000e-01 : f32
    %13 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %14 = arith.maximumf %cst_0, %13 : f32
    %15 = arith.divf %12, %14 : f32
    %16 = arith.select %11, %15, %cst : f32
    %17 = arith.truncf %16 : f32 to bf16
    graph.yield %17 : bf16
  }
  %5 = graph.compute sum over <B, T, 2, 64> by <T> : tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>> {
    %9 = graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)] : tensor<?x?x2x64xbf16, #graph.dims<B, T, 2, 64>>
    %10 = graph.read %4[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d1)] : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>>
    %11 = arith.extf %10 : bf16 to f32
    %12 = arith.extf %9 : bf16 to f32
    %13 = arith.mulf %11, %12 : f32
    graph.yield %13 : f32
  }
  %6 = graph.compute none over <B, T, 2, T> by <> : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>> {
    %9 = graph.read %0[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %10 = graph.index [(d0, d1, d2, d3) -> (d3)]
    %11 = graph.index [(d0, d1, d2, d3) -> (d1)]
    %12 = arith.cmpi sle, %10, %11 : i32
    %cst = arith.constant 0.000000e+00 : f32
    %13 = arith.select %12, %9, %cst : f32
    %cst_0 = arith.constant 5.000000e-01 : f32
    %14 = graph.read %arg3[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %15 = arith.maximumf %cst_0, %14 : f32
    %16 = arith.divf %13, %15 : f32
    %17 = graph.read %3[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x?x2x?xf32, #graph.dims<B, T, 2, T>>
    %18 = arith.mulf %16, %17 : f32
    %19 = arith.select %12, %18, %cst : f32
    %20 = graph.read %arg4[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x?x2xf32, #graph.dims<B, T, 2>>
    %21 = arith.mulf %20, %17 : f32
    %22 = arith.select %12, %21, %cst : f32
    %23 = arith.addf %19, %22 : f32
    %cst_1 = arith.constant 1.250000e-01 : f32
    %24 = arith.mulf %23, %cst_1 : f32
    %25 = arith.truncf %24 : f32 to bf16
    graph.yield %25 : bf16
  }
  %7 = graph.compute sum over <B, T, 2, 64> by <T> : tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>> {
    %9 = graph.read %6[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>>
    %10 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d4, 1, d2, d3)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %11 = arith.extf %9 : bf16 to f32
    %12 = arith.extf %10 : bf16 to f32
    %13 = arith.mulf %11, %12 : f32
    graph.yield %13 : f32
  }
  %8 = graph.compute sum over <B, T, 2, 64> by <T> : tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>> {
    %9 = graph.read %6[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d1)] : tensor<?x?x2x?xbf16, #graph.dims<B, T, 2, T>>
    %10 = graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d4, 0, d2, d3)] : tensor<?x?x3x2x64xbf16, #graph.dims<B, T, 3, 2, 64>>
    %11 = arith.extf %9 : bf16 to f32
    %12 = arith.extf %10 : bf16 to f32
    %13 = arith.mulf %11, %12 : f32
    graph.yield %13 : f32
  }
  return %5, %7, %8 : tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>, tensor<?x?x2x64xf32, #graph.dims<B, T, 2, 64>>
}
