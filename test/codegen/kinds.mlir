// One kernel of each kind, in sizes that no vector or tile divides, against a slow evaluation; once with every access checked and once as released.
// RUN: kernel_bench %s --set B=3 --set T=37 --check --asserts --cache %t.cache | FileCheck %s
// RUN: kernel_bench %s --set B=3 --set T=37 --check --cache %t.cache | FileCheck %s
// RUN: kernel_bench %s --set B=1 --set T=1 --check --asserts --cache %t.cache | FileCheck %s
// RUN: kernel_bench %s --set B=2 --set T=300 --check --num-threads 2 --cache %t.cache | FileCheck %s
// CHECK-NOT: WRONG
// CHECK: k_column
// CHECK-NOT: WRONG

// softmax(scale * x) along the last dim, with a filter s <= t
func.func private @k_softmax(%x: tensor<?x?x?xf32, #graph.dims<B, T, T>>) -> tensor<?x?x?xf32, #graph.dims<B, T, T>> attributes {graph.kernel, graph.kind = "row"} {
  %m = graph.compute max over <B, T> by <T> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %t = graph.index [(d0, d1, d2) -> (d1)]
    %s = graph.index [(d0, d1, d2) -> (d2)]
    %ok = arith.cmpi sle, %s, %t : i32
    graph.yield %0 if %ok : f32
  }
  %e = graph.compute none over <B, T, T> by <> : tensor<?x?x?xf32, #graph.dims<B, T, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %1 = graph.read %m[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = math.exp %2 : f32
    %t = graph.index [(d0, d1, d2) -> (d1)]
    %s = graph.index [(d0, d1, d2) -> (d2)]
    %ok = arith.cmpi sle, %s, %t : i32
    %zero = arith.constant 0.0 : f32
    %4 = arith.select %ok, %3, %zero : f32
    graph.yield %4 : f32
  }
  %z = graph.compute sum over <B, T> by <T> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %e[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    graph.yield %0 : f32
  }
  %y = graph.compute none over <B, T, T> by <> : tensor<?x?x?xf32, #graph.dims<B, T, T>> {
    %0 = graph.read %e[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x?xf32, #graph.dims<B, T, T>>
    %1 = graph.read %z[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.divf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %y : tensor<?x?x?xf32, #graph.dims<B, T, T>>
}

// centred and scaled rows; also the mean of each row as a second result
func.func private @k_rows(%x: tensor<?x?x100xf32, #graph.dims<B, T, 100>>, %g: tensor<100xf32>)
    -> (tensor<?x?x100xf32, #graph.dims<B, T, 100>>, tensor<?x?xf32, #graph.dims<B, T>>) attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <B, T> by <100> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x100xf32, #graph.dims<B, T, 100>>
    %c = arith.constant 0.01 : f32
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %v = graph.compute sum over <B, T> by <100> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x100xf32, #graph.dims<B, T, 100>>
    %1 = graph.read %s[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = arith.mulf %2, %2 : f32
    graph.yield %3 : f32
  }
  %y = graph.compute none over <B, T, 100> by <> : tensor<?x?x100xf32, #graph.dims<B, T, 100>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x100xf32, #graph.dims<B, T, 100>>
    %1 = graph.read %s[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = graph.read %v[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %3 = graph.read %g[(d0, d1, d2) -> (d2)] : tensor<100xf32>
    %eps = arith.constant 1.0e-5 : f32
    %4 = arith.subf %0, %1 : f32
    %5 = arith.addf %2, %eps : f32
    %6 = math.rsqrt %5 : f32
    %7 = arith.mulf %4, %6 : f32
    %8 = arith.mulf %7, %3 : f32
    graph.yield %8 : f32
  }
  return %y, %s : tensor<?x?x100xf32, #graph.dims<B, T, 100>>, tensor<?x?xf32, #graph.dims<B, T>>
}

// two pointwise results, one in place; the second reads the first
func.func private @k_pointwise(%x: tensor<?x?x5xf32, #graph.dims<B, T, 5>>, %g: tensor<?x?x5xf32, #graph.dims<B, T, 5>>)
    -> (tensor<?x?x5xf32, #graph.dims<B, T, 5>>, tensor<?x?x5xf32, #graph.dims<B, T, 5>>)
    attributes {graph.kernel, graph.kind = "pointwise", graph.inplace = array<i32: 1, -1>} {
  %a = graph.compute none over <B, T, 5> by <> : tensor<?x?x5xf32, #graph.dims<B, T, 5>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x5xf32, #graph.dims<B, T, 5>>
    %1 = graph.read %g[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x5xf32, #graph.dims<B, T, 5>>
    %2 = math.tanh %0 : f32
    %3 = arith.addf %1, %2 : f32
    graph.yield %3 : f32
  }
  %b = graph.compute none over <B, T, 5> by <> : tensor<?x?x5xf32, #graph.dims<B, T, 5>> {
    %0 = graph.read %a[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x5xf32, #graph.dims<B, T, 5>>
    %1 = graph.read %g[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x5xf32, #graph.dims<B, T, 5>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %a, %b : tensor<?x?x5xf32, #graph.dims<B, T, 5>>, tensor<?x?x5xf32, #graph.dims<B, T, 5>>
}

// shifted and padded reads, a gather
func.func private @k_gather(%id: tensor<?x?xi32, #graph.dims<B, T>>, %w: tensor<8x19xf32>, %p: tensor<?x?xf32, #graph.dims<B, T>>) -> tensor<?x?x19xf32, #graph.dims<B, T, 19>>
    attributes {graph.kernel, graph.kind = "pointwise"} {
  %y = graph.compute none over <B, T, 19> by <> : tensor<?x?x19xf32, #graph.dims<B, T, 19>> {
    %0 = graph.read %id[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %1 = graph.read %w[(d0, d1, d2)[s0] -> (s0, d2)](%0) : tensor<8x19xf32>
    %2 = graph.read %p[(d0, d1, d2) -> (d0, d1 + d2 - 1)] guarded : tensor<?x?xf32, #graph.dims<B, T>>
    %ok = graph.inside [(d0, d1, d2) -> (d0, d1 + d2 - 1)] in <B, T>
    %zero = arith.constant 0.0 : f32
    %3 = arith.select %ok, %2, %zero : f32
    %4 = arith.addf %1, %3 : f32
    graph.yield %4 : f32
  }
  return %y : tensor<?x?x19xf32, #graph.dims<B, T, 19>>
}

func.func private @k_scatter(%dw: tensor<8x100xf32>, %id: tensor<?x?xi32, #graph.dims<B, T>>, %dy: tensor<?x?x100xf32, #graph.dims<B, T, 100>>) -> tensor<8x100xf32>
    attributes {graph.kernel, graph.kind = "scatter", graph.inplace = array<i32: 0>} {
  %y = graph.scatter init(%dw : tensor<8x100xf32>) over <B, T, 100> : tensor<8x100xf32> {
    %0 = graph.read %id[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %1 = graph.read %dy[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x100xf32, #graph.dims<B, T, 100>>
    graph.yield %1 at [(d0, d1, d2)[s0] -> (s0 - 1, d2)](%0) : f32
  }
  return %y : tensor<8x100xf32>
}

// without init, and places that are a loop as well as an id
func.func private @k_scatter2(%id: tensor<?x?xi32, #graph.dims<B, T>>, %dy: tensor<?x?xf32, #graph.dims<B, T>>) -> tensor<?x8xf32, #graph.dims<B, 8>>
    attributes {graph.kernel, graph.kind = "scatter"} {
  %y = graph.scatter over <B, T> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %0 = graph.read %id[(d0, d1) -> (d0, d1)] : tensor<?x?xi32, #graph.dims<B, T>>
    %1 = graph.read %dy[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    graph.yield %1 at [(d0, d1)[s0] -> (d0, s0)](%0) : f32
  }
  return %y : tensor<?x8xf32, #graph.dims<B, 8>>
}

// computed places along the last dim, which is wider than a block
func.func private @k_scatter3(%dw: tensor<200xf32>, %dy: tensor<?x70xf32, #graph.dims<B, 70>>) -> tensor<200xf32>
    attributes {graph.kernel, graph.kind = "scatter", graph.inplace = array<i32: 0>} {
  %y = graph.scatter init(%dw : tensor<200xf32>) over <B, 70> : tensor<200xf32> {
    %0 = graph.read %dy[(d0, d1) -> (d0, d1)] : tensor<?x70xf32, #graph.dims<B, 70>>
    graph.yield %0 at [(d0, d1) -> (d1 * 3 - 1)] : f32
  }
  return %y : tensor<200xf32>
}

// the whole of a tensor, counted and summed
func.func private @k_total(%x: tensor<?x?xf32, #graph.dims<B, T>>, %keep: tensor<?x?xi1, #graph.dims<B, T>>) -> (tensor<f32>, tensor<i32>, tensor<i1>)
    attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <> by <B, T> : tensor<f32> {
    %0 = graph.read %x[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %k = graph.read %keep[(d0, d1) -> (d0, d1)] : tensor<?x?xi1, #graph.dims<B, T>>
    graph.yield %0 if %k : f32
  }
  %n = graph.compute sum over <> by <B, T> : tensor<i32> {
    %k = graph.read %keep[(d0, d1) -> (d0, d1)] : tensor<?x?xi1, #graph.dims<B, T>>
    %0 = arith.extui %k : i1 to i32
    graph.yield %0 : i32
  }
  %a = graph.compute all over <> by <B, T> : tensor<i1> {
    %k = graph.read %keep[(d0, d1) -> (d0, d1)] : tensor<?x?xi1, #graph.dims<B, T>>
    graph.yield %k : i1
  }
  return %s, %n, %a : tensor<f32>, tensor<i32>, tensor<i1>
}

func.func private @k_best(%x: tensor<?x?x33xf32, #graph.dims<B, T, 33>>) -> (tensor<?x?xi32, #graph.dims<B, T>>, tensor<?x?xi1, #graph.dims<B, T>>)
    attributes {graph.kernel, graph.kind = "row"} {
  %a = graph.compute argmax over <B, T> by <33> : tensor<?x?xi32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x33xf32, #graph.dims<B, T, 33>>
    graph.yield %0 : f32
  }
  %b = graph.compute any over <B, T> by <33> : tensor<?x?xi1, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x33xf32, #graph.dims<B, T, 33>>
    %c = arith.constant 0.95 : f32
    %1 = arith.cmpf ogt, %0, %c : f32
    graph.yield %1 : i1
  }
  return %a, %b : tensor<?x?xi32, #graph.dims<B, T>>, tensor<?x?xi1, #graph.dims<B, T>>
}

// uniform and normal numbers of two sites
func.func private @k_random(%rng: tensor<2xi32> {test.range = [0.0, 1000000.0]}) -> (tensor<?x?xf32, #graph.dims<B, T>>, tensor<?x?xf32, #graph.dims<B, T>>)
    attributes {graph.kernel, graph.kind = "pointwise"} {
  %u = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <B, T> : tensor<2xi32>
    graph.yield %0 : f32
  }
  %n = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.random normal 4 of %rng[(d0, d1) -> (d0, d1)] in <B, T> : tensor<2xi32>
    graph.yield %0 : f32
  }
  return %u, %n : tensor<?x?xf32, #graph.dims<B, T>>, tensor<?x?xf32, #graph.dims<B, T>>
}

// sums over rows; the second result by a filter
func.func private @k_column(%x: tensor<?x?x70xf32, #graph.dims<B, T, 70>>) -> (tensor<70xf32>, tensor<70xf32>)
    attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <70> by <B, T> : tensor<70xf32> {
    %0 = graph.read %x[(d0, d1, d2) -> (d1, d2, d0)] : tensor<?x?x70xf32, #graph.dims<B, T, 70>>
    graph.yield %0 : f32
  }
  %m = graph.compute min over <70> by <B, T> : tensor<70xf32> {
    %0 = graph.read %x[(d0, d1, d2) -> (d1, d2, d0)] : tensor<?x?x70xf32, #graph.dims<B, T, 70>>
    %z = arith.constant 0.0 : f32
    %ok = arith.cmpf ogt, %0, %z : f32
    graph.yield %0 if %ok : f32
  }
  return %s, %m : tensor<70xf32>, tensor<70xf32>
}

// A sum of a value that no reduction loop changes counts them.
func.func private @k_ones(%x: tensor<?x37xf32, #graph.dims<B, 37>>) -> tensor<?x37xf32, #graph.dims<B, 37>> attributes {graph.kernel, graph.kind = "row"} {
  %0 = graph.compute sum over <B, 37> by <3> : tensor<?x37xf32, #graph.dims<B, 37>> {
    %1 = graph.read %x[(d0, d1, d2) -> (d0, d1)] : tensor<?x37xf32, #graph.dims<B, 37>>
    graph.yield %1 : f32
  }
  return %0 : tensor<?x37xf32, #graph.dims<B, 37>>
}
