// A whole layer, forward: 31 definitions are 7 kernels, of which the two that
// normalise are one. Scores and probabilities are inside one of them.
// RUN: tintype-opt %S/../Inputs/layer.mlir -o %t.before
// RUN: tintype-opt %t.before --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after --dims B=2,T=7
// RUN: FileCheck %s --input-file %t.after

// CHECK-LABEL: func.func @forward
// CHECK:         call @[[NORM:k_[0-9a-f]+]]
// CHECK-COUNT-3: call @k_
// CHECK:         call @[[NORM]]
// CHECK-COUNT-2: call @k_
// CHECK-NOT:     call
// CHECK:         return
// CHECK-COUNT-6: func.func private @k_
// CHECK-NOT:     func.func
