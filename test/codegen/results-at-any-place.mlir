// A block of a result starts at any element, here at rows of 17: a sum that is kept there, without another operand
// between its loads and stores, reads and writes vectors that are not aligned.
// RUN: kernel_bench %s --set B=3 --set T=7 --check | FileCheck %s

// CHECK: k_1a result 0: {{.*}} ok
func.func private @k_1a() -> tensor<?x?x17xf32, #graph.dims<B, T, 17>> attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <B, T, 17> by <T, T> : tensor<?x?x17xf32, #graph.dims<B, T, 17>> {
    %i = graph.index [(d0, d1, d2, d3, d4) -> (d4)]
    %t = graph.index [(d0, d1, d2, d3, d4) -> (d1)]
    %f = arith.cmpi slt, %i, %t : i32
    %c = arith.constant 1.0 : f32
    graph.yield %c if %f : f32
  }
  return %s : tensor<?x?x17xf32, #graph.dims<B, T, 17>>
}
