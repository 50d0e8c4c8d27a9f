//===- Passes.td - from definitions to kernels ----------------------------===//
#ifndef TINTYPE_PASSES_FUSION_PASSES_TD
#define TINTYPE_PASSES_FUSION_PASSES_TD

include "mlir/Pass/PassBase.td"

// Every decision of these passes is a remark of the pass's name, with the number that decided it:
// `tintype-opt --graph-inline --remarks-filter=graph-inline`, `tintype build --remarks`.
class FusionPass<string name, string base> : Pass<name, base> {
  let dependentDialects = ["::tintype::graph::GraphDialect", "::mlir::func::FuncDialect"];
}

def GraphShareDraws : Pass<"graph-share-draws", "::mlir::func::FuncOp"> {
  let summary = "move the sites of random numbers out of the bodies that draw";
  let description = [{
    Each `uniform()` of a model has a number, its site, so that layers draw
    different values. In the body it would make the kernels of equal layers
    differ. Mixed into the state it does not: the key of a draw is `seed ^ site`.

    ```mlir
    %0 = graph.random uniform 7 of %rng[(d0) -> (d0)] in <8> : tensor<2xi32>
    ```
    becomes, with `%s = {rng[0] ^ 7, rng[1]}`,
    ```mlir
    %0 = graph.random uniform 0 of %s[(d0) -> (d0)] in <8> : tensor<2xi32>
    ```
  }];
  let dependentDialects = ["::tintype::graph::GraphDialect"];
  let statistics = [Statistic<"numSites", "sites", "sites that became states">];
}

def GraphSplitDims : FusionPass<"graph-split-dims", "::mlir::func::FuncOp"> {
  let summary = "give rows that share an operand a loop for the sharing";
  let description = [{
    Where a product of quadratic size reads an operand at `h floordiv c` (heads in
    groups), h becomes two loops in it and in all that runs with it, so that what
    the group shares is summed over a loop like any other. What stands outside is
    seen through views.

    ```mlir
    %s = graph.compute sum over <4, T, T> by <8> { q[d0, d1, d3] * k[d0 floordiv 2, d2, d3] }
    ```
    becomes
    ```mlir
    %v = graph.reshape %q : tensor<4x?x8xf32, ..> to tensor<2x2x?x8xf32, ..>
    %s = graph.compute sum over <2, 2, T, T> by <8> { v[d0, d1, d2, d4] * k[d0, d3, d4] }
    ```
  }];
  let statistics = [Statistic<"numSplit", "split", "definitions with a loop more">];
}

def GraphExchangeSums : FusionPass<"graph-exchange-sums", "::mlir::func::FuncOp"> {
  let summary = "sum over features what another sum has weighed already";
  let description = [{
    The derivative of a normalised row needs the sum over columns of its weights
    times their derivatives, which are sums over features themselves. With the
    sums exchanged it is a sum over features of the weighted sum that the forward
    pass keeps: a pass over a tensor of linear instead of quadratic size, and one
    that blocks of columns need not wait for.

    ```mlir
    %o = graph.compute sum over <T, 8> by <T> { p[d0, d2] * v[d2, d1] }     // p = x / d
    %w = graph.compute sum over <T, T> by <8> { y[d0, d2] * v[d1, d2] }
    %z = graph.compute sum over <T> by <T> { w[d0, d1] * x[d0, d1] }
    ```
    becomes
    ```mlir
    %z = graph.compute sum over <T> by <8> { y[d0, d1] * o[d0, d1] * d[d0] }
    ```
  }];
  let statistics = [Statistic<"numExchanged", "exchanged", "sums over features instead of columns">];
}

def GraphRecompute : FusionPass<"graph-recompute", "::mlir::func::FuncOp"> {
  let summary = "compute tensors of quadratic size again after the loss instead of keeping them";
  let description = [{
    A tensor whose size grows with the square of a runtime dim (a score for each
    pair of positions) and that the derivative needs is made again where it is
    first needed, from what is kept: tensors of linear size, among them the
    reductions of its rows. The price is one more contraction; kept, it would be
    the largest part of the memory of a training step.

    The copies carry `graph.again`, so that they stay apart from the originals;
    as kernels both are one.
  }];
  let statistics = [Statistic<"numAgain", "again", "definitions made again">];
}

