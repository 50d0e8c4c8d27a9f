//===- Graph.td - programs on tensors in index notation -------------------===//
// One op for each thing index notation can say: `compute` (an indexed
// definition), `scatter` (an indexed definition that adds into computed
// places), `reshape`, and the parameters of a model. Scalar code inside a body
// is `arith`, `math` and the few ops at the end of this file.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_GRAPH_TD
#define TINTYPE_GRAPH_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::tintype::graph";
  let summary = "programs on tensors in index notation with named dimensions";
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::func::FuncDialect"];
  let extraClassDeclaration = [{
    /// The number of the runtime dimension `name` in this context; equal names
    /// get equal numbers, so that AffineExprs over them compare by pointer.
    unsigned symbolId(::llvm::StringRef name);
    /// The name behind a number that `symbolId` gave.
    ::llvm::StringRef symbolName(unsigned id);
  private:
    ::llvm::StringMap<unsigned> ids;
    ::std::vector<::std::string> names;
    ::std::shared_ptr<::std::mutex> mutex = ::std::make_shared<::std::mutex>();
  public:
  }];
}

class Graph_Attr<string name, string mnem, list<Trait> traits = []> : AttrDef<Graph_Dialect, name, traits> {
  let mnemonic = mnem;
}

def Graph_DimsAttr : Graph_Attr<"Dims", "dims", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "extents as expressions over runtime dimensions";
  let description = [{
    A list of extents. Each is an integer expression over runtime dimensions
    (`B`, `T`, ...) with `+ - *`, `floordiv` and `mod`, kept in one normal form,
    so that equal sizes are equal attributes. As the encoding of a tensor type
    it names the dynamic extents: `tensor<?x?x768xf32, #graph.dims<B, T, 768>>`.
    A static tensor carries no encoding.

    Constraints, as an encoding:
    * (C1) there is one extent for each dim of the tensor.
    * (C2) the extent of a static dim is that number, that of a dynamic one is no number.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::AffineExpr">:$exprs);
  let hasCustomAssemblyFormat = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    AttrBuilder<(ins "::llvm::ArrayRef<::mlir::AffineExpr>":$exprs)>
  ];
  let extraClassDeclaration = [{
    size_t size() const { return getExprs().size(); }
    ::mlir::AffineExpr operator[](size_t i) const { return getExprs()[i]; }
  }];
}

def Graph_Reducer : I32EnumAttr<"Reducer", "how values over the reduction dims combine", [
  I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"sum", 1>, I32EnumAttrCase<"prod", 2>,
  I32EnumAttrCase<"max", 3>, I32EnumAttrCase<"min", 4>, I32EnumAttrCase<"argmax", 5>,
  I32EnumAttrCase<"any", 6>, I32EnumAttrCase<"all", 7>]> {
  let cppNamespace = "::tintype::graph";
}
def Graph_Draw : I32EnumAttr<"Draw", "distribution of a random number", [
  I32EnumAttrCase<"uniform", 0>, I32EnumAttrCase<"normal", 1>]> {
  let cppNamespace = "::tintype::graph";
}

class Graph_Op<string m, list<Trait> t = []> : Op<Graph_Dialect, m, t>;

//===-- tensors -----------------------------------------------------------===//

