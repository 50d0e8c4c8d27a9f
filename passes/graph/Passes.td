//===- Passes.td - passes on the graph dialect ----------------------------===//
#ifndef TINTYPE_PASSES_GRAPH_PASSES_TD
#define TINTYPE_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def GraphDifferentiate : Pass<"graph-differentiate", "::mlir::ModuleOp"> {
  let summary = "make the training programs from the losses";
  let description = [{
    Reverse mode on whole functions. The function of role `train_loss` becomes
    `@train_step` (result: loss), the one of role `loss` gives `@trace_step`
    (results: logits, loss) beside it; both add the derivative of the loss by each
    parameter to that parameter's gradient. A definition's derivative is again a
    definition: gathers where the access can be turned round, else a scatter.

    Before:
    ```mlir
    func.func @train_loss(%x) -> tensor<f32> attributes {graph.role = "train_loss"} {
      %w = graph.param @w : tensor<8x4xf32>
      ...
      return %loss
    }
    ```
    After:
    ```mlir
    func.func @train_step(%x) -> tensor<f32> attributes {graph.role = "train_step"} {
      %w = graph.param @w : tensor<8x4xf32>
      ...
      %dw = graph.compute sum over <8, 4> by <B> ...
      %g = graph.grad @w : tensor<8x4xf32>
      %n = graph.compute none over <8, 4> by <> { %g + %dw }
      graph.set_grad @w, %n
      return %loss
    }
    ```
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect"];
  let options = [
    Option<"listRules", "list-rules", "bool", "false",
           "print the scalar ops that have a derivative, one a line, and stop there">,
  ];
  let statistics = [
    Statistic<"numGathers", "gathers", "derivatives of reads that became definitions">,
    Statistic<"numScatters", "scatters", "derivatives of reads that became scatters">,
  ];
}

#endif
