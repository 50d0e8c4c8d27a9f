// RUN: tintype-opt %s --graph-align-rows | FileCheck %s
// RUN: tintype-opt %s --graph-align-rows --graph-form-kernels | FileCheck %s --check-prefix=GROUP
// RUN: tintype-opt %s --graph-align-rows --graph-form-kernels=keep-in-cache=false | FileCheck %s --check-prefix=APART
// RUN: tintype-opt %s -o %t.before
// RUN: tintype-opt %s --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after --dims B=2,T=5

// Scores, maxima and exponentials take the order (b, t, h) of the contraction
// that sums them up; then all of it is one kernel over these rows.
// CHECK-LABEL: func.func @rows
// CHECK:         %[[S:.*]] = graph.compute sum over <B, T, 2, T> by <16>
// CHECK:           graph.read %arg0[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)]
// CHECK:           graph.read %arg1[(d0, d1, d2, d3, d4) -> (d0, d3, d2, d4)]
// CHECK:         %[[M:.*]] = graph.compute max over <B, T, 2> by <T>
// CHECK:           graph.read %[[S]][(d0, d1, d2, d3) -> (d0, d1, d2, d3)]
// CHECK:         %[[E:.*]] = graph.compute none over <B, T, 2, T>
// CHECK:           graph.index [(d0, d1, d2, d3) -> (d1)]
// CHECK:         graph.compute sum over <B, T, 2, 16> by <T>
// CHECK:           graph.read %[[E]][(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)]
// GROUP-LABEL: func.func @rows
// GROUP-COUNT-4: graph.group = 0
// GROUP-NOT:     graph.group = 1
// GROUP-LABEL: func.func @returned
// APART-LABEL: func.func @rows
// APART:         graph.compute sum {{.*}}graph.group = 0
// APART:         graph.compute max {{.*}}graph.group = 1
// APART:         graph.compute none {{.*}}graph.group = 1
// APART:         graph.compute sum {{.*}}graph.group = 2
func.func @rows(%q: tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>, %k: tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>)
    -> tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
  %s = graph.compute sum over <B, 2, T, T> by <16> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %0 = graph.read %q[(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %1 = graph.read %k[(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %m = graph.compute max over <B, 2, T> by <T> : tensor<?x2x?xf32, #graph.dims<B, 2, T>> {
    %0 = graph.read %s[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    graph.yield %0 : f32
  }
  %e = graph.compute none over <B, 2, T, T> by <> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %0 = graph.read %s[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = graph.read %m[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x2x?xf32, #graph.dims<B, 2, T>>
    %2 = arith.subf %0, %1 : f32
    %i = graph.index [(d0, d1, d2, d3) -> (d2)]
    %j = graph.index [(d0, d1, d2, d3) -> (d3)]
    %ok = arith.cmpi sle, %j, %i : i32
    %z = arith.constant 0.0 : f32
    %3 = math.exp %2 : f32
    %4 = arith.select %ok, %3, %z : f32
    graph.yield %4 : f32
  }
  %o = graph.compute sum over <B, T, 2, 16> by <T> : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
    %0 = graph.read %e[(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = graph.read %k[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %o : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
}

// Scores that leave the function keep their dims.
// CHECK-LABEL: func.func @returned
// CHECK:         graph.compute sum over <2, T, T>
// CHECK:         graph.compute max over <2, T>
func.func @returned(%q: tensor<?x2x16xf32, #graph.dims<T, 2, 16>>)
    -> (tensor<2x?x?xf32, #graph.dims<2, T, T>>, tensor<?x2x16xf32, #graph.dims<T, 2, 16>>) {
  %s = graph.compute sum over <2, T, T> by <16> : tensor<2x?x?xf32, #graph.dims<2, T, T>> {
    %0 = graph.read %q[(d0, d1, d2, d3) -> (d1, d0, d3)] : tensor<?x2x16xf32, #graph.dims<T, 2, 16>>
    %1 = graph.read %q[(d0, d1, d2, d3) -> (d2, d0, d3)] : tensor<?x2x16xf32, #graph.dims<T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %m = graph.compute max over <2, T> by <T> : tensor<2x?xf32, #graph.dims<2, T>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<2x?x?xf32, #graph.dims<2, T, T>>
    graph.yield %0 : f32
  }
  %e = graph.compute none over <2, T, T> by <> : tensor<2x?x?xf32, #graph.dims<2, T, T>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<2x?x?xf32, #graph.dims<2, T, T>>
    %1 = graph.read %m[(d0, d1, d2) -> (d0, d1)] : tensor<2x?xf32, #graph.dims<2, T>>
    %2 = arith.subf %0, %1 : f32
    graph.yield %2 : f32
  }
  %o = graph.compute sum over <T, 2, 16> by <T> : tensor<?x2x16xf32, #graph.dims<T, 2, 16>> {
    %0 = graph.read %e[(d0, d1, d2, d3) -> (d1, d0, d3)] : tensor<2x?x?xf32, #graph.dims<2, T, T>>
    %1 = graph.read %q[(d0, d1, d2, d3) -> (d3, d1, d2)] : tensor<?x2x16xf32, #graph.dims<T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %s, %o : tensor<2x?x?xf32, #graph.dims<2, T, T>>, tensor<?x2x16xf32, #graph.dims<T, 2, 16>>
}
