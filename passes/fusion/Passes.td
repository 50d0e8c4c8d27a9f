//===- Passes.td - from definitions to kernels ----------------------------===//
#ifndef TINTYPE_PASSES_FUSION_PASSES_TD
#define TINTYPE_PASSES_FUSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def GraphOutlineKernels : Pass<"graph-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "move groups of definitions into kernel functions and share equal ones";
  let description = [{
    A kernel is compiled and scheduled once however often it is called, so equal
    layers should cost one kernel. Definitions with the same `graph.group` (one
    without it is a group of its own) become the body of a private function,
    named `k_` and 16 hex digits of a hash of its text: no parameter name and no
    location is in it. Arguments stand in the order of their first use.

    ```mlir
    %y = graph.compute none over <8> by <> : tensor<8xf32> { .. }
    ```
    becomes
    ```mlir
    %y = call @k_0f3a..(%x) {graph.label = "model.tin:7:3"} : (tensor<8xf32>) -> tensor<8xf32>
    func.func private @k_0f3a..(%arg0: tensor<8xf32>) -> tensor<8xf32>
        attributes {graph.inplace = array<i32: 0>, graph.kernel, graph.kind = "pointwise"} { .. }
    ```
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect", "::mlir::func::FuncDialect"];
  let statistics = [
    Statistic<"numCalls", "calls", "calls of kernels">,
    Statistic<"numKernels", "kernels", "kernels after sharing">];
}

#endif
