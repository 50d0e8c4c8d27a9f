//===- Halide.td - Halide pipelines and their schedules as IR -------------===//
// A pipeline is funcs and updates (what to compute) and directives (how). Every
// list of dims is innermost first, as in Halide's own notation. Scalar code in
// a body is `arith`, `math`, `graph.size` and the few ops below.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_HALIDE_TD
#define TINTYPE_HALIDE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// The attribute of the graph dialect, without the generator seeing that dialect.
def Graph_DimsAttr : Attr<CPred<"::llvm::isa<::tintype::graph::DimsAttr>($_self)">, "extents over runtime dims"> {
  let storageType = "::tintype::graph::DimsAttr";
  let returnType = "::tintype::graph::DimsAttr";
  let convertFromStorage = "$_self";
}

def Halide_Dialect : Dialect {
  let name = "halide";
  let cppNamespace = "::tintype::halide";
  let summary = "Halide pipelines with their schedules";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::tintype::graph::GraphDialect"];
}

def Halide_Tail : I32EnumAttr<"Tail", "what a split does where the factor does not divide", [
  I32EnumAttrCase<"automatic", 0, "auto">, I32EnumAttrCase<"guard", 1>, I32EnumAttrCase<"round_up", 2>,
  I32EnumAttrCase<"shift", 3>, I32EnumAttrCase<"predicate", 4>]> {
  let cppNamespace = "::tintype::halide";
}
def Halide_Draw : I32EnumAttr<"Draw", "distribution of a random number", [
  I32EnumAttrCase<"uniform", 0>, I32EnumAttrCase<"normal", 1>]> {
  let cppNamespace = "::tintype::halide";
}
def Halide_Memory : I32EnumAttr<"Memory", "where a func lives", [
  I32EnumAttrCase<"heap", 0>, I32EnumAttrCase<"stack", 1>, I32EnumAttrCase<"registers", 2, "register">, I32EnumAttrCase<"tiles", 3, "tile">]> {
  let cppNamespace = "::tintype::halide";
}

class Halide_Op<string m, list<Trait> t = []> : Op<Halide_Dialect, m, t>;

//===-- the algorithm -----------------------------------------------------===//

