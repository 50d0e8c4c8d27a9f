// Every op of the dialect goes through text and back, names of loops included.
// RUN: tintype-opt %s | tintype-opt | FileCheck %s

// CHECK-LABEL: halide.pipeline @k symbols ["N"] {
halide.pipeline @k symbols ["N"] {
  // CHECK: halide.input @x <384, N> : f32
  halide.input @x <384, N> : f32
  halide.input @id <N> : i32
  // CHECK: halide.func @p(%nv, %k, %no) {
  halide.func @p(%nv, %k, %no) {
    // CHECK: halide.index (d0, d1) -> (d0 * 48 + d1) (%no, %nv)
    %0 = halide.index (d0, d1) -> (d0 * 48 + d1) (%no, %nv)
    // CHECK: halide.load @x[%{{.*}}, %k] : f32
    %1 = halide.load @x[%0, %k] : f32
    halide.yield %1 : f32
  }
  halide.func @pair(%i) {
    %0 = halide.undef : f32
    %1 = arith.constant 1 : i32
    halide.yield %0, %1 : f32, i32
  }
  // CHECK: halide.update @pair(%i) by (%r) in <384> {
  halide.update @pair(%i) by (%r) in <384> {
    // CHECK: halide.load @pair[%i] element 1 : i32
    %0 = halide.load @pair[%i] element 1 : i32
    %1 = halide.load @pair[%i] : f32
    %c = arith.constant 7 : i32
    // CHECK: halide.promise %r in[%c7_i32, %{{.*}}]
    %2 = halide.promise %r in [%c, %0]
    // CHECK: halide.random normal of %c7_i32 at %{{.*}}, %r
    %3 = halide.random normal of %c at %2, %r
    %4 = arith.cmpi slt, %r, %i : i32
    // CHECK: halide.yield %{{.*}}, %{{.*}} at[%r] if %{{.*}} : f32, i32
    halide.yield %3, %0 at [%r] if %4 : f32, i32
  }
  // CHECK: halide.output @pair result 0 <N> blocks [16]
  halide.output @pair result 0 <N> blocks [16]
  // CHECK: halide.output @pair element 1 result 1 <N> blocks [16]
  halide.output @pair element 1 result 1 <N> blocks [16]
  // CHECK: halide.split @pair update 0 "i" into "io", "ii" by 8 guard
  halide.split @pair update 0 "i" into "io", "ii" by 8 guard
  halide.fuse @p "nv", "k" into "f"
  // CHECK: halide.reorder @pair update 0 ["ii", "r", "io"]
  halide.reorder @pair update 0 ["ii", "r", "io"]
  halide.vectorize @pair "i" by 16 guard
  halide.unroll @pair update 0 "ii"
  halide.atomic @pair update 0
  // CHECK: halide.compute_at @p in @pair at "io"
  halide.compute_at @p in @pair at "io"
  halide.compute_root @pair
  // CHECK: halide.store_in @p stack
  halide.store_in @p stack
  halide.bound @p "nv" from 0 extent 48
  halide.bound_extent @p "no" extent 1
  halide.align_bounds @p "k" by 4
  // CHECK: halide.reorder_storage @p ["k", "nv"]
  halide.reorder_storage @p ["k", "nv"]
}
