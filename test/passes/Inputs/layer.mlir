// One pre-norm transformer layer, as index notation gives it: an input of tests.
graph.parameter @"ln_1.weight" : tensor<32xf32> normal(0.0, 0.02)
graph.parameter @"ln_1.bias" : tensor<32xf32> normal(0.0, 0.02)
graph.parameter @"attn.weight" : tensor<32x96xf32> normal(0.0, 0.02)
graph.parameter @"attn.bias" : tensor<96xf32> normal(0.0, 0.02)
graph.parameter @"proj.weight" : tensor<32x32xf32> normal(0.0, 0.02)
graph.parameter @"proj.bias" : tensor<32xf32> normal(0.0, 0.02)
graph.parameter @"ln_2.weight" : tensor<32xf32> normal(0.0, 0.02)
graph.parameter @"ln_2.bias" : tensor<32xf32> normal(0.0, 0.02)
graph.parameter @"fc.weight" : tensor<32x64xf32> normal(0.0, 0.02)
graph.parameter @"fc.bias" : tensor<64xf32> normal(0.0, 0.02)
graph.parameter @"out.weight" : tensor<64x32xf32> normal(0.0, 0.02)
graph.parameter @"out.bias" : tensor<32xf32> normal(0.0, 0.02)
func.func @forward(%x: tensor<?x?x32xf32, #graph.dims<B, T, 32>> {graph.name = "x"}) -> tensor<?x?x32xf32, #graph.dims<B, T, 32>> attributes {graph.role = "forward", graph.results = ["y"]} {
  %ln_1_weight = graph.param @"ln_1.weight" : tensor<32xf32>
  %ln_1_bias = graph.param @"ln_1.bias" : tensor<32xf32>
  %attn_weight = graph.param @"attn.weight" : tensor<32x96xf32>
  %attn_bias = graph.param @"attn.bias" : tensor<96xf32>
  %proj_weight = graph.param @"proj.weight" : tensor<32x32xf32>
  %proj_bias = graph.param @"proj.bias" : tensor<32xf32>
  %ln_2_weight = graph.param @"ln_2.weight" : tensor<32xf32>
  %ln_2_bias = graph.param @"ln_2.bias" : tensor<32xf32>
  %fc_weight = graph.param @"fc.weight" : tensor<32x64xf32>
  %fc_bias = graph.param @"fc.bias" : tensor<64xf32>
  %out_weight = graph.param @"out.weight" : tensor<64x32xf32>
  %out_bias = graph.param @"out.bias" : tensor<32xf32>
  %as = graph.compute sum over <B, T> by <32> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    graph.yield %0 : f32
  }
  %am = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %c = arith.constant 0.03125 : f32
    %0 = graph.read %as[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %aq = graph.compute sum over <B, T> by <32> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %am[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = arith.mulf %2, %2 : f32
    graph.yield %3 : f32
  }
  %av = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %c = arith.constant 0.03125 : f32
    %0 = graph.read %aq[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %n1 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %e = arith.constant 1.0e-5 : f32
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %am[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = graph.read %av[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %4 = arith.addf %3, %e : f32
    %5 = math.rsqrt %4 : f32
    %6 = arith.mulf %2, %5 : f32
    %7 = graph.read %ln_1_weight[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %8 = arith.mulf %6, %7 : f32
    %9 = graph.read %ln_1_bias[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %10 = arith.addf %8, %9 : f32
    graph.yield %10 : f32
  }
  %z1 = graph.compute sum over <B, T, 96> by <32> : tensor<?x?x96xf32, #graph.dims<B, T, 96>> {
    %0 = graph.read %n1[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %attn_weight[(d0, d1, d2, d3) -> (d3, d2)] : tensor<32x96xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y1 = graph.compute none over <B, T, 96> by <> : tensor<?x?x96xf32, #graph.dims<B, T, 96>> {
    %0 = graph.read %z1[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x96xf32, #graph.dims<B, T, 96>>
    %1 = graph.read %attn_bias[(d0, d1, d2) -> (d2)] : tensor<96xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %qkv = graph.reshape %y1 : tensor<?x?x96xf32, #graph.dims<B, T, 96>> to tensor<?x?x3x2x16xf32, #graph.dims<B, T, 3, 2, 16>>
  %q = graph.compute none over <B, T, 2, 16> by <> : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
    %0 = graph.read %qkv[(d0, d1, d2, d3) -> (d0, d1, 0, d2, d3)] : tensor<?x?x3x2x16xf32, #graph.dims<B, T, 3, 2, 16>>
    graph.yield %0 : f32
  }
  %k = graph.compute none over <B, T, 2, 16> by <> : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
    %0 = graph.read %qkv[(d0, d1, d2, d3) -> (d0, d1, 1, d2, d3)] : tensor<?x?x3x2x16xf32, #graph.dims<B, T, 3, 2, 16>>
    graph.yield %0 : f32
  }
  %v = graph.compute none over <B, T, 2, 16> by <> : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
    %0 = graph.read %qkv[(d0, d1, d2, d3) -> (d0, d1, 2, d2, d3)] : tensor<?x?x3x2x16xf32, #graph.dims<B, T, 3, 2, 16>>
    graph.yield %0 : f32
  }
  %sc = graph.compute sum over <B, 2, T, T> by <16> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %0 = graph.read %q[(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %1 = graph.read %k[(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %ss = graph.compute none over <B, 2, T, T> by <> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %c = arith.constant 0.25 : f32
    %0 = graph.read %sc[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %mx = graph.compute max over <B, 2, T> by <T> : tensor<?x2x?xf32, #graph.dims<B, 2, T>> {
    %i = graph.index [(d0, d1, d2, d3) -> (d3)]
    %j = graph.index [(d0, d1, d2, d3) -> (d2)]
    %ok = arith.cmpi sle, %i, %j : i32
    %0 = graph.read %ss[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    graph.yield %0 if %ok : f32
  }
  %ex = graph.compute none over <B, 2, T, T> by <> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %i = graph.index [(d0, d1, d2, d3) -> (d3)]
    %j = graph.index [(d0, d1, d2, d3) -> (d2)]
    %ok = arith.cmpi sle, %i, %j : i32
    %z = arith.constant 0.0 : f32
    %0 = graph.read %ss[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = graph.read %mx[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x2x?xf32, #graph.dims<B, 2, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = math.exp %2 : f32
    %4 = arith.select %ok, %3, %z : f32
    graph.yield %4 : f32
  }
  %se = graph.compute sum over <B, 2, T> by <T> : tensor<?x2x?xf32, #graph.dims<B, 2, T>> {
    %0 = graph.read %ex[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    graph.yield %0 : f32
  }
  %pr = graph.compute none over <B, 2, T, T> by <> : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>> {
    %0 = graph.read %ex[(d0, d1, d2, d3) -> (d0, d1, d2, d3)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = graph.read %se[(d0, d1, d2, d3) -> (d0, d1, d2)] : tensor<?x2x?xf32, #graph.dims<B, 2, T>>
    %2 = arith.divf %0, %1 : f32
    graph.yield %2 : f32
  }
  %o = graph.compute sum over <B, T, 2, 16> by <T> : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> {
    %0 = graph.read %pr[(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)] : tensor<?x2x?x?xf32, #graph.dims<B, 2, T, T>>
    %1 = graph.read %v[(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)] : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %o1 = graph.reshape %o : tensor<?x?x2x16xf32, #graph.dims<B, T, 2, 16>> to tensor<?x?x32xf32, #graph.dims<B, T, 32>>
  %z2 = graph.compute sum over <B, T, 32> by <32> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %o1[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %proj_weight[(d0, d1, d2, d3) -> (d3, d2)] : tensor<32x32xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y2 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %z2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %proj_bias[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %x2 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %x[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %y2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %bs = graph.compute sum over <B, T> by <32> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    graph.yield %0 : f32
  }
  %bm = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %c = arith.constant 0.03125 : f32
    %0 = graph.read %bs[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %bq = graph.compute sum over <B, T> by <32> : tensor<?x?xf32, #graph.dims<B, T>> {
    %0 = graph.read %x2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %bm[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = arith.mulf %2, %2 : f32
    graph.yield %3 : f32
  }
  %bv = graph.compute none over <B, T> by <> : tensor<?x?xf32, #graph.dims<B, T>> {
    %c = arith.constant 0.03125 : f32
    %0 = graph.read %bq[(d0, d1) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %1 = arith.mulf %0, %c : f32
    graph.yield %1 : f32
  }
  %n2 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %e = arith.constant 1.0e-5 : f32
    %0 = graph.read %x2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %bm[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %2 = arith.subf %0, %1 : f32
    %3 = graph.read %bv[(d0, d1, d2) -> (d0, d1)] : tensor<?x?xf32, #graph.dims<B, T>>
    %4 = arith.addf %3, %e : f32
    %5 = math.rsqrt %4 : f32
    %6 = arith.mulf %2, %5 : f32
    %7 = graph.read %ln_2_weight[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %8 = arith.mulf %6, %7 : f32
    %9 = graph.read %ln_2_bias[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %10 = arith.addf %8, %9 : f32
    graph.yield %10 : f32
  }
  %z3 = graph.compute sum over <B, T, 64> by <32> : tensor<?x?x64xf32, #graph.dims<B, T, 64>> {
    %0 = graph.read %n2[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %fc_weight[(d0, d1, d2, d3) -> (d3, d2)] : tensor<32x64xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %h = graph.compute none over <B, T, 64> by <> : tensor<?x?x64xf32, #graph.dims<B, T, 64>> {
    %0 = graph.read %z3[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x64xf32, #graph.dims<B, T, 64>>
    %1 = graph.read %fc_bias[(d0, d1, d2) -> (d2)] : tensor<64xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %g = graph.compute none over <B, T, 64> by <> : tensor<?x?x64xf32, #graph.dims<B, T, 64>> {
    %a = arith.constant 0.044715 : f32
    %s = arith.constant 0.7978845608 : f32
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %0 = graph.read %h[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x64xf32, #graph.dims<B, T, 64>>
    %1 = arith.mulf %0, %0 : f32
    %2 = arith.mulf %1, %0 : f32
    %3 = arith.mulf %2, %a : f32
    %4 = arith.addf %0, %3 : f32
    %5 = arith.mulf %4, %s : f32
    %6 = math.tanh %5 : f32
    %7 = arith.addf %6, %one : f32
    %8 = arith.mulf %0, %half : f32
    %9 = arith.mulf %8, %7 : f32
    graph.yield %9 : f32
  }
  %z4 = graph.compute sum over <B, T, 32> by <64> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %g[(d0, d1, d2, d3) -> (d0, d1, d3)] : tensor<?x?x64xf32, #graph.dims<B, T, 64>>
    %1 = graph.read %out_weight[(d0, d1, d2, d3) -> (d3, d2)] : tensor<64x32xf32>
    %2 = arith.mulf %0, %1 : f32
    graph.yield %2 : f32
  }
  %y4 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %z4[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %out_bias[(d0, d1, d2) -> (d2)] : tensor<32xf32>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  %x3 = graph.compute none over <B, T, 32> by <> : tensor<?x?x32xf32, #graph.dims<B, T, 32>> {
    %0 = graph.read %x2[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %1 = graph.read %y4[(d0, d1, d2) -> (d0, d1, d2)] : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
    %2 = arith.addf %0, %1 : f32
    graph.yield %2 : f32
  }
  return %x3 : tensor<?x?x32xf32, #graph.dims<B, T, 32>>
}
