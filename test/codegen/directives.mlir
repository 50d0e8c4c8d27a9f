// A directive that Halide refuses is an error at its line, and so is one that would write out of bounds at run time.
// RUN: split-file %s %t
// RUN: not kernel_bench %t/unknown.mlir --cache %t.cache 2>&1 | FileCheck %t/unknown.mlir
// RUN: not kernel_bench %t/stage.mlir --cache %t.cache 2>&1 | FileCheck %t/stage.mlir
// RUN: not kernel_bench %t/tile.mlir --cache %t.cache 2>&1 | FileCheck %t/tile.mlir
// RUN: not kernel_bench %t/bound.mlir --cache %t.cache --set N=8 2>&1 | FileCheck %t/bound.mlir

//--- unknown.mlir
halide.pipeline @k symbols ["N"] {
  halide.input @x <N> : f32
  halide.func @y(%i) {
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <N> blocks [64]
  // CHECK: unknown.mlir:[[#@LINE+1]]:3: error: {{.*}}could not find {{.*}}q
  halide.split @y "q" into "a", "b" by 4
}
//--- stage.mlir
halide.pipeline @k symbols ["N"] {
  halide.input @x <N> : f32
  halide.func @y(%i) {
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <N> blocks [64]
  // CHECK: stage.mlir:[[#@LINE+1]]:3: error: expected one of 0 updates of @y, but got update 0
  halide.vectorize @y update 0 "i" by 4
}
//--- tile.mlir
halide.pipeline @k symbols ["N"] {
  halide.input @x <N> : f32
  halide.func @t(%i) {
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
  halide.func @y(%i) {
    %0 = halide.load @t[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <N> blocks [64]
  halide.compute_root @t
  // CHECK: tile.mlir:[[#@LINE+1]]:3: error: expected a sum of products of bf16 for k_t on matrix tiles
  halide.store_in @t tile
}
//--- bound.mlir
halide.pipeline @k symbols ["N"] {
  halide.input @x <N> : f32
  halide.func @t(%i) {
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
  halide.func @y(%i) {
    %0 = halide.load @t[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <64> blocks [0]
  halide.compute_root @t
  // CHECK: error: {{.*}}guaranteed to fail
  halide.bound @t "i" from 0 extent 6
}
