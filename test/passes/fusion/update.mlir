// One step of the optimizer is one kernel that writes its four results over the
// arguments of the same name.
// RUN: tintype-opt %s --graph-add-optimizer -o %t.before
// RUN: tintype-opt %t.before --fusion -o %t.after
// RUN: %python %support/graph_eval.py %t.before --compare %t.after --dims N=37
// RUN: FileCheck %s --input-file %t.after

// CHECK-LABEL: func.func @update(%arg0: {{.*}} {graph.name = "p"{{.*}}}, %arg1: {{.*}} {graph.name = "g"{{.*}}}, %arg2: {{.*}} {graph.name = "m"{{.*}}}, %arg3: {{.*}} {graph.name = "v"
// CHECK:         %[[R:.*]]:4 = call @[[K:k_[0-9a-f]+]](%arg1, %arg4, %arg2, %arg3, %arg0)
// CHECK-NOT:     call
// CHECK:         return %[[R]]#2, %[[R]]#0, %[[R]]#1, %[[R]]#3
// CHECK-LABEL: func.func @grad_norm
// CHECK:         call
// CHECK:       func.func private @[[K]]
// CHECK-SAME:    graph.inplace = array<i32: 2, 3, 4, 0>, graph.kernel, graph.kind = "pointwise"
func.func @train_step() -> tensor<f32> attributes {graph.role = "train_step", graph.results = ["loss"]} {
  %l = graph.compute none over <> by <> : tensor<f32> {
    %c = arith.constant 1.0 : f32
    graph.yield %c : f32
  }
  return %l : tensor<f32>
}