def Halide_PipelineOp : Halide_Op<"pipeline", [IsolatedFromAbove, SymbolTable, NoTerminator, SingleBlock,
                                               NoRegionArguments]> {
  let summary = "one kernel: funcs, outputs and schedule";
  let description = [{
    The Halide form of the kernel function `kernel`. `symbols` are the runtime
    dims it takes as int32, before inputs and results. The body lists inputs (in
    argument order), funcs and updates (a func before its use), outputs (in the
    order in which they are computed) and directives (in the order in which they
    are applied).

    Constraints:
    * (C1) results are numbered 0, 1, .. without gaps or repetition.

    Example: y[i] = 2 x[i]
    ```mlir
    halide.pipeline @double symbols ["N"] {
      halide.input @x <N> : f32
      halide.func @y(%i) {
        %0 = halide.load @x[%i] : f32
        %1 = arith.addf %0, %0 : f32
        halide.yield %1 : f32
      }
      halide.output @y result 0 <N> blocks [4096]
      halide.vectorize @y "i" by 16 guard
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, StrArrayAttr:$symbols);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$kernel `symbols` $symbols attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

class Halide_Member<string m, list<Trait> t = []> : Halide_Op<m, !listconcat(t, [HasParent<"PipelineOp">])>;

def Halide_InputOp : Halide_Member<"input", [Symbol]> {
  let summary = "a dense input buffer with these extents, innermost first";
  let description = [{
    Example:
    ```mlir
    halide.input @x <384, B * T> : f32
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Graph_DimsAttr:$dims, TypeAttr:$type);
  let assemblyFormat = "$sym_name custom<BareDims>($dims) `:` $type attr-dict";
}

def Halide_OutputOp : Halide_Member<"output"> {
  let summary = "a func (or one element of a tuple) written to a result buffer";
  let description = [{
    `dims` are the extents of the whole result, innermost first. `blocks` says how
    the caller crops each dim: 0 not at all; n > 0 to a range that starts at a
    multiple of n and is at most n long (1: exactly one).

    Constraints:
    * (C1) one block for each dim, and for each var of the func.

    Example:
    ```mlir
    halide.output @y result 0 <384, B * T> blocks [192, 256]
    halide.output @f element 1 result 2 <384> blocks [0]
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$func, OptionalAttr<I64Attr>:$element, I64Attr:$result,
                       Graph_DimsAttr:$dims, DenseI64ArrayAttr:$blocks);
  let assemblyFormat = "$func (`element` $element^)? `result` $result custom<BareDims>($dims) `blocks` $blocks attr-dict";
  let hasVerifier = 1;
}

class Halide_Definition<string m, list<Trait> t = []>
    : Halide_Member<m, !listconcat(t, [IsolatedFromAbove, SingleBlock,
        DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>])> {
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Halide_FuncOp : Halide_Definition<"func", [Symbol]> {
  let summary = "a func and its pure definition";
  let description = [{
    `f(vars..) = value`; several yielded values make a tuple. The names of the
    block arguments are the names that directives use.

    Constraints:
    * (C1) vars have different names.
    * (C2) every load names an input or an earlier func, with one index for each dim.

    Example:
    ```mlir
    halide.func @packed(%nv, %k, %no) {
      %0 = halide.index (d0, d1) -> (d1 * 48 + d0) (%nv, %no)
      %1 = halide.load @w[%0, %k] : f32
      halide.yield %1 : f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$vars);
}

def Halide_UpdateOp : Halide_Definition<"update"> {
  let summary = "an update of a func over a reduction domain";
  let description = [{
    `f(places..) = value` for every point of the vars and of the domain `[0,
    extent)` of each reduction var. Places are the vars unless the yield says
    `at`; a point whose `if` is false is left out.

    Constraints:
    * (C1) the func stands earlier in the pipeline and has as many vars.
    * (C2) one extent for each reduction var.
    * (C3) as many values as the func has.

    Example:
    ```mlir
    halide.update @sum(%i) by (%r) in <384> {
      %0 = halide.load @sum[%i] : f32
      %1 = halide.load @x[%r, %i] : f32
      %2 = arith.addf %0, %1 : f32
      halide.yield %2 : f32
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$func, StrArrayAttr:$vars, StrArrayAttr:$rvars, Graph_DimsAttr:$extents);
}

def Halide_YieldOp : Halide_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments]> {
  let summary = "the value of a definition";
  let description = [{
    Example:
    ```mlir
    halide.yield %v at [%i, %row] if %c : f32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values, Variadic<I32>:$places, Optional<I1>:$filter);
  let assemblyFormat = "$values (`at` `[` $places^ `]`)? (`if` $filter^)? attr-dict `:` type($values)";
}

def Halide_LoadOp : Halide_Op<"load", [Pure]> {
  let summary = "one element of an input or func";
  let description = [{
    Example:
    ```mlir
    %0 = halide.load @x[%i, %j] : f32
    %1 = halide.load @pair[%i] element 1 : f32
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$source, Variadic<I32>:$indices, OptionalAttr<I64Attr>:$element);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source `[` $indices `]` (`element` $element^)? attr-dict `:` type($result)";
}

def Halide_IndexOp : Halide_Op<"index", [Pure]> {
  let summary = "an affine expression of i32 values";
  let description = [{
    `floordiv` and `mod` round down, as in affine maps.

    Constraints:
    * (C1) the map has one result and as many dims as operands, and no symbols.

    Example:
    ```mlir
    %0 = halide.index (d0, d1) -> (d0 * 48 + d1) (%no, %nv)
    ```
  }];
  let arguments = (ins AffineMapAttr:$map, Variadic<I32>:$operands);
  let results = (outs I32:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Halide_PromiseOp : Halide_Op<"promise", [Pure]> {
  let summary = "a value that is known to lie in [low, high], without a check";
  let description = [{
    Narrows what bounds inference computes; nothing is clamped at run time.

    Example:
    ```mlir
    %0 = halide.promise %r in [%low, %high]
    ```
  }];
  let arguments = (ins I32:$value, I32:$low, I32:$high);
  let results = (outs I32:$result);
  let assemblyFormat = "$value `in` `[` $low `,` $high `]` attr-dict";
}

def Halide_LikelyOp : Halide_Op<"likely", [Pure, SameOperandsAndResultType]> {
  let summary = "the same value, with a loop split so that it is the common case";
  let description = [{
    In `minsi(likely(k), n)` or `select(likely(c), ..)` Halide peels the part of
    the innermost loops where k <= n or c holds, which then has neither clamp nor
    mask. A select with any other condition hides it from bounds inference.

    Example:
    ```mlir
    %0 = halide.likely %k : i32
    ```
  }];
  let arguments = (ins AnyType:$value);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Halide_UndefOp : Halide_Op<"undef", [Pure]> {
  let summary = "whatever memory holds: the init of a func that is updated in place";
  let results = (outs AnyType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Halide_RandomOp : Halide_Op<"random", [Pure]> {
  let summary = "a random number as a pure function of its coordinates";
  let description = [{
    (w0, w1) = Philox2x32-10 of key `key` and counter (`point`, `step`), of which
    the upper 24 bits count: u = (w0 >> 8) * 2^-24, v = (w1 >> 8) * 2^-24. `uniform`
    is u; `normal` is `sqrt(-2 ln(u + 2^-24)) * cos(2 pi v)`.

    Example:
    ```mlir
    %u = halide.random uniform of %key at %point, %step
    ```
  }];
  let arguments = (ins Halide_Draw:$draw, I32:$key, I32:$point, I32:$step);
  let results = (outs F32:$result);
  let assemblyFormat = "$draw `of` $key `at` $point `,` $step attr-dict";
}

//===-- the schedule ------------------------------------------------------===//
// `update N` picks the N-th update of the func; without it the pure definition.

class Halide_Directive<string m, dag args, string format> : Halide_Member<m> {
  let arguments = !con((ins FlatSymbolRefAttr:$func), args);
  let assemblyFormat = "$func " # format # " attr-dict";
}
class Halide_StageDirective<string m, dag args, string format> : Halide_Member<m> {
  let arguments = !con((ins FlatSymbolRefAttr:$func, OptionalAttr<I64Attr>:$stage), args);
  let assemblyFormat = "$func (`update` $stage^)? " # format # " attr-dict";
}

def Halide_SplitOp : Halide_StageDirective<"split", (ins StrAttr:$var, StrAttr:$outer, StrAttr:$inner, I64Attr:$factor,
    OptionalAttr<Halide_Tail>:$tail), "$var `into` $outer `,` $inner `by` $factor ($tail^)?"> {
  let summary = "one loop becomes two";
}
def Halide_FuseOp : Halide_StageDirective<"fuse", (ins StrAttr:$inner, StrAttr:$outer, StrAttr:$fused),
    "$inner `,` $outer `into` $fused"> { let summary = "two loops become one"; }
def Halide_ReorderOp : Halide_StageDirective<"reorder", (ins StrArrayAttr:$vars), "$vars"> {
  let summary = "the loops, innermost first";
}
def Halide_VectorizeOp : Halide_StageDirective<"vectorize", (ins StrAttr:$var, OptionalAttr<I64Attr>:$factor,
    OptionalAttr<Halide_Tail>:$tail), "$var (`by` $factor^ ($tail^)?)?"> { let summary = "a loop becomes vector lanes"; }
def Halide_UnrollOp : Halide_StageDirective<"unroll", (ins StrAttr:$var, OptionalAttr<I64Attr>:$factor,
    OptionalAttr<Halide_Tail>:$tail), "$var (`by` $factor^ ($tail^)?)?"> { let summary = "a loop is written out"; }
def Halide_AtomicOp : Halide_StageDirective<"atomic", (ins), ""> {
  let summary = "an update may be vectorised along its reduction";
}
def Halide_ComputeRootOp : Halide_Directive<"compute_root", (ins), ""> { let summary = "computed before everything that uses it"; }
def Halide_ComputeAtOp : Halide_Directive<"compute_at", (ins FlatSymbolRefAttr:$consumer, StrAttr:$var),
    "in $consumer `at` $var"> { let summary = "computed inside a loop of its consumer"; let assemblyFormat = "$func `in` $consumer `at` $var attr-dict"; }
def Halide_StoreInOp : Halide_Directive<"store_in", (ins Halide_Memory:$memory), "$memory"> { let summary = "the kind of memory of a func"; }
def Halide_BoundOp : Halide_Directive<"bound", (ins StrAttr:$var, I64Attr:$min, I64Attr:$extent), "$var `from` $min `extent` $extent"> {
  let summary = "a var runs over exactly this range";
}
def Halide_BoundExtentOp : Halide_Directive<"bound_extent", (ins StrAttr:$var, I64Attr:$extent), "$var `extent` $extent"> {
  let summary = "a var runs over exactly this many values";
}
def Halide_AlignBoundsOp : Halide_Directive<"align_bounds", (ins StrAttr:$var, I64Attr:$modulus), "$var `by` $modulus"> {
  let summary = "the range of a var starts and ends at multiples";
}
def Halide_ReorderStorageOp : Halide_Directive<"reorder_storage", (ins StrArrayAttr:$vars), "$vars"> {
  let summary = "the dims in memory, innermost first";
}
#endif
