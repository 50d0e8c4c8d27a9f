// RUN: tintype-opt %s --graph-hoist-invariants | FileCheck %s
// RUN: tintype-opt %s --mlir-disable-threading --graph-hoist-invariants --remarks-filter=graph-hoist-invariants -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --graph-hoist-invariants -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after

// A root of a row and an angle of a position become tables; the exponential
// depends on every dim and stays.
// CHECK-LABEL: func.func @tables
// CHECK:         %[[ROOT:.*]] = graph.compute none over <B>
// CHECK:           math.rsqrt
// CHECK:         %[[COS:.*]] = graph.compute none over <8>
// CHECK:           graph.index [(d0) -> (d0)]
// CHECK:           math.cos
// CHECK:         graph.compute none over <B, 8>
// CHECK-DAG:       graph.read %[[ROOT]][(d0, d1) -> (d0)]
// CHECK-DAG:       graph.read %[[COS]][(d0, d1) -> (d1)]
// CHECK:           math.exp
// REMARK:      hoisted: computed B times instead of B * 8
func.func @tables(%x: tensor<?x8xf32, #graph.dims<B, 8>>, %v: tensor<?xf32, #graph.dims<B>>) -> tensor<?x8xf32, #graph.dims<B, 8>> {
  %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %v[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %e = arith.constant 1.0e-5 : f32
    %2 = math.absf %1 : f32
    %3 = arith.addf %2, %e : f32
    %4 = math.rsqrt %3 : f32
    %i = graph.index [(d0, d1) -> (d1)]
    %5 = arith.sitofp %i : i32 to f32
    %6 = math.cos %5 : f32
    %7 = math.exp %0 : f32
    %8 = arith.mulf %7, %4 : f32
    %9 = arith.mulf %8, %6 : f32
    graph.yield %9 : f32
  }
  return %y : tensor<?x8xf32, #graph.dims<B, 8>>
}

// Cheap terms and terms that depend on no dim stay.
// CHECK-LABEL: func.func @stay
// CHECK-COUNT-1: graph.compute
// CHECK-NOT:     graph.compute
func.func @stay(%x: tensor<?x8xf32, #graph.dims<B, 8>>, %v: tensor<?xf32, #graph.dims<B>>, %s: tensor<f32>) -> tensor<?x8xf32, #graph.dims<B, 8>> {
  %y = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
    %1 = graph.read %v[(d0, d1) -> (d0)] : tensor<?xf32, #graph.dims<B>>
    %2 = graph.read %s[(d0, d1) -> ()] : tensor<f32>
    %3 = math.exp %2 : f32
    %4 = arith.addf %1, %3 : f32
    %5 = arith.mulf %0, %4 : f32
    graph.yield %5 : f32
  }
  return %y : tensor<?x8xf32, #graph.dims<B, 8>>
}