def GraphHoistInvariants : FusionPass<"graph-hoist-invariants", "::mlir::func::FuncOp"> {
  let summary = "compute heavy scalars once for all loop dims they do not depend on";
  let description = [{
    Functions, roots, quotients and random numbers that depend on some loop dims
    of a definition but not on all become definitions over those dims. Scalars
    that depend on no dim stay: the compiler of kernels moves them out of loops.

    ```mlir
    %y = graph.compute none over <4, 8> by <> { x[d0, d1] * math.rsqrt(v[d0]) }
    ```
    becomes
    ```mlir
    %r = graph.compute none over <4> by <> { math.rsqrt(v[d0]) }
    %y = graph.compute none over <4, 8> by <> { x[d0, d1] * r[d0] }
    ```
  }];
  let statistics = [Statistic<"numHoisted", "hoisted", "scalars that became definitions">];
}

def GraphInline : FusionPass<"graph-inline", "::mlir::func::FuncOp"> {
  let summary = "copy cheap pointwise definitions into the definitions that read them";
  let description = [{
    A definition between two others costs a pass over memory. One that is read
    once goes into its reader; one that is cheap and reads a single tensor of its
    size goes into all of them, and is computed again. The operands of
    contractions stay plain: only re-reads (slices, permutations) and a lone mask
    or scale go into these. Reductions are never repeated.

    ```mlir
    %p = graph.compute none over <4, 8> by <> { 2 * x[d0, d1] }
    %y = graph.compute none over <8, 4> by <> { p[d1, d0] + b[d1] }
    ```
    becomes
    ```mlir
    %y = graph.compute none over <8, 4> by <> { 2 * x[d1, d0] + b[d1] }
    ```
    A sum of a tensor and of a scatter that starts at 0 becomes a scatter that
    starts at the tensor.
  }];
  let statistics = [
    Statistic<"numInlined", "inlined", "reads replaced by the body of what they read">,
    Statistic<"numKept", "kept", "reads of pointwise definitions that stay">];
}

def GraphReuseValues : FusionPass<"graph-reuse-values", "::mlir::func::FuncOp"> {
  let summary = "read a value that is in memory instead of computing it again";
  let description = [{
    Two derivatives of one definition often share a factor: that of an operand,
    kept for a contraction, and that of a bias, which sums the same expression.
    Where the body of a definition holds the whole expression of an earlier one
    that is in memory, it reads it.

    ```mlir
    %dh = graph.compute none over <B, 8> by <> { dy[d0, d1] * act[d0, d1] }   // an operand of contractions
    %db = graph.compute sum over <8> by <B> { dy[d1, d0] * act[d1, d0] }
    ```
    becomes
    ```mlir
    %db = graph.compute sum over <8> by <B> { dh[d1, d0] }
    ```
  }];
  let statistics = [Statistic<"numReused", "reused", "expressions that became reads">];
}

def GraphAlignRows : FusionPass<"graph-align-rows", "::mlir::func::FuncOp"> {
  let summary = "give tensors of quadratic size the order of dims of what sums them up";
  let description = [{
    Scores have their rows in one order (batch, head, position), the contraction
    that they weigh has them in another (batch, position, head). Definitions that
    are connected through reads in the same row are permuted to the order of the
    contraction, so that a kernel over rows can hold all of them. Only dims of
    results and maps change; a tensor that anything but a read uses stays.

    ```mlir
    %o = graph.compute sum over <B, T, 2, 16> by <T> { p[d0, d2, d1, d4] * v[d0, d4, d2, d3] }
    ```
    becomes
    ```mlir
    %o = graph.compute sum over <B, T, 2, 16> by <T> { p[d0, d1, d2, d4] * v[d0, d4, d2, d3] }
    ```
  }];
  let statistics = [Statistic<"numAligned", "aligned", "definitions permuted">];
}

def GraphNarrow : FusionPass<"graph-narrow", "::mlir::func::FuncOp"> {
  let summary = "store tensors as bf16 that are read as rounded values only";
  let description = [{
    A definition whose every reader rounds to bf16 is rounded where it is made, and
    its result is a tensor of bf16: half the memory, the same numbers. A sum is made
    in f32 and rounded by a definition of its own, which joins its kernel.

    Before:
    ```mlir
    %h = graph.compute none over <B, 8> by <> : tensor<?x8xf32, ..> { .. }
    %y = graph.compute sum over <B, 4> by <8> : tensor<?x4xf32, ..> { extf(truncf(h[d0, d2])) * .. }
    ```
    After:
    ```mlir
    %h = graph.compute none over <B, 8> by <> : tensor<?x8xbf16, ..> { truncf(..) }
    %y = graph.compute sum over <B, 4> by <8> : tensor<?x4xf32, ..> { extf(h[d0, d2]) * .. }
    ```
  }];
  let statistics = [Statistic<"numNarrowed", "narrowed", "tensors that became bf16">];
}