def Graph_ParameterOp : Graph_Op<"parameter", [Symbol]> {
  let summary = "a learned tensor, stored outside the program under its path";
  let description = [{
    Declares a parameter of the model. `sym_name` is its path in checkpoints
    (`transformer.h.0.ln_1.weight`). Initial values are drawn as
    `mean + scale * draw` (`init = uniform | normal`; `scale = 0` fills).

    Constraints:
    * (C1) the type is static.

    Example:
    ```mlir
    graph.parameter @"h.0.weight" : tensor<768x768xf32> normal(0.0, 0.02)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type,
                       Graph_Draw:$init, F64Attr:$mean, F64Attr:$scale,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `:` $type $init `(` $mean `,` $scale `)` attr-dict";
  let hasVerifier = 1;
}

def Graph_ParamOp : Graph_Op<"param", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the current value of a parameter";
  let description = [{
    Constraints:
    * (C1) a `graph.parameter` of that name and type exists in the module.

    Example:
    ```mlir
    %w = graph.param @"h.0.weight" : tensor<768x768xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def Graph_GradOp : Graph_Op<"grad", [MemoryEffects<[MemRead]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the gradient gathered so far for a parameter";
  let description = [{
    Reads the gradient buffer of a parameter. With `graph.set_grad` it spells an
    accumulation `grad = grad + contribution`, which later passes do in place.

    Constraints: (C1) of `graph.param`.

    Example:
    ```mlir
    %g = graph.grad @"h.0.weight" : tensor<768x768xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def Graph_SetGradOp : Graph_Op<"set_grad", [MemoryEffects<[MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the new gradient of a parameter";
  let description = [{
    Constraints: (C1) of `graph.param`.

    Example:
    ```mlir
    graph.set_grad @"h.0.weight", %g : tensor<768x768xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name, AnyRankedTensor:$value);
  let assemblyFormat = "$name `,` $value attr-dict `:` type($value)";
}

class Graph_DefinitionOp<string m, list<Trait> t = []>
    : Graph_Op<m, !listconcat(t, [Pure, SingleBlock, NoRegionArguments])> {
  let regions = (region SizedRegion<1>:$body);
  let results = (outs AnyRankedTensor:$result);
}

def Graph_ComputeOp : Graph_DefinitionOp<"compute"> {
  let summary = "an indexed definition";
  let description = [{
    `y[i..] = reducer(r..) body(i.., r..)`: evaluates the body at every point of
    the loop dims: first the parallel dims `over`, which are the dims of the
    result, then the reduction dims `by`. The body reads tensors through
    `graph.read` and ends in `graph.yield %value [if %filter]`; a point whose
    filter is false is left out. Without points `sum` and `any` give 0, `prod`
    and `all` 1, `max` -3.0e38 (`min` +3.0e38), `argmax` 0.

    Constraints:
    * (C1) `reducer` is `none` exactly when `by` is empty.
    * (C2) the result's extents are `over`.
    * (C3) the yielded scalar has the result's element type (argmax: any; result i32).
    * (C4) a filter stands only with a reducer.

    Example: `y[b, o] = sum(i) x[b, i] * w[o, i]`
    ```mlir
    %y = graph.compute sum over <B, 8> by <4> : tensor<?x8xf32, #graph.dims<B, 8>> {
      %0 = graph.read %x[(d0, d1, d2) -> (d0, d2)] : tensor<?x4xf32, #graph.dims<B, 4>>
      %1 = graph.read %w[(d0, d1, d2) -> (d1, d2)] : tensor<8x4xf32>
      %2 = arith.mulf %0, %1 : f32
      graph.yield %2 : f32
    }
    ```
  }];
  let arguments = (ins Graph_Reducer:$reducer, Graph_DimsAttr:$over, Graph_DimsAttr:$by);
  let assemblyFormat = "$reducer `over` custom<BareDims>($over) `by` custom<BareDims>($by) attr-dict `:` type($result) $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumParallel() { return getOver().size(); }
    unsigned getNumLoops() { return getOver().size() + getBy().size(); }
    /// Extents of all loop dims: parallel, then reduction.
    ::llvm::SmallVector<::mlir::AffineExpr> getExtents();
    bool isReduction() { return getReducer() != Reducer::none; }
    ::mlir::Block *getBlock() { return &getBody().front(); }
    YieldOp getYield();
  }];
}

def Graph_ScatterOp : Graph_DefinitionOp<"scatter"> {
  let summary = "adds values into computed places of a tensor";
  let description = [{
    `y = init; for i..: y[map(i..)] += body(i..)`, in order of the loops. The
    terminator is `graph.yield %value at [(dims)[syms] -> (places)](%syms) [if %filter]`;
    an operand `init` is optional, without it y starts at 0. A place outside y
    is left out.

    Constraints:
    * (C1) the yield has a map with one result for each dim of the result.
    * (C2) `init` has the result's type.

    Example: the gradient of a gather, `dw[id[b], c] += dy[b, c]`
    ```mlir
    %dw = graph.scatter over <B, 8> : tensor<50x8xf32> {
      %0 = graph.read %id[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
      %1 = graph.read %dy[(d0, d1) -> (d0, d1)] : tensor<?x8xf32, #graph.dims<B, 8>>
      graph.yield %1 at [(d0, d1)[s0] -> (s0, d1)](%0) : f32
    }
    ```
  }];
  let arguments = (ins Optional<AnyRankedTensor>:$init, Graph_DimsAttr:$over);
  let assemblyFormat = "(`init` `(` $init^ `:` type($init) `)`)? `over` custom<BareDims>($over) attr-dict `:` type($result) $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumLoops() { return getOver().size(); }
    ::mlir::Block *getBlock() { return &getBody().front(); }
    YieldOp getYield();
  }];
}

def Graph_ReshapeOp : Graph_Op<"reshape", [Pure]> {
  let summary = "the same elements in row-major order under other dims";
  let description = [{
    Constraints:
    * (C1) the element types are equal and the products of the extents are equal.

    Example:
    ```mlir
    %y = graph.reshape %x : tensor<?x12xf32, #graph.dims<B, 12>> to tensor<?x3x4xf32, #graph.dims<B, 3, 4>>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Graph_RowsOp : Graph_Op<"rows", [Pure]> {
  let summary = "the rows of the chunk at hand, or all rows that the chunks make up";
  let description = [{
    Between kernel calls that run for a few rows at a time (`graph.chunk` of the function says how many):
    a view of these rows of a whole tensor, or the whole tensor whose rows all chunks write.

    Constraints:
    * (C1) the element types are equal, and so are the extents but for the first.

    Example:
    ```mlir
    %y = graph.rows %x : tensor<?x4xf32, #graph.dims<B, 4>> to tensor<?x4xf32, #graph.dims<_rows0, 4>>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

//===-- scalars, inside a body --------------------------------------------===//

def Graph_YieldOp : Graph_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments]> {
  let summary = "the value of a definition at one point";
  let description = [{
    Ends the body of `graph.compute` and `graph.scatter`, which say what its
    parts mean.

    Example:
    ```mlir
    graph.yield %value at [(d0, d1)[s0] -> (s0, d1)](%place) if %filter : f32
    ```
  }];
  let arguments = (ins AnyType:$value, Optional<I1>:$filter,
                       OptionalAttr<AffineMapAttr>:$map, Variadic<I32>:$symbols);
  let hasCustomAssemblyFormat = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$value, CArg<"::mlir::Value", "nullptr">:$filter)>];
  let extraClassDeclaration = [{ }];
}

