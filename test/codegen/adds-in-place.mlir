// A kernel that adds up in the memory of its argument is refused where something needs that argument as it was: here one that
// copied it first, edited. Where nothing else reads the argument it is taken, as in the second program.
// REQUIRES: build
// RUN: rm -rf %t && mkdir %t && tintype-opt %s --graph-outline-kernels -o %t/own.mlir
// RUN: grep -c '"scatter"' %t/own.mlir | FileCheck %s --check-prefix=KERNELS
// KERNELS: 2
// RUN: tintype build --from kernels %t/own.mlir --emit manifest -o %t/manifest
// RUN: sed '/"scatter"/s/array<i32: -1>/array<i32: 0>/' %t/own.mlir > %t/edited.mlir && not cmp -s %t/own.mlir %t/edited.mlir
// RUN: not tintype build --from kernels %t/edited.mlir --emit manifest 2>&1 | FileCheck %s
// CHECK: edited.mlir:4:10: error: expected argument 0 to be needed no more, since result 0 adds up in its memory
// RUN: tintype build --from kernels %t/edited.mlir --emit halide -o %t/halide.mlir
// RUN: not tintype build --from halide %t/halide.mlir --emit manifest 2>&1 | FileCheck %s --check-prefix=HALIDE
// HALIDE: halide.mlir:4:10: error: expected argument 0 to be needed no more, since result 0 adds up in its memory
func.func @forward(%a: tensor<8xf32> {graph.name = "a"}, %at: tensor<4xi32> {graph.name = "at", graph.bound = 8 : i64})
    -> (tensor<8xf32>, tensor<8xf32>) attributes {graph.role = "forward", graph.results = ["sums", "squares"]} {
  %x = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %s = graph.scatter init(%x : tensor<8xf32>) over <4> {graph.group = 1 : i32} : tensor<8xf32> {
    %0 = graph.read %at[(d0) -> (d0)] : tensor<4xi32>
    %one = arith.constant 1.0 : f32
    graph.yield %one at [(d0)[s0] -> (s0)](%0) : f32
  }
  %y = graph.compute none over <8> by <> {graph.group = 2 : i32} : tensor<8xf32> {
    %0 = graph.read %x[(d0) -> (d0)] : tensor<8xf32>
    %1 = arith.mulf %0, %0 : f32
    graph.yield %1 : f32
  }
  return %s, %y : tensor<8xf32>, tensor<8xf32>
}
func.func @loss(%a: tensor<8xf32> {graph.name = "a"}, %at: tensor<4xi32> {graph.name = "at", graph.bound = 8 : i64})
    -> tensor<8xf32> attributes {graph.role = "loss", graph.results = ["sums"]} {
  %x = graph.compute none over <8> by <> {graph.group = 0 : i32} : tensor<8xf32> {
    %0 = graph.read %a[(d0) -> (d0)] : tensor<8xf32>
    %1 = math.exp %0 : f32
    graph.yield %1 : f32
  }
  %s = graph.scatter init(%x : tensor<8xf32>) over <4> {graph.group = 1 : i32} : tensor<8xf32> {
    %0 = graph.read %at[(d0) -> (d0)] : tensor<4xi32>
    %one = arith.constant 1.0 : f32
    graph.yield %one at [(d0)[s0] -> (s0)](%0) : f32
  }
  return %s : tensor<8xf32>
}
