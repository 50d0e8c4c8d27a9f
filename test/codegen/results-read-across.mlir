// A result that a reduction of the same kernel reads is there for all of the dim that is reduced: no block of the
// grid may end inside of it. 197 columns are more than one block of columns, and no multiple.
// RUN: kernel_bench %s --set B=2 --check --asserts | FileCheck %s
// RUN: kernel_bench %s --emit halide | FileCheck %s --check-prefix=GRID

// GRID: func.func private @k_1a
// GRID-NOT: block = 192
// GRID: graph.kernel
// CHECK: k_1a result 0: {{.*}} ok
// CHECK: k_1a result 1: {{.*}} ok
func.func private @k_1a(%q: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>, %k: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>, %g: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>, %v: tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>) -> (tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>, tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>) attributes {graph.kernel, graph.kind = "row"} {
  %s = graph.compute sum over <B, 197, 2, 197> by <64> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %a = graph.read %q[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %b = graph.read %k[(d0, d1, d2, d3, d4) -> (d0, d3, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %p = graph.compute none over <B, 197, 2, 197> by <> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %a = graph.read %s[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %c = arith.constant 1.0e-03 : f32
    %b = arith.mulf %a, %c : f32
    %e = math.exp %b : f32
    graph.yield %e : f32
  }
  %t = graph.compute sum over <B, 197, 2, 197> by <64> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %a = graph.read %g[(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %b = graph.read %v[(d0, d1, d2, d3, d4) -> (d0, d3, d2, d4)] : tensor<?x197x2x64xf32, #graph.dims<B, 197, 2, 64>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %d = graph.compute sum over <B, 197, 2> by <197> : tensor<?x197x2xf32, #graph.dims<B, 197, 2>> {
    %a = graph.read %t[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %b = graph.read %p[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %c = arith.mulf %a, %b : f32
    graph.yield %c : f32
  }
  %r = graph.compute none over <B, 197, 2, 197> by <> : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>> {
    %a = graph.read %t[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
    %b = graph.read %d[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x197x2xf32, #graph.dims<B, 197, 2>>
    %c = arith.subf %a, %b : f32
    graph.yield %c : f32
  }
  return %p, %r : tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>, tensor<?x197x2x197xf32, #graph.dims<B, 197, 2, 197>>
}