class Graph_AccessOp<string m, list<Trait> t = []> : Graph_Op<m, !listconcat([Pure], t)> {
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Graph_ReadOp : Graph_AccessOp<"read"> {
  let summary = "one element of a tensor";
  let description = [{
    Reads `source[map(loops..., symbols...)]`. The dims of `map` are the loop
    dims of the enclosing definition in order (parallel, then reduction); its
    symbols are the i32 scalars `symbols`, computed in the body (a gather).
    With `guarded` an index may lie outside, the value is then unspecified but
    harmless: pair it with `graph.inside` and a select.

    Constraints:
    * (C1) the map has as many dims as the definition has loops, as many symbols
      as there are operands, and one result for each dim of the source.

    Example:
    ```mlir
    %0 = graph.read %w[(d0, d1)[s0] -> (s0, d1)](%id) : tensor<50x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, Variadic<I32>:$symbols, AffineMapAttr:$map, UnitAttr:$guarded);
  let results = (outs AnyType:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::mlir::AffineMap":$map,
                             CArg<"::mlir::ValueRange", "{}">:$symbols, CArg<"bool", "false">:$guarded)>];
}

def Graph_InsideOp : Graph_AccessOp<"inside"> {
  let summary = "whether an index lies inside extents";
  let description = [{
    True where `0 <= map(loops..., symbols...)[k] < dims[k]` for every k.

    Constraints: (C1) of `graph.read`, with `dims` for the source's dims.

    Example:
    ```mlir
    %ok = graph.inside [(d0, d1) -> (d0 + d1 - 1)] in <T>
    ```
  }];
  let arguments = (ins Variadic<I32>:$symbols, AffineMapAttr:$map, Graph_DimsAttr:$dims);
  let results = (outs I1:$result);
  let builders = [OpBuilder<(ins "::mlir::AffineMap":$map, "DimsAttr":$dims, CArg<"::mlir::ValueRange", "{}">:$symbols)>];
}

def Graph_IndexOp : Graph_AccessOp<"index"> {
  let summary = "an index expression as a value";
  let description = [{
    The i32 value of a map with one result. Constraints: (C1) of `graph.read`.

    Example:
    ```mlir
    %t = graph.index [(d0, d1) -> (d1 floordiv 2)]
    ```
  }];
  let arguments = (ins Variadic<I32>:$symbols, AffineMapAttr:$map);
  let results = (outs I32:$result);
  let builders = [OpBuilder<(ins "::mlir::AffineMap":$map, CArg<"::mlir::ValueRange", "{}">:$symbols)>];
}

def Graph_SizeOp : Graph_Op<"size", [Pure]> {
  let summary = "an extent as a value";
  let description = [{
    Example:
    ```mlir
    %n = graph.size <B * T>
    ```
  }];
  let arguments = (ins Graph_DimsAttr:$dims);
  let results = (outs I32:$result);
  let assemblyFormat = "custom<BareDims>($dims) attr-dict";
}

def Graph_RandomOp : Graph_AccessOp<"random"> {
  let summary = "a random number, a pure function of its coordinates";
  let description = [{
    Philox2x32-10 (Salmon et al., SC 2011) of key `seed ^ site` and counter
    (linear point, step); `state` holds seed and step. The point is the row-major
    position of `map(loops..., symbols...)` in `dims`, so the same number comes out wherever
    the expression is computed again. `uniform` is in [0, 1); `normal` has mean 0, variance 1.

    Example:
    ```mlir
    %u = graph.random uniform 3 of %rng[(d0, d1) -> (d0, d1)] in <B, 8> : tensor<2xi32>
    ```
  }];
  let arguments = (ins Graph_Draw:$draw, I32Attr:$site, AnyRankedTensor:$state,
                       Variadic<I32>:$symbols, AffineMapAttr:$map, Graph_DimsAttr:$dims);
  let results = (outs F32:$result);
}

def Graph_StopOp : Graph_Op<"stop", [Pure, SameOperandsAndResultType]> {
  let summary = "the same value, through which no gradient flows";
  let description = [{
    Example:
    ```mlir
    %y = graph.stop %x : f32
    ```
  }];
  let arguments = (ins AnyType:$value);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif
