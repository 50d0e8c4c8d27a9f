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

def GraphAddOptimizer : Pass<"graph-add-optimizer", "::mlir::ModuleOp"> {
  let summary = "add the optimizer's programs to a module that trains";
  let description = [{
    `@update` is one step of AdamW with decoupled weight decay on flat arrays of `N`
    elements; all numbers that change from step to step come in `hyper`, so that one
    program serves every schedule:
    `hyper = {lr, beta1, beta2, eps, weight decay, 1/(1-beta1^t), 1/(1-beta2^t), scale of g}`.
    ```mlir
    func.func @update(%p, %g, %m, %v: tensor<?xf32, #graph.dims<N>>, %hyper: tensor<8xf32>)
      m = beta1 * m + (1 - beta1) * scale * g
      v = beta2 * v + (1 - beta2) * (scale * g)^2
      p = p * (1 - lr * decay) - lr * (m * c1) / (sqrt(v * c2) + eps)
      g = 0
    ```
    `@grad_norm` is the sum of squares of `g`, by blocks of 16384.

    A module without `train_step` and `trace_step` is left alone.
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect"];
  let statistics = [Statistic<"numPrograms", "programs", "programs added">];
}

def GraphRoundFactors : Pass<"graph-round-factors", "::mlir::ModuleOp"> {
  let summary = "add forms of the training programs that multiply in bf16";
  let description = [{
    Beside `@train_step` (and `@trace_step`) stands `@train_step.bf16`, role
    `train_step_bf16`. In it both factors of every contraction are rounded to bf16,
    to the nearest and ties to even; products, sums and everything else stay f32, and
    so do parameters and gradients. The gradient of a bias adds up what that of the
    weights rounds. A contraction is a sum of products by structure:
    no op and no name says which.

    Before:
    ```mlir
    %y = graph.compute sum over <B, 8> by <64> {
      %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)]
      %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)]
      %2 = arith.mulf %0, %1 : f32
      graph.yield %2 : f32
    }
    ```
    After, in the new program:
    ```mlir
    %y = graph.compute sum over <B, 8> by <64> {
      %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)]
      %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)]
      %2 = arith.truncf %0 : f32 to bf16
      %3 = arith.extf %2 : bf16 to f32
      %4 = arith.truncf %1 : f32 to bf16
      %5 = arith.extf %4 : bf16 to f32
      %6 = arith.mulf %3, %5 : f32
      graph.yield %6 : f32
    }
    ```
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect"];
  let statistics = [Statistic<"numRounded", "rounded", "contractions with rounded factors">];
}

def GraphVerify : Pass<"graph-verify", "::mlir::ModuleOp"> {
  let summary = "check what the passes before left";
  let description = [{
    Fails with the error of the first invalid op. It ends a pipeline that does not verify between
    its passes, so that what a pass breaks is found where a reproducer is still written.
  }];
}

def GraphSimplify : Pass<"graph-simplify", "::mlir::ModuleOp"> {
  let summary = "fold scalar code, drop what is unused, merge what is equal";
  let description = [{
    Folds constants and identities in bodies (`x * 1`, `x + 0`, `select` and filters
    with a constant condition, comparisons that loop ranges decide, guards that always
    hold, powers with a small exponent, places that are constants), then drops
    definitions that only copy and those that nobody reads, merges equal ones, and
    erases unused private functions.

    Before:
    ```mlir
    %y = graph.compute none over <B> by <> {
      %0 = graph.read %x[(d0) -> (d0)]
      graph.yield %0
    }
    %z = graph.compute none over <B> by <> {
      %0 = graph.read %y[(d0) -> (d0)]
      %1 = math.powf %0, %two
      graph.yield %1
    }
    ```
    After:
    ```mlir
    %z = graph.compute none over <B> by <> {
      %0 = graph.read %x[(d0) -> (d0)]
      %1 = arith.mulf %0, %0
      graph.yield %1
    }
    ```
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect"];
  let statistics = [
    Statistic<"numFolded", "folded", "scalar ops folded">,
    Statistic<"numCopies", "copies", "definitions that only copied">,
    Statistic<"numErased", "erased", "unused or repeated ops and unused functions erased">,
  ];
}

#endif