def GraphFormKernels : FusionPass<"graph-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "group definitions that one kernel can compute, and order the groups";
  let description = [{
    Marks definitions with `graph.group` and makes each group a run of ops. A
    group is one of

    * a contraction with pointwise definitions over its points, which read it and
      each other at the point (bias, activation, residual, accumulation);
    * a row: reductions that keep the same leading dims, and pointwise definitions
      with these leading dims, which read each other in the same row; with them the
      contractions that make or sum up a row of quadratic size;
    * pointwise definitions over the same points, which read each other at the
      point, or the same tensor;
    * a scatter.

    Reads and writes of a gradient (`graph.grad`, `graph.set_grad`) keep their order.
  }];
  let options = [
    Option<"keepInCache", "keep-in-cache", "bool", "true",
           "let contractions share a kernel with the rows between them where a tensor of quadratic size "
           "then stays in cache (on: as fast at 1024 positions, and memory does not grow with their square)">];
  let statistics = [Statistic<"numJoined", "joined", "clusters merged into another">];
}

def GraphShareTerms : FusionPass<"graph-share-terms", "::mlir::func::FuncOp"> {
  let summary = "compute a heavy term once in a kernel";
  let description = [{
    Definitions of one group often take the same exponential: a sum, the weights,
    their derivative. A heavy scalar that at least two of them compute at the same
    points becomes a definition of the group. Its values lie in the cache of the
    block; between kernels the term is computed again, since there it would be a
    tensor in memory.

    ```mlir
    %s = graph.compute sum over <4> by <8> { exp(x[d0, d1]) }
    %p = graph.compute none over <4, 8> by <> { exp(x[d0, d1]) / s[d0] }
    ```
    becomes
    ```mlir
    %e = graph.compute none over <4, 8> by <> { exp(x[d0, d1]) }
    %s = graph.compute sum over <4> by <8> { e[d0, d1] }
    %p = graph.compute none over <4, 8> by <> { e[d0, d1] / s[d0] }
    ```
  }];
  let statistics = [Statistic<"numShared", "shared", "terms that became definitions">];
}

def GraphCollapseDims : FusionPass<"graph-collapse-dims", "::mlir::func::FuncOp"> {
  let summary = "merge loop dims of a kernel that always go together";
  let description = [{
    Two adjacent loop dims merge when every access of the group has them side by
    side, dense and in order, or neither. Tensors are seen through
    `graph.reshape`, which costs nothing. A linear layer over (batch, position)
    is then a plain product of two matrices, an optimiser a loop over one dim, and
    kernels that differ only in how rows are arranged are equal.

    ```mlir
    %y = graph.compute none over <B, T, 8> by <> { x[d0, d1, d2] + b[d2] }
    ```
    becomes
    ```mlir
    %v = graph.reshape %x : .. to tensor<?x8xf32, #graph.dims<B * T, 8>>
    %z = graph.compute none over <B * T, 8> by <> { v[d0, d1] + b[d1] }
    %y = graph.reshape %z : .. to tensor<?x?x8xf32, #graph.dims<B, T, 8>>
    ```
  }];
  let statistics = [Statistic<"numCollapsed", "collapsed", "loop dims that merged with another">];
}

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

def GraphSplitRows : FusionPass<"graph-split-rows", "::mlir::ModuleOp"> {
  let summary = "run calls that make and reduce wide rows for a chunk of rows at a time";
  let description = [{
    Scores over a large vocabulary, their loss, its derivative and the products with
    that are a run of calls (marked `graph.rows` by graph-form-kernels) which all go
    row by row or add rows up in a gradient. Their kernels become kernels of
    `_rows0` rows, and the runtime makes the run once for each chunk; wide tensors
    exist for one chunk.

    Before:
    ```mlir
    %z = call @k_product(%x, %w) {graph.rows = 512}
    ```
    After:
    ```mlir
    %r = graph.rows %x : tensor<2048x8xf32> to tensor<?x8xf32, #graph.dims<_rows0, 8>>
    %z = call @k_product_of_rows(%r, %w) {graph.rows = 512}
    ```
  }];
  let statistics = [Statistic<"numSplit", "split", "calls that run for a chunk of rows">];
}

#endif
