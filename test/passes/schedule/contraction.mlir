// A sum of products gets panels, a register tile and blocks; what follows is computed tile by tile, or strip by strip where it reads beside.
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s
// A scheduled kernel goes through text unchanged, and keeps its schedule when it is scheduled again.
// RUN: tintype-opt %s --schedule-kernels -o %t.mlir
// RUN: tintype-opt %t.mlir --schedule-kernels | diff %t.mlir -

// CHECK-LABEL: func.func private @k_linear
// CHECK-SAME: graph.flops = #graph.dims<M * {{[0-9]+}}>
// CHECK-SAME: graph.grid = [{block = {{[0-9]+}} : i64, dims = array<i32: 0>, extent = #graph.dims<M>}, {block = {{[0-9]+}} : i64, dims = array<i32: 1>, extent = #graph.dims<1152>}]
// CHECK-SAME: graph.symbols = ["M"]
func.func private @k_linear(%x: tensor<?x384xf32, #graph.dims<M, 384>>, %w: tensor<384x1152xf32>, %bias: tensor<1152xf32>) -> tensor<?x1152xf32, #graph.dims<M, 1152>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 1152> by <384> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x384xf32, #graph.dims<M, 384>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<384x1152xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <M, 1152> by <> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %1 = graph.read %bias[(d0, d1) -> (d1)] : tensor<1152xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x1152xf32, #graph.dims<M, 1152>>
}
// CHECK-LABEL: halide.pipeline @k_linear symbols ["M"]
// CHECK: halide.func @[[B:.*_b]](%nv, %k, %no)
// CHECK: halide.update @[[ACC:.*_acc]](%nv, %mv, %no, %mo) by (%ri, %r) in <4, 96>
// CHECK: halide.output @[[Y:.*]] result 0 <1152, M> blocks [{{[0-9]+}}, {{[0-9]+}}]
// CHECK: halide.compute_at @[[ACC]] in @[[C:.*]] at "no"
// CHECK: halide.vectorize @[[ACC]] update 0 "nv" by 16
// CHECK: halide.unroll @[[ACC]] update 0 "ri"
// CHECK: halide.compute_at @[[C]] in @[[Y]] at "no"
// CHECK: halide.bound_extent @[[C]] "no" extent 1

// What reads another tensor of the result's size beside the tiles reads and writes long rows: a strip at a time.
// CHECK-LABEL: halide.pipeline @k_residual
// CHECK: halide.output @[[Y:.*]] result 0
// CHECK: halide.compute_at @[[C:.*]] in @[[Y]] at "mo"
// CHECK-NOT: halide.bound_extent @[[C]] "no"
func.func private @k_residual(%x: tensor<?x384xf32, #graph.dims<M, 384>>, %w: tensor<384x1152xf32>, %old: tensor<?x1152xf32, #graph.dims<M, 1152>>) -> tensor<?x1152xf32, #graph.dims<M, 1152>> attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 1152> by <384> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x384xf32, #graph.dims<M, 384>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<384x1152xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute none over <M, 1152> by <> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %1 = graph.read %old[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x1152xf32, #graph.dims<M, 1152>>
}

// A heavy term that only results at the same point read is evaluated in their tuple: it has no func of its own.
// CHECK-LABEL: halide.pipeline @k_activation_and_derivative
// CHECK-NOT: halide.func @{{.*}}(%i1, %i0)
// CHECK: halide.func @{{.*}}_acc
// CHECK: halide.func @[[Y:.*]](%i1, %i0)
// CHECK-NOT: halide.func
// CHECK: halide.output @[[Y]] result 0
// CHECK: halide.output @[[Y]] element 1 result 1
func.func private @k_activation_and_derivative(%x: tensor<?x384xf32, #graph.dims<M, 384>>, %w: tensor<384x1152xf32>, %before: tensor<?x1152xf32, #graph.dims<M, 1152>>) -> (tensor<?x1152xf32, #graph.dims<M, 1152>>, tensor<?x1152xf32, #graph.dims<M, 1152>>) attributes {graph.kernel, graph.kind = "contraction"} {
  %z = graph.compute sum over <M, 1152> by <384> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x384xf32, #graph.dims<M, 384>>
    %1 = graph.read %w[(d0, d1, d2) -> (d2, d1)] : tensor<384x1152xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %t = graph.compute none over <M, 1152> by <> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %before[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %y = graph.compute none over <M, 1152> by <> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %t[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %1 = arith.addf %0, %0 : f32
    graph.yield %1 : f32
  }
  %d = graph.compute none over <M, 1152> by <> : tensor<?x1152xf32, #graph.dims<M, 1152>> {
    %0 = graph.read %t[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %1 = graph.read %z[(d0, d1) -> (d0, d1)] : tensor<?x1152xf32, #graph.dims<M, 1152>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y, %d : tensor<?x1152xf32, #graph.dims<M, 1152>>, tensor<?x1152xf32, #graph.dims<M, 1152>>
}

// A product that is no contraction (both factors read all loops) is a plain reduction along the contiguous dim.
// CHECK-LABEL: halide.pipeline @k_dot
// CHECK: halide.func @{{.*}}_part(%l, %i0)
// CHECK: halide.atomic
func.func private @k_dot(%x: tensor<?x384xf32, #graph.dims<M, 384>>, %y: tensor<?x384xf32, #graph.dims<M, 384>>) -> tensor<?xf32, #graph.dims<M>> attributes {graph.kernel, graph.kind = "row"} {
  %z = graph.compute sum over <M> by <384> : tensor<?xf32, #graph.dims<M>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x384xf32, #graph.dims<M, 384>>
    %1 = graph.read %y[(d0, d1) -> (d0, d1)] : tensor<?x384xf32, #graph.dims<M, 384>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %z : tensor<?xf32, #graph.dims<M>>
}

// A scatter in place starts from what memory holds, and is cut along its features only.
// CHECK-LABEL: func.func private @k_scatter
// CHECK-SAME: graph.grid = [{block = 64 : i64, dims = array<i32: 1>, extent = #graph.dims<100>}]
// CHECK: halide.undef
func.func private @k_scatter(%dw: tensor<50x100xf32>, %id: tensor<?xi32, #graph.dims<M>>, %dy: tensor<?x100xf32, #graph.dims<M, 100>>) -> tensor<50x100xf32>
    attributes {graph.kernel, graph.kind = "scatter", graph.inplace = array<i32: 0>} {
  %y = graph.scatter init(%dw : tensor<50x100xf32>) over <M, 100> : tensor<50x100xf32> {
    %0 = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<M>>
    %1 = graph.read %dy[(d0, d1) -> (d0, d1)] : tensor<?x100xf32, #graph.dims<M, 100>>
    graph.yield %1 at [(d0, d1)[s0] -> (s0, d1)](%0) : f32
  }
  return %y : tensor<50x100xf32>
}
