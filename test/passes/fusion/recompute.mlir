// RUN: tintype-opt %s --split-input-file --graph-recompute | FileCheck %s
// RUN: tintype-opt %s --split-input-file --graph-recompute --remarks-filter=graph-recompute -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// A whole training step: the numbers stay.
// RUN: tintype-opt %S/../graph/small-model.mlir --graph -o %t.before
// RUN: tintype-opt %t.before --graph-recompute -o %t.again
// RUN: tintype-opt %t.before --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.again --dims B=2,T=5,N=3
// RUN: %python %support/graph_eval.py %t.before --compare %t.after --dims B=2,T=5,N=3

// The scores, a number for each pair, are made again after the loss, and what is
// made of them; the row sums are kept.
// CHECK-LABEL: func.func @pairs
// CHECK:         %[[S:.*]] = graph.compute sum over <T, T> by <16>
// CHECK:         %[[M:.*]] = graph.compute sum over <T> by <T>
// CHECK:         %[[L:.*]] = graph.compute sum over <> by <T>
// CHECK:         %[[A:.*]] = graph.compute sum over <T, T> by <16> {graph.again}
// CHECK:         %[[E:.*]] = graph.compute none over <T, T> by <> {graph.again}
// CHECK:           graph.read %[[A]]
// CHECK:         graph.compute sum over <T> by <T>
// CHECK:           graph.read %[[E]]
// CHECK:           graph.read %[[M]]
// REMARK:      computed again: saves T * T * 4 bytes
func.func @pairs(%q: tensor<?x16xf32, #graph.dims<T, 16>>) -> (tensor<f32>, tensor<?xf32, #graph.dims<T>>)
    attributes {graph.results = ["loss", "d"], graph.role = "train_step"} {
  %s = graph.compute sum over <T, T> by <16> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %q[(d0, d1, d2) -> (d0, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %1 = graph.read %q[(d0, d1, d2) -> (d1, d2)] : tensor<?x16xf32, #graph.dims<T, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %e = graph.compute none over <T, T> by <> : tensor<?x?xf32, #graph.dims<T, T>> {
    %0 = graph.read %s[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %m = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %e[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<T, T>>
    graph.yield %0 : f32
  }
  %l = graph.compute sum over <> by <T> : tensor<f32> {
    %0 = graph.read %m[(d0) -> (d0)] : tensor<?xf32, #graph.dims<T>>
    graph.yield %0 : f32
  }
  %d = graph.compute sum over <T> by <T> : tensor<?xf32, #graph.dims<T>> {
    %0 = graph.read %e[(d0, d1) -> (d1, d0)] : tensor<?x?xf32, #graph.dims<T, T>>
    %1 = graph.read %m[(d0, d1) -> (d1)] : tensor<?xf32, #graph.dims<T>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %l, %d : tensor<f32>, tensor<?xf32, #graph.dims<T>>
}

// -----

// A tensor over batch and position is kept.
// CHECK-LABEL: func.func @linear
// CHECK-NOT:     graph.again
func.func @linear(%x: tensor<?x?xf32, #graph.dims<B, T>>) -> (tensor<f32>, tensor<?x?xf32, #graph.dims<B, T>>)
    attributes {graph.results = ["loss", "d"], graph.role = "train_step"} {
  %e = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %l = graph.compute sum over <> by <B, T> : tensor<f32> {
    %0 = graph.read %e[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    graph.yield %0 : f32
  }
  %d = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %e[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    graph.yield %0 : f32
  }
  return %l, %d : tensor<f32>, tensor<?x?xf32, #graph.dims<B, T>>
}

// -----

// Sequences of a known length, a product for each sample: the scores are made again.
// CHECK-LABEL: func.func @known
// CHECK:         graph.compute sum over <B, 100, 100> by <16> {graph.again}
func.func @known(%q: tensor<?x100x16xf32, #graph.dims<B, 100, 16>>) -> (tensor<f32>, tensor<?x100x100xf32, #graph.dims<B, 100, 100>>)
    attributes {graph.results = ["loss", "d"], graph.role = "train_step"} {
  %s = graph.compute sum over <B, 100, 100> by <16> : tensor<?x100x100xf32, #graph.dims<B, 100, 100>> {
    %0 = graph.read %q[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x100x16xf32, #graph.dims<B, 100, 16>>
    %1 = graph.read %q[(d0, d1, d2, d3) -> (d0, d2, d3)] : tensor<?x100x16xf32, #graph.dims<B, 100, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %l = graph.compute sum over <> by <B, 100, 100> : tensor<f32> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
    graph.yield %0 : f32
  }
  %d = graph.compute none over <B, 100, 100> by <> : tensor<?x100x100xf32, #graph.dims<B, 100, 100>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  return %l, %d : tensor<f32>, tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
}

// -----

// A map of 100 x 100 places under a window is no such product: both extents come from one side.
// CHECK-LABEL: func.func @map
// CHECK-NOT:     graph.again
func.func @map(%x: tensor<?x102x102xf32, #graph.dims<B, 102, 102>>, %w: tensor<3x3xf32>) -> (tensor<f32>, tensor<?x100x100xf32, #graph.dims<B, 100, 100>>)
    attributes {graph.results = ["loss", "d"], graph.role = "train_step"} {
  %s = graph.compute sum over <B, 100, 100> by <3, 3> : tensor<?x100x100xf32, #graph.dims<B, 100, 100>> {
    %0 = graph.read %x[(d0, d1, d2, d3, d4) -> (d0, d1 + d3, d2 + d4)] : tensor<?x102x102xf32, #graph.dims<B, 102, 102>>
    %1 = graph.read %w[(d0, d1, d2, d3, d4) -> (d3, d4)] : tensor<3x3xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %l = graph.compute sum over <> by <B, 100, 100> : tensor<f32> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
    graph.yield %0 : f32
  }
  %d = graph.compute none over <B, 100, 100> by <> : tensor<?x100x100xf32, #graph.dims<B, 100, 100>> {
    %0 = graph.read %s[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  return %l, %d : tensor<f32>, tensor<?x100x100xf32, #graph.dims<B, 100, 100>>
}

// -----

// A few additions from tensors that are read after the loss anyway: made again. With a function in it: kept.
// CHECK-LABEL: func.func @cheap
// CHECK:         %[[S:.*]] = graph.compute none over <B, 64>
// CHECK:         %[[F:.*]] = graph.compute none over <B, 64>
// CHECK:         graph.compute none over <B, 64> by <> {graph.again}
// CHECK-NOT:     graph.again
func.func @cheap(%x: tensor<?x64xf32, #graph.dims<B, 64>>, %w: tensor<64xf32>) -> (tensor<f32>, tensor<?x64xf32, #graph.dims<B, 64>>)
    attributes {graph.results = ["loss", "d"], graph.role = "train_step"} {
  %s = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %w[(d0, d1) -> (d1)] : tensor<64xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %f = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %l = graph.compute sum over <> by <B, 64> : tensor<f32> {
    %0 = graph.read %s[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %f[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %s[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %f[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %2 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %3 = arith.mulf %0, %1 : f32
    %4 = arith.addf %3, %2 : f32
    graph.yield %4 : f32
  }
  return %l, %d : tensor<f32>, tensor<?x64xf32, #graph.dims<B, 64>>
}

// -----

// A function of a kept tensor is made again where all that reads it then multiplies each
// element with 512 others, and kept where there are fewer.
// CHECK-LABEL: func.func @long_products
// CHECK:         %[[G:.*]] = graph.compute none over <B, 64> by <> {graph.again}
// CHECK:         graph.compute sum over <64, 512> by <B>
// CHECK:           graph.read %[[G]]
// CHECK-LABEL: func.func @short_products
// CHECK-NOT:     graph.again
func.func @long_products(%h: tensor<?x64xf32, #graph.dims<B, 64>>, %y: tensor<?x512xf32, #graph.dims<B, 512>>) -> (tensor<f32>, tensor<64x512xf32>, tensor<?x64xf32, #graph.dims<B, 64>>)
    attributes {graph.results = ["loss", "w", "d"], graph.role = "train_step"} {
  %a = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %l = graph.compute sum over <> by <B, 64> : tensor<f32> {
    %0 = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    graph.yield %0 : f32
  }
  %w = graph.compute sum over <64, 512> by <B> : tensor<64x512xf32> {
    %0 = graph.read %a[(d0, d1, d2) -> (d2, d0)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %y[(d0, d1, d2) -> (d2, d1)] : tensor<?x512xf32, #graph.dims<B, 512>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    graph.yield %0 : f32
  }
  return %l, %w, %d : tensor<f32>, tensor<64x512xf32>, tensor<?x64xf32, #graph.dims<B, 64>>
}
func.func @short_products(%h: tensor<?x64xf32, #graph.dims<B, 64>>, %y: tensor<?x384xf32, #graph.dims<B, 384>>) -> (tensor<f32>, tensor<64x384xf32>, tensor<?x64xf32, #graph.dims<B, 64>>)
    attributes {graph.results = ["loss", "w", "d"], graph.role = "train_step"} {
  %a = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = math.tanh %0 : f32
    graph.yield %1 : f32
  }
  %l = graph.compute sum over <> by <B, 64> : tensor<f32> {
    %0 = graph.read %a[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    graph.yield %0 : f32
  }
  %w = graph.compute sum over <64, 384> by <B> : tensor<64x384xf32> {
    %0 = graph.read %a[(d0, d1, d2) -> (d2, d0)] : tensor<?x64xf32, #graph.dims<B, 64>>
    %1 = graph.read %y[(d0, d1, d2) -> (d2, d1)] : tensor<?x384xf32, #graph.dims<B, 384>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %d = graph.compute none over <B, 64> by <> : tensor<?x64xf32, #graph.dims<B, 64>> {
    %0 = graph.read %h[(d0, d1) -> (d0, d1)] : tensor<?x64xf32, #graph.dims<B, 64>>
    graph.yield %0 : f32
  }
  return %l, %w, %d : tensor<f32>, tensor<64x384xf32>, tensor<?x64xf32, #graph.dims<B, 64>>
}
