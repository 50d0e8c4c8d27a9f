// Each kernel gets a remark: by which kind of schedule, whence, its tile and blocks, and what it costs.
// RUN: tintype-opt %s --schedule-kernels --remarks-filter=schedule-kernels -o %t.mlir 2>&1 | FileCheck %s
// CHECK: remark: [Analysis] scheduled | Category:schedule-kernels | Function=k_double | Remark="scheduled: pointwise by template, blocks 16384; 1 funcs, 2 directives", bytes="N * 8", directives=2, flops=N, funcs=1
// A schedule that is there already is used as given.
// RUN: tintype-opt %t.mlir --schedule-kernels --remarks-filter=schedule-kernels -o %t.again 2>&1 | FileCheck %s --check-prefix=GIVEN
// GIVEN: Function=k_double | Remark="scheduled: pointwise as given,
// Without being asked for, nothing is said.
// RUN: tintype-opt %s --schedule-kernels -o %t.mlir 2>&1 | count 0
func.func private @k_double(%x: tensor<?xf32, #graph.dims<N>>) -> tensor<?xf32, #graph.dims<N>> attributes {graph.kernel, graph.kind = "pointwise"} {
  %y = graph.compute none over <N> by <> : tensor<?xf32, #graph.dims<N>> {
    %0 = graph.read %x[(d0) -> (d0)] : tensor<?xf32, #graph.dims<N>>
    %1 = arith.addf %0, %0 : f32
    graph.yield %1 : f32
  }
  return %y : tensor<?xf32, #graph.dims<N>>
}
// Scores that stay inside of a kernel want blocks of rows and columns; where that cannot be, the remark says what is in the way.
// CHECK: remarks.mlir:[[# @LINE + 9]]:{{.*}}remark: [Missed] not in blocks | Category:schedule-kernels | Function=k_folded | Remark="not in blocks of rows and columns: it reads what lies between at two places or at a computed one"
// CHECK: Function=k_folded | Remark="scheduled: row
func.func private @k_folded(%x: tensor<?x16xf32, #graph.dims<T, 16>>) -> tensor<?xf32, #graph.dims<T>> attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <T, T> by <16> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %1 = graph.read %x[(d0, d1, d2) -> (d1, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %s[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %s[(d0, d1) -> (d1, d0)] : tensor<?x?xf32, #graph.dims<T, T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?xf32, #graph.dims<T>>
}
// CHECK: remark: [Missed] not in blocks | Category:schedule-kernels | Function=k_part | Remark="not in blocks of rows and columns: it ranges over a part of the rows or columns"
func.func private @k_part(%x: tensor<?x16xf32, #graph.dims<T, 16>>) -> tensor<?x16xf32, #graph.dims<T, 16>> attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <T, T> by <16> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %1 = graph.read %x[(d0, d1, d2) -> (d1, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y = graph.compute sum over <T, 16> by <T + -1> : tensor<?x16xf32, #graph.dims<T, 16>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d2)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %x[(d0, d1, d2) -> (d2, d1)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x16xf32, #graph.dims<T, 16>>
}
