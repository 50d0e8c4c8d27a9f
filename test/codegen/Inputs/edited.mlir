halide.pipeline @k_1 symbols ["N"] {
  halide.input @x <64, N> : f32
  halide.func @t(%c, %i) {
    %0 = halide.load @x[%c, %i] : f32
    %1 = arith.addf %0, %0 : f32
    halide.yield %1 : f32
  }
  halide.func @s(%i) {
    %0 = arith.constant 0.0 : f32
    halide.yield %0 : f32
  }
  halide.update @s(%i) by (%r) in <64> {
    %0 = halide.load @s[%i] : f32
    %1 = halide.load @t[%r, %i] : f32
    %2 = arith.addf %0, %1 : f32
    halide.yield %2 : f32
  }
  halide.func @y(%i) {
    %0 = halide.load @s[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @y result 0 <N> blocks [64]
  halide.split @y "i" into "o", "v" by 16 guard
  halide.reorder @y ["v", "o"]
  halide.vectorize @y "v"
  halide.compute_at @s in @y at "o"
  halide.compute_at @t in @y at "o"
  halide.vectorize @t "c" by 16
}
