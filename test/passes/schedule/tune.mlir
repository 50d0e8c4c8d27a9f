// Parameters of a kernel come from the kernel: two equal sums of products, one with a setting of its own.
// RUN: tintype-opt %s --schedule-kernels | FileCheck %s

// CHECK-NOT: block = 96 : i64
// CHECK: halide.bound @f0 "mv" from 0 extent [[#]]
func.func private @k_1(%a: tensor<512x128xf32>, %b: tensor<128x768xf32>) -> tensor<512x768xf32> attributes {graph.kernel} {
  %0 = graph.compute sum over <512, 768> by <128> : tensor<512x768xf32> {
    %1 = graph.read %a[(d0, d1, d2) -> (d0, d2)] : tensor<512x128xf32>
    %2 = graph.read %b[(d0, d1, d2) -> (d2, d1)] : tensor<128x768xf32>
    %3 = arith.mulf %1, %2 : f32
    graph.yield %3 : f32
  }
  return %0 : tensor<512x768xf32>
}

// CHECK: @k_2{{.*}}graph.grid = [{block = 96 : i64{{.*}}{block = 192 : i64
// CHECK: halide.pipeline @k_2
// CHECK: halide.bound @f0 "nv" from 0 extent [[#]]
// CHECK: halide.bound @f0 "mv" from 0 extent 4
func.func private @k_2(%a: tensor<512x128xf32>, %b: tensor<128x768xf32>) -> tensor<512x768xf32> attributes {graph.kernel, graph.tune = {mb = 96 : i64, nb = 192 : i64, mr = 4 : i64, nrv = 4 : i64}} {
  %0 = graph.compute sum over <512, 768> by <128> : tensor<512x768xf32> {
    %1 = graph.read %a[(d0, d1, d2) -> (d0, d2)] : tensor<512x128xf32>
    %2 = graph.read %b[(d0, d1, d2) -> (d2, d1)] : tensor<128x768xf32>
    %3 = arith.mulf %1, %2 : f32
    graph.yield %3 : f32
  }
  return %0 : tensor<512x768xf32>
}

// What `tune` may find is taken, also where it is 0: on a machine with tiles, factors of f32 that are not taken apart.
// RUN: sed 's/{mb = 96.*: i64}} {/{parts = 0 : i64}} {/' %s | tintype-opt --schedule-kernels="dot-bf16=true tile-bf16=true" | FileCheck %s --check-prefix=PARTS
// PARTS: halide.pipeline @k_1
// PARTS: halide.store_in @f0 tile
// PARTS: halide.pipeline @k_2
// PARTS-NOT: halide.store_in @f0 tile
