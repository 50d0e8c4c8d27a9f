// What a pass leaves invalid is an error of this one, with the reproducer of the pipeline.
// RUN: rm -rf %t && mkdir %t
// RUN: not tintype-opt %s --mlir-very-unsafe-disable-verifier-on-parsing --verify-each=false --graph-verify \
// RUN:   --mlir-pass-pipeline-crash-reproducer=%t/again.mlir 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=AGAIN < %t/again.mlir
// RUN: sed 's/over <5>/over <4>/' %s | tintype-opt --verify-each=false --graph-verify | FileCheck %s --check-prefix=SOUND
// CHECK: verify.mlir:[[#@LINE+6]]:{{.*}}error: 'graph.compute' op expected a result with extents
// AGAIN: pipeline: "builtin.module(graph-verify)"
// AGAIN: verify_each: false
// SOUND: graph.compute none over <4>

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.compute none over <5> by <> : tensor<4xf32> {
    %0 = graph.read %x[(d0) -> (d0)] : tensor<4xf32>
    graph.yield %0 : f32
  }
  return %y : tensor<4xf32>
}
